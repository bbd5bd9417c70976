"""`psplan` that logs everything, its libraries' debugging included: what a secret must not be found in."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterable
from typing import Any

import structlog

from app import cli_serve
from app.cli import main
from app.engine import retry

_set_up = cli_serve.set_up_logs


def _talk(**given: Any) -> Callable[[Iterable[str]], None]:
    hide = _set_up(**given)
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG))
    logging.getLogger().setLevel(logging.DEBUG)
    return hide


cli_serve.set_up_logs = _talk
retry.SCHEDULE_S = (0.2,) * 9

if __name__ == "__main__":
    sys.exit(main())
