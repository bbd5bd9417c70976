"""What an engagement wants of Salesforce, whenever that changes: fields of its opportunity, one by one, and approvals.

No handler has to know that there is a Salesforce. A field that it refuses stops no other, and is not wished for again
before it should say something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Final

from app.actions import CreateIssue, HandOver, Remember
from app.engagement import Engagement, IssueRole
from app.events import Source
from app.issue_text import Playbook
from app.machine.papers import digest_of
from app.machine.standing import Paper
from app.methodology.model import Methodology
from app.methodology.process import Document, Matter
from app.methodology.salesforce import NOT_KNOWN, SAYING_OF, Fills
from app.opportunity import SALESFORCE, Opportunity, ask_key, known_of, opportunity_key
from app.registry import Decision
from app.salesforce_events import (
    NOW,
    CaseWanted,
    FinanceWanted,
    OpportunityChanged,
    OpportunityWanted,
    SalesforceEvent,
    kind_of,
    legal_lane,
    opportunity_lane,
    record_of,
    writing_lane,
)

TO_BE_MADE: Final = "(to be made)"
"""Stands for the address of an issue that is made before the wish is worked on."""
LOOK: Final = "look"
"""The wish that the opportunity is looked at; no field is called so."""


def kept_key(name: str) -> str:
    """Under which `Standing.asked` keeps that people heard of a field in which somebody else has written."""
    return f"kept:{name}"


def with_writings(decision: Decision, playbook: Playbook) -> Decision:
    """The decision, and what its engagement wants to stand in Salesforce; itself where nothing new is wanted."""
    engagement = decision.engagement
    if playbook.salesforce_url is None or engagement is None or decision.lane is not None:
        return decision
    key = opportunity_key(_address(decision, engagement))
    if key is None:
        return decision
    before, handed = engagement.standing.opportunity, list[HandOver]()
    known = known_of(before, key)
    if before is None or before.key != key:
        handed, engagement = [_look(engagement, known)], _without_finance(engagement)
    values = {name: value for name, value in _wanted(decision, engagement, playbook) if known.wished.get(name) != value}
    if not values and not handed:
        return decision
    wished = replace(known, wished={**known.wished, **values}, wishes=known.wishes + 1)
    standing = engagement.standing.but(opportunity=wished)
    handed += [_hand_over(engagement, wished, name, value) for name, value in values.items()]
    return replace(decision, actions=(*decision.actions, *handed), engagement=replace(engagement, standing=standing))


def value_of(what: Fills, engagement: Engagement, methodology: Methodology) -> str | None:
    """What a field should say; None: that is not known."""
    match what:
        case Fills.SCOPING_ISSUE:
            link = engagement.issues.get(IssueRole.SCOPING)
            return None if link is None else link.web_url
        case Fills.ENGAGEMENT_MANAGER:
            leads = engagement.standing.outlook.leads
            return _manager(leads[0], methodology) if leads else None
        case Fills.CONFIDENCE:
            return engagement.standing.confidence
        case Fills.SERVICES_VALUE:
            paper = engagement.standing.papers.get(Document.ESTIMATE)
            is_known = paper is not None and paper.currency == methodology.money.currency
            return f"{paper.amount:f}" if is_known and paper is not None and paper.amount is not None else None


def is_alike(theirs: object, ours: str) -> bool:
    """Whether a field says what is wanted; a number says so whatever its digits behind the point."""
    if isinstance(theirs, Decimal):
        try:
            return theirs == Decimal(ours)
        except ArithmeticError:
            return False
    return theirs is not None and str(theirs).strip().casefold() == ours.strip().casefold()


def address_of(paper: Paper, engagement: Engagement) -> str | None:
    """Where a document is: at its address, or as an upload of the project that the issue is in."""
    if paper.url is not None or paper.file is None:
        return paper.url
    issue = engagement.issues.get(IssueRole.SCOPING) or next(iter(engagement.issues.values()), None)
    project, mark, _ = ("", "", "") if issue is None else issue.web_url.partition("/-/")
    return f"{project}{paper.file}" if mark else None


def said_of(text: str, engagement: Engagement, key: str, methodology: Methodology) -> str:
    """A text of the methodology with what is known of the engagement in it."""
    papers, scoping = engagement.standing.papers, engagement.issues.get(IssueRole.SCOPING)
    sow, estimate = papers.get(Document.SOW), papers.get(Document.ESTIMATE)
    known = {
        "{customer}": engagement.submission.customer_name,
        "{sow}": None if sow is None else address_of(sow, engagement),
        "{issue}": NOT_KNOWN if scoping is None else scoping.web_url,
        "{opportunity}": key,
        "{amount}": NOT_KNOWN if estimate is None else f"{estimate.amount or ''} {estimate.currency or ''}".strip(),
    }
    return methodology.salesforce.fill(text, {name: value or NOT_KNOWN for name, value in known.items()})


def hand(event: SalesforceEvent, *, key: str, lane: str) -> HandOver:
    """An event for another lane; of the same key it is one."""
    return HandOver(key=key, source=Source.SALESFORCE.value, lane=lane, what=kind_of(event), body=record_of(event))


def is_of(key: str, engagement: Engagement) -> bool:
    """Whether an opportunity is still that of the engagement."""
    return opportunity_key(engagement.submission.sfdc_opportunity_url) == key


def _wanted(decision: Decision, engagement: Engagement, playbook: Playbook) -> Iterator[tuple[str, str]]:
    """What is wished for → what it should be; for an approval that is the SOW which it is about, for a look why."""
    methodology = playbook.methodology
    for what, name in methodology.salesforce.writes.items():
        value = value_of(what, engagement, methodology)
        if value is None and what is Fills.SCOPING_ISSUE and _makes_scoping(decision):
            value = TO_BE_MADE
        if value is not None:
            yield name, value
    known = engagement.standing.opportunity
    if known is not None and known.contested is not None:
        yield LOOK, str(known.contested)
    for track, place in engagement.standing.places.items():
        for matter in methodology.tracks[track].states[place.state].on_enter.request:
            if matter in methodology.salesforce.elsewhere:
                yield ask_key(matter), digest_of(Document.SOW, engagement.standing, methodology)


def _makes_scoping(decision: Decision) -> bool:
    return any(isinstance(each, CreateIssue) and each.role is IssueRole.SCOPING for each in decision.actions)


def _manager(username: str, methodology: Methodology) -> str | None:
    """As the field wants it: a user of Salesforce is known by e-mail, else the user name stands there."""
    rules = methodology.salesforce
    return methodology.mail.address_of(username) if rules.writes[Fills.ENGAGEMENT_MANAGER] in rules.users else username


def _address(decision: Decision, engagement: Engagement) -> str | None:
    """Of the opportunity: as a revision says that is being carried out, else as is known."""
    revised = next((each for each in decision.actions if isinstance(each, Remember)), None)
    if revised is None:
        return engagement.submission.sfdc_opportunity_url
    found: str | None = revised.submission.get("sfdc_opportunity_url")
    return found


def _without_finance(engagement: Engagement) -> Engagement:
    """Finance said yes to another opportunity."""
    saying, marks = SAYING_OF[Matter.FINANCE], engagement.standing.marks
    kept = {name: mark for name, mark in marks.items() if name != saying or mark.by != SALESFORCE}
    return engagement if kept == marks else replace(engagement, standing=engagement.standing.with_marks(kept))


def _look(engagement: Engagement, known: Opportunity) -> HandOver:
    """An opportunity that an engagement has from now on may not change for weeks: it is looked at once."""
    key = f"{engagement.id}:look:{known.key}:{known.wishes}"
    return hand(OpportunityChanged(known.key, {}, NOW), key=key, lane=opportunity_lane(known.key))


def _hand_over(engagement: Engagement, known: Opportunity, name: str, value: str) -> HandOver:
    ident, number, lane = engagement.id, known.wishes, writing_lane(known.key)
    wish: SalesforceEvent
    match {ask_key(matter): matter for matter in Matter}.get(name):
        case Matter.FINANCE:
            wish = FinanceWanted(ident, known.key, value, known.said.get(Matter.FINANCE), number)
        case Matter.LEGAL_CASE:
            wish, lane = CaseWanted(ident, known.key, value, number), legal_lane(ident)
        case _ if name == LOOK:
            wish, lane = OpportunityChanged(known.key, {LOOK: value}, NOW), opportunity_lane(known.key)
        case _:
            wish = OpportunityWanted(ident, known.key, name, value, known.written.get(name), number)
    return hand(wish, key=f"{ident}:salesforce:{number}:{name}", lane=lane)
