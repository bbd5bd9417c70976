"""What of an engagement stands in fields of its opportunity: handed over where it differs from what was written last.

No handler has to know that there is a Salesforce. What was written is known only once Salesforce has said so; the key
of what is handed over names both sides, so that the same wish is made once and a value may come back later.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal

from app.actions import HandOver
from app.engagement import Engagement, IssueRole
from app.events import Source
from app.issue_text import Playbook
from app.methodology.model import Methodology
from app.methodology.process import Document
from app.methodology.salesforce import Fills
from app.opportunity import opportunity_key
from app.registry import Decision
from app.salesforce_events import WANTED, opportunity_lane, wanted_record


def with_writings(decision: Decision, playbook: Playbook) -> Decision:
    """The decision, and what its engagement wants to stand in Salesforce; itself where that is so already."""
    engagement = decision.engagement
    if not playbook.writes_salesforce or engagement is None or decision.lane is not None:
        return decision
    key = opportunity_key(engagement.submission.sfdc_opportunity_url)
    if key is None:
        return decision
    known = engagement.standing.opportunity
    written = dict(known.written) if known is not None and known.key == key else {}
    values = {name: value for name, value in wanted(engagement, playbook.methodology) if written.get(name) != value}
    if not values:
        return decision
    sign = hashlib.sha256(json.dumps([values, written], sort_keys=True).encode()).hexdigest()[:16]
    handed = HandOver(
        key=f"{engagement.id}:salesforce:{sign}",
        source=Source.SALESFORCE.value,
        lane=opportunity_lane(key),
        what=WANTED,
        body=wanted_record(engagement.id, key, values, written),
    )
    return replace(decision, actions=(*decision.actions, handed))


def wanted(engagement: Engagement, methodology: Methodology) -> Iterator[tuple[str, str]]:
    """The fields by their API names, and what they should say; what is not known is not wanted."""
    for what, name in methodology.salesforce.writes.items():
        value = _value(what, engagement, methodology)
        if value is not None:
            yield name, value


def _value(what: Fills, engagement: Engagement, methodology: Methodology) -> str | None:
    match what:
        case Fills.SCOPING_ISSUE:
            link = engagement.issues.get(IssueRole.SCOPING)
            return None if link is None else link.web_url
        case Fills.ENGAGEMENT_MANAGER:
            return next(iter(engagement.standing.outlook.leads), None)
        case Fills.CONFIDENCE:
            return engagement.standing.confidence
        case Fills.SERVICES_VALUE:
            paper = engagement.standing.papers.get(Document.ESTIMATE)
            if paper is None or paper.amount is None or paper.currency != methodology.money.currency:
                return None
            return f"{paper.amount:f}"


def is_alike(theirs: object, ours: str) -> bool:
    """Whether a field says what is wanted; a number says so whatever its digits behind the point."""
    if isinstance(theirs, Decimal):
        try:
            return theirs == Decimal(ours)
        except ArithmeticError:
            return False
    return theirs is not None and str(theirs).strip() == ours.strip()
