"""Opening PostgreSQL: one writing connection and a few that read for each replica, the schema brought up to date once.

Needs the extra `postgres`. Import this late: whoever uses SQLite has no psycopg.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from functools import partial
from typing import Protocol

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import Connection, Engine, create_engine, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool, StaticPool

from app.clock import Timer
from app.events import ISSUE_LANE
from app.store import outbox
from app.store.database import DatabaseFault, bring_up_to_date
from app.store.examine import Examined
from app.store.records import Acceptance
from app.store.schema import is_number
from app.store.store import LaneQueue, Store
from app.store.writer import Writer, insert_rows

APPLICATION = "psplan"
CONNECT_TIMEOUT_S = 5
STATEMENT_TIMEOUT_S = 20
LOCK_TIMEOUT_S = 10
MIGRATION_PATIENCE_S = 120
"""So long a replica waits at its start for another one that brings the schema up to date."""
MIGRATION_LOCK = 7_236_114_503
"""Any number; the same for every replica."""
SPARE_READERS = 8
"""For the doors, the status page and the metrics, beside one reader for each worker."""
READER_PATIENCE_S = 10

# an end that is gone without a word is noticed after about 25 s of silence, 10 s in the middle of a send
_CONNECTION = {
    "application_name": APPLICATION,
    "connect_timeout": str(CONNECT_TIMEOUT_S),
    "keepalives": "1",
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}


class Jobs(LaneQueue, Protocol):
    """The tables of the job queue, kept in the same database."""

    def prepare(self, connection: Connection, /) -> None:
        """Create them where they are not there."""


def conninfo(url: str, *, options: str = "") -> str:
    """How libpq is to connect; the operator's own words win. May raise DatabaseFault."""
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(url).items()}
        _ = [int(port) for port in given.get("port", "").split(",") if port]
    except (psycopg.ProgrammingError, ValueError):
        # libpq's own words may quote a part of the password
        raise DatabaseFault(
            "PSPLAN_DATABASE_URL is no address of PostgreSQL: are signs in names and password percent-encoded?"
        ) from None
    limits = f"-c statement_timeout={STATEMENT_TIMEOUT_S * 1000} -c lock_timeout={LOCK_TIMEOUT_S * 1000}"
    words = " ".join(each for each in (limits, options, given.pop("options", "")) if each)
    return make_conninfo(**{**_CONNECTION, **given, "options": words})


def open_shared_store(url: str, jobs: Jobs, *, readers: int, timer: Timer = time.monotonic) -> Store:
    """Bring the schema up to date, start the writer. Raises DatabaseFault."""
    with ExitStack() as held:
        # what is acknowledged is on disk, also where the server's default is another
        engine = _engine(conninfo(url, options="-c synchronous_commit=on"), StaticPool)
        held.callback(engine.dispose)
        try:
            _migrate(engine, jobs)
            reader = _reading(url, readers + SPARE_READERS)
            held.callback(reader.dispose)
            writer = Writer(engine, insert=partial(_insert, jobs=jobs))
        except DBAPIError as fault:
            raise DatabaseFault(_cannot_use(fault)) from fault
        held.callback(writer.close)
        return Store(writer, reader, held=held.pop_all(), timer=timer, queue=jobs)


def open_for_reading(url: str) -> Engine:
    """An engine that can only read; raises DatabaseFault where there is no schema yet, or no server."""
    with ExitStack() as held:
        engine = _reading(url, 1)
        held.callback(engine.dispose)
        try:
            with engine.connect() as connection:
                if not inspect(connection).has_table("deliveries"):
                    raise DatabaseFault("There are no tables in this database yet: has `psplan serve` run with it?")
        except DBAPIError as fault:
            raise DatabaseFault(_cannot_use(fault)) from fault
        held.pop_all()
        return engine


def servers_time(connection: Connection) -> float:
    """What the server's clock says, in seconds since 1970."""
    return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())


def examine(url: str) -> Examined:
    """The database by a write that is taken back; which replicas use it, it does not say."""
    name = "PostgreSQL"
    try:
        engine = _engine(conninfo(url), StaticPool)
        with engine.connect() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return _examined_empty(connection, name)
            version = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
            connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
            connection.rollback()
    except DatabaseFault as fault:
        return Examined(name=name, fault=str(fault), mend="mend PSPLAN_DATABASE_URL")
    except DBAPIError as fault:
        return Examined(name=name, fault=_cannot_use(fault), mend="is it up, and may this user write there?")
    return Examined(name=name, has_tables=True, version=version)


def _examined_empty(connection: Connection, name: str) -> Examined:
    may_make = connection.execute(text("SELECT has_schema_privilege(current_schema(), 'CREATE')")).scalar()
    if may_make:
        return Examined(name=name)
    return Examined(name=name, fault="this user can make no tables in it", mend="grant CREATE on its schema")


def _reading(url: str, most: int) -> Engine:
    # each statement for itself: a transaction around one SELECT would cost two trips more
    words = conninfo(url, options="-c default_transaction_read_only=on")
    return _engine(words, QueuePool, pool_size=most, max_overflow=0, pool_timeout=READER_PATIENCE_S).execution_options(
        isolation_level="AUTOCOMMIT"
    )


def _engine(words: str, poolclass: type[QueuePool | StaticPool], **more: int) -> Engine:
    return create_engine(
        "postgresql+psycopg://",
        creator=lambda: psycopg.connect(words),  # libpq reads the address: all that it knows of works here
        poolclass=poolclass,
        hide_parameters=True,  # an error's text goes to the log, and a customer's words must not
        **more,
    )


def _cannot_use(fault: DBAPIError) -> str:
    reason = " ".join(str(fault.orig).split())
    return f"The PostgreSQL database of PSPLAN_DATABASE_URL cannot be used ({reason})."


def _migrate(engine: Engine, jobs: Jobs) -> None:
    """Our schema and that of the jobs, in one transaction, by one replica at a time."""
    with engine.begin() as connection:
        patience_ms = MIGRATION_PATIENCE_S * 1000
        connection.execute(text(f"SET LOCAL lock_timeout = {patience_ms}"))
        connection.execute(text(f"SET LOCAL statement_timeout = {patience_ms}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": MIGRATION_LOCK})
        bring_up_to_date(connection, "This PostgreSQL database")
        jobs.prepare(connection)


def _insert(connection: Connection, arrivals: list[Acceptance], *, jobs: Jobs) -> set[tuple[str, str]]:
    """Store a batch, and defer one job for each lane in it that has new work, in the caller's transaction."""
    arrivals = _in_their_lanes(connection, arrivals)
    values = insert_rows(arrivals, mark="%s")
    new = {(row.source, row.key) for row in connection.exec_driver_sql(*values)}
    lanes = {each.lane: None for each in arrivals if each.state == "waiting" and (each.source, each.key) in new}
    jobs.defer(connection, list(lanes))
    return new


def _in_their_lanes(connection: Connection, arrivals: list[Acceptance]) -> list[Acceptance]:
    """What belongs to an engagement that another replica has made goes into its lane, in its order.

    Asked here because the door must not: it runs on the event loop, and a server may let it wait.
    """
    lanes = {each.lane for each in arrivals if each.lane.startswith(ISSUE_LANE)}
    numbers = {lane: int(iid) for lane in lanes if (iid := lane.removeprefix(ISSUE_LANE)).isdecimal()}
    asked = {number for number in numbers.values() if is_number(number)}
    if not asked:
        return arrivals
    known = outbox.lanes_of_issues(connection, asked)
    return [each._replace(lane=known.get(numbers.get(each.lane, 0), each.lane)) for each in arrivals]
