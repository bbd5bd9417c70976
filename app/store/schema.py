"""The tables, once, for SQLite and PostgreSQL alike; `migrations/` brings a database to this shape.

Moments are seconds since 1970 (UTC) as floats: they are compared and added, never shown.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

SCHEMA_VERSION = "0012"
"""The newest migration; a test holds it to the migrations folder, so that a start need not read that folder."""

metadata = MetaData()

Number = BigInteger().with_variant(Integer, "sqlite")
"""Of a row, or one of GitLab's: those of gitlab.com are beyond 31 bits. SQLite's INTEGER holds them, and a key there
has to be called so."""


def is_number(value: int) -> bool:
    """Whether a `Number` can hold it; JSON knows larger ones, which a database takes for an error."""
    return value.bit_length() < 64


class DeliveryState(StrEnum):
    """What became of a delivery. Waiting covers `decided, with actions still to do`."""

    WAITING = "waiting"
    DONE = "done"
    IGNORED = "ignored"
    DEAD = "dead"


class ActionState(StrEnum):
    """What became of an action. Dropped: its delivery was parked before it could be done."""

    PENDING = "pending"
    DONE = "done"
    DROPPED = "dropped"


def _only(condition: str) -> dict[str, Any]:
    """Options of an index over some rows, for both dialects."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


deliveries = Table(
    "deliveries",
    metadata,
    Column("id", Number, primary_key=True),
    Column("source", Text, nullable=False),
    Column("key", Text, nullable=False, comment="Idempotency-Key, webhook-id, or the digest of the body"),
    Column(
        "lane", Text, nullable=False, comment="what is worked on one at a time, in order: an engagement or an issue"
    ),
    Column("kind", Text, nullable=False),
    Column("body", LargeBinary),
    Column("digest", Text, nullable=False),
    Column("received_at", Float, nullable=False),
    Column("state", Text, nullable=False),
    Column("decided_at", Float),
    Column("attempts", Integer, nullable=False, server_default=text("0"), comment="tries that failed"),
    Column(
        "deaths", Integer, nullable=False, server_default=text("0"), comment="tries that the process did not survive"
    ),
    Column("due_at", Float, nullable=False),
    Column("was_parked", Boolean, nullable=False, server_default=false(), comment="run again since, or overcome"),
    Column("reason", Text),
    Column("settled_at", Float),
    Column("life", Text, comment="with several replicas: whose work on it has not come to an end; see inbox.take"),
    UniqueConstraint("source", "key"),
)
Index(
    "deliveries_waiting",
    deliveries.c.lane,
    deliveries.c.decided_at.is_(None),
    deliveries.c.id,
    **_only("state = 'waiting'"),
)
Index("deliveries_dead", deliveries.c.id, **_only("state = 'dead'"))
Index("deliveries_done", deliveries.c.settled_at, **_only("state = 'done' AND body IS NOT NULL"))
Index("deliveries_ignored", deliveries.c.settled_at, **_only("state = 'ignored'"))
Index("submissions_by_lane", deliveries.c.lane, deliveries.c.id, **_only("source = 'calculator'"))

