"""The next clock of an engagement on each track, for lists; known from the next look at it on."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.add_column("stands", sa.Column("clock", sa.Text))
    op.add_column("stands", sa.Column("clock_due_at", sa.Float))
