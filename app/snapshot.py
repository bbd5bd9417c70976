"""What decide may see, read fresh just before: the engagement, the issues it asks for, who exists.

A handler says what it needs (`Needs`); nothing else is read, so that the common case costs no call at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.directory import Directory
from app.engagement import Engagement
from app.errors import Absent, Retry
from app.ports import GitLab, Issue


@dataclass(frozen=True, slots=True)
class Needs:
    """What a handler has to see before it can decide."""

    issues: frozenset[int] = frozenset()
    people: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The world as it was a moment ago. `people`: user name → whether GitLab knows such a user."""

    lane: str
    engagement: Engagement | None
    bot_id: int
    project: str
    issues: Mapping[int, Issue] = field(default_factory=dict)
    people: Mapping[str, bool] = field(default_factory=dict)


def take_snapshot(
    needs: Needs,
    engagement: Engagement | None,
    *,
    lane: str,
    gitlab: GitLab,
    directory: Directory,
    project: str,
    is_patient: bool,
) -> Snapshot:
    """Read what is needed; an issue that is not there is left out, or, `is_patient`, asked for again later.

    Raises Retry or Permanent as the ports do.
    """
    issues: dict[int, Issue] = {}
    for iid in sorted(needs.issues):
        try:
            issues[iid] = gitlab.read_issue(iid)
        except Absent as fault:
            if is_patient:
                raise Retry(fault.reason) from fault
    return Snapshot(
        lane=lane,
        engagement=engagement,
        bot_id=directory.bot().id,
        project=project,
        issues=issues,
        people={name: directory.find(name) is not None for name in sorted(needs.people)},
    )
