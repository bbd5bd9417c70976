"""Actions and what they proved, engagements, journal. Every function works inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import Connection, insert, select, update

from app.engagement import Engagement, engagement_from_record
from app.store.records import StoredAction
from app.store.schema import ActionState, actions, deliveries, engagement_issues, engagements, journal


def engagement(connection: Connection, ident: str) -> Engagement | None:
    """The engagement of this id."""
    row = connection.execute(select(engagements.c.record).where(engagements.c.id == ident)).first()
    return None if row is None else engagement_from_record(ident, json.loads(row.record))


def keep_engagement(connection: Connection, value: Engagement, *, now: float) -> None:
    """Write the engagement as it is now, and whose issues are whose."""
    record = json.dumps(value.to_record(), ensure_ascii=False, separators=(",", ":"))
    changed = connection.execute(
        update(engagements).where(engagements.c.id == value.id).values(record=record, updated_at=now)
    )
    if changed.rowcount == 0:
        connection.execute(insert(engagements).values(id=value.id, record=record, created_at=now, updated_at=now))
    known = {row.iid for row in connection.execute(_issues_of(value.id))}
    for role, link in value.issues.items():
        if link.iid not in known:
            connection.execute(insert(engagement_issues).values(iid=link.iid, engagement_id=value.id, role=role.value))


def issue_lanes(connection: Connection) -> dict[int, str]:
    """Which engagement each known issue belongs to."""
    rows = connection.execute(select(engagement_issues.c.iid, engagement_issues.c.engagement_id))
    return {row.iid: row.engagement_id for row in rows}


def decide(
    connection: Connection, delivery_id: int, lane: str, bodies: Iterable[tuple[str, str, str]], *, now: float
) -> None:
    """Store a decision: the delivery is decided, and its actions (key, kind, body) are to be done.

    An action whose key is known was decided before and stays what it is; one that was dropped, because its delivery was
    parked, gets its new body and another chance, and keeps `sent_at`: whether it took effect is still to be looked at.
    """
    connection.execute(update(deliveries).where(deliveries.c.id == delivery_id).values(decided_at=now))
    for key, kind, body in bodies:
        row = connection.execute(select(actions.c.id, actions.c.state).where(actions.c.key == key)).first()
        values = {"delivery_id": delivery_id, "lane": lane, "body": body, "state": ActionState.PENDING.value}
        if row is None:
            connection.execute(insert(actions).values(key=key, kind=kind, **values))
        elif row.state == ActionState.DROPPED.value:
            connection.execute(update(actions).where(actions.c.id == row.id).values(**values))


def pending(connection: Connection, delivery_id: int) -> list[StoredAction]:
    """What is left to do for a delivery, in order."""
    query = select(actions.c.id, actions.c.key, actions.c.body, actions.c.sent_at).where(
        actions.c.delivery_id == delivery_id, actions.c.state == ActionState.PENDING.value
    )
    return [
        StoredAction(row.id, row.key, row.body, row.sent_at) for row in connection.execute(query.order_by(actions.c.id))
    ]


def sent(connection: Connection, action_id: int, *, at: float | None) -> None:
    """Note that the action is about to be sent (None: it is certain that the latest send took no effect)."""
    connection.execute(update(actions).where(actions.c.id == action_id).values(sent_at=at))


def done(connection: Connection, action_id: int, evidence: Mapping[str, Any], *, now: float) -> None:
    """Note what the action brought about."""
    connection.execute(
        update(actions)
        .where(actions.c.id == action_id)
        .values(state=ActionState.DONE.value, evidence=json.dumps(evidence), sent_at=None, done_at=now)
    )


def write_journal(connection: Connection, lane: str, delivery_id: int, entry: Mapping[str, Any], *, now: float) -> None:
    """One line of what was decided or done, and why."""
    connection.execute(
        insert(journal).values(lane=lane, delivery_id=delivery_id, at=now, entry=json.dumps(entry, ensure_ascii=False))
    )


def read_journal(connection: Connection, delivery_id: int) -> list[dict[str, Any]]:
    """What happened to a delivery, oldest first."""
    rows = connection.execute(
        select(journal.c.at, journal.c.entry).where(journal.c.delivery_id == delivery_id).order_by(journal.c.id)
    )
    return [{"at": row.at, **json.loads(row.entry)} for row in rows]


def _issues_of(ident: str) -> Any:
    return select(engagement_issues.c.iid).where(engagement_issues.c.engagement_id == ident)
