"""What decide may see, read fresh just before: the engagement, the issues it asks for, who exists.

A handler says what it needs (`Needs`); nothing else is read, so that the common case costs no call at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.directory import Directory
from app.engagement import Engagement
from app.errors import Absent, Retry
from app.methodology.model import Holders
from app.ports import GitLab, Issue, LabelEvent, StateEvent


@dataclass(frozen=True, slots=True)
class Needs:
    """What a handler has to see before it can decide."""

    issues: frozenset[int] = frozenset()
    people: frozenset[str] = frozenset()
    labels_since: Mapping[int, int] = field(default_factory=dict)
    """Issue → the last change of a label that is known already."""
    states_since: Mapping[int, int] = field(default_factory=dict)
    """Issue → the last closing or opening that is known already."""
    roles: Mapping[str, Holders] = field(default_factory=dict)
    """Role, or `role@segment`, whose holders have to be known."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The world as it was a moment ago.

    `people`: user name → whether GitLab knows such a user. `holders`: role → user names in lower case. `unsure_roles`:
    those that somebody else may hold too; unknown is not no, so what depends on it is tried again while it is worth it.
    """

    lane: str
    engagement: Engagement | None
    bot_id: int
    bot_name: str
    project: str
    issues: Mapping[int, Issue] = field(default_factory=dict)
    people: Mapping[str, bool] = field(default_factory=dict)
    labels: Mapping[int, tuple[LabelEvent, ...]] = field(default_factory=dict)
    states: Mapping[int, tuple[StateEvent, ...]] = field(default_factory=dict)
    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    unsure_roles: frozenset[str] = frozenset()


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

    So it is with roles that are not fully known: they are `unsure_roles` only while `is_patient`.

    Raises Retry or Permanent as the ports do.
    """
    issues: dict[int, Issue] = {}
    for iid in sorted(needs.issues):
        try:
            issues[iid] = gitlab.read_issue(iid)
        except Absent as fault:
            if is_patient:
                raise Retry(fault.reason) from fault
    held = {name: directory.holders(role) for name, role in needs.roles.items()}
    return Snapshot(
        lane=lane,
        engagement=engagement,
        bot_id=directory.bot().id,
        bot_name=directory.bot().username,
        project=project,
        issues=issues,
        people={name: directory.find(name) is not None for name in sorted(needs.people)},
        labels={i: tuple(gitlab.label_events(i, after=a)) for i, a in needs.labels_since.items() if i in issues},
        states={i: tuple(gitlab.state_events(i, after=a)) for i, a in needs.states_since.items() if i in issues},
        holders={name: each.names for name, each in held.items()},
        unsure_roles=frozenset(name for name, each in held.items() if is_patient and not each.is_sure),
    )
