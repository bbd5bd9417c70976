"""A raw delivery → one typed event; no I/O, and lenient: GitLab's keys come and go with version and licence.

An event is a hint that something changed (deliveries come out of order, twice or never), so it carries only what is
needed to decide whether anybody cares.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, ClassVar
from urllib.parse import unquote

import orjson

from app.chat_events import (
    ANNOUNCEMENT,
    PRESS,
    WHISPER,
    Announced,
    ButtonPressed,
    PressHeard,
    Whispered,
    read_chat_event,
)
from app.letter import Letter, letter_from_record
from app.salesforce_events import IN_WORDS, SalesforceEvent, read_salesforce_event
from app.submission import Submission, parse_submission


class Source(StrEnum):
    """The door a delivery came in by."""

    GITLAB = "gitlab"
    CALCULATOR = "calculator"
    SALESFORCE = "salesforce"
    SLACK = "slack"
    CLOCK = "clock"
    SWEEP = "sweep"
    MAIL = "mail"


@dataclass(frozen=True, slots=True)
class SubmissionReceived:
    """The calculator sent a submission, new or changed."""

    noun: ClassVar[str] = "submission"
    submission: Submission


@dataclass(frozen=True, slots=True)
class IssueChanged:
    """An issue was opened, changed, closed or reopened; a test delivery of the hook looks like `open` as well."""

    noun: ClassVar[str] = "change of an issue"
    iid: int
    action: str
    actor_id: int
    actor: str
    author_id: int
    description: str


@dataclass(frozen=True, slots=True)
class CommentPosted:
    """A comment was written or edited.

    `body` is what stands there now. `is_by_author`: it is the author's doing; a Maintainer may edit anybody's comment,
    and only `updated_by_id` tells; of a comment that the sweep found edited nobody does (`is_editor_known`). `at`:
    seconds since 1970 by GitLab's clock, None where the delivery does not say. `is_internal`: not all who see the
    issue see the comment. `next_at`: the sweep has found another comment of the engagement, which is of that time.
    """

    noun: ClassVar[str] = "comment"
    iid: int
    note_id: int
    action: str
    author_id: int
    author: str
    body: str = ""
    is_by_author: bool = True
    is_editor_known: bool = True
    is_internal: bool = False
    is_system: bool = False
    at: float | None = None
    next_at: float | None = None


@dataclass(frozen=True, slots=True)
class Undelivered:
    """A mail that nobody got: about which engagement and kind of issue, and for whom (as GitLab knows them)."""

    engagement: str
    issue: str
    name: str


@dataclass(frozen=True, slots=True)
class NotAsked:
    """Something of an engagement that Salesforce did not take, in words."""

    engagement: str
    what: str


@dataclass(frozen=True, slots=True)
class Parked:
    """A delivery became a dead letter, or, `is_over`, is none any more because it was run again and ended well.

    `delivery`: its number. `at`: when that was, seconds since 1970. `of`: what it was; of what is `is_deadly`, because
    the process died of it again and again, without the words.
    """

    noun: ClassVar[str] = "dead letter"
    delivery: int
    at: float
    reason: str
    is_over: bool
    of: IssueChanged | CommentPosted | Undelivered | NotAsked | Unknown
    is_deadly: bool = False


@dataclass(frozen=True, slots=True)
class ClockStruck:
    """A moment has come at which an engagement has to be looked at, though nothing came in."""

    noun: ClassVar[str] = "clock"
    at: float


@dataclass(frozen=True, slots=True)
class DigestDue:
    """A working morning (a day, ISO) has come in a calendar of the methodology."""

    noun: ClassVar[str] = "morning"
    calendar: str
    day: str


@dataclass(frozen=True, slots=True)
class LetterWritten:
    """The bot itself has a mail to send, handed over so that no mail server holds up an issue."""

    noun: ClassVar[str] = "mail"
    letter: Letter


@dataclass(frozen=True, slots=True)
class Unknown:
    """Authentic, and nothing that this bot knows of."""

    noun: ClassVar[str] = "something unknown"
    kind: str


Event = (
    SubmissionReceived
    | IssueChanged
    | CommentPosted
    | Parked
    | ClockStruck
    | DigestDue
    | Announced
    | ButtonPressed
    | PressHeard
    | Whispered
    | LetterWritten
    | SalesforceEvent
    | Unknown
)

SUBMISSION = "submission"
"""Kind of a delivery that is a submission."""
ISSUE_HOOK, NOTE_HOOK = "Issue Hook", "Note Hook"
"""GitLab's names for what it delivers; each is `Confidential …` as well."""
COMMENT_HOOKS = frozenset({NOTE_HOOK, f"Confidential {NOTE_HOOK}"})
NEXT_AT = "psplan_next_at"
"""Field of a comment that the sweep has found; read of nobody else's."""
NOBODY = -1
"""No user of GitLab has this number: stands where it is not known who did something."""
CLOCK, DIGEST = "psplan_clock", "psplan_digest"
"""Kinds of the bot's own events when a lane has to be looked at although nothing came in."""
PARKED = "psplan_parked"
"""Kind of the bot's own event about a dead letter; its bodies are made by `app.parked`."""
UNDELIVERED = "psplan_undelivered"
"""What such an event is about where a mail could not be sent."""
NOT_ASKED = "psplan_not_asked"
"""The same where Salesforce did not take something."""
_OWN_KINDS = {
    CLOCK: "a clock struck",
    DIGEST: "a morning came",
    PARKED: "a dead letter",
    ANNOUNCEMENT: "an announcement in Slack",
    PRESS: "a button pressed in Slack",
    WHISPER: "an answer in Slack",
    **IN_WORDS,
}


