"""`python -m app` is `psplan`."""

import sys

from app.cli import main

sys.exit(main())
