"""What lists of engagements tell of one: worked out with every decision, so that a list need not look at any issue."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from app.engagement import Engagement
from app.issue_text import Playbook
from app.machine.calendars import due_at
from app.machine.clocks import running
from app.machine.scene import Scene
from app.machine.standing import Outlook, Standing
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.status_view import stand_of, waits
from handlers.speech import leads_of


def with_outlook(
    engagement: Engagement, scene: Scene, due: Mapping[IssueKind, date | None], playbook: Playbook
) -> Engagement:
    """The engagement with its outlook as it is now. `due`: the due days of its issues."""
    standing, methodology = engagement.standing, playbook.methodology
    stands = [stand_of(kind, standing, scene, methodology) for kind in scene.issues]
    day = next((due[kind] for kind in IssueKind if due.get(kind) is not None), None)
    if day is not None and _is_kept(day, standing, scene, methodology):
        day = None
    outlook = Outlook(
        waits={at.name: waiting for at in stands if at is not None and (waiting := waits(at)) is not None},
        gates={name: at.gate(name).value for at in stands if at is not None for name in at.gates},
        leads=tuple(name for names in leads_of(scene, playbook).values() for name in names),
        segment=scene.segment,
        due=None if day is None else day.isoformat(),
        clocks=_clocks(standing, scene, methodology),
    )
    return replace(engagement, standing=standing.but(outlook=outlook))


def _is_kept(day: date, standing: Standing, scene: Scene, methodology: Methodology) -> bool:
    """Whether a due day is the one that the bot set for a clock which has ended: then nothing is due that day any more.

    A day that a person chose stays.
    """
    name, calendar = methodology.sla.due_day, methodology.calendar_of(scene.segment)
    if standing.begun_at is None or any(run.name == name for run in running(standing, methodology, calendar)):
        return False
    clock, begun = methodology.clocks[name], datetime.fromtimestamp(standing.begun_at, UTC)
    end = due_at(begun, clock.hours, clock.counts, calendar)
    zone = ZoneInfo(methodology.time_zone)
    return end is not None and abs((end.astimezone(zone).date() - day).days) <= 1  # the issue was made a moment before


def _clocks(standing: Standing, scene: Scene, methodology: Methodology) -> dict[str, tuple[str, float]]:
    """By the track of their issue, those that people are warned of."""
    found: dict[str, tuple[str, float]] = {}
    for run in running(standing, methodology, methodology.calendar_of(scene.segment)):
        if run.due_at is None or not run.clock.warns:
            continue
        for name, track in methodology.tracks.items():
            if track.on is run.clock.on and (name not in found or run.due_at < found[name][1]):
                found[name] = (run.name, run.due_at)
    return found
