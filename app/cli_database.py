"""Reading the database beside a running service, for commands; what goes wrong is one clear line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from app.failure import Failure
from app.settings import DatabaseSettings, load_part
from app.store.database import DatabaseFault, need_postgres, open_for_reading
from app.store.memory import Read

T = TypeVar("T")


@contextmanager
def reading() -> Iterator[Read]:
    """How a command reads as long as it runs. Raises Failure or SettingsFault, and so does each reading."""
    settings = load_part(DatabaseSettings)
    try:
        engine = _open(settings)
    except DatabaseFault as fault:
        raise Failure(str(fault)) from fault

    def read(do: Callable[[Connection], T]) -> T:
        try:
            with engine.connect() as connection:
                return do(connection)
        except DatabaseError as fault:
            raise Failure(f"{settings.database_name} cannot be read ({fault.orig})") from fault

    try:
        yield read
    finally:
        engine.dispose()


def _open(settings: DatabaseSettings) -> Engine:
    if not settings.is_shared:
        return open_for_reading(settings.database_path)
    need_postgres()
    from app.store import postgres  # late: whoever uses SQLite has no psycopg

    return postgres.open_for_reading(settings.database_url)


def print_json(value: object) -> None:
    """For programs that read."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
