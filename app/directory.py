"""Who is who in GitLab, remembered for a while: the bot itself, the project's members, and people asked for by name.

Members are read in one go at the start, so that the usual submission (requester and EM are members) costs no read.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from app.clock import Clock
from app.ports import GitLab, Person

REFRESH_S = 10 * 60.0
"""How often the members are read anew, in the background."""
KNOWN_FOR_S = 24 * 3600.0
UNKNOWN_FOR_S = 60.0
"""Somebody who is not there yet may be there soon."""
MOST_ENTRIES = 10_000


@dataclass(frozen=True, slots=True)
class _Entry:
    person: Person | None
    read_at: float


class Directory:
    """A cache over the port, shared by all workers. An unknown name is remembered as well, for the same while."""

    def __init__(self, gitlab: GitLab, clock: Clock) -> None:
        self._gitlab = gitlab
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: dict[str, _Entry] = {}
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
        now = self._clock()
        members = {member.username.lower(): _Entry(member, now) for member in self._gitlab.members()}
        with self._lock:
            self._entries.update(members)

    def find(self, username: str) -> Person | None:
        """The user of this name (GitLab's names differ by more than case), or None where there is none."""
        name = username.lower()
        with self._lock:
            entry = self._entries.get(name)
        if entry is not None and self._clock() - entry.read_at < (KNOWN_FOR_S if entry.person else UNKNOWN_FOR_S):
            return entry.person
        found = self._gitlab.find_user(username)
        with self._lock:
            if len(self._entries) >= MOST_ENTRIES:
                self._entries.clear()
            self._entries[name] = _Entry(found, self._clock())
        return found
