"""The first tables: inbox, outbox, engagements, journal."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op

from app.store.schema import Number

revision = "0001"
down_revision = None


def _only(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.create_table(
        "deliveries",
        sa.Column("id", Number, primary_key=True),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.LargeBinary),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Float),
        sa.Column("attempts", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("deaths", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("reason", sa.Text),
        sa.Column("settled_at", sa.Float),
        sa.UniqueConstraint("source", "key"),
    )
    op.create_index(
        "deliveries_waiting",
        "deliveries",
        ["lane", sa.text("(decided_at IS NULL)"), "id"],
        **_only("state = 'waiting'"),
    )
    op.create_index("deliveries_dead", "deliveries", ["id"], **_only("state = 'dead'"))
    op.create_index("submissions_by_lane", "deliveries", ["lane", "id"], **_only("source = 'calculator'"))
    op.create_table(
        "actions",
        sa.Column("id", Number, primary_key=True),
        sa.Column("delivery_id", Number, nullable=False),
        sa.Column("place", sa.Integer, nullable=False),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("sent_at", sa.Float),
        sa.Column("evidence", sa.Text),
        sa.Column("done_at", sa.Float),
    )
    op.create_index("actions_by_delivery", "actions", ["delivery_id", "id"])
    op.create_table(
        "engagements",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("submission", sa.Text, nullable=False),
        sa.Column("record", sa.Text, nullable=False),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("updated_at", sa.Float, nullable=False),
    )
    op.create_table(
        "engagement_issues",
        sa.Column("iid", Number, primary_key=True, autoincrement=False),
        sa.Column("engagement_id", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
    )
    op.create_table(
        "journal",
        sa.Column("id", Number, primary_key=True),
        sa.Column("lane", sa.Text, nullable=False),
        sa.Column("delivery_id", Number, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("entry", sa.Text, nullable=False),
    )
    op.create_index("journal_by_lane", "journal", ["lane", "id"])
