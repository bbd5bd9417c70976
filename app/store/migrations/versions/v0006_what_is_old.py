"""What is too old is found by its age, and the journal of a delivery by the delivery; nobody asked for it by lane."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Forward; there is no way back but a back-up."""
    for name, condition in (
        ("deliveries_done", "state = 'done' AND body IS NOT NULL"),
        ("deliveries_ignored", "state = 'ignored'"),
    ):
        only = sa.text(condition)
        op.create_index(name, "deliveries", ["settled_at"], sqlite_where=only, postgresql_where=only)
    op.drop_index("journal_by_lane", "journal")
    op.create_index("journal_by_delivery", "journal", ["delivery_id", "id"])
