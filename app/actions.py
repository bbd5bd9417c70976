"""What the bot may do to the world, as frozen values: decided here and now, stored, performed later, perhaps twice.

An action names its target by role, never by number: the numbers are not known before the issues exist. Its `key` is
unique for ever: deciding the same thing again changes nothing.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, fields
from datetime import date
from typing import Any, ClassVar, Final, get_args

from app.engagement import IssueRole
from app.issue_text import IssueRef
from app.text import Safe

Part = Safe | IssueRef
Text = tuple[Part, ...]
"""Markdown whose references to issues are filled in when they are known."""

Target = IssueRole | int
"""An issue of the engagement, or the number of one that belongs to none (yet)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateIssue:
    """Make an issue of the engagement, once: `marker` at the top of its text is how it is found again."""

    kind: ClassVar[str] = "create_issue"
    key: str
    role: IssueRole
    marker: Safe
    search: str
    title: str
    description: Text
    labels: tuple[str, ...]
    assignee: str | None
    due_date: date | None
    confidential: bool

    def describe(self) -> str:
        """For the journal: no words of a customer."""
        return f"create the {self.role.value} issue"


@dataclass(frozen=True, slots=True, kw_only=True)
class AdoptIssue:
    """Append the bot's own part to an issue that a person opened, and give it labels, assignee and due date."""

    kind: ClassVar[str] = "adopt_issue"
    key: str
    role: IssueRole
    iid: int
    marker: Safe
    description: Text
    labels: tuple[str, ...]
    assignee: str | None
    due_date: date | None
    confidential: bool

    def describe(self) -> str:
        """For the journal."""
        return f"adopt #{self.iid} as the {self.role.value} issue"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviseIssue:
    """Bring the bot's own parts of an issue up to date with a changed submission; a person's words stay.

    `before` is the submission (as a record) that the present text was written for.
    """

    kind: ClassVar[str] = "revise_issue"
    key: str
    role: IssueRole
    before: dict[str, Any]
    description: Text
    title_before: str
    title: str
    add_labels: tuple[str, ...]
    remove_labels: tuple[str, ...]
    confidential: bool

    def describe(self) -> str:
        """For the journal."""
        return f"bring the bot's own parts of the {self.role.value} issue up to date"


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeIssue:
    """Labels, open or closed, and some of the bot's own parts of an issue, all in one request.

    `parts`: sections as they should read now; what people answered in them stays. None: the text is left alone.
    `answers`: what somebody ordered to stand in the answer cells of its tables: key, answer, and what stood there when
    it was ordered, so that a repeat does not write over what a person wrote since. `assignee`: a user name.
    """

    kind: ClassVar[str] = "change_issue"
    key: str
    role: IssueRole
    add_labels: tuple[str, ...] = ()
    remove_labels: tuple[str, ...] = ()
    is_open: bool | None = None
    parts: Safe | None = None
    answers: tuple[tuple[str, Safe, str], ...] = ()
    assignee: str | None = None

    @property
    def changes_something(self) -> bool:
        """Whether there is anything to write."""
        texts = (self.add_labels, self.remove_labels, self.parts, self.answers, self.assignee)
        return any(texts) or self.is_open is not None

    def describe(self) -> str:
        """For the journal."""
        done = [f"+{label}" for label in self.add_labels] + [f"-{label}" for label in self.remove_labels]
        done += [] if self.is_open is None else ["open" if self.is_open else "close"]
        done += [] if self.parts is None else ["own parts"]
        done += [f"answer {key}" for key, _, _ in self.answers]
        done += [] if self.assignee is None else [f"assign {self.assignee}"]
        return f"change the {self.role.value} issue: {', '.join(done)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class TellStatus:
    """Write the status note of an issue: edit the one that is there, make one where there is none (any more)."""

    kind: ClassVar[str] = "tell_status"
    key: str
    role: IssueRole
    marker: Safe
    body: Text
    digest: str

    def describe(self) -> str:
        """For the journal."""
        return f"bring the status note of the {self.role.value} issue up to date"


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkIssues:
    """Relate the two issues of the engagement to each other."""

    kind: ClassVar[str] = "link_issues"
    key: str
    source: IssueRole
    target: IssueRole

    def describe(self) -> str:
        """For the journal."""
        return f"link the {self.source.value} issue and the {self.target.value} issue"


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """Write one comment, once: found again by `marker`, which is part of it.

    `internal`: an internal comment. `replaces`: a comment with this marker that is there already gets this text.
    """

    kind: ClassVar[str] = "say"
    key: str
    target: Target
    marker: Safe
    body: Text
    internal: bool = False
    replaces: bool = False

    def describe(self) -> str:
        """For the journal."""
        where = f"#{self.target}" if isinstance(self.target, int) else f"the {self.target.value} issue"
        return f"comment on {where}"


