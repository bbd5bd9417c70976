"""The store as its users see it: accept a delivery, write in a transaction, read beside the writer."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from pathlib import Path
from typing import TypeVar

from filelock import FileLock
from sqlalchemy import Connection, Engine, text

from app.engagement import Engagement
from app.store import database, inbox, outbox
from app.store.checkpoint import Checkpointer
from app.store.records import Acceptance
from app.store.writer import PATIENCE_S, Writer

__all__ = ["PATIENCE_S", "Accepted", "Store", "open_store"]

T = TypeVar("T")
Timer = Callable[[], float]

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


class Store:
    """The database of this service. Made by `open_store`; `close` writes what waits."""

    def __init__(
        self, writer: Writer, checkpointer: Checkpointer, reader: Engine, lock: FileLock, timer: Timer
    ) -> None:
        self._writer = writer
        self._checkpointer = checkpointer
        self._reader = reader
        self._lock = lock
        self._timer = timer
        self._rushed_until = timer()
        self.issue_lanes: dict[int, str] = writer.run(outbox.issue_lanes)
        """Number of an issue → engagement; kept in memory because every delivery asks."""

    @property
    def is_rushed(self) -> bool:
        """Whether many senders wait at once: they go first, because GitLab switches a hook off that has to wait."""
        return self._timer() < self._rushed_until

    async def accept(self, acceptance: Acceptance) -> Accepted:
        """Store a delivery before it is acknowledged.

        Raises StoreBusy when too much waits, SQLAlchemyError or sqlite3.Error when it cannot be written.
        """
        if self._writer.arrivals_in_flight >= RUSH:
            self._rushed_until = self._timer() + RUSH_LASTS_S
        if await self._writer.accept(acceptance):
            return Accepted.NEW
        known = self.read(lambda c: inbox.known(c, acceptance.source, acceptance.key))
        if known is not None and known[2] != acceptance.digest:
            return Accepted.OTHER_BODY
        return Accepted.KNOWN

    def lane_of(self, iid: int) -> str | None:
        """The engagement that an issue is known to belong to."""
        return self.issue_lanes.get(iid)

    def learn(self, engagement: Engagement) -> None:
        """Know whose the issues of an engagement are."""
        self.issue_lanes.update({link.iid: engagement.id for link in engagement.issues.values()})

    def write(self, do: Callable[[Connection], T]) -> T:
        """Run `do` in a transaction; returns after the commit is durable. Not for the event loop's thread."""
        return self._writer.run(do)

    def begin_write(self, do: Callable[[Connection], T]) -> Future[T]:
        """The same without waiting for the commit; later writes are committed after it or together with it."""
        return self._writer.submit(do)

    def read(self, do: Callable[[Connection], T]) -> T:
        """Run `do` on a reading connection: sees what is committed, holds up nobody."""
        with self._reader.connect() as connection:
            return do(connection)

    def probe(self) -> None:
        """Prove that the database can be written; raises what the database says."""
        self._writer.run(lambda c: c.execute(text("UPDATE alembic_version SET version_num = version_num")))

    def close(self) -> None:
        """Finish what waits and let go of the file."""
        self._checkpointer.close()
        self._writer.close()
        self._reader.dispose()
        self._lock.release()


def open_store(path: Path, *, timer: Timer = time.monotonic) -> Store:
    """Own the database, bring its schema up to date, start its writer. Raises DatabaseFault.

    `timer` counts seconds from anywhere; it only tells a rush.
    """
    lock = database.own(path)
    engine = database.open_for_writing(path)
    try:
        database.migrate(engine, path)
    except database.DatabaseFault:
        engine.dispose()
        lock.release()
        raise
    checkpointer = Checkpointer(database.open_for_checkpoints(path))
    return Store(Writer(engine, wrote=checkpointer.wrote), checkpointer, database.open_for_reading(path), lock, timer)
