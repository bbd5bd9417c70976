"""Which deliveries were run again after they had been dead letters."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.add_column("deliveries", sa.Column("was_parked", sa.Boolean, nullable=False, server_default=sa.false()))
