"""`psplan deliveries list` and `show`: read beside a running service, never in its way."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime
from typing import Any

from app.cli_database import print_json, reading
from app.clock import at
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
        reason = f"  {row.reason}" if row.reason else ""
        columns = f"{row.source:<10}  {row.state:<7}  {row.kind:<24}  {row.lane}{reason}"
        sys.stdout.write(f"{row.id:>6}  {_time(row.received_at)}  {columns}\n")
    return 0


def show_delivery(arguments: argparse.Namespace) -> int:
    """One delivery, with why it was decided so and what was done."""
    with reading() as read:
        row = read(lambda c: inbox.by_id(c, arguments.id))
        entries = read(lambda c: outbox.read_journal(c, arguments.id))
    if row is None:
        raise Failure(f"there is no delivery {arguments.id}")
    if arguments.json:
        print_json({**_as_json(row), "journal": entries})
        return 0
    sys.stdout.write(f"{row.kind} from {row.source}, {_time(row.received_at)}: {row.state}\n")
    if row.reason:
        sys.stdout.write(f"  because: {row.reason}\n")
    for entry in entries:
        words = ", ".join(f"{k}: {v}" for k, v in entry.items() if k != "at")
        sys.stdout.write(f"  {_time(entry['at'])}  {words}\n")
    return 0


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
