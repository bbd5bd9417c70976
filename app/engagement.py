"""One engagement as the bot knows it: frozen values, no I/O.

The truth about labels, words and states lives in GitLab; this holds what GitLab cannot: the submission as it was last
seen, and which two issues belong together.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from functools import lru_cache
from typing import Any, Final, NewType

from app.machine.standing import Standing, standing_from_record
from app.methodology.parts import IssueKind
from app.submission import Submission, parse_submission

EngagementId = NewType("EngagementId", str)
"""The submission's id, in lower case."""


MOST_REMEMBERED: Final = 1_024
"""Submissions: as many engagements as a digest of a large team tells of."""
LONGEST_REMEMBERED: Final = 16 * 1_024
"""Characters; a longer one, which may be a megabyte, is read anew each time."""

IssueRole = IssueKind
"""What an issue is for within its engagement: the kinds of issue are the same as those that labels stand on."""


@dataclass(frozen=True, slots=True)
class IssueLink:
    """Where an issue of the engagement is."""

    iid: int
    web_url: str

    def to_record(self) -> dict[str, Any]:
        """As stored."""
        return {"iid": self.iid, "web_url": self.web_url}


@dataclass(frozen=True, slots=True)
class Engagement:
    """What is known of one engagement.

    `revision` counts changed submissions (0: as first sent). `block_digest` is the digest of the submission block of an
    adopted issue as last read: only a changed block is a revision, else a later calculator revision and the block would
    undo each other for ever.
    """

    id: EngagementId
    submission: Submission
    revision: int = 0
    issues: Mapping[IssueRole, IssueLink] = field(default_factory=dict)
    is_linked: bool = False
    block_digest: str | None = None
    standing: Standing = field(default_factory=Standing)

    def with_issue(self, role: IssueRole, link: IssueLink) -> Engagement:
        """The same engagement with one more issue."""
        return replace(self, issues={**self.issues, role: link})

    def to_record(self) -> dict[str, Any]:
        """As stored, without the submission: JSON values only."""
        return {
            "revision": self.revision,
            "issues": {role.value: link.to_record() for role, link in self.issues.items()},
            "is_linked": self.is_linked,
            "block_digest": self.block_digest,
            "standing": self.standing.to_record(),
        }


def submission_record(submission: Submission) -> dict[str, Any]:
    """A submission as stored: JSON values only."""
    return submission.model_dump(mode="json", exclude_none=True)


def stored_submission(record: Mapping[str, Any]) -> Submission:
    """The submission that `submission_record` wrote.

    It was found good when it came in, so no day is held against it: a close date may have passed since.
    """
    return parse_submission(record, defaults={"requester_email": None}, today=date.min)


def stored_engagement(ident: str, submission: str, record: str) -> Engagement:
    """The engagement of two stored texts; the submission, the larger one, hardly ever changes, and is read once."""
    held = json.loads(record)
    read = _remembered if len(submission) <= LONGEST_REMEMBERED else _read
    return _engagement(ident, read(submission), held)


def engagement_from_record(ident: str, submission: Mapping[str, Any], record: Mapping[str, Any]) -> Engagement:
    """The engagement that `submission_record` and `to_record` wrote."""
    return _engagement(ident, stored_submission(submission), record)


def _read(submission: str) -> Submission:
    return stored_submission(json.loads(submission))


_remembered = lru_cache(MOST_REMEMBERED)(_read)


def _engagement(ident: str, submission: Submission, record: Mapping[str, Any]) -> Engagement:
    return Engagement(
        id=EngagementId(ident),
        submission=submission,
        revision=record["revision"],
        issues={IssueRole(role): IssueLink(**link) for role, link in record["issues"].items()},
        is_linked=record["is_linked"],
        block_digest=record["block_digest"],
        standing=standing_from_record(record.get("standing", {})),
    )
