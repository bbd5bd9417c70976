"""What others decide in Salesforce: the legal approval case and the approval of Finance, asked for once and read back.

Both are asked for beside the engagement's own lane, and only where nobody has asked already; their answer is somebody's
word about the SOW as it is then.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.actions import Action, HandOver, SubmitRecord, UpsertRecord
from app.engagement import Engagement
from app.hearing import Ledger
from app.issue_text import Playbook
from app.machine.course import Course
from app.machine.deeds import Deed
from app.machine.elsewhere import hear_elsewhere
from app.machine.scene import Scene
from app.machine.standing import Paper, Standing
from app.methodology.process import Document, Matter
from app.methodology.salesforce import LegalCase, Reads
from app.opportunity import OBJECT, SALESFORCE, Opportunity, known_of, opportunity_key
from app.ports import Person, Record
from app.registry import Decision, ignore, registry
from app.salesforce_events import (
    Asked,
    CaseChanged,
    CaseRead,
    CaseWanted,
    FinanceWanted,
    OpportunityChanged,
    case_lane,
    changed_at,
    opportunity_lane,
)
from app.salesforce_out import hand, is_of, said_of
from app.snapshot import Needs, Snapshot
from handlers.progress import progress
from handlers.scene import what_to_see


def _needs_of_case(event: CaseWanted | CaseChanged, *_: object) -> Needs:
    told_at = event.at if isinstance(event, CaseChanged) else None
    return Needs(told=event.engagement, case=event.engagement, read_after=told_at)


@registry.on(CaseWanted, needs=_needs_of_case)
def on_case_wanted(event: CaseWanted, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Open it; of one that is there write only what follows the SOW, and only where it differs."""
    rules, engagement = playbook.methodology.salesforce.legal_case, snapshot.told
    if rules is None or engagement is None or not is_of(event.opportunity, engagement):
        return ignore("no legal cases are opened any more, or the engagement has another opportunity now")
    texts = {
        name: said_of(text, engagement, event.opportunity, playbook.methodology) for name, text in rules.fields.items()
    }
    changed = {name: text for name, text in texts.items() if _is_to_be_written(name, text, snapshot.case, rules)}
    look = CaseChanged(event.engagement, {}, now.timestamp())
    looked = hand(look, key=f"{event.engagement}:case-seen:{event.number}", lane=case_lane(event.engagement))
    status = None if snapshot.case is None else _text(snapshot.case.fields.get(rules.status))
    asked = _asked(event.engagement, Asked(event.opportunity, Matter.LEGAL_CASE, event.digest, status), event.number)
    if not changed and snapshot.case is not None:
        return Decision(reasons=("the legal case says so already",), actions=(asked, looked))
    upsert = UpsertRecord(
        key=f"{event.engagement}:case:{event.number}",
        object=rules.object,
        external=rules.external_id,
        ident=event.engagement,
        values=changed,
    )
    verb = "opened" if snapshot.case is None else "brought up to date"
    actions: tuple[Action, ...] = (upsert, asked, looked)
    return Decision(reasons=(f"the legal case is to be {verb}",), actions=actions)


def _is_to_be_written(name: str, text: str, case: Record | None, rules: LegalCase) -> bool:
    if case is None:
        return True
    theirs = str(case.fields.get(name) or "")
    return name in rules.follows and theirs != text and (not theirs or rules.is_ours(name, theirs))


