"""Dead letters that were run again, errands for a running service, and what the sweep has looked at."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.add_column("deliveries", sa.Column("was_parked", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("engagements", sa.Column("record_before", sa.Text))
    op.add_column("engagements", sa.Column("decided_by", NUMBER))
    op.create_table(
        "errands",
        sa.Column("id", NUMBER, primary_key=True),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("words", sa.Text, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False),
        sa.Column("answer", sa.Text),
    )
    op.create_table(
        "swept_issues",
        sa.Column("iid", NUMBER, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("notes_until", sa.Float, nullable=False),
    )
    op.create_table(
        "marks",
        sa.Column("name", sa.Text, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )
