"""Which opportunity of Salesforce is whose. Of two engagements that name the same one the first has it.

Every function works inside the caller's transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, bindparam, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from app.engagement import Engagement
from app.errors import Retry
from app.opportunity import front_door_id, opportunity_key
from app.store.schema import joined, opportunities


def owner(connection: Connection, key: str) -> str | None:
    """The engagement that an opportunity belongs to."""
    return connection.execute(_OWNER, {"key": key}).scalar()


def claim(connection: Connection, value: Engagement, *, is_decided: bool) -> None:
    """Note whose the opportunity is that the submission names.

    `is_decided`: a decision has just made the engagement. Raises Retry where that and the one which Salesforce began
    are the same request: another lane has made one of them a moment ago, and a fresh look finds it.
    """
    key = opportunity_key(value.submission.sfdc_opportunity_url)
    if key is None:
        return
    connection.execute(_RELEASE, {"engagement_id": value.id, "key": key})
    connection.execute(_CLAIM[connection.dialect.name], {"opportunity": key, "engagement_id": value.id})
    held_by = owner(connection, key)
    if is_decided and held_by != value.id and front_door_id(key) in {held_by, value.id}:
        raise Retry("the opportunity has become another engagement's a moment ago", after_s=0.0)


def join(connection: Connection, submission: str, engagement: str) -> None:
    """Note that a submission is an engagement's that has another id."""
    connection.execute(_JOIN[connection.dialect.name], {"submission": submission, "engagement_id": engagement})


def joined_to(connection: Connection, submission: str) -> str | None:
    """The engagement that a submission went to which has another id."""
    return connection.execute(_JOINED, {"submission": submission}).scalar()


_OWNER = select(opportunities.c.engagement_id).where(opportunities.c.opportunity == bindparam("key"))
_RELEASE = delete(opportunities).where(
    opportunities.c.engagement_id == bindparam("engagement_id"), opportunities.c.opportunity != bindparam("key")
)
_CLAIM = {
    "sqlite": sqlite.insert(opportunities).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(opportunities).on_conflict_do_nothing(),
}
_JOINED = select(joined.c.engagement_id).where(joined.c.submission == bindparam("submission"))
_JOIN = {
    "sqlite": sqlite.insert(joined).on_conflict_do_nothing(),
    "postgresql": postgresql.insert(joined).on_conflict_do_nothing(),
}
