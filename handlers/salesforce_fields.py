"""What the bot writes on an opportunity: only what differs, and never over what somebody else has written there.

In the opportunity's own lane it is looked and written, so that a Salesforce that does not answer holds up no
engagement; the engagement hears what came of it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from app.actions import Action, HandOver, UpdateRecord
from app.engagement import Engagement
from app.events import Source
from app.hearing import Ledger
from app.issue_text import Playbook
from app.machine.course import Course
from app.machine.deeds import Deed
from app.machine.outcome import FieldsKept
from app.machine.scene import Scene
from app.machine.standing import Standing
from app.methodology.parts import IssueKind
from app.methodology.salesforce import Fills
from app.opportunity import OBJECT, Opportunity
from app.ports import Person
from app.registry import Decision, ignore, registry
from app.salesforce_events import WRITTEN, OpportunityWanted, OpportunityWritten, written_record
from app.salesforce_out import is_alike
from app.snapshot import Needs, Snapshot
from handlers.opportunities import SALESFORCE
from handlers.progress import progress
from handlers.scene import what_to_see


def _needs_of_wish(event: OpportunityWanted, *_: object) -> Needs:
    return Needs(opportunity=event.opportunity, is_read=True)


@registry.on(OpportunityWanted, needs=_needs_of_wish)
def on_wanted(event: OpportunityWanted, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """Write what differs; what is neither empty nor the bot's own stays, and its engagement hears of it."""
    record = snapshot.record
    if record is None:
        return ignore("Salesforce shows no such opportunity, or is not connected any more")
    if snapshot.owner is not None and snapshot.owner != event.engagement:
        return ignore("the opportunity is another engagement's")
    theirs = {name: record.fields.get(name) for name in event.values}
    kept = [
        name
        for name, ours in event.values.items()
        if not _is_ours(theirs[name], event.written.get(name)) and not is_alike(theirs[name], ours)
    ]
    values = {
        name: ours for name, ours in event.values.items() if name not in kept and not is_alike(theirs[name], ours)
    }
    settled = {**event.written, **{name: ours for name, ours in event.values.items() if name not in kept}}
    sign = _sign([event.values, event.written, kept])
    answer = HandOver(
        key=f"{event.engagement}:written:{sign}",
        source=Source.SALESFORCE.value,
        lane=event.engagement,
        what=WRITTEN,
        body=written_record(event.opportunity, settled, kept),
    )
    actions: tuple[Action, ...] = (answer,)
    if values:
        writes = playbook.methodology.salesforce.writes
        update = UpdateRecord(
            key=f"{event.engagement}:update:{sign}",
            object=OBJECT,
            record=record.id,
            values=values,
            numbers=[name for what, name in writes.items() if what is Fills.SERVICES_VALUE and name in values],
        )
        actions = (update, answer)
    return Decision(reasons=(f"fields to write: {len(values)}, kept as they are: {len(kept)}",), actions=actions)


def _is_ours(theirs: object, written: str | None) -> bool:
    """Whether nobody else's word stands there: nothing does, or what the bot wrote last."""
    is_empty = theirs is None or (isinstance(theirs, str) and not theirs.strip()) or theirs == Decimal(0)
    return is_empty or (written is not None and is_alike(theirs, written))


def _needs_of_answer(event: OpportunityWritten, engagement: Engagement | None, playbook: Playbook, _: Person) -> Needs:  # noqa: ARG001
    return Needs() if engagement is None else what_to_see(engagement, playbook.methodology)


@registry.on(OpportunityWritten, needs=_needs_of_answer)
def on_written(event: OpportunityWritten, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Know what stands there; a field that somebody else has filled is told of, once."""
    engagement = snapshot.engagement
    if engagement is None:
        return ignore("there is no such engagement any more")
    made = progress(engagement, snapshot, playbook, now, orders=_Answered(event, now.timestamp()))
    return Decision(
        reasons=made.reasons or ("what stands in Salesforce is known",),
        actions=made.actions,
        engagement=made.engagement,
    )


@dataclass(frozen=True, slots=True)
class _Answered:
    """What came of a wish, as the machine meets it. Implements progress.Ordering."""

    event: OpportunityWritten
    at: float

    def deeds(self, ledger: Ledger, look: Callable[[Course], None]) -> tuple[Deed, ...]:  # noqa: ARG002
        """One: it is known."""

        def note(course: Course) -> None:
            known, key = course.standing.opportunity, self.event.opportunity
            base = known if known is not None and known.key == key else Opportunity(key)
            course.standing = course.standing.but(opportunity=replace(base, written=dict(self.event.written)))
            for name in self.event.kept:
                asked = f"kept:{name}"
                if asked not in course.standing.asked and IssueKind.SCOPING in course.scene.issues:
                    course.standing = course.standing.but(asked={**course.standing.asked, asked: 1})
                    course.notices.append(FieldsKept(asked, IssueKind.SCOPING, name))

        return (Deed(self.at, SALESFORCE, note),)

    def conclude(self, standing: Standing, scene: Scene) -> None:
        """There is nobody to answer."""


def _sign(values: object) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
