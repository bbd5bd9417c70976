"""What the sweep has looked at. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, TextClause, delete, func, select, text

from app.events import COMMENT_HOOKS, read_payload
from app.store.schema import DeliveryState, deliveries, engagements, marks, swept_issues

SWEPT: Final = "swept"
"""The mark of the end of the last sweep that met no trouble."""
HOOK_ILL: Final = "hook ill"
"""Since when the webhook has been ill; zero: it is well."""
SWEEP_LOCK: Final = 7_236_114_504
"""Any number; the same for every replica."""
_OF_ISSUES: Final = frozenset({"issue", "work_item"})


@dataclass(frozen=True, slots=True)
class SweptIssue:
    """How an issue was when it was looked at, and until when its comments were (seconds since 1970)."""

    digest: str
    notes_until: float


def swept(connection: Connection) -> dict[int, SweptIssue]:
    """Every issue that was looked at."""
    return {row.iid: SweptIssue(row.digest, row.notes_until) for row in connection.execute(select(swept_issues))}


def keep_swept(connection: Connection, iid: int, value: SweptIssue) -> None:
    """Note that an issue was looked at."""
    connection.execute(_KEPT, {"iid": iid, "digest": value.digest, "notes_until": value.notes_until})


def mark(connection: Connection, name: str) -> float | None:
    """A moment that was noted under this name."""
    return connection.execute(select(marks.c.at).where(marks.c.name == name)).scalar()


def latest_mark(connection: Connection, prefix: str) -> float | None:
    """The latest of the moments whose names begin so."""
    return connection.execute(select(func.max(marks.c.at)).where(marks.c.name.startswith(prefix))).scalar()


def keep_mark(connection: Connection, name: str, at: float) -> None:
    """Note a moment."""
    connection.execute(_MARKED, {"name": name, "at": at})


def forget_mark(connection: Connection, name: str) -> None:
    """Take a note back."""
    connection.execute(delete(marks).where(marks.c.name == name))


def claim(connection: Connection) -> bool:
    """PostgreSQL: be the one replica that sweeps, until `release`, or until the connection is gone with its process."""
    return bool(connection.execute(text("SELECT pg_try_advisory_lock(:key)"), {"key": SWEEP_LOCK}).scalar())


def release(connection: Connection) -> None:
    """Let others sweep."""
    # all of them: a transaction that is run a second time has taken the lock twice
    connection.execute(text("SELECT pg_advisory_unlock_all()"))


def is_busy(connection: Connection, lane: str) -> bool:
    """Whether something waits in a lane: what is missed there may be in it."""
    query = select(deliveries.c.id).where(_is(DeliveryState.WAITING), deliveries.c.lane == lane).limit(1)
    return connection.execute(query).first() is not None


def begun_at(connection: Connection, lane: str) -> float | None:
    """When an engagement became known."""
    return connection.execute(select(engagements.c.created_at).where(engagements.c.id == lane)).scalar()


def dead_comments(connection: Connection, lanes: Collection[str]) -> set[int]:
    """Comments of these lanes that are dead letters: those wait for an operator, not for the sweep."""
    query = select(deliveries.c.body).where(
        _is(DeliveryState.DEAD), deliveries.c.lane.in_(lanes), deliveries.c.kind.in_(COMMENT_HOOKS)
    )
    payloads = (read_payload(body or b"{}") for body in connection.execute(query).scalars())
    held = (each.get("object_attributes") for each in payloads if each.get("object_kind") == "note")
    return {each["id"] for each in held if isinstance(each, dict) and isinstance(each.get("id"), int)}


def dead_changes(connection: Connection, lanes: Collection[str]) -> list[dict[str, Any]]:
    """What GitLab said of the changed issues of these lanes that are dead letters, and that nothing has overcome."""
    query = select(deliveries.c.body).where(
        _is(DeliveryState.DEAD), deliveries.c.lane.in_(lanes), deliveries.c.was_parked.is_(False)
    )
    payloads = (read_payload(body or b"{}") for body in connection.execute(query).scalars())
    return [each for each in payloads if each.get("object_kind") in _OF_ISSUES]


def _is(state: DeliveryState) -> TextClause:
    # as a literal: SQLite uses a partial index only where the query says the same as the index
    return text(f"deliveries.state = '{state.value}'")


# each in one statement: another replica may come first between two of them
_KEPT = text(
    "INSERT INTO swept_issues (iid, digest, notes_until) VALUES (:iid, :digest, :notes_until) "
    "ON CONFLICT (iid) DO UPDATE SET digest = excluded.digest, notes_until = excluded.notes_until"
)
_MARKED = text("INSERT INTO marks (name, at) VALUES (:name, :at) ON CONFLICT (name) DO UPDATE SET at = excluded.at")