def kind_in_words(kind: str, source: str) -> str:
    """What came in, and where from, as people read it; what the bot told itself comes from nowhere."""
    return _OWN_KINDS.get(kind) or f"{kind} from {source}"


def read_event(source: Source, body: bytes, *, received_on: date) -> Event:
    """The event that a stored delivery stands for. Never raises for what GitLab sends: it becomes Unknown."""
    if source is Source.CALCULATOR:
        return SubmissionReceived(_stored_submission(body, received_on))
    if source is Source.SLACK:
        return read_chat_event(body) or Unknown("slack")
    if source is Source.SALESFORCE:
        return read_salesforce_event(body) or Unknown("salesforce")
    payload = read_payload(body)
    if source is Source.CLOCK:
        if payload.get("object_kind") == DIGEST:
            return DigestDue(str(payload.get("calendar", "")), str(payload.get("day", "")))
        return ClockStruck(float(payload.get("at", 0.0)))
    if source is Source.MAIL:
        return LetterWritten(letter_from_record(payload))
    # only the sweep's door stores such bodies: a sender who writes this kind into a webhook gets nothing by it
    if source is Source.SWEEP and payload.get("object_kind") == PARKED:
        return _parked(payload)
    event = read_gitlab_event(payload)
    if source is Source.SWEEP and isinstance(event, CommentPosted):
        return replace(event, next_at=_moment(payload["object_attributes"].get(NEXT_AT)))
    return event


def digest_body(calendar: str, day: str) -> bytes:
    """The body of a morning's event."""
    return orjson.dumps({"object_kind": DIGEST, "calendar": calendar, "day": day})


def clock_body(at: float) -> bytes:
    """The body of a clock's event."""
    return orjson.dumps({"object_kind": CLOCK, "at": at})


def read_payload(body: bytes) -> dict[str, Any]:
    """The JSON object of a body; an empty one where it is something else."""
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError:
        return {}
    return payload if isinstance(payload, dict) else {}


@lru_cache(maxsize=16)
def read_submission(body: bytes, *, today: date) -> Submission:
    """The submission in a calculator's request; remembered for a moment, since the engine reads what the door just did.

    Raises SubmissionFaults, or orjson.JSONDecodeError.
    """
    return parse_submission(orjson.loads(body), today=today)


def _stored_submission(body: bytes, received_on: date) -> Submission:
    """Of an opportunity, which came in by no door of the calculator's, it may not be known where to reach its owner."""
    if b'"requester_email"' in body:
        return read_submission(body, today=received_on)
    return parse_submission(orjson.loads(body), defaults={"requester_email": None}, today=received_on)


