"""What the bot writes on an opportunity: only what differs, and never over what somebody else has written there.

In the opportunity's own lane it is looked and written, so that a Salesforce that does not answer holds up no
engagement; the engagement hears what came of it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.actions import HandOver, UpdateRecord
from app.engagement import Engagement
from app.hearing import Ledger
from app.issue_text import Playbook
from app.machine.course import Course
from app.machine.deeds import Deed
from app.machine.outcome import FieldsKept
from app.machine.scene import Scene
from app.machine.standing import Standing
from app.methodology.parts import IssueKind
from app.methodology.salesforce import Fills
from app.opportunity import OBJECT, SALESFORCE, known_of
from app.ports import Person
from app.registry import Decision, ignore, registry
from app.salesforce_events import OpportunityWanted, OpportunityWritten
from app.salesforce_out import TO_BE_MADE, hand, is_alike, is_of, kept_key, value_of
from app.snapshot import Needs, Snapshot
from handlers.progress import progress
from handlers.scene import what_to_see


def _needs_of_wish(event: OpportunityWanted, *_: object) -> Needs:
    return Needs(opportunity=event.opportunity, is_read=True, told=event.engagement)


@registry.on(OpportunityWanted, needs=_needs_of_wish)
def on_wanted(event: OpportunityWanted, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """Write it where it differs; what is neither empty nor the bot's own stays, and its engagement hears of it."""
    rules, record, engagement = playbook.methodology.salesforce, snapshot.record, snapshot.told
    what = next((each for each, name in rules.writes.items() if name == event.field), None)
    if record is None or what is None or engagement is None:
        return ignore("Salesforce shows no such opportunity, or the field is none of those to be written any more")
    if snapshot.owner not in {None, event.engagement} or not is_of(event.opportunity, engagement):
        return ignore("the opportunity is another engagement's")
    ours: str | None = event.value
    if ours == TO_BE_MADE:
        ours = value_of(what, engagement, playbook.methodology)
    if ours is None:
        return ignore("it is not known what the field should say")
    theirs = record.fields.get(rules.looks_at(event.field))
    if is_alike(theirs, ours):
        return Decision(reasons=("the field says so already",), actions=(_answer(event, ours),))
    if not _is_ours(theirs, event.written):
        return Decision(reasons=("somebody else has written there",), actions=(_answer(event, ours, is_kept=True),))
    update = UpdateRecord(
        key=f"{event.engagement}:update:{event.number}:{event.field}",
        object=OBJECT,
        record=record.id,
        field=event.field,
        value=ours,
        is_number=what is Fills.SERVICES_VALUE,
        is_user=event.field in rules.users,
        path=rules.looks_at(event.field),
        before=None if theirs is None else str(theirs),
    )
    return Decision(reasons=(f"{event.field} is to be written",), actions=(update, _answer(event, ours)))


def _is_ours(theirs: object, written: str | None) -> bool:
    """Whether nobody else's word stands there: nothing does, or what the bot wrote last."""
    is_empty = theirs is None or not str(theirs).strip()
    return is_empty or (written is not None and is_alike(theirs, written))


def _answer(event: OpportunityWanted, value: str, *, is_kept: bool = False) -> HandOver:
    said = OpportunityWritten(event.opportunity, event.field, value, is_kept)
    return hand(said, key=f"{event.engagement}:written:{event.number}:{event.field}", lane=event.engagement)


def _needs_of_answer(event: OpportunityWritten, engagement: Engagement | None, playbook: Playbook, _: Person) -> Needs:
    return Needs() if engagement is None or not event.is_kept else what_to_see(engagement, playbook.methodology)


@registry.on(OpportunityWritten, needs=_needs_of_answer)
def on_written(event: OpportunityWritten, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Know what stands there; a field that somebody else has filled is told of, once."""
    engagement = snapshot.engagement
    if engagement is None:
        return ignore("there is no such engagement any more")
    if not is_of(event.opportunity, engagement):
        return ignore("the engagement has another opportunity now")
    known = known_of(engagement.standing.opportunity, event.opportunity)
    if event.is_kept:
        others = {name: value for name, value in known.written.items() if name != event.field}
        unwritten = engagement.standing.but(opportunity=replace(known, written=others))
        engagement = replace(engagement, standing=unwritten)
        made = progress(engagement, snapshot, playbook, now, orders=_Kept(event.field, now.timestamp()))
        return Decision(
            reasons=made.reasons or ("people know of it",), actions=made.actions, engagement=made.engagement
        )
    known = replace(known, written={**known.written, event.field: event.value})
    stands = replace(engagement, standing=engagement.standing.but(opportunity=known))
    return Decision(reasons=(f"{event.field} is written",), engagement=stands)


@dataclass(frozen=True, slots=True)
class _Kept:
    """A field that stays as somebody else wrote it, as the machine meets it. Implements progress.Ordering."""

    field: str
    at: float

    def deeds(self, ledger: Ledger, look: Callable[[Course], None]) -> tuple[Deed, ...]:  # noqa: ARG002
        """One: people hear of it, once."""

        def tell(course: Course) -> None:
            asked = kept_key(self.field)
            if asked not in course.standing.asked and IssueKind.SCOPING in course.scene.issues:
                course.standing = course.standing.but(asked={**course.standing.asked, asked: 1})
                course.because(f"{self.field} says something else in Salesforce")
                course.notices.append(FieldsKept(asked, IssueKind.SCOPING, self.field))

        return (Deed(self.at, SALESFORCE, tell),)

    def conclude(self, standing: Standing, scene: Scene) -> None:
        """There is nobody to answer."""