@dataclass(frozen=True, slots=True, kw_only=True)
class React:
    """Put an emoji on somebody's comment: a courtesy, which holds nothing up where the comment is gone."""

    kind: ClassVar[str] = "react"
    key: str
    iid: int
    note_id: int
    name: str

    def describe(self) -> str:
        """For the journal."""
        return f"react with {self.name} to comment {self.note_id} on #{self.iid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Retract:
    """Take back what the bot said, because it does not hold any more: the emoji `name` at a comment, and a note.

    `reply`: the marker of that note. None: there is nothing of this kind, or it stays.
    """

    kind: ClassVar[str] = "retract"
    key: str
    iid: int
    note_id: int | None
    name: str | None
    reply: Safe | None

    def describe(self) -> str:
        """For the journal."""
        what = [self.name] if self.name is not None else []
        what += [] if self.reply is None else ["what was said"]
        where = "" if self.note_id is None else f" of comment {self.note_id}"
        return f"take back {' and '.join(what)}{where} on #{self.iid}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Remember:
    """Know from now on that the issues say what this submission says.

    The last action of a revision, not part of its decision: a revision that is parked half done is decided again when
    the submission comes again, instead of being taken for known.
    """

    kind: ClassVar[str] = "remember"
    key: str
    submission: dict[str, Any]
    revision: int
    block_digest: str | None

    def describe(self) -> str:
        """For the journal."""
        return f"remember revision {self.revision}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttachDocument:
    """Hang a file on an issue: uploaded, and linked below `body` in the one comment with this marker.

    A later version (another `key`) of the same `document` gets the same comment. Where it is not known whether an
    earlier try took effect, the comment tells: it names the key. At worst an upload is left that nothing links to.
    """

    kind: ClassVar[str] = "attach_document"
    key: str
    role: IssueRole
    document: str
    """By this name the comment is remembered."""
    marker: Safe
    body: Text
    file_name: str
    content_type: str
    content: bytes
    has_pdf: bool = False
    """Whether it hangs there as PDF as well, where that can be made."""
    internal: bool = False
    """An internal comment: GitLab makes no public one internal later, so it is another comment than the public one."""

    @property
    def place(self) -> str:
        """Under which its comment is remembered."""
        return f"{self.document}:internal" if self.internal else self.document

    def describe(self) -> str:
        """For the journal."""
        return f"attach {self.file_name} to the {self.role.value} issue"


@dataclass(frozen=True, slots=True, kw_only=True)
class SendMail:
    """Send a letter (as a record) to the one person it is for."""

    kind: ClassVar[str] = "send_mail"
    key: str
    letter: dict[str, Any]

    def describe(self) -> str:
        """For the journal: whom to, is nobody's business."""
        return "send a mail"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandOver:
    """Put something into the inbox that is done in a lane of its own: a message that fails holds up no issue.

    `source` and `key` name it for ever: handed over again, it is known already. `body`: JSON values, read again by
    `app.events.read_event`. `lane`: what is in one lane is done in order.
    """

    kind: ClassVar[str] = "hand_over"
    key: str
    source: str
    lane: str
    what: str
    """Kind of the delivery, as `deliveries list` shows it."""
    body: dict[str, Any]

    def describe(self) -> str:
        """For the journal."""
        return f"hand over: {self.what}"


