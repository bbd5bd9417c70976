"""What the sandbox GitLab holds in memory, and how it is looked up.

Everything else of the world is built on this floor. One re-entrant lock guards it all: web requests, hook deliveries
and the test that looks on run in different threads.
"""

from __future__ import annotations

import itertools
import random
import threading
import uuid
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from typing import TypedDict

from app.sandbox.clockwork import Clock, Meter, RateLimits, wall_clock
from app.sandbox.people import CAST, GROUPS, token_of
from app.sandbox.records import (
    AccessLevel,
    Award,
    Board,
    File,
    Group,
    Hook,
    HookLog,
    Issue,
    Label,
    LabelEvent,
    Link,
    Membership,
    Note,
    StateEvent,
    Token,
    Upload,
    User,
)
from app.sandbox.refusals import forbidden, invalid_token, not_found, unauthorized

PROJECT_ID = 2
PROJECT_PATH = "ps/ps-plan"
NAMESPACE_ID = 5
# GitLab allows no more.
TOKEN_LIFE = timedelta(days=365)


class Switches(TypedDict, total=False):
    """The arguments of a world; `WorldState` says what they mean."""

    clock: Clock
    new_uuid: Callable[[], str]
    base_url: str | None
    version: str
    scoped_labels: bool
    signing: bool
    auto_disable: bool
    limits: RateLimits | None
    hook_delay_s: float
    shuffle: random.Random | None
    busy_window_s: float


def _random_uuid() -> str:
    return str(uuid.uuid4())


