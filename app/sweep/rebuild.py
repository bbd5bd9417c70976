"""A lost database, rebuilt from GitLab: each status note holds its engagement's record, signed.

What the note does not know yet (labels set since, comments not heard) is found by the sweep that follows. Where the
record's signature does not hold, because the key was lost as well or somebody has touched the note, the submission in
it still says which engagement it was, but nothing that somebody said yes to is believed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from app.engagement import Engagement, IssueLink, IssueRole, engagement_from_record
from app.engine.deciding import Decider
from app.keys import RecordKeys
from app.machine.standing import Standing
from app.ports import Comment, ListedIssue, Overview
from app.signed_record import Sealed, find_sealed, read_unsigned
from app.store import outbox, swept
from app.store.store import Store
from app.store.swept import SweptIssue
from app.sweep.report import Swept
from app.text import find_markers

STATUS: Final = "status"
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Found:
    """A record on an issue; `is_genuine`: signed by one of our keys."""

    sealed: Sealed
    role: IssueRole
    link: IssueLink
    is_genuine: bool

    @property
    def rank(self) -> tuple[bool, int]:
        """A genuine record before any other, a later one before an earlier."""
        serial = self.sealed.record.get("standing", {}).get("serial", 0)
        return self.is_genuine, serial if isinstance(serial, int) else 0


def rebuild(
    store: Store,
    overview: Overview,
    keys: RecordKeys,
    decider: Decider,
    now: float,
    found: Swept,
    tell: Callable[[str], None],
) -> None:
    """Bring back every engagement that the database does not know; one that it knows is left alone.

    Raises Retry or Permanent as the port does; what was brought back until then stays.
    """
    bot = decider.directory.bot().id
    by_engagement: dict[str, list[_Found]] = {}
    listed = overview.all_issues()
    for number, row in enumerate(listed, start=1):
        if number % 50 == 0:
            tell(f"read {number} of {len(listed)} issues")
        if store.lane_of(row.issue.iid) is None and find_markers(row.issue.description):
            for each in _records_on(row, overview.comments_since(row.issue.iid, ALWAYS), keys, bot):
                by_engagement.setdefault(each.sealed.engagement, []).append(each)
    for ident, records in by_engagement.items():
        engagement = _engagement(ident, records, found)
        if engagement is not None and store.write(partial(_keep, engagement=engagement, now=now)):
            store.learn(engagement)
            found.rebuilt += 1
            log.info("engagement.rebuilt", engagement=ident, genuine=max(records, key=lambda r: r.rank).is_genuine)


def _records_on(row: ListedIssue, comments: Sequence[Comment], keys: RecordKeys, bot: int) -> Iterator[_Found]:
    """What the bot's status notes on an issue hold."""
    link, role = IssueLink(row.issue.iid, row.issue.web_url), _role(row)
    for comment in comments:
        if comment.author.id != bot or not any(mark.kind == STATUS for mark in find_markers(comment.body)[:1]):
            continue
        genuine = find_sealed(comment.body, keys, on=role.value)
        sealed = genuine or read_unsigned(comment.body)
        if sealed is not None:
            yield _Found(sealed, role, link, genuine is not None)


def _role(row: ListedIssue) -> IssueRole:
    kinds = {mark.kind for mark in find_markers(row.issue.description)}
    return IssueRole.INTAKE if IssueRole.INTAKE.value in kinds else IssueRole.SCOPING


def _engagement(ident: str, records: list[_Found], found: Swept) -> Engagement | None:
    best = max(records, key=lambda each: each.rank)
    record: dict[str, Any] = dict(best.sealed.record)
    submission = record.pop("submission", None)
    if submission is None:
        found.troubles.append(f"engagement {ident} was too large for its note: send its submission again")
        return None
    known = engagement_from_record(ident, submission, record)
    links = {**known.issues, **{each.role: each.link for each in records}}
    if not best.is_genuine:
        found.troubles.append(f"engagement {ident}: its record is not signed by our key: approvals must be given again")
        return replace(known, issues=links, standing=Standing())
    return replace(known, issues=links)


def _keep(connection: Connection, *, engagement: Engagement, now: float) -> bool:
    if outbox.engagement(connection, engagement.id) is not None:
        return False
    outbox.keep_engagement(connection, engagement, before=None, now=now)
    for link in engagement.issues.values():
        swept.keep_swept(connection, link.iid, SweptIssue("", 0.0))  # all its comments have to be looked at
    return True
