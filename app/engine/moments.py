"""Moments of this life, known by two clocks: what was noted by the wall clock is counted by one that nobody sets.

The database knows moments by the wall clock, which other lives and other replicas share. But that one may be set while
work waits: set back by hours, it would make a try that is due in two seconds wait for hours; set forward, it would end
the grace of a write in doubt at once. So each moment that this life stores is remembered by its timer as well.
"""

from __future__ import annotations

import threading
from typing import Final

from app.clock import Clock, Timer

MOST_REMEMBERED: Final = 20_000
"""The oldest are forgotten then, and counted by the wall clock."""


class Moments:
    """Shared by all worker threads."""

    def __init__(self, clock: Clock, timer: Timer) -> None:
        self._clock = clock
        self.timer = timer
        self._began_at = timer()
        self._lock = threading.Lock()
        self._by_timer: dict[float, float] = {}

    def note(self, *, in_s: float = 0.0) -> float:
        """The moment so many seconds from now, to be stored."""
        moment = self._clock() + in_s
        with self._lock:
            self._by_timer[moment] = self.timer() + in_s
            if len(self._by_timer) > MOST_REMEMBERED:
                del self._by_timer[next(iter(self._by_timer))]
        return moment

    def until_s(self, moment: float) -> float:
        """Seconds until a moment; below zero where it has passed."""
        by_timer = self._by_timer.get(moment)
        return moment - self._clock() if by_timer is None else by_timer - self.timer()

    def life_s(self) -> float:
        """How long this life has lasted."""
        return self.timer() - self._began_at