class WorldState:
    """The records of one GitLab instance with a single project, `ps/ps-plan`.

    `clock` and `new_uuid` are passed in, so that a test can move time and foresee ids. The remaining arguments switch
    behaviour that differs between editions, versions and plans; they are plain attributes and may be changed at any
    moment, as may `most_upload_bytes`, `has_repository`, `has_issues`, `default_branch` and `is_archived`.
    """

    def __init__(
        self,
        *,
        clock: Clock = wall_clock,
        new_uuid: Callable[[], str] = _random_uuid,
        base_url: str | None = None,
        version: str = "18.9.0-pre",
        scoped_labels: bool = False,
        signing: bool = False,
        auto_disable: bool = False,
        limits: RateLimits | None = None,
        hook_delay_s: float = 0.05,
        shuffle: random.Random | None = None,
        busy_window_s: float = 0.005,
    ) -> None:
        self.lock = threading.RLock()
        self.clock = clock
        self.new_uuid = new_uuid
        self.has_fixed_url = base_url is not None
        self.base_url = base_url or "http://gitlab.sandbox"
        self.version = version
        self.scoped_labels = scoped_labels
        self.signing = signing
        self.auto_disable = auto_disable
        self.limits = limits or RateLimits()
        self.hook_delay_s = hook_delay_s
        self.shuffle = shuffle
        self.busy_window_s = busy_window_s
        self.most_upload_bytes = 100 << 20
        self.has_repository = True
        self.has_issues = True
        self.default_branch = "main"
        self.is_archived = False
        self.created_at = clock()
        self.users: dict[int, User] = {}
        self.tokens: dict[str, Token] = {}
        self.members: dict[int, Membership] = {}
        self.groups: dict[str, Group] = {}
        self.hooks: dict[int, Hook] = {}
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
        self._forget()
        for person in CAST:
            user = self.add_user(person.username, name=person.name, level=person.level)
            user.is_admin, user.is_bot = person.is_admin, person.is_bot
        for path, usernames in GROUPS.items():
            self.add_group(path, *usernames)

    def _forget(self) -> None:
        """Empty everything that is not people, tokens and hooks."""
        self.issues: dict[int, Issue] = {}
        self.notes: dict[int, Note] = {}
        self.labels: dict[int, Label] = {}
        self.links: dict[int, Link] = {}
        self.awards: dict[int, Award] = {}
        self.label_events: list[LabelEvent] = []
        self.state_events: list[StateEvent] = []
        self.uploads: dict[int, Upload] = {}
        self.boards: dict[int, Board] = {}
        self.files: dict[str, File] = {}
        self.hook_logs: dict[int, HookLog] = {}
        self.meter = Meter(self.clock)
        self._notes_of: defaultdict[int, list[Note]] = defaultdict(list)
        self._label_by_title: dict[str, Label] = {}

    def next_id(self, kind: str) -> int:
        """The next number of one kind of record, from 1."""
        return next(self._numbers[kind])

    # People

    def add_user(self, username: str, *, name: str | None = None, level: AccessLevel = AccessLevel.NONE) -> User:
        """Make an account with a token; `level` NONE leaves it outside of the project."""
        with self.lock:
            user = User(self.next_id("user"), username, name or username.title(), self.clock())
            self.users[user.id] = user
            self.add_token(user, value=token_of(username))
            if level:
                self.set_level(user, level)
            return user

    def add_token(
        self,
        who: User | str,
        *,
        value: str,
        scopes: tuple[str, ...] = ("api",),
        expires_at: date | None = None,
        name: str = "sandbox",
    ) -> Token:
        """Give a user one more access token; it expires in 365 days if not said otherwise."""
        with self.lock:
            user, now = self.user(who), self.clock()
            expiry = expires_at or (now + TOKEN_LIFE).date()
            token = Token(self.next_id("token"), value, user.id, name, now, expiry, scopes)
            self.tokens[value] = token
            return token

    def set_level(self, who: User | str, level: AccessLevel) -> None:
        """Change the role of a user in the project; NONE takes the membership away."""
        with self.lock:
            user = self.user(who)
            if level:
                self.members[user.id] = Membership(user.id, level, self.clock())
            else:
                self.members.pop(user.id, None)

    def add_group(self, path: str, *usernames: str, is_private: bool = False) -> Group:
        """Make a group of accounts that exist, or give the group of this path other members; 404 for an unknown one."""
        with self.lock:
            member_ids = [self.user(username).id for username in usernames]
            known = self.groups.get(path)
            number = known.id if known else NAMESPACE_ID + self.next_id("group")
            group = self.groups[path] = Group(number, path, member_ids, self.clock(), is_private)
            return group

    def group(self, who: User | str, key: int | str) -> Group:
        """A group by path or id, as far as this user may see it; 404 otherwise. GitLab's paths ignore case."""
        user, wanted = self.user(who), str(key).lower()
        for group in self.groups.values():
            is_visible = not group.is_private or user.is_admin or user.id in group.member_ids
            if is_visible and wanted in (group.path.lower(), str(group.id)):
                return group
        raise not_found("Group Not Found")

    def user(self, who: User | str | int) -> User:
        """The account meant by a record, a user name or an id; 404 for an unknown one."""
        if isinstance(who, User):
            return who
        if isinstance(who, int):
            found = self.users.get(who)
        else:
            found = next((user for user in self.users.values() if user.username == who), None)
        if found is None:
            raise not_found("User Not Found")
        return found

    def token_value(self, username: str) -> str:
        """A token of this user, to be used by a client."""
        return next(token.value for token in self.tokens.values() if token.user_id == self.user(username).id)

    def authenticate(self, value: str) -> Token:
        """The live token with this value; 401 in GitLab's two spellings otherwise."""
        token = self.tokens.get(value)
        if token is None:
            raise unauthorized()
        if token.is_revoked:
            raise invalid_token("Token was revoked. You have to re-authorize from the user.")
        if token.expires_at <= self.clock().date():
            raise invalid_token("Token is expired. You can either do re-authorization or token refresh.")
        return token

    def level(self, who: User | str) -> AccessLevel:
        """The role of a user in the project; administrators count as owners."""
        user = self.user(who)
        if user.is_admin:
            return AccessLevel.OWNER
        member = self.members.get(user.id)
        return member.level if member else AccessLevel.NONE

    def demand(self, who: User | str, level: AccessLevel) -> User:
        """The user, if the role is high enough; outsiders get 404 as the project is private, the others 403."""
        user = self.user(who)
        own = self.level(user)
        if own == AccessLevel.NONE:
            raise not_found("Project Not Found")
        if own < level:
            raise forbidden()
        return user

    # Issues and notes

    def issue(self, iid: int) -> Issue:
        """An issue by its number, whoever may see it; 404 if there is none."""
        found = self.issues.get(iid)
        if found is None:
            raise not_found()
        return found

    def can_see(self, user: User, issue: Issue) -> bool:
        """Confidential issues are for Planner and up, their author and their assignees."""
        if not issue.confidential:
            return self.level(user) >= AccessLevel.GUEST
        is_party = user.id == issue.author_id or user.id in issue.assignee_ids
        return self.level(user) >= AccessLevel.PLANNER or is_party

    def visible_issue(self, who: User | str, iid: int) -> Issue:
        """An issue this user may read; what is hidden looks absent (404)."""
        user, issue = self.demand(who, AccessLevel.GUEST), self.issue(iid)
        if not self.can_see(user, issue):
            raise not_found()
        return issue

    def can_update(self, user: User, issue: Issue) -> bool:
        """Title, text and state may be changed by Planner and up, the author and the assignees."""
        is_party = user.id == issue.author_id or user.id in issue.assignee_ids
        return self.level(user) >= AccessLevel.PLANNER or is_party

    def labels_of(self, issue: Issue) -> list[Label]:
        """The labels of an issue in GitLab's order: by title, capital letters first."""
        return sorted((self.labels[number] for number in issue.label_ids), key=lambda label: label.title)

    def label_titles(self, issue: Issue) -> list[str]:
        """The titles of the labels of an issue."""
        return [label.title for label in self.labels_of(issue)]

    def notes_of(self, iid: int) -> list[Note]:
        """All comments of an issue, internal ones too, oldest first."""
        return self._notes_of[iid]

    def now(self) -> datetime:
        """The time of the sandbox."""
        return self.clock()

    def web_url(self, issue: Issue) -> str:
        """Where people see the issue."""
        return f"{self.base_url}/{PROJECT_PATH}/-/issues/{issue.iid}"

    def project_url(self) -> str:
        """Where people see the project."""
        return f"{self.base_url}/{PROJECT_PATH}"
