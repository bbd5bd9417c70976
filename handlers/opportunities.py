"""What Salesforce tells of an opportunity: whose it is is found out first, then its engagement hears how it is now.

The first happens in a lane of the opportunity's own, because Salesforce is asked there and may not answer; the second
where the comments of the engagement are. An opportunity for services that belongs to nobody begins an engagement, as a
submission of the calculator does.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from app.actions import HandOver
from app.engagement import Engagement
from app.events import SUBMISSION, Source
from app.hearing import Ledger
from app.issue_text import Playbook
from app.machine.course import Course
from app.machine.deeds import Deed
from app.machine.elsewhere import hear_elsewhere
from app.machine.outcome import StageFollows
from app.machine.scene import Scene
from app.machine.standing import Standing, label_key
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Matter
from app.methodology.salesforce import Reads, SalesforceRules
from app.opportunity import SALESFORCE, Opportunity, front_door_id, known_of, opportunity_key, stage_named
from app.ports import Person, Record
from app.registry import Decision, ignore, registry
from app.salesforce_events import NOW, OpportunityChanged, OpportunityRead, changed_at
from app.salesforce_out import hand, kept_key
from app.snapshot import Needs, Snapshot
from app.submission.front_door import submission_of
from handlers.progress import progress
from handlers.scene import what_to_see

WRITES: Final = "writes."
"""Begins the names of what stands in fields that the bot fills."""


def _needs_of_change(event: OpportunityChanged, *_: object) -> Needs:
    return Needs(opportunity=event.opportunity, is_read=True, read_after=None if event.at == NOW else event.at)


@registry.on(OpportunityChanged, needs=_needs_of_change)
def on_change(event: OpportunityChanged, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Hand what it is now to its engagement; or, of a new one for services, a submission."""
    rules = playbook.methodology.salesforce
    if snapshot.can_read and snapshot.record is None:
        return ignore("Salesforce shows no such opportunity")
    values, at = _as_it_is(event, snapshot.record, rules)
    at = min(at, now.timestamp())
    if snapshot.owner is not None:
        told = _hand_to(snapshot.owner, event, values, at)
        return Decision(reasons=("an engagement has this opportunity",), actions=(told,))
    if values.get(Reads.RECORD_TYPE, "").casefold() != rules.record_type.casefold():
        return ignore("no engagement has this opportunity, and it is none for services alone")
    if _has_ended(values, playbook.methodology):
        return ignore("no engagement has this opportunity, and it has ended")
    ident = front_door_id(event.opportunity)
    submission = submission_of(ident, event.opportunity, values, today=now.date())
    begun = HandOver(
        key=f"opportunity:{event.opportunity}:{_digest(submission)}",  # what could not begin may, when it was mended
        source=Source.CALCULATOR.value,
        lane=ident,
        what=SUBMISSION,
        body=submission,
    )
    told = _hand_to(ident, event, values, at)
    return Decision(reasons=("a new opportunity for services",), actions=(begun, told))


def _needs_of_read(event: OpportunityRead, engagement: Engagement | None, playbook: Playbook, _: Person) -> Needs:
    whose = Needs(opportunity=event.opportunity)
    if engagement is None or not _is_news(event, engagement, playbook):
        return whose  # however often it is told, GitLab is asked once
    return replace(what_to_see(engagement, playbook.methodology), opportunity=event.opportunity)


