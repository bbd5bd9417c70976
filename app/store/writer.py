"""One thread writes everything: whatever waits while one commit runs goes into the next (group commit).

So the price of an fsync is shared by all who wait for it, no timer is needed, and SQLite's busy handler, which makes
several writers sleep for a second and more, never comes into play.
"""

from __future__ import annotations

import asyncio
import contextlib
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Generic, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DBAPIError

from app.errors import attempt
from app.store.records import Acceptance

T = TypeVar("T")

MOST_PER_COMMIT = 256
MOST_WAITING = 4096
MOST_WAITING_BYTES = 128 * 1024 * 1024
PATIENCE_S = 60
"""Longest wait of a worker for its commit; a disk that takes longer is broken."""


class StoreBusy(Exception):
    """More waits for the disk than may wait: the sender is told 503 and comes again."""


Insert = Callable[[Connection, list[Acceptance]], set[tuple[str, str]]]
"""Stores deliveries; returns source and key of those that are new."""
_COLUMNS = ", ".join(Acceptance._fields)


@dataclass(slots=True)
class _Arrival:
    acceptance: Acceptance
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[bool]


@dataclass(slots=True)
class _Work(Generic[T]):
    do: Callable[[Connection], T]
    future: Future[T]
    is_lasting: bool = True
    """It has to outlive a loss of power as well, not only this process."""


_Item = _Arrival | _Work[object]


class Writer:
    """The thread, its queue and its one connection."""

    def __init__(self, engine: Engine, *, insert: Insert, wrote: Callable[[int], None] = lambda _: None) -> None:
        """`wrote` hears after each commit how many items were in it."""
        self._engine = engine
        self._connection = engine.connect()
        """Held for good. A server's connection that broke is made anew by the next write."""
        self._insert = insert
        self._wrote = wrote
        self._queue: queue.SimpleQueue[Sequence[_Item] | None] = queue.SimpleQueue()
        self._gathered: list[_Arrival] = []
        """Deliveries that came in with one turn of the event loop, not yet given to the thread."""
        self._is_ending = False
        self._waiting_bytes = 0
        self.arrivals_in_flight = 0
        """Deliveries that wait for their commit; counted by the event loop's thread alone."""
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Batches that wait for the thread."""
        return self._queue.qsize()

    def accept(self, acceptance: Acceptance) -> asyncio.Future[bool]:
        """Store a delivery; done when it is durable: True if it is new, False if its key was there already.

        Raises StoreBusy at once where too much waits already; the future, what the database says. Not to be cancelled:
        a delivery takes up room until it is written, whether or not its sender still waits.
        """
        size = len(acceptance.body or b"")
        if self.arrivals_in_flight >= MOST_WAITING or self._waiting_bytes + size > MOST_WAITING_BYTES:
            raise StoreBusy
        loop = asyncio.get_running_loop()
        future: asyncio.Future[bool] = loop.create_future()
        future.add_done_callback(partial(self._leave, size))
        self._waiting_bytes += size
        self.arrivals_in_flight += 1
        self._gather(_Arrival(acceptance, loop, future))
        return future

    def _leave(self, size: int, _: asyncio.Future[bool]) -> None:
        self._waiting_bytes -= size
        self.arrivals_in_flight -= 1

    def _gather(self, arrival: _Arrival) -> None:
        # what came in together is handed over together: one wake-up of the thread, one statement, one fsync
        if not self._gathered or self._gathered[-1].loop is not arrival.loop:
            arrival.loop.call_soon(self._hand_over)
        self._gathered.append(arrival)

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        self._queue.put(gathered)

    def submit(self, do: Callable[[Connection], T], *, is_lasting: bool = True) -> Future[T]:
        """Have `do` run in a transaction; the future is done after its commit, and, `is_lasting`, after its fsync."""
        future: Future[T] = Future()
        self._queue.put((_Work(do, future, is_lasting),))  # type: ignore[arg-type]
        return future

    def run(self, do: Callable[[Connection], T]) -> T:
        """Run `do` in a transaction and return after its commit. It may be run a second time if a neighbour failed."""
        return self.submit(do).result(timeout=PATIENCE_S)

    def close(self) -> None:
        """Finish what waits, then stop."""
        self._queue.put(None)
        self._thread.join(PATIENCE_S)
        self._connection.close()
        self._engine.dispose()

    def _run(self) -> None:
        while (items := self._next()) is not None:
            _commit(self._connection, items, self._insert)
            self._wrote(len(items))

    def _next(self) -> list[_Item] | None:
        """What waits now, at most one commit's worth; None at the end."""
        if self._is_ending or (first := self._queue.get()) is None:
            return None
        items = list(first)
        with contextlib.suppress(queue.Empty):
            while len(items) < MOST_PER_COMMIT:
                more = self._queue.get_nowait()
                if more is None:
                    self._is_ending = True
                    break
                items += more
        return items


