"""`psplan deliveries list` and `show`: read beside a running service, never in its way."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection

from app.cli_database import print_json, reading
from app.clock import at
from app.correlation import correlation_of, source_and_key
from app.events import kind_in_words
from app.failure import Failure
from app.store import inbox, outbox
from app.store.records import DeliveryRow


def list_deliveries(arguments: argparse.Namespace) -> int:
    """One row per delivery, newest first."""
    with reading() as read:
        rows = read(lambda c: inbox.listed(c, limit=arguments.limit, state=arguments.state))
    if arguments.json:
        print_json([_as_json(row) for row in rows])
        return 0
    if not rows:
        none = "Nothing came in yet." if arguments.state is None else f"Nothing is {arguments.state}."
        sys.stdout.write(f"{none}\n")
    for row in rows:
        reason = f"  {_why(row)}" if row.reason else ""
        columns = f"{row.source:<10}  {row.state:<7}  {row.kind:<24}  {row.lane}{reason}"
        sys.stdout.write(f"{row.id:>6}  {_time(row.received_at)}  {columns}\n")
    return 0


def show_delivery(arguments: argparse.Namespace) -> int:
    """One delivery, with why it was decided so and what was done."""
    with reading() as read:
        row = read(partial(_named, name=arguments.id))
        if row is None:
            raise Failure(f"there is no delivery {arguments.id}")
        entries = read(partial(outbox.read_journal, delivery_id=row.id))
    if arguments.json:
        print_json({**_as_json(row), "journal": entries})
        return 0
    sys.stdout.write(f"{kind_in_words(row.kind, row.source)}, {_time(row.received_at)}: {row.state}\n")
    sys.stdout.write(f"  in the log: {correlation_of(row.source, row.key)}\n")
    if row.reason:
        sys.stdout.write(f"  because: {_why(row)}\n")
    for entry in entries:
        words = ", ".join(f"{k}: {_in_words(v)}" for k, v in entry.items() if k != "at")
        sys.stdout.write(f"  {_time(entry['at'])}  {words}\n")
    return 0


def _in_words(value: object) -> str:
    return "; ".join(map(str, value)) if isinstance(value, list) else str(value)


def _why(row: DeliveryRow) -> str:
    """The reason, and how often it was tried in vain."""
    return f"{row.reason} ({row.attempts} tries failed)" if row.attempts > 1 else str(row.reason)


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
        "correlation": correlation_of(row.source, row.key),
    }


def _named(connection: Connection, *, name: str) -> DeliveryRow | None:
    if name.isascii() and name.isdigit():
        return inbox.by_id(connection, int(name))
    known = inbox.known(connection, *source_and_key(name))
    return None if known is None else inbox.by_id(connection, known[0])


def _time(seconds: float) -> str:
    moment: datetime = at(seconds)
    return f"{moment:%Y-%m-%d %H:%M:%S}Z"
