"""What the core needs of the outside: narrow protocols in the field's words, no library's types.

Every method may raise errors.Retry (it may pass later) or errors.Permanent (it cannot pass).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Protocol

from app.letter import Letter
from app.listing import Listing
from app.project import AccessToken, Board, Instance, ProjectFacts, ProjectFile, ProjectLabel


@dataclass(frozen=True, slots=True)
class Person:
    """A user of GitLab; ids are unique within one instance."""

    id: int
    username: str


@dataclass(frozen=True, slots=True)
class Member:
    """A user with a role in the project; `access_level` is GitLab's number of it, the highest where there are more."""

    id: int
    username: str
    access_level: int


@dataclass(frozen=True, slots=True)
class Issue:
    """An issue as GitLab holds it now."""

    iid: int
    web_url: str
    title: str
    description: str
    labels: tuple[str, ...]
    author: Person
    assignees: tuple[Person, ...]
    due_date: date | None
    confidential: bool
    is_open: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class NewIssue:
    """An issue to be made; label names must not hold commas (GitLab splits there)."""

    title: str
    description: str
    labels: tuple[str, ...] = ()
    assignee_id: int | None = None
    due_date: date | None = None
    confidential: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueChange:
    """What is to differ afterwards; None and empty leave a field as it is."""

    title: str | None = None
    description: str | None = None
    add_labels: tuple[str, ...] = ()
    remove_labels: tuple[str, ...] = ()
    assignee_id: int | None = None
    due_date: date | None = None
    confidential: bool | None = None
    is_open: bool | None = None

    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return self == IssueChange()


@dataclass(frozen=True, slots=True)
class Note:
    """A comment; `id` is unique within the instance."""

    id: int
    body: str
    author: Person
    at: datetime | None = None
    """When it was written, in UTC."""


@dataclass(frozen=True, slots=True)
class LabelEvent:
    """One label put on an issue or taken off it.

    `id` grows with time within one instance; `label` is None when the label was deleted since, `by` is None when the
    user was; `at` is in UTC.
    """

    id: int
    label: str | None
    is_added: bool
    by: Person | None
    at: datetime


@dataclass(frozen=True, slots=True)
class StateEvent:
    """An issue closed or reopened; the rest as for LabelEvent, but the ids are counted apart."""

    id: int
    is_closed: bool
    by: Person | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Assignment:
    """That somebody changed who is assigned to an issue; `at` is in UTC."""

    by: Person
    at: datetime


@dataclass(frozen=True, slots=True)
class ListedIssue:
    """An issue as a list shows it. GitLab may leave `updated_at` as it was, but labels and `notes_count` are true."""

    issue: Issue
    notes_count: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment with its times. `updated_at` moves with an edit, and as well with a reaction or a reply."""

    id: int
    body: str
    author: Person
    is_internal: bool
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Hook:
    """A webhook of the project. `is_disabled`: GitLab sends it nothing, for a while or until it is tested well.

    GitLab shows no secret; whether there is one it tells from 19.0 on (None: it does not say).
    """

    id: int
    url: str
    is_disabled: bool
    events: frozenset[str] = frozenset()
    checks_certificates: bool = True
    has_token: bool | None = None
    has_signing_token: bool | None = None
    rewrites_body: bool = False
    """GitLab sends what a template of its own says, and not what happened."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HookWish:
    """How a webhook is to be. Secrets that are not given stay as they are, unless the address changes."""

    url: str
    events: frozenset[str]
    name: str
    token: str | None = field(default=None, repr=False)
    signing_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class FailedDelivery:
    """An attempt of GitLab's to deliver, as its log keeps it for a week; header names are in lower case."""

    id: int
    headers: Mapping[str, str]
    payload: Mapping[str, Any]
    at: datetime


@dataclass(frozen=True, slots=True)
class Health:
    """What an address answered to `/healthz`: a status, and whether the words were those of this service."""

    status: int
    is_ours: bool


