"""The meetings of the process as the file describes them, and where people are written to by mail.

A meeting is one block: what the command calls it, who is invited, how long it takes, which agenda goes with it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.methodology.parts import Block, IssueKind, Key, Plain, Username
from app.submission.values import email

LONGEST_MIN: Final = 480
SHORTEST_MIN: Final = 5
USERNAME: Final = "{username}"
_LOCAL_PART: Final = re.compile(r"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")

MeetingWord = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
"""What a meeting is called in a command."""
AgendaFile = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,59}\.md$")]
"""A file in the folder of the issue templates."""


def _pattern(text: str) -> str:
    """Raises where what comes of a user name is no address."""
    if text.count(USERNAME) != 1:
        raise PydanticCustomError("methodology", "must hold {{username}} once")
    email(text.replace(USERNAME, "jane"))
    return text


Address = Annotated[str, AfterValidator(email)]
AddressPattern = Annotated[str, AfterValidator(_pattern)]


class MeetingRules(Block):
    """A meeting that people propose, change, cancel, and say was held."""

    title: Plain
    words: Annotated[tuple[MeetingWord, ...], Field(min_length=1)]
    """What the command calls it; the first is shown, the others are understood too."""
    on: IssueKind
    """The issue that the invitation is attached to."""
    invites: tuple[Key, ...] = ()
    """Roles, and words of `staff`: whoever is named for this engagement, else whom the role names."""
    minutes: Annotated[int, Field(ge=SHORTEST_MIN, le=LONGEST_MIN)]
    """How long it takes, unless somebody says otherwise."""
    agenda: AgendaFile
    """The template of its agenda, a file in the folder of the issue templates."""
    field: Key | None = None
    """The intake field in which the day stands on which it was held."""


class Mail(Block):
    """Where people get the invitations, where the service can send mail at all."""

    addresses: Mapping[Username, Address] = Field(default_factory=dict)
    """User of GitLab → address."""
    pattern: AddressPattern | None = None
    """The address of everybody else, such as `{username}@example.com`; left out: they get no mail."""
    confidential: bool = False
    """Whether what is confidential in GitLab may leave it by mail."""

    def address_of(self, username: str, *, given: str | None = None) -> str | None:
        """Somebody's address: as the file names it, else as it was given, else made of the user name; None: no mail."""
        named = {name.lower(): address for name, address in self.addresses.items()}
        if (address := named.get(username.lower()) or given) is not None:
            return address
        is_plain = self.pattern is not None and _LOCAL_PART.fullmatch(username)
        return self.pattern.replace(USERNAME, username) if is_plain and self.pattern is not None else None
