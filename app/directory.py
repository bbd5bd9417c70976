"""Who is who in GitLab, remembered for a while: the bot, members of project and groups, people asked for by name.

Members are read in one go at the start, so that the usual submission (requester and EM are members) costs no read.

Unknown is not no: where GitLab does not say who holds a role, the error goes to the caller, who must not take it for
"nobody". Only a group that was read before counts as it was known then, and for an hour at most. A group that cannot be
seen at all takes nothing from the other holders of the role, but then the role is not fully known.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import structlog

from app.clock import Timer
from app.errors import Permanent, Retry
from app.methodology.model import Holders
from app.ports import GitLab, Member, Person

ACCESS_LEVELS: Mapping[str, int] = MappingProxyType(
    {"guest": 10, "planner": 15, "reporter": 20, "developer": 30, "maintainer": 40, "owner": 50}
)
"""GitLab's numbers for the access levels that a methodology names."""

REFRESH_S = 10 * 60.0
"""How often the members are read anew, in the background."""
KNOWN_FOR_S = 24 * 3600.0
UNKNOWN_FOR_S = 60.0
"""Somebody who is not there yet may be there soon."""
MOST_ENTRIES = 10_000
GROUP_KNOWN_FOR_S = 300.0
GROUP_TRUSTED_FOR_S = 3600.0
"""How long a group counts as it was known while GitLab does not say who is in it."""
GROUP_ASKED_AGAIN_S = 60.0
"""How long after a failure such a group is asked for again."""
TOLD_AGAIN_S = 3600.0
"""How often the log tells of a group that cannot be seen."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Entry:
    person: Person | None
    read_at: float


@dataclass(frozen=True, slots=True)
class _Members:
    """The project's members at a moment."""

    members: Sequence[Member]
    read_at: float


@dataclass(frozen=True, slots=True)
class _Group:
    """A group's members (user names in lower case) as read at a moment, and when GitLab failed to say since."""

    names: frozenset[str]
    read_at: float
    failed_at: float | None = None

    def is_fresh(self, now: float) -> bool:
        """Whether there is no need to ask."""
        if now - self.read_at < GROUP_KNOWN_FOR_S:
            return True
        return self.is_trusted(now) and self.failed_at is not None and now - self.failed_at < GROUP_ASKED_AGAIN_S

    def is_trusted(self, now: float) -> bool:
        """Whether it counts although GitLab does not say."""
        return now - self.read_at < GROUP_TRUSTED_FOR_S


@dataclass(frozen=True, slots=True)
class Held:
    """Who holds a role, as user names in lower case. `is_sure`: nobody else can hold it."""

    names: frozenset[str]
    is_sure: bool = True


class Directory:
    """A cache over the port, shared by all workers. An unknown name is remembered as well, for the same while."""

    def __init__(self, gitlab: GitLab, timer: Timer) -> None:
        self._gitlab = gitlab
        self._timer = timer
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
        self._members: _Members | None = None
        self._groups: dict[str, _Group] = {}
        self._told_of: dict[str, float] = {}
        self._bot: Person | None = None

    @property
    def known_bot_id(self) -> int | None:
        """The bot's id if it has been read; never asks GitLab."""
        return None if self._bot is None else self._bot.id

    def bot(self) -> Person:
        """The bot's own user. Raises Retry or Permanent while GitLab does not say."""
        if self._bot is None:
            self._bot = self._gitlab.whoami()
        return self._bot

    def warm(self) -> None:
        """Read the bot's user and the members. Raises what the port raises: the caller decides whether it matters."""
        self.bot()
        self._read_members()

    def find(self, username: str) -> Person | None:
        """The user of this name (GitLab's names differ by more than case), or None where there is none."""
        name = username.lower()
        with self._lock:
            entry = self._entries.get(name)
        if entry is not None and self._timer() - entry.read_at < (KNOWN_FOR_S if entry.person else UNKNOWN_FOR_S):
            return entry.person
        found = self._gitlab.find_user(username)
        with self._lock:
            if len(self._entries) >= MOST_ENTRIES:
                self._entries.clear()
            self._entries[name] = _Entry(found, self._timer())
        return found

    def holders(self, role: Holders) -> Held:
        """Everybody who holds the role: by name, by group or by access level.

        A role of names alone costs no call. Raises Retry where GitLab does not say now. Of a group or project with more
        than a thousand members some may be missing.
        """
        names = {name.lower() for name in role.users}
        is_sure = True
        for path in role.groups:
            try:
                names |= self._in_group(path)
            except Permanent as fault:
                is_sure = False
                self._tell_of(path, fault)
        if role.access_level is not None:
            try:
                names |= self._from_level(role.access_level)
            except Permanent as fault:
                is_sure = False
                self._tell_of("the project itself", fault)
        return Held(frozenset(names), is_sure)

    def member(self, username: str) -> Member | None:
        """The member of the project of this name; None for who is none. Raises Retry or Permanent."""
        name = username.lower()
        return next((each for each in self._project_members() if each.username.lower() == name), None)

    def _tell_of(self, path: str, fault: Permanent) -> None:
        """In the log, once an hour: each decision meets it again."""
        now = self._timer()
        with self._lock:
            told_at = self._told_of.get(path)
            if told_at is not None and now - told_at < TOLD_AGAIN_S:
                return
            self._told_of[path] = now
        log.warning("group.not_seen", group=path, reason=fault.reason)

    def _from_level(self, lowest: str) -> set[str]:
        least = ACCESS_LEVELS[lowest]
        return {each.username.lower() for each in self._project_members() if each.access_level >= least}

    def _project_members(self) -> Sequence[Member]:
        with self._lock:
            known = self._members
        if known is None or self._timer() - known.read_at >= REFRESH_S:
            known = self._read_members()
        return known.members

    def _read_members(self) -> _Members:
        now = self._timer()
        known = _Members(self._gitlab.members(), now)
        with self._lock:
            self._members = known
            for member in known.members:
                self._entries[member.username.lower()] = _Entry(Person(member.id, member.username), now)
        return known

    def _in_group(self, path: str) -> frozenset[str]:
        now = self._timer()
        with self._lock:
            known = self._groups.get(path)
        if known is not None and known.is_fresh(now):
            return known.names
        try:
            names = frozenset(person.username.lower() for person in self._gitlab.group_members(path))
            group = _Group(names, now)
        except (Retry, Permanent):
            if known is None or not known.is_trusted(now):
                raise
            group = replace(known, failed_at=now)
        with self._lock:
            self._groups[path] = group
        return group.names
