"""The clock that replicas have in common: their own, put right by the database server's.

What one replica postpones another one may take up, and a write in doubt is counted by whoever looks at it: replicas
whose own clocks differ would wait minutes too long, or not at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from app.clock import Clock

log = structlog.get_logger()

TOLERANCE_S: Final = 1.0
"""Clocks that differ by less are taken to agree; so little says nothing on a busy machine."""


class CommonClock:
    """Tells the time as `own` does, and as much later or earlier as `compare` last found it to be wrong."""

    def __init__(self, own: Clock, ask_server: Callable[[], float]) -> None:
        self._own = own
        self._ask_server = ask_server
        self._behind_s = 0.0

    def __call__(self) -> float:
        """Seconds since 1970."""
        return self._own() + self._behind_s

    def compare(self) -> None:
        """Look at the server's clock. Raises what the database says."""
        asked_at = self._own()
        servers = self._ask_server()
        answered_at = self._own()
        if not 0 <= answered_at - asked_at < TOLERANCE_S:
            return  # it cannot be told when the server looked: the next one will do
        behind_s = servers - answered_at
        if abs(behind_s - self._behind_s) > TOLERANCE_S:
            log.warning("clock.differs_from_the_servers", behind_s=round(behind_s, 1))
            self._behind_s = behind_s
