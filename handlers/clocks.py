"""A clock has struck: the engagement is looked at, with what people said meanwhile, and what is due is done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime

from app.engagement import Engagement
from app.events import ClockStruck
from app.issue_text import Playbook
from app.machine.course import Course
from app.machine.deeds import Deed
from app.ports import Person
from app.registry import Decision, ignore, registry
from app.snapshot import Needs, Snapshot
from handlers.progress import progress
from handlers.scene import what_to_see


def _needs(event: ClockStruck, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    if engagement is None:
        return Needs()
    seen = what_to_see(engagement, playbook.methodology)
    return replace(seen, notes=seen.issues)


@registry.on(ClockStruck, needs=_needs)
def on_clock(event: ClockStruck, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """Of talk without a command nobody told the clocks, so that is looked for now."""
    engagement = snapshot.engagement
    if engagement is None:
        return ignore("there is no such engagement any more")
    made = progress(engagement, snapshot, playbook, now, words=tuple(_words(snapshot, engagement)))
    if made.engagement == engagement and not made.actions:
        return ignore("nothing is due")
    return Decision(reasons=made.reasons or ("nothing is due yet",), actions=made.actions, engagement=made.engagement)


def _words(snapshot: Snapshot, engagement: Engagement) -> Iterator[Deed]:
    """The first and the last that each person has said since the clocks were looked at last, as that and no more."""
    known = engagement.standing.active_at or engagement.standing.begun_at or 0.0
    said: dict[str, list[float]] = {}
    for notes in snapshot.notes.values():
        for note in notes:
            if note.author.id != snapshot.bot_id and note.at is not None and note.at.timestamp() > known:
                said.setdefault(note.author.username, []).append(note.at.timestamp())
    for by, times in said.items():
        yield from (Deed(at, by, _nothing) for at in dict.fromkeys((min(times), max(times))))


def _nothing(_: Course) -> None:
    """Talk orders nothing."""