TO_A_PERSON: Final = "@"
"""Begins what stands for a channel where somebody is told something alone; their user name in GitLab follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PostMessage:
    """Say something in a channel of the chat, once; where it was said already, it reads like this from now on.

    `channel`: as the methodology names it in Slack, or a person. `topic`: which message of the engagement it is there:
    the head of its thread, or what stands below it (`is_reply`). Without an engagement it is never changed.
    `message`: a ChatMessage as a record, `digest` is that of it. `is_open`: it asks for something, and is brought up
    to date while it does.
    """

    kind: ClassVar[str] = "post_message"
    key: str
    engagement: str
    channel: str
    topic: str
    message: dict[str, Any]
    digest: str
    is_reply: bool = False
    is_open: bool = False

    @property
    def mark(self) -> str:
        """What the message is found again by."""
        return f"{self.engagement}/{self.topic}"

    def describe(self) -> str:
        """For the journal."""
        return f"tell {self.topic} in {self.channel}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Whisper:
    """Tell one person something in a channel of the chat: a courtesy, which holds nothing up."""

    kind: ClassVar[str] = "whisper"
    key: str
    place: str
    user: str
    thread: str | None
    line: tuple[str, ...]

    def describe(self) -> str:
        """For the journal."""
        return f"tell {self.user} in {self.place}"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateRecord:
    """Write a field (by its API name) of a record in Salesforce, if it still says what stood there `before`.

    `path`: what is read to see that. `is_user`: the value is the e-mail of a user there.
    """

    kind: ClassVar[str] = "update_record"
    key: str
    object: str
    record: str
    field: str
    value: str
    is_number: bool = False
    is_user: bool = False
    path: str
    before: str | None

    def describe(self) -> str:
        """For the journal: no value."""
        return f"write {self.field} in Salesforce"


@dataclass(frozen=True, slots=True, kw_only=True)
class UpsertRecord:
    """The record in Salesforce with this external id, made if it is not there yet, with these values."""

    kind: ClassVar[str] = "upsert_record"
    key: str
    object: str
    external: str
    ident: str
    values: dict[str, str]

    def describe(self) -> str:
        """For the journal: no value."""
        return f"have a {self.object} in Salesforce, with {', '.join(self.values)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmitRecord:
    """Submit a record in Salesforce to its approval process, if its `status` (a field) still says what it said."""

    kind: ClassVar[str] = "submit_record"
    key: str
    object: str
    record: str
    comment: str
    status: str
    before: str | None

    def describe(self) -> str:
        """For the journal."""
        return "submit for approval in Salesforce"


Action = (
    CreateIssue
    | AdoptIssue
    | ReviseIssue
    | ChangeIssue
    | TellStatus
    | LinkIssues
    | Say
    | React
    | Retract
    | Remember
    | AttachDocument
    | SendMail
    | HandOver
    | PostMessage
    | Whisper
    | UpdateRecord
    | UpsertRecord
    | SubmitRecord
)

_KINDS: dict[str, type[Action]] = {each.kind: each for each in get_args(Action)}


def to_json(action: Action) -> str:
    """The action as stored."""
    return json.dumps(
        {"kind": action.kind, **{f.name: _encode(getattr(action, f.name)) for f in fields(action)}}, ensure_ascii=False
    )


def from_json(stored: str) -> Action:
    """The action that `to_json` wrote."""
    record = json.loads(stored)
    made = _KINDS[record.pop("kind")]
    return made(**{name: _decode(name, value) for name, value in record.items()})


def _encode(value: Any) -> Any:
    if isinstance(value, IssueRef):  # told apart from text that happens to read the same
        return {"ref": value.name}
    if isinstance(value, IssueRole):
        return {"role": value.value}
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode("ascii")}
    return [_encode(each) for each in value] if isinstance(value, tuple) else value


def _decode(name: str, value: Any) -> Any:
    if name == "due_date":
        return None if value is None else date.fromisoformat(value)
    if isinstance(value, list):
        return tuple(_decode("", each) for each in value)
    if isinstance(value, dict) and set(value) == {"ref"}:
        return IssueRef[value["ref"]]
    if isinstance(value, dict) and set(value) == {"role"}:
        return IssueRole(value["role"])
    if isinstance(value, dict) and set(value) == {"base64"}:
        return base64.b64decode(value["base64"])
    return value
