"""Time as a value that is passed in: the only place that asks the machine what time it is."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from weakref import WeakKeyDictionary

Clock = Callable[[], float]
"""Seconds since 1970, UTC."""
Timer = Callable[[], float]
"""Seconds from anywhere, which pass whatever happens: a clock may be set while something waits, a timer is not."""

Sleep = Callable[[float], Awaitable[None]]
"""Lets so many seconds pass, or fewer where the clock was moved."""

system_clock: Clock = time.time


class MovableClock:
    """A clock that goes on as another does, and can be moved forward: for a sandbox in which nobody waits for days."""

    def __init__(self, clock: Clock = time.time) -> None:
        self._clock = clock
        self._ahead_s = 0.0
        self._moves = 0
        self._seen: WeakKeyDictionary[object, int] = WeakKeyDictionary()
        """Task → how many moves it knows of: one that comes while it looks at the clock does not escape it."""
        self._sleepers: list[Callable[[], object]] = []

    def __call__(self) -> float:
        """The present."""
        return self._clock() + self._ahead_s

    def move(self, seconds: float) -> None:
        """Let so much time pass at once, and wake whoever sleeps by this clock; from any thread."""
        self._ahead_s += seconds
        self._moves += 1
        for wake in tuple(self._sleepers):
            with suppress(RuntimeError):  # an event loop that has just ended
                wake()

    async def sleep(self, seconds: float) -> None:
        """Until the seconds have really passed, or the clock was moved since this task last slept."""
        task, moved = asyncio.current_task(), asyncio.Event()
        wake = partial(asyncio.get_running_loop().call_soon_threadsafe, moved.set)
        self._sleepers.append(wake)
        try:
            if self._seen.get(task, 0) == self._moves:
                async with asyncio.timeout(seconds):
                    await moved.wait()
        except TimeoutError:
            pass
        finally:
            self._sleepers.remove(wake)
            self._seen[task] = self._moves


def steady_clock() -> float:
    """Seconds from anywhere, never set; they pass also while the machine sleeps, where the system can tell."""
    boot = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot is None else time.clock_gettime(boot)


def at(seconds: float) -> datetime:
    """The moment as an aware datetime in UTC."""
    return datetime.fromtimestamp(seconds, tz=UTC)