def _commit(connection: Connection, items: list[_Item], insert: Insert) -> None:
    outcomes = attempt(lambda: _write(connection, items, insert))
    if not isinstance(outcomes, Exception):
        _tell(items, outcomes)
    elif len(items) == 1 or _is_out_of_reach(outcomes):
        _tell(items, [outcomes] * len(items))
    else:
        for item in items:  # one of them is to blame and nothing was written: each for itself
            _commit(connection, [item], insert)


def _is_out_of_reach(fault: Exception) -> bool:
    """Whether the database is to blame, not what was to be written; a connection that never came to be has no code.

    A file that another process keeps locked has cost SQLite's patience once: each for itself would pay it again, and
    all who come meanwhile would wait behind them.
    """
    cause = fault.orig if isinstance(fault, DBAPIError) else fault
    if isinstance(cause, sqlite3.OperationalError):
        return getattr(cause, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & 0xFF == sqlite3.SQLITE_BUSY
    return isinstance(fault, DBAPIError) and (fault.connection_invalidated or getattr(cause, "sqlstate", "") is None)


def _write(connection: Connection, items: list[_Item], insert: Insert) -> list[object]:
    arrivals = [item.acceptance for item in items if isinstance(item, _Arrival)]
    if len(arrivals) == len(items) and insert is insert_into_file:
        # one statement alone is a transaction of its own, and saves this path two trips into SQLite
        return _outcomes(connection, items, insert(connection, arrivals))
    is_lasting = any(isinstance(item, _Arrival) or item.is_lasting for item in items)
    with connection.begin() if is_lasting else _in_passing(connection):
        return _outcomes(connection, items, insert(connection, arrivals) if arrivals else set())


@contextlib.contextmanager
def _in_passing(connection: Connection) -> Iterator[None]:
    """A transaction that waits for no disk: it outlives this process, and a loss of power with the next lasting one.

    Either way the database stays whole (sqlite.org, "pragma synchronous"; PostgreSQL, "Asynchronous Commit").
    """
    if connection.dialect.name != "sqlite":
        with connection.begin():
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
            yield
        return
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101
    driver.execute("PRAGMA synchronous=NORMAL").close()
    try:
        with connection.begin():
            yield
    finally:
        driver.execute("PRAGMA synchronous=FULL").close()


def _outcomes(connection: Connection, items: list[_Item], new: set[tuple[str, str]]) -> list[object]:
    outcomes: list[object] = []
    for item in items:
        if isinstance(item, _Arrival):
            name = (item.acceptance.source, item.acceptance.key)
            outcomes.append(name in new)
            new.discard(name)  # the same key twice in one batch: the first one is the new one
        else:
            outcomes.append(item.do(connection))
    return outcomes


def insert_into_file(connection: Connection, arrivals: list[Acceptance]) -> set[tuple[str, str]]:
    """SQLite: plain SQL through the driver, because this is the one path whose cost counts."""
    driver = connection.connection.driver_connection
    assert driver is not None  # noqa: S101
    return set(driver.execute(*insert_rows(arrivals, mark="?")).fetchall())


def insert_rows(arrivals: list[Acceptance], *, mark: str) -> tuple[str, tuple[object, ...]]:
    """One statement for the whole batch, and its values; `mark`: the driver's sign for a value."""
    row = "(" + ", ".join([mark] * len(Acceptance._fields)) + ")"
    statement = (
        f"INSERT INTO deliveries ({_COLUMNS}) VALUES {', '.join([row] * len(arrivals))} "  # noqa: S608
        "ON CONFLICT (source, key) DO NOTHING RETURNING source, key"
    )
    return statement, tuple(chain.from_iterable(arrivals))


def _tell(items: list[_Item], outcomes: list[object]) -> None:
    arrivals: dict[asyncio.AbstractEventLoop, list[tuple[asyncio.Future[bool], object]]] = {}
    for item, outcome in zip(items, outcomes, strict=True):
        if isinstance(item, _Arrival):
            arrivals.setdefault(item.loop, []).append((item.future, outcome))
        elif isinstance(outcome, BaseException):
            item.future.set_exception(outcome)
        else:
            item.future.set_result(outcome)
    for loop, told in arrivals.items():
        with contextlib.suppress(RuntimeError):  # the loop is gone: nobody waits any more
            loop.call_soon_threadsafe(_resolve, told)


def _resolve(told: list[tuple[asyncio.Future[bool], object]]) -> None:
    for future, outcome in told:
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(bool(outcome))
