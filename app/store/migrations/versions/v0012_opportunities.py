"""Which opportunity of Salesforce is whose, so that what Salesforce tells finds its engagement."""

from __future__ import annotations

import json

import sqlalchemy as sa
from alembic import op

from app.opportunity import opportunity_key

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    """Forward; there is no way back but a back-up. Of two engagements with one opportunity the older has it."""
    made = op.create_table(
        "opportunities",
        sa.Column("opportunity", sa.Text, primary_key=True),
        sa.Column("engagement_id", sa.Text, nullable=False),
    )
    op.create_table(
        "joined",
        sa.Column("submission", sa.Text, primary_key=True),
        sa.Column("engagement_id", sa.Text, nullable=False),
    )
    found: dict[str, str] = {}
    rows = op.get_bind().execute(sa.text("SELECT id, submission FROM engagements ORDER BY created_at"))
    for ident, submission in rows:
        key = opportunity_key(json.loads(submission).get("sfdc_opportunity_url"))
        if key is not None:
            found.setdefault(key, ident)
    if found:
        op.bulk_insert(made, [{"opportunity": key, "engagement_id": ident} for key, ident in found.items()])
