"""What lists and reports are read from; a start fills it from the engagements' records."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.create_table(
        "pipeline",
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("customer", sa.Text, nullable=False),
        sa.Column("requester", sa.Text, nullable=False),
        sa.Column("segment", sa.Text),
        sa.Column("leads", sa.Text, nullable=False),
        sa.Column("is_confidential", sa.Boolean, nullable=False),
        sa.Column("amount", sa.Text),
        sa.Column("currency", sa.Text),
        sa.Column("expected_close", sa.Text),
        sa.Column("due", sa.Text),
        sa.Column("begun_at", sa.Float),
        sa.Column("scoping_url", sa.Text),
        sa.Column("intake_url", sa.Text),
    )
    op.create_table(
        "stands",
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("track", sa.Text, primary_key=True),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("came_from", sa.Text),
        sa.Column("roles", sa.Text, nullable=False),
        sa.Column("what", sa.Text, nullable=False),
        sa.Column("waits_since", sa.Float),
    )
    op.create_index("stands_by_state", "stands", ["track", "state", "since"])
    op.create_table(
        "moves",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("engagement_id", sa.Text, nullable=False),
        sa.Column("track", sa.Text, nullable=False),
        sa.Column("came_from", sa.Text),
        sa.Column("to", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("is_back", sa.Boolean, nullable=False),
    )
    op.create_index("moves_by_engagement", "moves", ["engagement_id", "track", "at"])
    op.create_table(
        "reviews",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("engagement_id", sa.Text, nullable=False),
        sa.Column("gate", sa.Text, nullable=False),
        sa.Column("verdict", sa.Text, nullable=False),
        sa.Column("by", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Float),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("reviews_by_engagement", "reviews", ["engagement_id", "at"])
    op.create_index("journal_by_lane", "journal", ["lane", "id"])
