"""An engagement that GitLab has and this database does not know: nothing is begun anew for it until it is brought back.

Its issues bear the bot's markers. In what a person wrote a marker proves nothing, so it counts only where an issue that
the bot has opened says the same: each engagement has one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

from app.actions import HandOver
from app.engagement import IssueRole
from app.errors import Retry
from app.events import SUBMISSION, Event, SubmissionReceived
from app.ports import Issue
from app.registry import Decision
from app.snapshot import Memory, Snapshot
from app.text import find_markers, marker

WAIT_S: Final = 10.0
"""The sweep brings it back, by itself or when it is asked to: so often it is seen whether it has."""
MOST_MARKERS: Final = 5
"""Of one issue: each of them may be forged, and costs a search. Ours is the last."""

_KINDS: Final = frozenset(role.value for role in IssueRole)


class Lost(Retry):
    """What is decided on was made before this database was."""

    cause = "lost"


def unless_lost(
    event: Event,
    decision: Decision,
    snapshot: Snapshot,
    memory: Memory,
    search: Callable[[str], Sequence[Issue]],
) -> Decision:
    """The decision, unless it takes for new, or for nobody's, what is an engagement: one of GitLab alone raises Lost.

    Costs nothing where the database is known to be whole; there only an adopted issue that bears a marker is looked at,
    because a back-up put back by hand takes itself for whole.
    """
    if snapshot.engagement is not None or not decision.actions:
        return decision
    begins, is_whole = decision.engagement is not None, memory.is_whole()
    if not is_whole and any(isinstance(each, HandOver) and each.what == SUBMISSION for each in decision.actions):
        # under which id the engagement is that has what this begins, nothing here tells
        raise Lost("an engagement that is in GitLab and not in this database may have begun with this", after_s=WAIT_S)
    if is_whole and (not begins or isinstance(event, SubmissionReceived)):
        return decision
    issue = snapshot.issues.get(getattr(event, "iid", -1))
    if begins and issue is not None and (owner := memory.owner_of(issue.iid)) is not None:
        # brought back while this waited, it may be under another id than the block says now
        if owner == snapshot.lane:
            raise Lost(f"engagement {owner} has come back a moment ago", after_s=0.0)
        return Decision(reasons=("the issue belongs to an engagement",), lane=owner)
    idents = [] if issue is None else _marked(issue)
    if begins and (idents or not is_whole):
        idents.append(snapshot.lane)
    for ident in dict.fromkeys(idents):
        if not memory.knows(ident) and any(made_for(each, snapshot.bot_id) == ident for each in search(ident)):
            raise Lost(
                f"engagement {ident} is in GitLab and not in this database: it comes back by psplan sweep --rebuild",
                after_s=WAIT_S,
            )
    return decision


def _marked(issue: Issue) -> list[str]:
    return list(dict.fromkeys(_idents(issue)))[-MOST_MARKERS:]


def _idents(issue: Issue) -> Iterator[str]:
    return (mark.ident for mark in find_markers(issue.description) if mark.kind in _KINDS)


def made_for(issue: Issue, bot: int) -> str | None:
    """The engagement for which the bot has opened an issue; None where it has not."""
    first = find_markers(issue.description)[:1] if issue.author.id == bot else []
    for mark in first:
        if mark.kind in _KINDS and issue.description.startswith(marker(mark.kind, mark.ident)):
            return mark.ident
    return None
