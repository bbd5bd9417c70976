"""Which commands were refused, so that a mended comment loses its refusal."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.add_column("commands_heard", sa.Column("was_refused", sa.Boolean, nullable=False, server_default=sa.false()))