class Probe(Protocol):
    """Asks an address of this service as whoever calls it from outside would."""

    def __call__(self, url: str) -> Health:
        """What it answers. Raises VendorDown where nobody does."""


class Overview(Protocol):
    """What a sweep looks at, as the bot's user. Lists are bounded, and say when they are cut short."""

    def open_issues(self, *, since: datetime) -> Listing[ListedIssue]:
        """Open issues that were not made before a moment, oldest first."""

    def issues_since(self, moment: datetime) -> Listing[ListedIssue]:
        """Issues, open or closed, whose `updated_at` is not before a moment, in the order of that."""

    def all_issues(self, *, since: datetime) -> Listing[ListedIssue]:
        """Issues, open or closed, that were not made before a moment, oldest first."""

    def comments_since(self, iid: int, moment: datetime) -> Listing[Comment]:
        """Comments of people and bots that were written or edited at that moment or later, oldest first.

        What is cut off is the oldest part.
        """

    def edited_at(self, comment: Comment) -> datetime | None:
        """When a comment was last edited, by whomever; None: never. Where GitLab does not say: when it was touched."""

    def reacted_at(self, iid: int, note_id: int, name: str) -> datetime | None:
        """When the bot put this emoji on a comment; None: it has not."""


class HookKeeper(Protocol):
    """The webhooks of the project: a Maintainer's business."""

    def hooks(self) -> Listing[Hook]:
        """All of them. Raises Permanent where the token may not see them."""

    def failed_deliveries(
        self, hook_id: int, *, since: datetime, from_page: int, pages: int
    ) -> Listing[FailedDelivery]:
        """What GitLab's log says it could not deliver, oldest first; what is cut off is the oldest part.

        `from_page`: page 1 holds the newest, and what is on a page now is never on an earlier one later.
        """

    def test_hook(self, hook_id: int) -> None:
        """Have GitLab send a test; one that is answered well switches a disabled hook on again."""


class ProjectKeeper(HookKeeper, Protocol):
    """The PS Plan project as an operator keeps it. What is there already is never made twice: who calls looks first.

    Every list is bounded. Raises Permanent for want of a role or a scope, NotAccepted for a token that is no good.
    """

    def instance(self) -> Instance:
        """The GitLab itself."""

    def token(self) -> AccessToken:
        """The token in use."""

    def whoami(self) -> Person:
        """The user whose token it is."""

    def own_level(self) -> int:
        """That user's access level in the project; 0 for no member, and an administrator is an owner."""

    def facts(self) -> ProjectFacts:
        """The project."""

    def labels(self) -> Sequence[ProjectLabel]:
        """Every label that can be used in it."""

    def create_label(self, name: str, *, colour: str, description: str) -> None:
        """Make a label of the project; that it is there already is fine."""

    def change_label(
        self, label_id: int, *, name: str | None = None, colour: str | None = None, description: str | None = None
    ) -> None:
        """Rename, recolour or describe a label."""

    def delete_unused_label(self, label_id: int, name: str) -> bool:
        """Delete a label that no issue and no open merge request carries; whether it is gone."""

    def issues_with(self, label: str) -> Sequence[int]:
        """The numbers of all issues, open or closed, that carry a label."""

    def change_issue(self, iid: int, change: IssueChange) -> Issue:
        """Write the change in one request; safe to repeat."""

    def boards(self) -> Sequence[Board]:
        """The issue boards."""

    def create_board(self, name: str) -> None:
        """Make an empty board."""

    def add_list(self, board_id: int, label_id: int) -> None:
        """Put a column for a label at the end."""

    def move_list(self, board_id: int, list_id: int, position: int) -> None:
        """Put a column at a place, counted from 0; the others make room."""

    def create_hook(self, wish: HookWish) -> None:
        """Make a webhook."""

    def change_hook(self, hook_id: int, wish: HookWish) -> None:
        """Make a webhook as it should be."""

    def last_answer(self, hook_id: int) -> str | None:
        """The status that the newest delivery was answered with, as GitLab logged it; None where there is none."""

    def read_file(self, path: str, *, branch: str) -> ProjectFile | None:
        """A text file; None where there is no such file, or no commit yet."""

    def write_file(self, path: str, text: str, *, branch: str, message: str, over: ProjectFile | None) -> None:
        """Commit a file: a new one, or over the one that was read, which refuses what was changed since."""


