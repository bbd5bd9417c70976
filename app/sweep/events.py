"""What was found in GitLab, written as GitLab's webhook would have told it: from there on it is an ordinary event."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from app.events import ISSUE_HOOK, NEXT_AT, NOBODY, NOTE_HOOK, Source
from app.ports import Comment, ListedIssue
from app.store.records import Acceptance, waiting_now


@dataclass(frozen=True, slots=True)
class Found:
    """A comment on an issue, and when it was last edited: None where it stands as its author wrote it first."""

    iid: int
    comment: Comment
    edited_at: datetime | None

    @property
    def said_at(self) -> datetime:
        """When it was written as it stands."""
        return self.edited_at or self.comment.created_at


def digest_of(listed: ListedIssue) -> str:
    """Of everything in the list that a person can change. `updated_at` alone is not enough: GitLab throttles it."""
    issue = listed.issue
    parts = [
        *sorted(issue.labels),
        *(person.username for person in issue.assignees),
        issue.title,
        issue.description,
        str(issue.is_open),
        str(listed.notes_count),
        listed.updated_at.isoformat(),
    ]
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]


def of_change(listed: ListedIssue, lane: str, *, now: float) -> Acceptance:
    """An issue that is not as it was; who did it stands in GitLab's own record of labels and states."""
    issue = listed.issue
    payload = {
        "object_kind": "issue",
        "user": {"id": NOBODY, "username": ""},
        "object_attributes": {
            "iid": issue.iid,
            "action": "update",
            "author_id": issue.author.id,
            "title": issue.title,
            "description": issue.description,
            "state": "opened" if issue.is_open else "closed",
            "labels": [{"title": label} for label in sorted(issue.labels)],
        },
        "assignees": [{"username": person.username} for person in issue.assignees],
    }
    key = f"issue:{issue.iid}:{digest_of(listed)}:{now}"  # the same labels may come back later, and matter again
    return waiting_now(Source.SWEEP, key, lane, ISSUE_HOOK, orjson.dumps(payload), now=now)


def content_of(payload: Mapping[str, Any]) -> tuple[object, ...]:
    """What a person can change of an issue, as a webhook's body tells it; equal for the same content."""
    held = payload.get("object_attributes")
    issue = held if isinstance(held, dict) else {}
    labels, assignees = _each(issue.get("labels"), "title"), _each(payload.get("assignees"), "username")
    return issue.get("iid"), issue.get("title"), issue.get("description") or "", issue.get("state"), labels, assignees


def _each(rows: object, name: str) -> frozenset[object]:
    return frozenset(row.get(name) for row in rows if isinstance(row, dict)) if isinstance(rows, list) else frozenset()


def of_comments(found: Iterable[Found], lane: str, *, now: float, next_at: datetime | None = None) -> list[Acceptance]:
    """Comments of an engagement in the order of time; each knows the next, and the last one what comes at `next_at`."""
    ordered = sorted(found, key=lambda each: (each.said_at, each.comment.id))
    made = []
    for number, each in enumerate(ordered, start=1):
        after = ordered[number].said_at if number < len(ordered) else next_at
        made.append(of_comment(each, lane, now=now, next_at=after))
    return made


def of_comment(found: Found, lane: str, *, now: float, next_at: datetime | None = None) -> Acceptance:
    """A comment. Of an edited one GitLab tells at the most who edited it last, so it is nobody's word.

    `next_at`: when the next comment was written that is missed as well.
    """
    comment, is_edited = found.comment, found.edited_at is not None
    payload = {
        "object_kind": "note",
        "user": {"id": comment.author.id, "username": comment.author.username},
        "issue": {"iid": found.iid},
        "object_attributes": {
            "id": comment.id,
            "note": comment.body,
            "action": "update" if is_edited else "create",
            "author_id": comment.author.id,
            "updated_by_id": NOBODY if is_edited else None,
            "internal": comment.is_internal,
            "created_at": comment.created_at.isoformat(),
            "updated_at": found.said_at.isoformat(),
            NEXT_AT: None if next_at is None else next_at.isoformat(),
        },
    }
    key = f"note:{comment.id}:{found.said_at.isoformat()}"
    return waiting_now(Source.SWEEP, key, lane, NOTE_HOOK, orjson.dumps(payload), now=now)
