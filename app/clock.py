"""Time as a value that is passed in: the only place that asks the machine what time it is."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], float]
"""Seconds since 1970, UTC."""
Timer = Callable[[], float]
"""Seconds from anywhere, which pass whatever happens: a clock may be set while something waits, a timer is not."""

system_clock: Clock = time.time


class MovableClock:
    """A clock that goes on as another does, and can be moved forward: for a sandbox in which nobody waits for days."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._ahead_s = 0.0

    def __call__(self) -> float:
        """The present."""
        return self._clock() + self._ahead_s

    def move(self, seconds: float) -> None:
        """Let so much time pass at once."""
        self._ahead_s += seconds


def steady_clock() -> float:
    """Seconds from anywhere, never set; they pass also while the machine sleeps, where the system can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def at(seconds: float) -> datetime:
    """The moment as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)
