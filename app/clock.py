"""Time as a value that is passed in: the only place that asks the machine what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds since 1970, UTC."""

system_clock: Clock = time.time


def at(seconds: float) -> datetime:
    """The moment as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)
