"""A message for Slack as a value: lines with people who are called, buttons that decide at a gate, an address to open.

Who is called is named as GitLab names them: Slack's own id is found when the message is sent (app/chat.py). A message
is stored with its action, so it has a form as JSON values.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.slack_text import SlackSafe, fitting


@dataclass(frozen=True, slots=True)
class Called:
    """Somebody who is mentioned; `email` where it is known from elsewhere."""

    username: str
    email: str | None = None


ChatText = tuple[SlackSafe | Called, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """Buttons to say yes or no at a gate: to this very version of what it is about (`digest`), and to no other."""

    engagement: str
    gate: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """What is said. `url`: what the button to open leads to."""

    lines: tuple[ChatText, ...]
    choice: Choice | None = None
    url: str | None = None

    def to_record(self) -> dict[str, Any]:
        """As stored: JSON values only."""
        choice = self.choice
        return {
            "lines": [[_record(part) for part in line] for line in self.lines],
            "choice": choice and [choice.engagement, choice.gate, choice.version, choice.digest],
            "url": self.url,
        }

    @property
    def digest(self) -> str:
        """The same for messages that say the same."""
        return hashlib.sha256(json.dumps(self.to_record()).encode()).hexdigest()[:16]

    def filled(self, name: Callable[[Called], SlackSafe]) -> tuple[SlackSafe, ...]:
        """The lines, with everybody named; each as long as Slack takes it."""
        return tuple(
            fitting(SlackSafe("".join(name(part) if isinstance(part, Called) else part for part in line)))
            for line in self.lines
        )


def message_from_record(record: dict[str, Any]) -> ChatMessage:
    """What `to_record` wrote."""
    choice = record["choice"]
    return ChatMessage(
        lines=tuple(tuple(_part(each) for each in line) for line in record["lines"]),
        choice=None if choice is None else Choice(*choice),
        url=record["url"],
    )


def _record(part: SlackSafe | Called) -> str | list[str | None]:
    return [part.username, part.email] if isinstance(part, Called) else part


def _part(stored: Any) -> SlackSafe | Called:
    return SlackSafe(stored) if isinstance(stored, str) else Called(*stored)
