"""`psplan` that waits for strangers a tenth as long and lets fewer in, so that its tests need not wait either."""

from __future__ import annotations

import sys

from app import cli_serve
from app.cli import main
from app.ingress import body, connection

HEAD_S = 1.0
MOST_CONNECTIONS = 250

connection.HEAD_TIMEOUT_S = HEAD_S
connection.LINGER_S = 0.5
body.READ_TIMEOUT_S = 1.0
cli_serve.MOST_CONNECTIONS = MOST_CONNECTIONS

if __name__ == "__main__":
    sys.exit(main())
