"""What the service does by itself, over and over: reads who is who, sweeps, runs errands, throws old things away."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from functools import partial
from typing import Any, Final, TypeVar

import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock, Sleep, at
from app.directory import REFRESH_S, Directory
from app.errors import Permanent, Retry, attempt
from app.live_secrets import LOOK_EVERY_S, LiveSecrets
from app.machine.calendars import mornings
from app.methodology.model import Methodology
from app.operations import SWEEP, Operations, Refused
from app.store import errands, retention, swept, timers
from app.store.store import Store
from app.sweep.lists import LAST_LOOK
from app.tell import Tell, unheard

ERRANDS_EVERY_S: Final = 0.5
"""Costs a look at an index with nothing in it."""
RETENTION_EVERY_S: Final = 3600.0
DIGESTS_EVERY_S: Final = 2.0
"""Costs nothing but a look at the clock, once the mornings of today have begun."""
DIGEST_LATE: Final = timedelta(hours=6)
"""What could not be told in the morning is not told in the evening: the next one holds it as well."""
CLOCKS_EVERY_S: Final = 2.0
"""Costs a look at an index; a new timer may be due before the next one that was known."""
MOST_STRIKES: Final = 50
STORE_FAULTS: Final = (SQLAlchemyError, sqlite3.Error, TimeoutError)

T = TypeVar("T")

log = structlog.get_logger()


class Routines:
    """Started with the service and stopped before its store closes."""

    def __init__(
        self,
        *,
        directory: Directory,
        operations: Operations,
        store: Store,
        clock: Clock,
        sleep: Sleep,
        wake: Callable[[str], None],
        stopping: threading.Event,
        is_listening: asyncio.Event,
        sweep_interval_s: float,
        keep_days: float,
        mornings_of: Methodology | None,
        secrets: LiveSecrets | None = None,
        first_look: Callable[[], object] = lambda: None,
    ) -> None:
        """`sleep`: between two looks at clocks. `first_look`: sees whether the database lacks what GitLab has."""
        self._directory = directory
        self._operations = operations
        self._store = store
        self._clock = clock
        self._sleep = sleep
        self._wake = wake
        self._stopping = stopping
        self._is_listening = is_listening
        self._sweep_interval_s = sweep_interval_s
        self._keep_days = keep_days
        self._mornings_of = mornings_of
        self._secrets = secrets
        self._first_look = first_look
        self._one_at_a_time = asyncio.Lock()
        self._begun: set[tuple[str, str]] = set()
        """Mornings that are in the inbox, for all that is known here; the inbox takes each once in any case."""
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin; the first sweep looks at what was missed while nobody listened."""
        routines: list[Coroutine[Any, Any, None]] = [
            self._warm_up(),
            self._run_errands(),
            self._throw_away(),
            self._strike(),
        ]
        if self._mornings_of is not None:
            routines.append(self._tell_mornings(self._mornings_of))
        if self._sweep_interval_s > 0:
            routines.append(self._sweep())
        if self._secrets is not None and self._secrets.is_watching:
            routines.append(self._look_at(self._secrets))
        self._tasks = [asyncio.create_task(each) for each in routines]

    async def stop(self, patience_s: float) -> bool:
        """End after what is under way; False where that still runs after `patience_s`."""
        self._stopping.set()
        is_done = True
        try:
            async with asyncio.timeout(patience_s):
                await self._one_at_a_time.acquire()
        except TimeoutError:
            is_done = False
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return is_done

    async def carry_out(self, kind: str, words: dict[str, Any], tell: Tell) -> dict[str, Any]:
        """Run an errand in a thread, and wake what has work now. Raises Refused."""
        async with self._one_at_a_time:
            done = await _in_thread(partial(self._operations.carry_out, kind, words, tell))
        for lane in done.lanes:
            self._wake(lane)
        return done.answer

    async def _warm_up(self) -> None:
        while True:
            await self._or_later(partial(_in_thread, self._read_members))
            await asyncio.sleep(REFRESH_S)

    def _read_members(self) -> None:
        try:
            self._first_look()
            self._directory.warm()
        except (Retry, Permanent) as fault:
            # not needed to take deliveries in; whoever needs a name asks for it then
            log.warning("gitlab.not_reached", reason=fault.reason, see=_setting_to_see(fault.reason))

    async def _sweep(self) -> None:
        await self._is_listening.wait()
        while True:
            await self._or_later(self._sweep_unless_another_did)
            await asyncio.sleep(self._sweep_interval_s)

    async def _sweep_unless_another_did(self) -> None:
        if not self._store.is_shared:  # alone, the time before the start is what matters most
            await self.carry_out(SWEEP, {}, unheard)
        elif await _in_thread(partial(self._store.write, swept.claim)):
            try:
                last = await _in_thread(partial(self._store.read, partial(swept.mark, name=LAST_LOOK)))
                if last is None or not 0 <= self._clock() - last < self._sweep_interval_s / 2:
                    await self.carry_out(SWEEP, {}, unheard)
            finally:
                await _in_thread(partial(self._store.write, swept.release))

    async def _run_errands(self) -> None:
        while True:
            if not await self._or_later(self._run_errand):
                await asyncio.sleep(ERRANDS_EVERY_S)

    async def _run_errand(self) -> bool:
        """Whether there was one: who asks for many does not wait between them."""
        waiting = await _in_thread(partial(self._store.read, partial(errands.open_errand, now=self._clock())))
        if waiting is None:
            return False
        try:
            answer: dict[str, Any] = {"done": await self.carry_out(waiting.kind, waiting.words, unheard)}
        except Refused as refused:
            answer = {"refused": str(refused)}
        except STORE_FAULTS as fault:  # not run again and again: who asked may ask again
            answer = {"refused": f"the database could not do it ({type(fault).__name__}); the log has more"}
            log.error("errand.failed", kind=waiting.kind, exc_info=fault)
        await _in_thread(partial(self._store.write, partial(errands.answer, errand_id=waiting.id, words=answer)))
        return True

    async def _look_at(self, secrets: LiveSecrets) -> None:
        while True:
            await self._or_later(partial(_in_thread, secrets.look))
            await asyncio.sleep(LOOK_EVERY_S)

    async def _strike(self) -> None:
        while True:
            if not await self._or_later(self._strike_due):
                await self._sleep(CLOCKS_EVERY_S)

    async def _strike_due(self) -> bool:
        """Whether timers were due."""
        due_at = await _in_thread(partial(self._store.read, timers.next_due))
        if due_at is None or due_at > self._clock():
            return False
        for lane in await _in_thread(partial(self._store.write, self._strike_some)):
            self._wake(lane)
        return True

    async def _tell_mornings(self, methodology: Methodology) -> None:
        while True:
            for lane in await self._or_later(partial(_in_thread, partial(self._begin_days, methodology))) or ():
                self._wake(lane)
            await self._sleep(DIGESTS_EVERY_S)

    def _begin_days(self, methodology: Methodology) -> list[str]:
        now = at(self._clock())
        due = [
            (name, day.isoformat())
            for name, calendar in methodology.calendars.items()
            for day in mornings(now, methodology.digest.at, calendar, within=DIGEST_LATE)
        ]
        if not set(due) - self._begun:
            return []
        lanes = self._store.write(partial(self._begin_some, due=due))
        self._begun = set(due)
        return lanes

    def _begin_some(self, connection: Connection, *, due: list[tuple[str, str]]) -> list[str]:
        begun = (timers.begin_day(connection, name, day, now=self._clock()) for name, day in due)
        lanes = [lane for lane in begun if lane is not None]
        for lane in lanes:
            self._store.defer(connection, lane)
        return lanes

    def _strike_some(self, connection: Connection) -> list[str]:
        lanes = timers.strike(connection, now=self._clock(), most=MOST_STRIKES)
        for lane in lanes:
            self._store.defer(connection, lane)
        return lanes

    async def _throw_away(self) -> None:
        while True:
            await self._or_later(self._throw_away_once)
            await asyncio.sleep(RETENTION_EVERY_S)

    async def _throw_away_once(self) -> None:
        for _ in range(retention.MOST_CHUNKS):
            limits = retention.Limits.of(self._keep_days, now=self._clock())
            gone = await _in_thread(partial(self._store.write, partial(retention.throw_away, limits=limits)))
            if not gone or self._stopping.is_set():
                return

    async def _or_later(self, routine: Callable[[], Awaitable[T]]) -> T | None:
        """Run it; what the store cannot do now it may do the next time (None), and a bug ends no routine."""
        try:
            return await routine()
        except Refused as refused:
            log.error("routine.failed", reason=str(refused))
        except STORE_FAULTS as fault:
            log.error("routine.failed", fault=type(fault).__name__)
        return None


async def _in_thread(do: Callable[[], T]) -> T:
    """Do it beside the event loop. Raises what is expected to go wrong, and Refused for a bug, which is loud."""
    outcome = await asyncio.to_thread(attempt, do)
    if isinstance(outcome, Refused | SQLAlchemyError | sqlite3.Error | TimeoutError):
        raise outcome
    if isinstance(outcome, Exception):
        log.error("routine.hit_bug", exc_info=outcome)
        raise Refused(f"a bug in psplan: {type(outcome).__name__}; the log has more")
    return outcome


def _setting_to_see(reason: str) -> str:
    """Which setting an operator should look at when GitLab cannot be used as it is configured."""
    if "answered 401" in reason or "answered 403" in reason:
        return "PSPLAN_GITLAB_TOKEN: GitLab does not accept it"
    if "answered 404" in reason:
        return "PSPLAN_PROJECT: it is not there, or the bot may not see it"
    if "used up" in reason:
        return "PSPLAN_GITLAB_LIMITS: so many calls a minute are allowed"
    return "PSPLAN_GITLAB_URL: GitLab does not answer there"
