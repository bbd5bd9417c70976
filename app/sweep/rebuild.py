"""A lost database, rebuilt from GitLab: each status note holds its engagement's record, signed.

What the note does not know yet (labels set since, comments not heard) is found by the sweep that follows. A database
that was restored from a back-up is brought forward as well: where a genuine record is later than what it knows, the
record counts. Where the record's signature does not hold, because the key was lost as well or somebody has touched the
note, the submission in it still says which engagement it was, but nothing that somebody said yes to is believed.

An issue whose comments cannot be read keeps back what it may be about, since the latest record may be there; no other.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from app.engagement import (
    Engagement,
    EngagementId,
    IssueLink,
    IssueRole,
    engagement_from_record,
    stored_submission,
)
from app.engine.deciding import Decider
from app.errors import Permanent, Retry, attempt
from app.keys import RecordKeys
from app.listing import Listing
from app.machine.standing import Standing
from app.ports import Comment, ListedIssue, Overview
from app.signed_record import Sealed, find_sealed, read_unsigned
from app.store import outbox, swept
from app.store.memory import WHOLE
from app.store.store import Store
from app.store.swept import SweptIssue
from app.sweep.comments import ALWAYS
from app.sweep.lists import BEGINNING, REBUILT_FROM, beginning_of, end_of
from app.sweep.report import Swept
from app.tell import Tell
from app.text import find_markers

STATUS: Final = "status"
UNREAD: Final = "rebuild left out"
"""Since when an issue could not be read; 0: all that were listed could, since the list was begun."""
PAUSE_S: Final = 1.0
MOST_TOLD: Final = 20

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Found:
    """A record on an issue; `is_genuine`: signed by one of our keys."""

    sealed: Sealed
    role: IssueRole
    link: IssueLink
    is_genuine: bool
    is_marked: bool
    """The issue itself says that it is this engagement's."""

    @property
    def rank(self) -> tuple[bool, int]:
        """A genuine record before any other, a later one before an earlier."""
        standing = self.sealed.record.get("standing")
        serial = standing.get("serial") if isinstance(standing, dict) else None
        return self.is_genuine, serial if isinstance(serial, int) else 0


def rebuild(
    *,
    store: Store,
    overview: Overview,
    keys: RecordKeys,
    decider: Decider,
    now: float,
    found: Swept,
    stopping: threading.Event,
    tell: Tell,
) -> frozenset[int]:
    """Bring back every engagement that the database does not know, or knows as it was before its latest record.

    Returns the issues that could not be read, and those of the engagements that were kept back for it. Raises Retry or
    Permanent where there is no list of the issues, or the service is stopping; what was brought back before stays.
    """
    bot = decider.directory.bot().id
    begins_at = beginning_of(store, REBUILT_FROM)
    store.write(partial(_begin, is_new_round=begins_at == BEGINNING))
    by_engagement: dict[str, list[_Found]] = {}
    listed = overview.all_issues(since=begins_at)
    if listed.is_cut:
        found.was_cut(f"all issues: {len(listed)} are read; rebuild again to go on after #{listed[-1].issue.iid}")
    ours = [row for row in listed if _may_be_ours(row, decider, bot)]
    read, unread = _read_comments(ours, overview, found, stopping, tell)
    for row, comments in read:
        for each in _records_on(row, comments, keys, bot):
            by_engagement.setdefault(each.sealed.engagement, []).append(each)
    left_alone = set(unread)
    for ident, records in by_engagement.items():
        numbers = {number for each in records for number in _numbers(each)}
        if not unread.isdisjoint(numbers):
            left_alone |= numbers
            found.troubles.append(f"engagement {ident}: not rebuilt, because not all of its issues could be read")
            continue
        if not _is_news(store.read(partial(outbox.engagement, ident=ident)), records):
            continue
        engagement = attempt(partial(_engagement, ident, records, found))
        if isinstance(engagement, Exception):
            log.error("engagement.not_rebuilt", engagement=ident, exc_info=engagement)
            found.troubles.append(f"engagement {ident}: its record cannot be read")
            continue
        if engagement is not None and store.write(partial(_keep, engagement=engagement, now=now)):
            store.learn(engagement)
            found.rebuilt += 1
            log.info("engagement.rebuilt", engagement=ident, genuine=max(records, key=lambda r: r.rank).is_genuine)
    store.write(partial(_end, until=end_of(listed), is_all_read=not unread, now=now))
    return frozenset(left_alone)


def _begin(connection: Connection, *, is_new_round: bool) -> None:
    """From now on the database is known to be whole only when a round was read to its end, and wholly."""
    swept.keep_mark(connection, WHOLE, 0.0)
    if is_new_round:
        swept.keep_mark(connection, UNREAD, 0.0)


def _end(connection: Connection, *, until: float, is_all_read: bool, now: float) -> None:
    swept.keep_mark(connection, REBUILT_FROM, until)
    if not is_all_read:
        swept.keep_mark(connection, UNREAD, now)
    if not until and not swept.mark(connection, UNREAD):
        swept.keep_mark(connection, WHOLE, now)


_Read = tuple[ListedIssue, Listing[Comment]]
_Failed = tuple[ListedIssue, Retry | Permanent]