actions = Table(
    "actions",
    metadata,
    Column("id", Number, primary_key=True),
    Column("delivery_id", Number, nullable=False),
    Column("place", Integer, nullable=False, comment="order within the decision"),
    Column("lane", Text, nullable=False),
    Column("key", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),
    Column("body", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("sent_at", Float, comment="the latest send whose outcome is not known"),
    Column("evidence", Text),
    Column("done_at", Float),
)
Index("actions_by_delivery", actions.c.delivery_id, actions.c.id)

engagements = Table(
    "engagements",
    metadata,
    Column("id", Text, primary_key=True),
    Column("submission", Text, nullable=False, comment="the largest part, and the one that changes least"),
    Column("record", Text, nullable=False),
    Column("record_before", Text, comment="as it was before the latest decision, should that come to nothing"),
    Column("decided_by", Number, comment="the delivery of the latest decision"),
    Column("created_at", Float, nullable=False),
    Column("updated_at", Float, nullable=False),
)

engagement_issues = Table(
    "engagement_issues",
    metadata,
    Column("iid", Number, primary_key=True, autoincrement=False),
    Column("engagement_id", Text, nullable=False),
    Column("role", Text, nullable=False),
)

opportunities = Table(
    "opportunities",
    metadata,
    Column("opportunity", Text, primary_key=True, comment="the first 15 characters of Salesforce's id"),
    Column("engagement_id", Text, nullable=False),
)

joined = Table(
    "joined",
    metadata,
    Column("submission", Text, primary_key=True, comment="came in for an engagement that Salesforce had begun"),
    Column("engagement_id", Text, nullable=False),
)

journal = Table(
    "journal",
    metadata,
    Column("id", Number, primary_key=True),
    Column("lane", Text, nullable=False),
    Column("delivery_id", Number, nullable=False),
    Column("at", Float, nullable=False),
    Column("entry", Text, nullable=False, comment="what was decided or done, without a customer's words"),
)
Index("journal_by_delivery", journal.c.delivery_id, journal.c.id)
Index("journal_by_lane", journal.c.lane, journal.c.id)

commands_heard = Table(
    "commands_heard",
    metadata,
    Column("note_id", Number, primary_key=True, autoincrement=False),
    Column("digest", Text, primary_key=True, comment="of one command of that comment"),
    Column("delivery_id", Number, nullable=False),
    Column("was_carried_out", Boolean, nullable=False, comment="no: somebody else had written it into the comment"),
    Column("was_refused", Boolean, nullable=False, server_default=false(), comment="it came to nothing"),
    Column("at", Float, nullable=False),
)
Index("commands_heard_by_delivery", commands_heard.c.delivery_id)

errands = Table(
    "errands",
    metadata,
    Column("id", Number, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("words", Text, nullable=False, comment="JSON"),
    Column("asked_at", Float, nullable=False),
    Column("answer", Text, comment="JSON; not there: not answered yet"),
)

swept_issues = Table(
    "swept_issues",
    metadata,
    Column("iid", Number, primary_key=True, autoincrement=False),
    Column("digest", Text, nullable=False, comment="of what the list of issues said when it was last looked at"),
    Column("notes_until", Float, nullable=False, comment="comments changed before this were looked at"),
)

marks = Table(
    "marks",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", Float, nullable=False),
)

# What follows from the engagements' records, in a form that lists and reports can be read from; see app.pipeline.

pipeline = Table(
    "pipeline",
    metadata,
    Column("engagement_id", Text, primary_key=True),
    Column("customer", Text, nullable=False),
    Column("requester", Text, nullable=False),
    Column("segment", Text),
    Column("leads", Text, nullable=False),
    Column("is_confidential", Boolean, nullable=False),
    Column("amount", Text, comment="exact"),
    Column("currency", Text),
    Column("expected_close", Text, comment="a day"),
    Column("due", Text, comment="a day"),
    Column("begun_at", Float),
    Column("scoping_url", Text),
    Column("intake_url", Text),
)

timers = Table(
    "timers",
    metadata,
    Column("lane", Text, primary_key=True),
    Column("due_at", Float, nullable=False),
    Column("struck_at", Float, comment="the time that it struck for, until the next one is known"),
)
_ARMED = text("struck_at IS NULL OR struck_at < due_at")
Index("timers_by_time", timers.c.due_at, sqlite_where=_ARMED, postgresql_where=_ARMED)

stands = Table(
    "stands",
    metadata,
    Column("engagement_id", Text, primary_key=True),
    Column("track", Text, primary_key=True),
    Column("state", Text, nullable=False),
    Column("since", Float, nullable=False),
    Column("came_from", Text),
    Column("roles", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("waits_since", Float),
    Column("clock", Text, comment="of the clocks that run, the one whose time is over first"),
    Column("clock_due_at", Float),
)
Index("stands_by_state", stands.c.track, stands.c.state, stands.c.since)

moves = Table(
    "moves",
    metadata,
    Column("id", Number, primary_key=True),
    Column("engagement_id", Text, nullable=False),
    Column("track", Text, nullable=False),
    Column("came_from", Text),
    Column("to", Text, nullable=False),
    Column("at", Float, nullable=False),
    Column("is_back", Boolean, nullable=False),
)
Index("moves_by_engagement", moves.c.engagement_id, moves.c.track, moves.c.at)

reviews = Table(
    "reviews",
    metadata,
    Column("id", Number, primary_key=True),
    Column("engagement_id", Text, nullable=False),
    Column("gate", Text, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("by", Text, nullable=False),
    Column("asked_at", Float),
    Column("at", Float, nullable=False),
)
Index("reviews_by_engagement", reviews.c.engagement_id, reviews.c.at)

chat_posts = Table(
    "chat_posts",
    metadata,
    Column("engagement_id", Text, primary_key=True),
    Column("channel", Text, primary_key=True, comment="as the methodology names it"),
    Column("topic", Text, primary_key=True, comment="which message of the engagement it is"),
    Column("place", Text, comment="the channel by the vendor's own id"),
    Column("ts", Text, comment="the vendor's id of the message; not there: nobody knows which one it is"),
    Column("digest", Text, nullable=False, comment="of what it says"),
    Column("is_open", Boolean, nullable=False, comment="it asks for something"),
)
