"""The things a sandbox GitLab remembers: people, issues, notes, links, hooks and what happened to them.

Unlike the values of the application these records change in place: they are the rows of a small database that only
`World` writes to, always under its lock. Times are aware datetimes in UTC.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum


class AccessLevel(IntEnum):
    """GitLab's project roles, by the number the API uses."""

    NONE = 0
    GUEST = 10
    PLANNER = 15
    REPORTER = 20
    DEVELOPER = 30
    MAINTAINER = 40
    OWNER = 50


@dataclass(slots=True)
class User:
    """A person or a bot account."""

    id: int
    username: str
    name: str
    created_at: datetime
    is_admin: bool = False
    is_bot: bool = False


@dataclass(slots=True)
class Token:
    """An access token: whose it is, what it may do and whether it still works."""

    id: int
    value: str
    user_id: int
    name: str
    created_at: datetime
    expires_at: date
    scopes: tuple[str, ...] = ("api",)
    is_revoked: bool = False


@dataclass(slots=True)
class Membership:
    """The role of one user in the project."""

    user_id: int
    level: AccessLevel
    created_at: datetime


@dataclass(slots=True)
class Group:
    """A group beside the project; a private one is there only for its members and for administrators."""

    id: int
    path: str
    member_ids: list[int]
    created_at: datetime
    is_private: bool = False


@dataclass(slots=True)
class Label:
    """A label; its title is unique with regard to case, over the project and the groups above it.

    One of a group is seen in the project and cannot be changed there.
    """

    id: int
    title: str
    color: str
    description: str | None
    created_at: datetime
    updated_at: datetime
    is_group: bool = False


@dataclass(slots=True)
class Issue:
    """An issue or a task; labels are kept as label ids, so renaming a label shows at once."""

    id: int
    iid: int
    title: str
    description: str | None
    author_id: int
    issue_type: str
    created_at: datetime
    updated_at: datetime
    is_open: bool = True
    confidential: bool = False
    discussion_locked: bool | None = None
    due_date: date | None = None
    label_ids: list[int] = field(default_factory=list)
    assignee_ids: list[int] = field(default_factory=list)
    closed_at: datetime | None = None
    closed_by_id: int | None = None
    updated_by_id: int | None = None
    last_edited_at: datetime | None = None
    last_edited_by_id: int | None = None
    relative_position: int | None = None
    duplicated_to_id: int | None = None
    moved_to_id: int | None = None


@dataclass(slots=True)
class Note:
    """A comment on an issue."""

    id: int
    issue_iid: int
    body: str
    author_id: int
    created_at: datetime
    updated_at: datetime
    discussion_id: str
    internal: bool = False
    system: bool = False
    updated_by_id: int | None = None
    last_edited_at: datetime | None = None
    type: str | None = None


@dataclass(slots=True)
class Link:
    """A link between two issues, seen from its source."""

    id: int
    source_iid: int
    target_iid: int
    link_type: str
    created_at: datetime


@dataclass(slots=True)
class Award:
    """A reaction to an issue (`note_id` is None) or to a note."""

    id: int
    issue_iid: int
    note_id: int | None
    name: str
    user_id: int
    created_at: datetime


@dataclass(slots=True)
class LabelEvent:
    """One label added to or removed from an issue."""

    id: int
    issue_iid: int
    user_id: int
    label_id: int
    action: str
    created_at: datetime


@dataclass(slots=True)
class StateEvent:
    """One issue closed or reopened."""

    id: int
    issue_iid: int
    user_id: int
    state: str
    created_at: datetime


@dataclass(slots=True)
class Upload:
    """A file somebody uploaded to the project."""

    id: int
    secret: str
    filename: str
    content: bytes
    user_id: int
    created_at: datetime


@dataclass(slots=True)
class BoardList:
    """One column of a board."""

    id: int
    label_id: int
    position: int


@dataclass(slots=True)
class Board:
    """An issue board."""

    id: int
    name: str
    lists: list[BoardList] = field(default_factory=list)


@dataclass(slots=True)
class File:
    """A file of the repository on its default branch, and the commit that changed it last."""

    path: str
    content: bytes
    commit_id: str


@dataclass(slots=True)
class Hook:
    """A project webhook with its health."""

    id: int
    url: str
    created_at: datetime
    name: str | None = None
    description: str | None = None
    token: str | None = None
    signing_token: str | None = None
    events: dict[str, bool] = field(default_factory=dict)
    enable_ssl_verification: bool = True
    custom_webhook_template: str | None = None
    failures: int = 0
    disabled_until: datetime | None = None


@dataclass(slots=True)
class HookLog:
    """One attempt to deliver one event to one hook."""

    id: int
    hook_id: int
    trigger: str
    url: str
    request_headers: dict[str, str]
    request_body: bytes
    idempotency_key: str
    created_at: datetime
    response_status: int | None = None
    response_headers: dict[str, str] = field(default_factory=dict)
    response_body: str = ""
    duration_s: float = 0.0
    error: str | None = None
