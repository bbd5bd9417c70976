"""Which commands of which comment were heard, so that none runs twice and none of another's edit ever."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from app.store.schema import Number

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.create_table(
        "commands_heard",
        sa.Column("note_id", Number, primary_key=True, autoincrement=False),
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("delivery_id", Number, nullable=False),
        sa.Column("was_carried_out", sa.Boolean, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("commands_heard_by_delivery", "commands_heard", ["delivery_id"])