@registry.on(CaseChanged, needs=_needs_of_case)
def on_case_changed(event: CaseChanged, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Hand what it is now to its engagement; of a message alone what that says."""
    rules = playbook.methodology.salesforce.legal_case
    if rules is None or snapshot.told is None:
        return ignore("no engagement has this legal case")
    if snapshot.can_read and snapshot.case is None:
        return ignore("Salesforce shows no such legal case")
    told = _told_of(event, snapshot.case, rules)
    if told is None:
        return ignore("the message does not say which case it is of, or what its status is")
    at = min(told.at, now.timestamp())
    digest = hashlib.sha256(repr((told.case, told.status)).encode()).hexdigest()[:16]
    read = CaseRead(told.case, told.status, at)
    handed = hand(read, key=f"{event.engagement}:case:{event.at:.6f}:{digest}", lane=event.engagement)
    return Decision(reasons=("an engagement has this legal case",), actions=(handed,))


def _told_of(event: CaseChanged, case: Record | None, rules: LegalCase) -> CaseRead | None:
    if case is not None:
        return CaseRead(case.id, _text(case.fields.get(rules.status)), case.changed_at)
    status, ident = event.fields.get(rules.status), event.fields.get("Id")
    told = changed_at(event.fields)
    at = event.at if told is None else told
    return CaseRead(str(ident) if ident else None, str(status), at) if status else None


def _needs_of_case_read(event: CaseRead, engagement: Engagement | None, playbook: Playbook, _: Person) -> Needs:
    if engagement is None or not _is_news(event, engagement, playbook):
        return Needs()
    return what_to_see(engagement, playbook.methodology)


@registry.on(CaseRead, needs=_needs_of_case_read)
def on_case_read(event: CaseRead, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """The case is on record, and what its status says of the SOW is Legal's word."""
    engagement = snapshot.engagement
    if engagement is None:
        return ignore("there is no such engagement any more")
    known = _known(engagement)
    if known is None:
        return ignore("the engagement has no opportunity any more")
    if known.case_at > event.at:
        return ignore("something newer is known of the legal case")
    known = replace(known, case_at=event.at)
    if not _is_news(event, engagement, playbook):
        stands = replace(engagement, standing=engagement.standing.but(opportunity=known))
        return Decision(reasons=("the legal case is as it was",), engagement=stands)
    said = _CaseSeen(known, _url_of(event, playbook), event.status, event.at)
    made = progress(engagement, snapshot, playbook, now, orders=said)
    return Decision(
        reasons=made.reasons or ("the case is as it was",), actions=made.actions, engagement=made.engagement
    )


def _known(engagement: Engagement) -> Opportunity | None:
    key = opportunity_key(engagement.submission.sfdc_opportunity_url)
    return None if key is None else known_of(engagement.standing.opportunity, key)


def _url_of(event: CaseRead, playbook: Playbook) -> str | None:
    has_both = event.case is not None and playbook.salesforce_url is not None
    return f"{playbook.salesforce_url}/{event.case}" if has_both else None


def _is_news(event: CaseRead, engagement: Engagement, playbook: Playbook) -> bool:
    known, url = _known(engagement), _url_of(event, playbook)
    paper = engagement.standing.papers.get(Document.LEGAL_CASE)
    is_on_record = url is None or (paper is not None and paper.url == url)
    return known is None or known.said.get(Matter.LEGAL_CASE) != event.status or not is_on_record


@dataclass(frozen=True, slots=True)
class _CaseSeen:
    """The case as the machine meets it. Implements progress.Ordering."""

    known: Opportunity
    url: str | None
    status: str | None
    at: float

    def deeds(self, ledger: Ledger, look: Callable[[Course], None]) -> tuple[Deed, ...]:  # noqa: ARG002
        """One: it is there, and says something."""

        def hear(course: Course) -> None:
            course.cause = "the legal case in Salesforce"
            course.standing = course.standing.but(opportunity=self.known)
            if self.url is not None:
                course.put(Document.LEGAL_CASE, Paper(0, SALESFORCE, self.at, self.url))
                course.because("is on record")
            hear_elsewhere(course, Matter.LEGAL_CASE, self.status, self.at)

        return (Deed(self.at, SALESFORCE, hear),)

    def conclude(self, standing: Standing, scene: Scene) -> None:
        """There is nobody to answer."""


def _needs_of_finance(event: FinanceWanted, *_: object) -> Needs:
    return Needs(opportunity=event.opportunity, is_read=True, told=event.engagement)


@registry.on(FinanceWanted, needs=_needs_of_finance)
def on_finance_wanted(event: FinanceWanted, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Submit the opportunity, unless Finance is at work on it, or decided since."""
    rules, record, engagement = playbook.methodology.salesforce.finance, snapshot.record, snapshot.told
    if rules is None or record is None or engagement is None:
        return ignore("Salesforce shows no such opportunity, or nothing is submitted any more")
    if snapshot.owner not in {None, event.engagement} or not is_of(event.opportunity, engagement):
        return ignore("the opportunity is another engagement's")
    field = playbook.methodology.salesforce.reads[Reads.FINANCE]
    found = record.fields.get(field)
    status = _text(found)
    if status is not None and not rules.is_given(status) and not rules.is_refused(status):
        return ignore(f"Finance is at work on it: {status}")
    if status is not None and status != event.known:
        return ignore(f"Finance has decided by itself: {status}")
    submit = SubmitRecord(
        key=f"{event.engagement}:finance:{event.number}",
        object=OBJECT,
        status=field,
        before=None if found is None else str(found),
        record=record.id,
        comment=said_of(rules.comment, engagement, event.opportunity, playbook.methodology),
    )
    asked = _asked(event.engagement, Asked(event.opportunity, Matter.FINANCE, event.digest, status), event.number)
    look = OpportunityChanged(event.opportunity, {}, now.timestamp())
    key, lane = f"{event.engagement}:finance-seen:{event.number}", opportunity_lane(event.opportunity)
    actions: tuple[Action, ...] = (submit, asked, hand(look, key=key, lane=lane))
    return Decision(reasons=("the approval of Finance is asked for",), actions=actions)


@registry.on(Asked)
def on_asked(event: Asked, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """Know what they were asked about: their status of before says nothing of it."""
    engagement = snapshot.engagement
    if engagement is None or not is_of(event.opportunity, engagement):
        return ignore("the engagement has another opportunity now")
    known = known_of(engagement.standing.opportunity, event.opportunity)
    said = {matter: word for matter, word in known.said.items() if matter != event.matter}
    if event.status is not None:
        said[event.matter] = event.status
    asked = replace(known, said=said, asked={**known.asked, event.matter: event.digest})
    stands = replace(engagement, standing=engagement.standing.but(opportunity=asked))
    return Decision(reasons=(f"asked in Salesforce: {event.matter}",), engagement=stands)


def _asked(engagement: str, event: Asked, number: int) -> HandOver:
    return hand(event, key=f"{engagement}:asked:{event.matter}:{number}", lane=engagement)


def _text(value: object) -> str | None:
    return str(value).strip() or None if value is not None else None
