"""An issue that the bot made for an engagement and does not know yet: its submission was parked before that was noted.

Such an issue is known by its marker, like the one that a repeated creation looks for: only where the bot is its author.
"""

from __future__ import annotations

from app.engagement import Engagement, IssueLink, IssueRole
from app.ports import Issue
from app.registry import Decision
from app.snapshot import Snapshot
from app.text import find_markers, marker


def unknown_home(iid: int, snapshot: Snapshot) -> Decision | None:
    """Where an event about this issue belongs, if not here and now; None where it can be decided as it is."""
    issue, engagement = snapshot.issues.get(iid), snapshot.engagement
    if issue is None or (engagement is not None and iid in {link.iid for link in engagement.issues.values()}):
        return None
    for role in IssueRole:
        ident = _genuine(issue, role, snapshot)
        if ident is None:
            continue
        if engagement is None:
            return None if ident == snapshot.lane else _belongs(ident)
        if engagement.id == ident and role not in engagement.issues:
            return _belongs(ident, engagement.with_issue(role, IssueLink(iid, issue.web_url)))
    return None


def _belongs(ident: str, engagement: Engagement | None = None) -> Decision:
    return Decision(reasons=("the issue was made for an engagement",), lane=ident, engagement=engagement)


def _genuine(issue: Issue, role: IssueRole, snapshot: Snapshot) -> str | None:
    if issue.author.id != snapshot.bot_id:
        return None
    found = find_markers(issue.description)[:1]
    ident = found[0].ident if found else None
    return ident if ident is not None and issue.description.startswith(marker(role.value, ident)) else None
