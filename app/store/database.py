"""Opening the SQLite file: one writing owner, any number of readers, and the schema's version checked before use.

WAL with `synchronous=FULL`: with NORMAL a commit that was acknowledged may be gone after a power loss (SQLite,
"pragma synchronous"); grouped commits make the difference small.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

from filelock import FileLock, Timeout
from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from app.store import pipeline
from app.store.schema import SCHEMA_VERSION, metadata

BUSY_TIMEOUT_S = 5
LONGEST_LOG_PAGES = 16_000
"""64 MiB: past this a commit moves the log itself, should the checkpoints beside it not keep up."""


class DatabaseFault(Exception):
    """The database cannot be used; the text says why and what to do."""


class DatabaseInUse(DatabaseFault):
    """Another process owns it: that one can be asked."""


def need_postgres() -> None:
    """Raise DatabaseFault where the extra for PostgreSQL is not installed."""
    try:
        import procrastinate  # noqa: F401
        import psycopg  # noqa: F401
    except ImportError as fault:
        raise DatabaseFault(
            f"PSPLAN_DATABASE_URL names PostgreSQL, and {fault.name or 'its client'} is not installed: "
            "pip install 'ps-plan-bot[postgres]'"
        ) from fault


def own(path: Path) -> FileLock:
    """Be the one process that writes this database; raises DatabaseFault where another one is.

    The lock is the operating system's: it goes with the process, however that ends.
    """
    lock = FileLock(path.with_name(path.name + ".lock"), timeout=0)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except Timeout:
        raise DatabaseInUse(
            f"{path} is in use by another psplan process: stop that one, or use its database."
        ) from None
    except OSError as fault:
        raise DatabaseFault(f"{path} cannot be written ({fault.strerror}).") from fault
    return lock


def open_for_writing(path: Path) -> Engine:
    """An engine over one connection that may wander between threads but is used by one at a time."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "isolation_level": None, "timeout": BUSY_TIMEOUT_S},
        hide_parameters=True,  # an error's text goes to the log, and a customer's words must not
    )

    @event.listens_for(engine, "connect")
    def _settle(connection: sqlite3.Connection, _record: object) -> None:
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "journal_size_limit=67108864",
            "temp_store=MEMORY",
            f"wal_autocheckpoint={LONGEST_LOG_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # the driver's own BEGIN comes too late (before the first write), after which a reader could not become a writer
        connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine


def open_beside(path: Path) -> Engine:
    """An engine for a second process to leave an errand with the owner: one short write, which may wait its turn."""
    return create_engine(f"sqlite:///{path}", connect_args={"timeout": BUSY_TIMEOUT_S}, hide_parameters=True)


def open_for_checkpoints(path: Path) -> Engine:
    """An engine for the thread that makes checkpoints; it writes nothing else."""
    return create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S}
    )


def open_for_reading(path: Path) -> Engine:
    """An engine that can only read; raises DatabaseFault where there is no database yet."""
    if not path.exists():
        raise DatabaseFault(f"There is no database at {path} yet: has `psplan serve` run here?")
    return create_engine(
        f"sqlite:///file:{path}?mode=ro&uri=true",
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_S},
        hide_parameters=True,
    )


def migrate(engine: Engine, path: Path) -> None:
    """Bring the schema to the present version; raises DatabaseFault for a newer or a damaged file."""
    try:
        with engine.connect() as connection:
            _version(connection)
    except DatabaseError as fault:
        raise DatabaseFault(
            f"{path} is not a usable database ({fault.orig}): restore a back-up or move it away."
        ) from fault
    with engine.begin() as connection:
        bring_up_to_date(connection, str(path))


def bring_up_to_date(connection: Connection, name: str) -> None:
    """Create the tables, or run the migrations that are lacking; raises DatabaseFault for a newer schema."""
    version = _version(connection)
    if version is None:
        _create(connection)
        return
    if version > SCHEMA_VERSION:
        raise DatabaseFault(
            f"{name} was written by a newer psplan (schema {version}, this one knows {SCHEMA_VERSION}): upgrade psplan."
        )
    if version < SCHEMA_VERSION:
        upgrade(connection)
    # also where nothing was to be upgraded: during a rolling restart an older replica writes what it does not know of
    pipeline.fill(connection)


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def _create(connection: Connection) -> None:
    """A new database is made as the tables are now; a test holds the migrations to the same end."""
    metadata.create_all(connection)
    connection.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)"))
    connection.execute(text("INSERT INTO alembic_version VALUES (:version)"), {"version": SCHEMA_VERSION})


def upgrade(connection: Connection) -> None:
    """Run the migrations that the database lacks, in the caller's transaction."""
    # imported late: Alembic costs 10 MB and 0.2 s, and neither a new nor a current database needs it
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