class Office(Protocol):
    """Lays documents out as pages."""

    def pdf(self, content: bytes, file_name: str) -> bytes | None:
        """A document as PDF; None where that did not work: it is a courtesy."""


class Post(Protocol):
    """Takes mail to people."""

    def send(self, letter: Letter) -> None:
        """Hand a letter to the mail server. A repeated one has the same Message-ID. Raises Permanent where refused."""


class GitLab(Protocol):
    """The PS Plan project, as the bot's user."""

    def whoami(self) -> Person:
        """The bot's own user."""

    def members(self) -> Sequence[Member]:
        """Everybody who has a role in the project, inherited ones included."""

    def group_members(self, path: str) -> Sequence[Person]:
        """The members of a group, inherited ones included. Raises Absent where the bot sees no such group."""

    def find_user(self, username: str) -> Person | None:
        """The user of exactly this name."""

    def create_issue(self, new: NewIssue) -> Issue:
        """Make an issue. Not safe to repeat: GitLab knows no idempotency key."""

    def read_issue(self, iid: int) -> Issue:
        """The issue as it is now."""

    def change_issue(self, iid: int, change: IssueChange) -> Issue:
        """Write the change in one request; safe to repeat."""

    def search_issues(self, words: str) -> Sequence[Issue]:
        """Issues, open or closed, whose description holds the words."""

    def link_issues(self, iid: int, other_iid: int) -> None:
        """Relate two issues; that they are related already is fine."""

    def create_note(self, iid: int, body: str, *, internal: bool = False) -> Note:
        """Comment on an issue. Not safe to repeat. `internal`: only for who may see internal comments."""

    def edit_note(self, iid: int, note_id: int, body: str) -> Note:
        """Give a comment another text; safe to repeat. Raises Absent when the comment is gone."""

    def react(self, iid: int, note_id: int, name: str) -> None:
        """Put an emoji on a comment; that it is there already is fine. Raises Absent where the comment is gone."""

    def unreact(self, iid: int, note_id: int, name: str) -> None:
        """Take the bot's own emoji off a comment; that it is not there is fine. Raises Absent without the comment."""

    def delete_note(self, iid: int, note_id: int) -> None:
        """Take a comment of the bot's own away; that it is not there is fine."""

    def upload(self, file_name: str, content: bytes, content_type: str) -> str:
        """Keep a file for the project's texts; the Markdown that links to it. Repeated, it is there twice."""

    def download(self, path: str, *, most_bytes: int) -> bytes | None:
        """An upload of the project by its path (`app.uploads`); None: it cannot be had, or is larger."""

    def latest_notes(self, iid: int, *, back_to: datetime | None = None) -> Sequence[Note]:
        """The newest hundred comments, newest first; all that were written since `back_to`, two thousand at most."""

    def assignments(self, iid: int) -> Sequence[Assignment]:
        """When assignees were changed: as far as the newest hundred entries of what was done to the issue tell."""

    def label_events(self, iid: int, *, after: int = 0) -> Listing[LabelEvent]:
        """The label history of an issue, oldest first: what came after the event `after`, at most the newest 2,000."""

    def state_events(self, iid: int, *, after: int = 0) -> Listing[StateEvent]:
        """When the issue was closed and reopened; as `label_events`. Making an issue is no event."""


