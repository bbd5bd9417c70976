"""The store as its users see it: accept a delivery, write in a transaction, read beside the writer."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from enum import Enum
from pathlib import Path
from typing import TypeVar

from filelock import FileLock
from sqlalchemy import Connection, Engine, text

from app.store import database, inbox, outbox
from app.store.writer import Acceptance, Writer

T = TypeVar("T")


class Accepted(Enum):
    """What became of a delivery at the door."""

    NEW = "new"
    KNOWN = "known"
    OTHER_BODY = "other_body"
    """Its key was used before, for other content."""


class Store:
    """The database of this service. Made by `open_store`; `close` writes what waits."""

    def __init__(self, writer: Writer, reader: Engine, lock: FileLock) -> None:
        self._writer = writer
        self._reader = reader
        self._lock = lock
        self.issue_lanes: dict[int, str] = writer.run(outbox.issue_lanes)
        """Number of an issue → engagement; kept in memory because every delivery asks."""

    @property
    def arrivals_in_flight(self) -> int:
        """Deliveries whose senders wait for their 202."""
        return self._writer.arrivals_in_flight

    async def accept(self, acceptance: Acceptance) -> Accepted:
        """Store a delivery before it is acknowledged.

        Raises StoreBusy when too much waits, SQLAlchemyError or sqlite3.Error when it cannot be written.
        """
        if await self._writer.accept(acceptance):
            return Accepted.NEW
        known = self.read(lambda c: inbox.known(c, acceptance.source, acceptance.key))
        if known is not None and known[2] != acceptance.digest:
            return Accepted.OTHER_BODY
        return Accepted.KNOWN

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
        self._writer.close()
        self._reader.dispose()
        self._lock.release()


def open_store(path: Path) -> Store:
    """Own the database, bring its schema up to date, start its writer. Raises DatabaseFault."""
    lock = database.own(path)
    engine = database.open_for_writing(path)
    try:
        database.migrate(engine, path)
    except database.DatabaseFault:
        engine.dispose()
        lock.release()
        raise
    return Store(Writer(engine), database.open_for_reading(path), lock)
