"""Which messages of the chat are whose, so that they are changed and answered instead of said again."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    op.create_table(
        "chat_posts",
        sa.Column("engagement_id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        sa.Column("topic", sa.Text, primary_key=True),
        sa.Column("place", sa.Text),
        sa.Column("ts", sa.Text),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("is_open", sa.Boolean, nullable=False),
    )
