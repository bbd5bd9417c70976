"""Whose work on a delivery has not come to an end, for several replicas on one database."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.add_column("deliveries", sa.Column("life", sa.Text))