def read_gitlab_event(payload: Mapping[str, Any]) -> Event:
    """What a webhook body of GitLab says."""
    kind = str(payload.get("object_kind", "nothing"))
    try:
        if kind in {"issue", "work_item"}:
            # both kinds: instances of 17.2 to 17.8 sent issues edited on the new screens as work_item
            return _issue_changed(payload)
        if kind == "note" and isinstance(payload.get("issue"), dict):
            return _comment_posted(payload)
    except (KeyError, TypeError, ValueError):
        return Unknown(kind)
    return Unknown(kind)


def subject_iid(payload: Mapping[str, Any]) -> int | None:
    """The number of the issue that a payload is about; never read from a URL, whose form changes between versions."""
    about = payload.get(_ABOUT.get(str(payload.get("object_kind")), ""))
    iid = about.get("iid") if isinstance(about, dict) else None
    return iid if isinstance(iid, int) else None


_ABOUT = {"issue": "object_attributes", "work_item": "object_attributes", "note": "issue"}
ISSUE_LANE = "issue:"
"""Lane of an issue that belongs to no engagement, or not yet."""


def is_of_project(payload: Mapping[str, Any], project: str) -> bool:
    """Whether the event is of this project (path or id): a group's hook tells of all its projects."""
    held = payload.get("project")
    if not isinstance(held, dict):
        return True  # it says nothing, so there is nothing to hold against it
    path = unquote(project).strip("/").lower()
    return path in {str(held.get("id")), str(held.get("path_with_namespace", "")).lower()}


def actor_id(payload: Mapping[str, Any]) -> int | None:
    """Whose doing it was.

    For a comment that is its author: `user` of an edited note is the author as well, never the editor.
    """
    user = payload.get("user")
    found = user.get("id") if isinstance(user, dict) else None
    return found if isinstance(found, int) else None


def _issue_changed(payload: Mapping[str, Any]) -> IssueChanged:
    issue = payload["object_attributes"]
    return IssueChanged(
        iid=int(issue["iid"]),
        action=str(issue.get("action", "update")),
        actor_id=int(payload["user"]["id"]),
        actor=str(payload["user"]["username"]),
        author_id=int(issue["author_id"]),
        description=str(issue.get("description") or ""),
    )


def _comment_posted(payload: Mapping[str, Any]) -> CommentPosted:
    note = payload["object_attributes"]
    action, author_id = str(note.get("action", "create")), int(note["author_id"])
    is_edited = action != "create"
    return CommentPosted(
        iid=int(payload["issue"]["iid"]),
        note_id=int(note["id"]),
        action=action,
        author_id=author_id,
        author=str(payload["user"]["username"]),
        body=str(note.get("note") or ""),
        # also of a new comment: GitLab writes the event a moment later, with the text as it is then
        is_by_author=note.get("updated_by_id") in {None, author_id},
        is_editor_known=note.get("updated_by_id") != NOBODY,
        is_internal=bool(note.get("internal")),
        is_system=bool(note.get("system")),
        at=_moment(note.get("updated_at") if is_edited else note.get("created_at")),
    )


def _parked(payload: Mapping[str, Any]) -> Parked:
    told = payload["of"]
    of: object
    match told["object_kind"]:
        case kind if kind == UNDELIVERED:
            of = Undelivered(told["engagement"], told["issue"], told["name"])
        case kind if kind == NOT_ASKED:
            of = NotAsked(told["engagement"], told["what"])
        case _:
            of = read_gitlab_event(told)
    return Parked(
        delivery=payload["delivery"],
        at=payload["at"],
        reason=payload["reason"],
        is_over=payload["is_over"],
        of=of if isinstance(of, IssueChanged | CommentPosted | Undelivered | NotAsked) else Unknown("submission"),
        is_deadly=payload.get("is_deadly", False),
    )


def _moment(text: object) -> float | None:
    """A time in either of GitLab's spellings: `2013-12-03T17:15:43Z` and `2023-07-04 20:44:11 UTC`."""
    try:
        return datetime.fromisoformat(str(text).replace(" UTC", "+00:00")).timestamp()
    except ValueError:
        return None
