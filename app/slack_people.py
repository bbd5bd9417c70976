"""Who is who in GitLab and in Slack: by the methodology's map, else by e-mail. Both answers are remembered for a while.

The map wins: where it names somebody's Slack user, no other user of Slack is taken for them, whatever their e-mail.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from typing import Final

from app.clock import Timer
from app.methodology.telling import SlackRules
from app.ports import Chat

KNOWN_FOR_S: Final = 24 * 3600.0
UNKNOWN_FOR_S: Final = 600.0
MOST_ENTRIES: Final = 10_000


class SlackPeople:
    """A cache over the port, shared by all workers. Implements snapshot.WhoIsWho."""

    def __init__(self, chat: Chat, rules: SlackRules, timer: Timer) -> None:
        self._chat = chat
        self._by_name = {name.lower(): user for name, user in rules.users.items()}
        self._by_user = {user: name for name, user in rules.users.items()}
        self._pattern = rules.email
        self._timer = timer
        self._lock = threading.Lock()
        self._known: dict[tuple[str, str], tuple[str | None, float]] = {}

    def slack_user(self, username: str, email: str | None = None) -> str | None:
        """Slack's id of a user of GitLab; None: nobody knows. Raises Retry or Permanent as the port does."""
        if (mapped := self._by_name.get(username.lower())) is not None:
            return mapped
        emails = [email, None if self._pattern is None else self._pattern.replace("{username}", username)]
        for each in dict.fromkeys(filter(None, emails)):
            if (found := self._remembered("user", each.lower(), self._chat.user_of)) is not None:
                return found
        return None

    def gitlab_user(self, user: str) -> str | None:
        """The user name in GitLab of somebody in Slack; None: nobody knows. Raises Retry or Permanent."""
        if (mapped := self._by_user.get(user)) is not None:
            return mapped
        if self._pattern is None:
            return None
        email = self._remembered("email", user, self._chat.email_of)
        name = None if email is None else self._name_in(email)
        return None if name is None or name.lower() in self._by_name else name

    def _name_in(self, email: str) -> str | None:
        before, _, behind = (self._pattern or "").partition("{username}")
        form = rf"{re.escape(before)}([A-Za-z0-9_.][A-Za-z0-9_.-]{{0,254}}){re.escape(behind)}"
        found = re.fullmatch(form, email, re.IGNORECASE)
        return None if found is None else found[1]

    def _remembered(self, kind: str, key: str, ask: Callable[[str], str | None]) -> str | None:
        now = self._timer()
        with self._lock:
            held = self._known.get((kind, key))
        if held is not None and now - held[1] < (UNKNOWN_FOR_S if held[0] is None else KNOWN_FOR_S):
            return held[0]
        found = ask(key)
        with self._lock:
            if len(self._known) >= MOST_ENTRIES:
                self._known.clear()
            self._known[kind, key] = (found, now)
        return found
