"""Reading the database beside a running service, for commands; what goes wrong is one clear line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DatabaseError

from app.failure import Failure
from app.settings import DatabaseSettings, load_part
from app.store.database import DatabaseFault, open_for_reading

T = TypeVar("T")


def read_database(do: Callable[[Connection], T]) -> T:
    """What the question finds. Raises Failure or SettingsFault."""
    path = load_part(DatabaseSettings).database_path
    try:
        engine = open_for_reading(path)
        with engine.connect() as connection:
            return do(connection)
    except DatabaseFault as fault:
        raise Failure(str(fault)) from fault
    except DatabaseError as fault:
        raise Failure(f"{path} cannot be read ({fault.orig})") from fault


def print_json(value: object) -> None:
    """For programs that read."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
