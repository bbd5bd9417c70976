"""Timers; every engagement that is known is looked at once, so that its clocks run from now on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0007"


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.create_table(
        "timers",
        sa.Column("lane", sa.Text, primary_key=True),
        sa.Column("due_at", sa.Float, nullable=False),
        sa.Column("struck_at", sa.Float),
    )
    armed = sa.text("struck_at IS NULL OR struck_at < due_at")
    op.create_index("timers_by_time", "timers", ["due_at"], sqlite_where=armed, postgresql_where=armed)
    op.execute("INSERT INTO timers (lane, due_at) SELECT id, 1.0 FROM engagements")
