"""Reads a snapshot and decides: the same for an event that came in, for a dry run, and for what the sweep looks at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.clock import Clock, at
from app.decide import decide, needs
from app.directory import Directory
from app.engagement import Engagement
from app.engine.lost import unless_lost
from app.events import ISSUE_LANE, CommentPosted, Event, Source, read_event
from app.issue_text import Playbook
from app.ports import GitLab
from app.registry import Decision, Registry
from app.snapshot import Issues, Memory, SalesforceRecords, WhoIsWho, take_snapshot


@dataclass(frozen=True, slots=True)
class Decider:
    """What deciding needs. `project`: the address of the PS Plan project, part of ids that the bot makes up."""

    gitlab: GitLab
    directory: Directory
    registry: Registry
    playbook: Playbook
    memory: Memory
    project: str
    clock: Clock
    who: WhoIsWho | None = None
    salesforce: SalesforceRecords | None = None

    def decide(
        self, event: Event, engagement: Engagement | None, *, lane: str, is_patient: bool, issues: Issues | None = None
    ) -> Decision:
        """What an event brings about now; writes nothing. Raises Retry or Permanent as the ports do, or Lost.

        `issues`: a look at them that is shared with other decisions; else this one has its own.
        """
        bot = self.directory.bot()
        snapshot = take_snapshot(
            needs(event, engagement, self.playbook, self.registry, bot=bot),
            engagement,
            lane=lane,
            gitlab=issues or self.gitlab,
            directory=self.directory,
            memory=self.memory,
            project=self.project,
            is_patient=is_patient,
            who=self.who,
            salesforce=self.salesforce,
        )
        decision = decide(event, snapshot, self.playbook, at(self.clock()), self.registry)
        return unless_lost(event, decision, snapshot, self.memory, self.gitlab.search_issues)


def event_of(source: Source, body: bytes, *, received_at: float, was_parked: bool) -> Event:
    """The event that a stored delivery stands for now. Raises as `read_event` does."""
    event = read_event(source, body, received_on=at(received_at).date())
    if was_parked and isinstance(event, CommentPosted):
        return replace(event, next_at=None)  # what came next when it was found has been worked on since
    return event


def rightful_lane(event: Event, lane: str, lane_of: Callable[[int], str | None]) -> str | None:
    """The lane of an event about an issue that was not known as an engagement's when it came in, and now is."""
    return lane_of(getattr(event, "iid", -1)) if lane.startswith(ISSUE_LANE) else None