def _read_comments(
    rows: Sequence[ListedIssue], overview: Overview, found: Swept, stopping: threading.Event, tell: Tell
) -> tuple[list[_Read], frozenset[int]]:
    """The comments of each issue, and which issues' could not be read; what may have been a moment's is tried twice."""
    read, failed = _ask(rows, overview, stopping, tell)
    again = [row for row, fault in failed if isinstance(fault, Retry)]
    if again:
        stopping.wait(PAUSE_S)
        more, still = _ask(again, overview, stopping, tell)
        read += more
        failed = [each for each in failed if isinstance(each[1], Permanent)] + still
    for row, comments in read:
        if comments.is_cut:
            found.was_cut(f"comments of #{row.issue.iid}: only the newest {len(comments)} can be read")
    found.troubles += [f"#{row.issue.iid} could not be read: {fault.reason}" for row, fault in failed[:MOST_TOLD]]
    if len(failed) > MOST_TOLD:
        found.troubles.append(f"{len(failed) - MOST_TOLD} more issues could not be read")
    return read, frozenset(row.issue.iid for row, _ in failed)


def _ask(
    rows: Sequence[ListedIssue], overview: Overview, stopping: threading.Event, tell: Tell
) -> tuple[list[_Read], list[_Failed]]:
    read: list[_Read] = []
    failed: list[_Failed] = []
    for number, row in enumerate(rows, start=1):
        tell("reading issues", number, len(rows))
        try:
            read.append((row, overview.comments_since(row.issue.iid, ALWAYS)))
        except (Retry, Permanent) as fault:
            if stopping.is_set():
                raise
            failed.append((row, fault))
    return read, failed


def _numbers(found: _Found) -> set[int]:
    """Its issue, and those that the record names."""
    links = found.sealed.record.get("issues")
    named = [each.get("iid") for each in links.values() if isinstance(each, dict)] if isinstance(links, dict) else []
    return {found.link.iid, *(each for each in named if isinstance(each, int))}


def _is_news(known: Engagement | None, records: Sequence[_Found]) -> bool:
    """Whether the records tell more than the database: each decision is stored there before it is written to a note, so
    that only one that came back from a back-up is behind."""
    return known is None or max(each.rank for each in records) > (True, known.standing.serial)


def _may_be_ours(row: ListedIssue, decider: Decider, bot: int) -> bool:
    """Whether an issue is worth a look at its comments; the marker alone may have been deleted by somebody."""
    is_labelled = not decider.playbook.methodology.labels.keys().isdisjoint(row.issue.labels)
    return row.issue.author.id == bot or is_labelled or bool(find_markers(row.issue.description))


def _records_on(row: ListedIssue, comments: Sequence[Comment], keys: RecordKeys, bot: int) -> Iterator[_Found]:
    """What the bot's status notes on an issue hold."""
    link = IssueLink(row.issue.iid, row.issue.web_url)
    for comment in comments:
        if comment.author.id != bot or not any(mark.kind == STATUS for mark in find_markers(comment.body)[:1]):
            continue
        genuine = [(role, sealed) for role in IssueRole if (sealed := find_sealed(comment.body, keys, on=role.value))]
        unsigned = read_unsigned(comment.body)
        role, found = genuine[0] if genuine else (_role(row), unsigned)
        if found is not None:
            marked = any(mark.ident == found.engagement for mark in find_markers(row.issue.description))
            yield _Found(found, role, link, bool(genuine), marked)


def _role(row: ListedIssue) -> IssueRole:
    kinds = {mark.kind for mark in find_markers(row.issue.description)}
    return IssueRole.INTAKE if IssueRole.INTAKE.value in kinds else IssueRole.SCOPING


def _engagement(ident: str, records: list[_Found], found: Swept) -> Engagement | None:
    """What the best of its records says; of one that is not genuine no more than who the customer is, and where.

    The issues of a genuine record are the ones that it names: a copy of its note elsewhere proves nothing.
    """
    best = max(records, key=lambda each: each.rank)
    record: dict[str, Any] = dict(best.sealed.record)
    submission = record.pop("submission", None)
    if not isinstance(submission, dict):
        found.troubles.append(f"engagement {ident} was too large for its note: send its submission again")
        return None
    if best.is_genuine:
        known = engagement_from_record(ident, submission, record)
        numbers = {role: link.iid for role, link in known.issues.items()}
        own = {each.role: each.link for each in records if numbers.get(each.role) == each.link.iid}
        if any(numbers.get(each.role) != each.link.iid for each in records):
            found.troubles.append(f"engagement {ident}: a copy of its record stands on an issue that is not its own")
        return replace(known, issues={**known.issues, **own})
    if not any(each.is_marked for each in records):
        found.troubles.append(f"engagement {ident}: its record is not signed by our key, and no issue bears its mark")
        return None
    found.troubles.append(f"engagement {ident}: its record is not signed by our key: approvals must be given again")
    bare = {name: value for name, value in submission.items() if name != "estimate"}
    links = {each.role: each.link for each in records if each.is_marked}
    return Engagement(
        id=EngagementId(ident),
        submission=stored_submission(bare),
        issues=links,
        is_linked=True,
        standing=Standing(serial=1),  # its issues have their notes: they are looked for, and not made a second time
    )


def _keep(connection: Connection, *, engagement: Engagement, now: float) -> bool:
    before = outbox.engagement(connection, engagement.id)
    if before is not None and before.standing.serial >= engagement.standing.serial:
        return False  # it was decided on meanwhile
    lanes = outbox.issue_lanes(connection)
    if any(lanes.get(link.iid, engagement.id) != engagement.id for link in engagement.issues.values()):
        return False
    outbox.keep_engagement(connection, engagement, before=before, now=now)
    for link in engagement.issues.values():
        swept.keep_swept(connection, link.iid, SweptIssue("", 0.0))  # all its comments have to be looked at
    return True
