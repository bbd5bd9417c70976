"""`psplan deliveries list` and `show`: read beside a running service, never in its way."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DatabaseError

from app.clock import at
from app.failure import Failure
from app.settings import DatabaseSettings, load_part
from app.store import inbox, outbox
from app.store.database import DatabaseFault, need_postgres, open_for_reading
from app.store.records import DeliveryRow

T = TypeVar("T")


def list_deliveries(arguments: argparse.Namespace) -> int:
    """One row per delivery, newest first."""
    rows = _read(lambda c: inbox.listed(c, limit=arguments.limit, state=arguments.state))
    if arguments.json:
        _print_json([_as_json(row) for row in rows])
        return 0
    if not rows:
        sys.stdout.write("Nothing came in yet.\n")
    for row in rows:
        reason = f"  {row.reason}" if row.reason else ""
        columns = f"{row.source:<10}  {row.state:<7}  {row.kind:<24}  {row.lane}{reason}"
        sys.stdout.write(f"{row.id:>6}  {_time(row.received_at)}  {columns}\n")
    return 0


def show_delivery(arguments: argparse.Namespace) -> int:
    """One delivery, with why it was decided so and what was done."""
    row = _read(lambda c: inbox.by_id(c, arguments.id))
    if row is None:
        raise Failure(f"there is no delivery {arguments.id}")
    entries = _read(lambda c: outbox.read_journal(c, arguments.id))
    if arguments.json:
        _print_json({**_as_json(row), "journal": entries})
        return 0
    sys.stdout.write(f"{row.kind} from {row.source}, {_time(row.received_at)}: {row.state}\n")
    if row.reason:
        sys.stdout.write(f"  because: {row.reason}\n")
    for entry in entries:
        words = ", ".join(f"{k}: {v}" for k, v in entry.items() if k != "at")
        sys.stdout.write(f"  {_time(entry['at'])}  {words}\n")
    return 0


def _read(ask: Callable[[Connection], T]) -> T:
    settings = load_part(DatabaseSettings)
    try:
        with _open(settings).connect() as connection:
            return ask(connection)
    except DatabaseFault as fault:
        raise Failure(str(fault)) from fault
    except DatabaseError as fault:
        raise Failure(f"{settings.database_name} cannot be read ({fault.orig})") from fault


def _open(settings: DatabaseSettings) -> Engine:
    if not settings.is_shared:
        return open_for_reading(settings.database_path)
    need_postgres()
    from app.store import postgres  # late: whoever uses SQLite has no psycopg

    return postgres.open_for_reading(settings.database_url)


def _as_json(row: DeliveryRow) -> dict[str, Any]:
    return {
        "id": row.id,
        "source": row.source,
        "state": row.state,
        "received_at": at(row.received_at).isoformat(),
        "attempts": row.attempts,
        "reason": row.reason,
        "kind": row.kind,
        "engagement": row.lane,
    }


def _time(seconds: float) -> str:
    moment: datetime = at(seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"


def _print_json(value: object) -> None:
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False) + "\n")
