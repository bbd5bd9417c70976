"""Actions and what they proved, engagements, journal. Every function works inside the caller's transaction."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sqlalchemy import BindParameter, Connection, Executable, bindparam, delete, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.actions import AttachDocument, HandOver, PostMessage, React, Retract, Say, Whisper
from app.engagement import Engagement, stored_engagement, submission_record
from app.store import opportunities, pipeline, timers
from app.store.records import StoredAction
from app.store.schema import ActionState, actions, commands_heard, deliveries, engagement_issues, engagements, journal


def engagement(connection: Connection, ident: str) -> Engagement | None:
    """The engagement of this id."""
    row = connection.execute(_ENGAGEMENT, {"ident": ident}).first()
    return None if row is None else stored_engagement(ident, row.submission, row.record)


NOBODYS = 0
"""No delivery has this number."""


def keep_engagement(
    connection: Connection,
    value: Engagement,
    *,
    before: Engagement | None,
    now: float,
    decided_by: int | None = None,
) -> None:
    """Write what is different from `before` (None: it is new), and whose issues are whose.

    `decided_by`: this is what a delivery's decision makes of it; how it was before is kept for `take_back`. NOBODYS: a
    decision that is never taken back.
    """
    if before is value:
        return
    written: dict[str, Any] = {"record": _json(value.to_record()), "updated_at": now}
    if before is None or before.submission is not value.submission:
        written["submission"] = _json(submission_record(value.submission))
    if before is None:
        connection.execute(_NEW_ENGAGEMENT, {"id": value.id, "created_at": now, **written})
    elif decided_by is None:
        connection.execute(_CHANGED_ENGAGEMENT, {"ident": value.id, **written})
    else:
        connection.execute(_DECIDED_ENGAGEMENT, {"ident": value.id, "decided_by": decided_by, **written})
    for role, link in value.issues.items():
        if before is None or role not in before.issues:
            connection.execute(_NEW_ISSUE, {"iid": link.iid, "engagement_id": value.id, "role": role.value})
    if before is None or before.standing.wake_at != value.standing.wake_at:
        timers.set_timer(connection, value.id, value.standing.wake_at)
    pipeline.keep(connection, value, before=before)
    if before is None or before.submission is not value.submission:
        opportunities.claim(connection, value, is_decided=before is None and decided_by is not None)


def take_back(connection: Connection, delivery_id: int) -> None:
    """What was decided for a delivery that is parked will not be done.

    Where it has changed no issue yet, it never was: the engagement is what it was before, and the commands of the
    comment were not heard, so that they can be said, or run, again. Else what was decided stays on record, and the next
    event of the engagement brings its issues to it.
    """
    told = {"ident": delivery_id}
    connection.execute(_DROPPED, told)
    # what a try that did not come to a decision meets on record is an earlier one's, and done
    was_decided = connection.execute(_WAS_DECIDED, told).scalar() is not None
    if was_decided and not connection.execute(_CHANGED_SOMETHING, told).scalar():
        affected = connection.execute(_DECIDED_BY, told).scalars().all()
        connection.execute(_TAKEN_BACK, told)
        for ident in affected:
            pipeline.make_again(connection, ident)
        connection.execute(_FORGOTTEN, told)


def has_unsaid(connection: Connection, delivery_id: int) -> bool:
    """Whether a decision that stands, though its delivery was parked, has words or reactions that nobody got."""
    return connection.execute(_UNSAID, {"ident": delivery_id}).first() is not None


def say_after_all(connection: Connection, delivery_id: int) -> None:
    """Let what `has_unsaid` found be said.

    Only words and reactions: labels and texts are brought to the record as it is now by a fresh decision.
    """
    connection.execute(_SAID_AFTER_ALL, {"ident": delivery_id})


def issue_lanes(connection: Connection) -> dict[int, str]:
    """Which engagement each known issue belongs to."""
    rows = connection.execute(select(engagement_issues.c.iid, engagement_issues.c.engagement_id))
    return {row.iid: row.engagement_id for row in rows}


def lane_of_issue(connection: Connection, iid: int) -> str | None:
    """The engagement that an issue belongs to."""
    of_issue = engagement_issues.c.iid == iid
    return connection.execute(select(engagement_issues.c.engagement_id).where(of_issue)).scalar()


def lanes_of_issues(connection: Connection, iids: Collection[int]) -> dict[int, str]:
    """The engagements that issues belong to, where they belong to one."""
    of_issues = select(engagement_issues.c.iid, engagement_issues.c.engagement_id).where(
        engagement_issues.c.iid.in_(iids)
    )
    return {row.iid: row.engagement_id for row in connection.execute(of_issues)}


def decide(
    connection: Connection,
    delivery_id: int,
    lane: str,
    bodies: Iterable[tuple[str, str, str]],
    *,
    now: float,
) -> None:
    """Store a decision: the delivery is decided, and its actions (key, kind, body) are to be done.

    An action whose key is known was decided before and stays what it is; one that was dropped, because its delivery was
    parked, gets its new body and another chance, and keeps `sent_at`: whether it took effect is still to be looked at.
    """
    connection.execute(_DECIDED, {"ident": delivery_id, "decided_at": now})
    rows = [
        {
            "delivery_id": delivery_id,
            "place": place,
            "lane": lane,
            "key": key,
            "kind": kind,
            "body": body,
            "state": ActionState.PENDING.value,
        }
        for place, (key, kind, body) in enumerate(bodies)
    ]
    if rows:
        connection.execute(_DECIDED_ACTIONS[connection.dialect.name], rows)


def pending(connection: Connection, delivery_id: int) -> list[StoredAction]:
    """What is left to do for a delivery, in order."""
    rows = connection.execute(_PENDING, {"ident": delivery_id})
    return [StoredAction(row.id, row.key, row.body, row.sent_at) for row in rows]


def announced(connection: Connection, action_ids: Collection[int], *, at: float) -> None:
    """Note that the actions are about to be sent, one after the other."""
    if action_ids:
        connection.execute(_SENT, [{"ident": each, "sent_at": at} for each in action_ids])


def sent(connection: Connection, action_id: int, *, at: float | None) -> None:
    """Note that the action is about to be sent (None: it is certain that the latest send took no effect)."""
    connection.execute(_SENT, {"ident": action_id, "sent_at": at})


def done(connection: Connection, action_id: int, evidence: Mapping[str, Any], *, now: float) -> None:
    """Note what the action brought about."""
    connection.execute(_DONE, {"ident": action_id, "evidence": _json(evidence), "done_at": now})


def write_journal(connection: Connection, lane: str, delivery_id: int, entry: Mapping[str, Any], *, now: float) -> None:
    """One line of what was decided or done, and why."""
    connection.execute(_ENTRY, {"lane": lane, "delivery_id": delivery_id, "at": now, "entry": _json(entry)})


def read_journal(connection: Connection, delivery_id: int) -> list[dict[str, Any]]:
    """What happened to a delivery, oldest first."""
    rows = connection.execute(
        select(journal.c.at, journal.c.entry).where(journal.c.delivery_id == delivery_id).order_by(journal.c.id)
    )
    return [{"at": row.at, **json.loads(row.entry)} for row in rows]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


# Statements are built once: building one anew costs more than running it.
_IDENT: BindParameter[Any] = bindparam("ident")
_ENGAGEMENT = select(engagements.c.submission, engagements.c.record).where(engagements.c.id == _IDENT)
_NEW_ENGAGEMENT = insert(engagements)
_CHANGED_ENGAGEMENT = update(engagements).where(engagements.c.id == _IDENT)
_DECIDED_ENGAGEMENT = _CHANGED_ENGAGEMENT.values(record_before=engagements.c.record)
_NEW_ISSUE = insert(engagement_issues)
_DECIDED = update(deliveries).where(deliveries.c.id == _IDENT).values(decided_at=bindparam("decided_at"))


def _decided_actions(insertion: postgresql.Insert | sqlite.Insert) -> Executable:
    return insertion.on_conflict_do_update(
        index_elements=[actions.c.key],
        set_={name: insertion.excluded[name] for name in ("delivery_id", "place", "lane", "body", "state")},
        where=actions.c.state == ActionState.DROPPED.value,
    )


_DECIDED_ACTIONS = {
    "sqlite": _decided_actions(sqlite.insert(actions)),
    "postgresql": _decided_actions(postgresql.insert(actions)),
}
_PENDING = (
    select(actions.c.id, actions.c.key, actions.c.body, actions.c.sent_at)
    .where(actions.c.delivery_id == _IDENT, actions.c.state == ActionState.PENDING.value)
    .order_by(actions.c.place, actions.c.id)
)
_SENT = update(actions).where(actions.c.id == _IDENT).values(sent_at=bindparam("sent_at"))
_DONE = (
    update(actions)
    .where(actions.c.id == _IDENT)
    .values(
        state=ActionState.DONE.value,
        evidence=bindparam("evidence"),
        sent_at=None,
        done_at=bindparam("done_at"),
    )
)
_ENTRY = insert(journal)
_DROPPED = (
    update(actions)
    .where(actions.c.delivery_id == _IDENT, actions.c.state == ActionState.PENDING.value)
    .values(state=ActionState.DROPPED.value)
)
_ONLY_TALK = (
    *(React.kind, Say.kind, Retract.kind, AttachDocument.kind),
    *(HandOver.kind, PostMessage.kind, Whisper.kind),
)
_CHANGED_SOMETHING = (
    select(func.count())
    .select_from(actions)
    .where(
        actions.c.delivery_id == _IDENT,
        actions.c.state == ActionState.DONE.value,
        actions.c.kind.not_in(_ONLY_TALK),
    )
)
_DONE_OTHERWISE = actions.alias()
_STANDS = (
    select(_DONE_OTHERWISE.c.id)
    .where(
        _DONE_OTHERWISE.c.delivery_id == _IDENT,
        _DONE_OTHERWISE.c.state == ActionState.DONE.value,
        _DONE_OTHERWISE.c.kind.not_in(_ONLY_TALK),
    )
    .exists()
)
_UNSAID_ONES = (
    actions.c.delivery_id == _IDENT,
    actions.c.state == ActionState.DROPPED.value,
    actions.c.kind.in_(_ONLY_TALK),
    _STANDS,
)
_UNSAID = select(actions.c.id).where(*_UNSAID_ONES)
_SAID_AFTER_ALL = update(actions).where(*_UNSAID_ONES).values(state=ActionState.PENDING.value)
_WAS_DECIDED = select(deliveries.c.decided_at).where(deliveries.c.id == _IDENT)
_DECIDED_BY = select(engagements.c.id).where(
    engagements.c.decided_by == _IDENT, engagements.c.record_before.is_not(None)
)
_TAKEN_BACK = (
    update(engagements)
    .where(engagements.c.decided_by == _IDENT, engagements.c.record_before.is_not(None))
    .values(record=engagements.c.record_before, record_before=None, decided_by=None)
)
_FORGOTTEN = delete(commands_heard).where(commands_heard.c.delivery_id == _IDENT)