@registry.on(OpportunityRead, needs=_needs_of_read)
def on_read(event: OpportunityRead, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Mirror its stage, and let follow what follows from that. What was so before something known is no news."""
    engagement = snapshot.engagement
    if engagement is None:
        if snapshot.owner is None or snapshot.owner == snapshot.lane:
            return ignore("no engagement has this opportunity any more")
        return Decision(reasons=("another engagement has this opportunity",), lane=snapshot.owner)
    if opportunity_key(engagement.submission.sfdc_opportunity_url) != event.opportunity:
        return ignore("the engagement has another opportunity now")
    known = _known(event, engagement)
    if known.at > event.at:
        return ignore("something newer is known of this opportunity")
    heard = _heard(known, event, engagement, playbook)
    if not _is_news(event, engagement, playbook):
        if heard == known:
            return ignore("this is known of the opportunity")
        stands = replace(engagement, standing=engagement.standing.but(opportunity=heard))
        return Decision(reasons=("the opportunity is as it was",), engagement=stands)
    said = _WordOfSalesforce(
        known,
        heard,
        at=min(event.at, now.timestamp()),
        finance=_finance(event, known, playbook),
        methodology=playbook.methodology,
    )
    made = progress(engagement, snapshot, playbook, now, orders=said)
    return Decision(
        reasons=made.reasons or ("the opportunity is as it was",), actions=made.actions, engagement=made.engagement
    )


def _known(event: OpportunityRead, engagement: Engagement) -> Opportunity:
    return known_of(engagement.standing.opportunity, event.opportunity)


def _heard(known: Opportunity, event: OpportunityRead, engagement: Engagement, playbook: Playbook) -> Opportunity:
    """A message alone may say nothing of the stage: then it is as it was."""
    stage = stage_named(event.values.get(Reads.STAGE))
    wished = _wished(known, event, engagement, playbook)
    # a message without a stage settles no dispute about it
    contested = known.contested if stage is None else None
    named = known.stage if stage is None else stage.value
    return replace(known, stage=named, at=event.at, wished=wished, contested=contested)


def _is_news(event: OpportunityRead, engagement: Engagement, playbook: Playbook) -> bool:
    """Whether anything but the time differs from what is known."""
    known = _known(event, engagement)
    heard = _heard(known, event, engagement, playbook)
    return replace(heard, at=known.at) != known or _finance(event, known, playbook) != known.said.get(Matter.FINANCE)


def _finance(event: OpportunityRead, known: Opportunity, playbook: Playbook) -> str | None:
    """Its status; as it was, where Finance does not decide there, or a message alone says nothing of it."""
    rules = playbook.methodology.salesforce
    if Matter.FINANCE not in rules.elsewhere or (playbook.salesforce_url is None and Reads.FINANCE not in event.values):
        return known.said.get(Matter.FINANCE)
    return event.values.get(Reads.FINANCE)


def _wished(
    known: Opportunity, event: OpportunityRead, engagement: Engagement, playbook: Playbook
) -> Mapping[str, str]:
    """What was wished for, without a field that is empty now and that somebody else had filled: it is wished anew."""
    asked = engagement.standing.asked
    emptied = {
        name
        for what, name in playbook.methodology.salesforce.writes.items()
        if kept_key(name) in asked and name not in known.written and WRITES + what not in event.values
    }
    return {name: value for name, value in known.wished.items() if name not in emptied}


@dataclass(frozen=True, slots=True)
class _WordOfSalesforce:
    """The word of Salesforce as the machine meets it. Implements progress.Ordering."""

    known: Opportunity
    heard: Opportunity
    at: float
    finance: str | None
    methodology: Methodology

    def deeds(self, ledger: Ledger, look: Callable[[Course], None]) -> tuple[Deed, ...]:
        """One: the stage is what it is."""

        def mirror(course: Course) -> None:
            course.cause = f"Salesforce says {self.heard.stage or 'an unknown stage'}"
            course.standing = course.standing.but(opportunity=self.heard)
            if self.heard.stage is not None:
                self._say_that_it_follows(course)
                label = self.methodology.salesforce.label_of(self.heard.stage)
                for kind in _carrying(label, ledger, self.methodology):
                    _set_label(course, ledger, kind, label, self.methodology.salesforce)
                look(course)
            hear_elsewhere(course, Matter.FINANCE, self.finance, self.at)

        return (Deed(self.at, SALESFORCE, mirror),)

    def _say_that_it_follows(self, course: Course) -> None:
        """Whoever set another one hears of it; not where Salesforce has moved on since."""
        number, stage = self.known.contested, self.heard.stage
        if number is not None and stage is not None and stage == self.known.stage:
            course.notices.append(StageFollows(f"stage-label:{number}", IssueKind.SCOPING, stage))

    def conclude(self, standing: Standing, scene: Scene) -> None:
        """There is nobody to answer."""


def _carrying(label: str, ledger: Ledger, methodology: Methodology) -> list[Any]:
    known = methodology.labels.get(label)
    return [] if known is None else [kind for kind in ledger.issues if kind in known.on]


def _set_label(course: Course, ledger: Ledger, kind: Any, label: str, rules: SalesforceRules) -> None:
    """In place of the stage before; it counts at once, as GitLab's own record of it will a moment later."""
    issue = ledger.issues[kind]
    others = tuple(each for each in issue.labels if rules.is_stage_label(each) and each != label)
    labels = (*(each for each in issue.labels if each not in (*others, label)), label)
    ledger.issues = {**ledger.issues, kind: replace(issue, labels=labels)}
    ledger.add = {**ledger.add, kind: (*ledger.add.get(kind, ()), label)}
    ledger.remove = {**ledger.remove, kind: (*ledger.remove.get(kind, ()), *others)}
    course.ordered.add(label)
    course.standing = course.standing.but(setters={**course.standing.setters, label_key(kind, label): SALESFORCE})
    view = course.scene.issues[kind]
    seen = replace(view, labels=(view.labels - frozenset(others)) | {label})
    course.scene = replace(course.scene, issues={**course.scene.issues, kind: seen})


def _hand_to(engagement: str, event: OpportunityChanged, values: Mapping[str, str], at: float) -> HandOver:
    """By when it was told, and what for: within a second, as Salesforce keeps it, it may have changed to and fro."""
    digest = _digest({"is": values, "told": event.fields})
    told = OpportunityRead(event.opportunity, values, at)
    return hand(told, key=f"{engagement}:opportunity:{event.opportunity}:{event.at:.6f}:{digest}", lane=engagement)


def _digest(values: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]


def _as_it_is(event: OpportunityChanged, record: Record | None, rules: SalesforceRules) -> tuple[dict[str, str], float]:
    """Its values by their names here, and when they were so; of a message alone what that says."""
    if record is not None:
        filled = {f"{WRITES}{what}": record.fields.get(rules.looks_at(name)) for what, name in rules.writes.items()}
        return _named(record.fields, rules) | _plain(filled), record.changed_at
    told = changed_at(event.fields)
    return _named(event.fields, rules), event.at if told is None else told


def _named(fields: Mapping[str, Any], rules: SalesforceRules) -> dict[str, str]:
    return _plain({what.value: fields.get(name) for what, name in rules.reads.items()})


def _plain(found: Mapping[str, Any]) -> dict[str, str]:
    return {what: str(value).strip() for what, value in found.items() if value is not None and str(value).strip()}


def _has_ended(values: Mapping[str, str], methodology: Methodology) -> bool:
    """Whether it is at a stage that only ends have."""
    stage = stage_named(values.get(Reads.STAGE))
    if stage is None:
        return False
    states = [state for track in methodology.tracks.values() for state in track.states.values()]
    return any(state.is_end for state in states if stage.value in state.sfdc)
