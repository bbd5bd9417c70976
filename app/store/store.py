"""The store as its users see it: accept a delivery, write in a transaction, read beside the writer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection
from concurrent.futures import Future
from contextlib import ExitStack
from contextvars import Context
from enum import Enum
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from app.clock import Timer
from app.engagement import Engagement
from app.store import database, inbox, outbox
from app.store.checkpoint import Checkpointer
from app.store.records import Acceptance
from app.store.schema import DeliveryState, is_number
from app.store.writer import PATIENCE_S, StoreBusy, Writer, insert_into_file

__all__ = ["PATIENCE_S", "Accepted", "Store", "open_store"]

T = TypeVar("T")

ACCEPT_PATIENCE_S = 5.0
"""So long a sender is kept waiting: GitLab hangs up after ten seconds, and half of them are the network's."""
RUSH = 4
"""So many senders waiting at once are a rush."""
RUSH_LASTS_S = 0.05
"""Answers go out in bursts, so that for moments nobody waits; a rush is over when it stays so."""


class Accepted(Enum):
    """What became of a delivery at the door."""

    NEW = "new"
    KNOWN = "known"
    OTHER_BODY = "other_body"
    """Its key was used before, for other content."""


class LaneQueue(Protocol):
    """Wakes lanes on whichever replica is free."""

    def defer(self, connection: Connection, lanes: Collection[str], /) -> None:
        """Within the caller's transaction: these lanes have work."""


class Store:
    """The database of this service. Made by `open_store` or `open_shared_store`; `close` writes what waits."""

    def __init__(
        self, writer: Writer, reader: Engine, *, held: ExitStack, timer: Timer, queue: LaneQueue | None = None
    ) -> None:
        """`held`: what `close` lets go. `queue`: several replicas share this database, and wake each other."""
        self._writer = writer
        self._reader = reader
        self._held = held
        self._timer = timer
        self._queue = queue
        self._rushed_until = timer()
        self.issue_lanes: dict[int, str] = writer.run(outbox.issue_lanes)
        """Number of an issue → engagement; kept in memory because every delivery asks.

        Another replica's newest may be lacking: `lane_of` knows them, and so does whoever stores a delivery there.
        """

    def lane_of(self, iid: int) -> str | None:
        """The engagement that an issue belongs to, also where another replica has made it; not for the event loop."""
        known = self.issue_lanes.get(iid)
        if known is None and self._queue is not None and is_number(iid):
            known = self.read(partial(outbox.lane_of_issue, iid=iid))
            if known is not None:
                self.issue_lanes[iid] = known
        return known

    @property
    def is_shared(self) -> bool:
        """Whether other replicas may use this database."""
        return self._queue is not None

    def defer(self, connection: Connection, lane: str) -> None:
        """Within a transaction: this lane has work. One process alone is told by its scheduler, and needs no job."""
        if self._queue is not None:
            self._queue.defer(connection, [lane])

    @property
    def is_rushed(self) -> bool:
        """Whether many senders wait at once: they go first, because GitLab switches a hook off that has to wait."""
        return self._timer() < self._rushed_until

    @property
    def queued(self) -> int:
        """Batches of writes that wait for the writer."""
        return self._writer.waiting

    async def accept(self, acceptance: Acceptance, *, wake: Callable[[str], None] = lambda _: None) -> Accepted:
        """Store a delivery before it is acknowledged.

        Raises StoreBusy when too much waits or it takes too long, SQLAlchemyError or sqlite3.Error when it cannot be
        written. What took too long may be written later: then `wake` hears its lane, and whoever sends it again finds
        it known.
        """
        if self._writer.arrivals_in_flight >= RUSH:
            self._rushed_until = self._timer() + RUSH_LASTS_S
        writing = self._writer.accept(acceptance)
        try:
            async with asyncio.timeout(ACCEPT_PATIENCE_S):
                return await self._outcome(acceptance, writing)
        except TimeoutError:
            # in no context: what is woken may belong to other deliveries as well
            writing.add_done_callback(partial(_wake_late, acceptance=acceptance, wake=wake), context=Context())
            raise StoreBusy from None

    async def _outcome(self, acceptance: Acceptance, writing: asyncio.Future[bool]) -> Accepted:
        if await asyncio.shield(writing):
            return Accepted.NEW
        ask = partial(self.read, lambda c: inbox.known(c, acceptance.source, acceptance.key))
        # a file answers at once; a server may keep this thread waiting, and with it every other sender
        known = ask() if self._queue is None else await asyncio.to_thread(ask)
        if known is not None and known[2] != acceptance.digest:
            return Accepted.OTHER_BODY
        return Accepted.KNOWN

    def learn(self, engagement: Engagement) -> None:
        """Know whose the issues of an engagement are."""
        self.issue_lanes.update({link.iid: engagement.id for link in engagement.issues.values()})

    def write(self, do: Callable[[Connection], T]) -> T:
        """Run `do` in a transaction; returns after the commit is durable. Not for the event loop's thread."""
        return self._writer.run(do)

    def note(self, do: Callable[[Connection], T]) -> T:
        """The same for what has to outlive this process, but not a loss of power: it waits for no disk."""
        return self._writer.submit(do, is_lasting=False).result(timeout=PATIENCE_S)

    def begin_write(self, do: Callable[[Connection], T]) -> Future[T]:
        """Write without waiting for the commit; later writes are committed after it or together with it."""
        return self._writer.submit(do)

    def read(self, do: Callable[[Connection], T]) -> T:
        """Run `do` on a reading connection: sees what is committed, holds up nobody.

        Once more where its connection had broken since it was last used, as all of them do when a server restarts.
        """
        try:
            with self._reader.connect() as connection:
                return do(connection)
        except DBAPIError as fault:
            if not fault.connection_invalidated:
                raise
        with self._reader.connect() as connection:
            return do(connection)

    def probe(self) -> None:
        """Prove that the database can be written; raises what the database says."""
        self._writer.run(lambda c: c.execute(text("UPDATE alembic_version SET version_num = version_num")))

    def close(self) -> None:
        """Finish what waits and let go of the database."""
        self._held.close()


def _wake_late(writing: asyncio.Future[bool], *, acceptance: Acceptance, wake: Callable[[str], None]) -> None:
    if writing.exception() is None and writing.result() and acceptance.state == DeliveryState.WAITING.value:
        wake(acceptance.lane)


def open_store(path: Path, *, timer: Timer = time.monotonic) -> Store:
    """Own the SQLite file, bring its schema up to date, start its writer. Raises DatabaseFault.

    `timer` only tells a rush.
    """
    with ExitStack() as held:
        held.callback(database.own(path).release)
        engine = database.open_for_writing(path)
        held.callback(engine.dispose)
        database.migrate(engine, path)
        reader = database.open_for_reading(path)
        held.callback(reader.dispose)
        checkpointer = Checkpointer(database.open_for_checkpoints(path))
        writer = Writer(engine, insert=insert_into_file, wrote=checkpointer.wrote)
        held.callback(writer.close)
        held.callback(checkpointer.close)
        return Store(writer, reader, held=held.pop_all(), timer=timer)