@dataclass(frozen=True, slots=True)
class Posted:
    """A message of the chat: `place` is the channel by the vendor's id, `ts` the message in it; None: not told."""

    place: str | None
    ts: str | None


@dataclass(frozen=True, slots=True)
class SoughtPost:
    """What a look for a message brought; `is_sure`: none was found, and it would have been seen."""

    found: Posted | None
    is_sure: bool


@dataclass(frozen=True, slots=True)
class ChatChannel:
    """A channel of the chat, by the vendor's own id; `is_member`: the bot is in it."""

    id: str
    is_member: bool
    is_private: bool = False


class ChatKeeper(Protocol):
    """What an operator wants to know of the chat. Every method may raise Retry or Permanent."""

    def whoami(self) -> tuple[Mapping[str, Any], frozenset[str]]:
        """Who the bot is there, and what it may do."""

    def channels(self) -> Mapping[str, ChatChannel]:
        """Those that it sees, by name."""

    def email_of(self, user: str) -> str | None:
        """The e-mail of somebody who belongs to us; None for bots, guests and strangers."""


class Chat(Protocol):
    """Slack, or any chat with channels and threads."""

    def post(self, channel: str, content: Mapping[str, Any], *, thread: str | None) -> Posted:
        """Say something in a channel, or below a message in it. Not safe to repeat."""

    def update(self, place: str, ts: str, content: Mapping[str, Any]) -> None:
        """Let a message read otherwise; safe to repeat. Raises Absent where it is gone."""

    def whisper(self, place: str, user: str, text: str, *, thread: str | None) -> None:
        """Tell one person, for as long as they look."""

    def seek(self, channel: str, mark: str, *, thread: str | None, since: float) -> SoughtPost:
        """Look for a message of our own by its mark."""

    def user_of(self, email: str) -> str | None:
        """The user with this e-mail."""

    def email_of(self, user: str) -> str | None:
        """The e-mail of somebody who belongs to us; None for bots, guests and strangers."""


@dataclass(frozen=True, slots=True)
class Record:
    """A record of Salesforce's as it is now: its id of 18 characters, and what was asked for of it.

    `fields`: by the path that was asked for, as Salesforce's JSON has it: a number is a Decimal, a day is text (ISO).
    `changed_at`: SystemModstamp, seconds since 1970.
    """

    id: str
    changed_at: float
    fields: Mapping[str, Any]


class Salesforce(Protocol):
    """What the bot does in Salesforce. Every method may raise Retry or Permanent; `kind` is an object's API name."""

    def read(self, kind: str, ident: str, fields: Sequence[str]) -> Record:
        """One record. Raises Absent where it is not there, or may not be seen."""

    def find(
        self, kind: str, field: str, value: str, fields: Sequence[str], *, where: Mapping[str, str | bool] = ...
    ) -> Record | None:
        """The one record with this value in a field, and those of `where`; of several the one that was made first."""

    def changed(
        self,
        kind: str,
        fields: Sequence[str],
        *,
        since: datetime,
        most: int,
        where: Mapping[str, str] = ...,
        filled: Sequence[str] = ...,
    ) -> Listing[Record]:
        """Those that changed at that moment or later, the longest ago first; `is_cut` where there are more than `most`.

        `where`: field → the value it must have. `filled`: fields that must hold something.
        """

    def update(self, kind: str, ident: str, values: Mapping[str, Any]) -> None:
        """Write these fields; safe to repeat. Raises Absent."""

    def upsert(self, kind: str, external: str, key: str, values: Mapping[str, Any]) -> str:
        """The record with this external id, made if it is not there yet, with these fields; its id. Safe to repeat."""

    def submit(self, ident: str, *, comment: str) -> None:
        """Submit a record for approval; nothing happens where it is under way already."""

    def whoami(self) -> str:
        """The organisation's id that the login is for."""

    def calls_left(self) -> tuple[int, int]:
        """How many calls the organisation has left of its day, and how many a day has."""
