"""One process runs everything: an asyncio scheduler that gives each lane its turn in a worker thread.

Lanes run in parallel, each in its own order. A lane that has to wait (retry, grace) holds no worker: it comes back by a
timer. No leases: the file has one owner, and what a dead process left undone is found at the start.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import structlog

from app.engine.pace import RUSH_PAUSE_S, RUSH_TURN_EVERY_S, TURN_FAILED_WAIT_S
from app.engine.process import Later, Moved

log = structlog.get_logger()

FARTHEST_TIMER_S = 3600.0
"""What was postponed before the start waits by the wall clock, which may be set meanwhile: so it is looked at again."""

Turn = Callable[[str], Sequence[Later | Moved]]


class Scheduler:
    """Gives lanes their turns. All methods but the turns themselves run on the event loop's thread."""

    def __init__(self, turn: Turn, *, workers: int, is_rushed: Callable[[], bool]) -> None:
        self._turn = turn
        self._is_rushed = is_rushed
        self._last_start = 0.0
        self._resume: asyncio.TimerHandle | None = None
        self._workers = workers
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="turn")
        self._ready: deque[str] = deque()
        self._queued: set[str] = set()
        self._running: dict[str, bool] = {}
        """Lane → whether more came in while it was running."""
        self._timers: dict[str, tuple[float, asyncio.TimerHandle]] = {}
        """Lane → its appointment, by the event loop's time."""
        self._turns: set[asyncio.Future[Sequence[Later | Moved]]] = set()
        self._draining = False

    def wake(self, lane: str) -> None:
        """The lane has work now."""
        if lane in self._running:
            self._running[lane] = True
        elif lane not in self._queued:
            self._queued.add(lane)
            self._ready.append(lane)
        self._pump()

    def wake_in(self, lane: str, wait_s: float) -> None:
        """The lane has work in so many seconds; an earlier appointment stands."""
        loop = asyncio.get_running_loop()
        due_at, known = loop.time() + wait_s, self._timers.get(lane)
        if known is not None and known[0] <= due_at:
            return
        if known is not None:
            known[1].cancel()
        handle = loop.call_later(min(max(0.0, wait_s), FARTHEST_TIMER_S), self._strike, lane)
        self._timers[lane] = (due_at, handle)

    def trouble(self) -> str | None:
        """A turn that failed in the store is tried again, and nothing else can keep a lane from its turn."""
        return None

    def is_idle(self, *, within_s: float) -> bool:
        """Whether nothing runs, and nothing is due within that time."""
        soon = asyncio.get_running_loop().time() + within_s
        return not self._running and not self._ready and all(due_at > soon for due_at, _ in self._timers.values())

    async def drain(self, patience_s: float) -> bool:
        """Start nothing more and wait for what runs; False if something still runs after `patience_s`."""
        self._draining = True
        for handle in (*(handle for _, handle in self._timers.values()), self._resume):
            if handle is not None:
                handle.cancel()
        if self._turns:
            await asyncio.wait(self._turns, timeout=patience_s)
        finished = not self._turns
        self._pool.shutdown(wait=finished, cancel_futures=True)
        return finished

    def _strike(self, lane: str) -> None:
        self._timers.pop(lane, None)
        self.wake(lane)

    def _pump(self) -> None:
        while self._ready and len(self._running) < self._workers and not self._draining:
            if self._must_stand_back():
                self._pump_later()
                return
            lane = self._ready.popleft()
            self._queued.discard(lane)
            self._running[lane] = False
            turn = asyncio.get_running_loop().run_in_executor(self._pool, self._turn, lane)
            self._turns.add(turn)
            turn.add_done_callback(partial(self._ended, lane))

    def _must_stand_back(self) -> bool:
        """Whether work has to stand back for those who wait at the door; notes the moment when it has not."""
        now = asyncio.get_running_loop().time()
        if self._is_rushed() and now - self._last_start < RUSH_TURN_EVERY_S:
            return True
        self._last_start = now
        return False

    def _pump_later(self) -> None:
        if self._resume is None:
            self._resume = asyncio.get_running_loop().call_later(RUSH_PAUSE_S, self._pump_now)

    def _pump_now(self) -> None:
        self._resume = None
        self._pump()

    def _ended(self, lane: str, turn: asyncio.Future[Sequence[Later | Moved]]) -> None:
        self._turns.discard(turn)
        came_in_meanwhile = self._running.pop(lane)
        if turn.cancelled():
            return  # it never began: the service is stopping
        if (fault := turn.exception()) is not None:
            # the store itself failed, since a turn answers for everything else: nothing is lost, it waits in the inbox
            log.error("turn.failed", lane=lane, exc_info=fault)
        outcome = turn.result() if fault is None else [Later(TURN_FAILED_WAIT_S)]
        for onward in outcome:
            if isinstance(onward, Moved):
                self.wake(onward.lane)
            else:
                self.wake_in(lane, onward.wait_s)
        if came_in_meanwhile:
            self.wake(lane)
        self._pump()
