"""Who is told what outside of GitLab: channels, users, and one block for each notification.

What may set one off is an `Occasion`. Another kind of occasion is another field of it: whoever brings it about hands
over an announcement with its name (app/announcements.py), and all else is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Annotated, Self

from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.methodology.parts import Block, Key, Plain, Username
from app.methodology.process import Document, StateRef

MAIN, PUBSEC = "main", "pubsec"
"""Channels that every file has; the second is the only one that is told of US public sector."""
BEGUN, NEAR, OVER = "begun", "clock_near", "clock_over"

ChannelName = Annotated[str, StringConstraints(pattern=r"^(?:[a-z0-9][a-z0-9_-]{0,79}|[CG][A-Z0-9]{5,20})$")]
"""A name without its `#`, or Slack's own id of the channel."""
SlackUser = Annotated[str, StringConstraints(pattern=r"^[UW][A-Z0-9]{2,20}$")]


def _with_username(pattern: str) -> str:
    if pattern.count("{username}") != 1 or pattern.count("@") != 1:
        raise PydanticCustomError("methodology", "must hold {{username}} once, such as {{username}}@example.com")
    return pattern


EmailPattern = Annotated[
    str, StringConstraints(pattern=r"^[^\s<>|]+@[^\s<>|]+$", max_length=255), AfterValidator(_with_username)
]


class SlackRules(Block):
    """Where people are told in Slack, and who is who there. A channel that is `null` is told nothing."""

    channels: Mapping[Key, ChannelName | None]
    """What notifications call a channel → its name in Slack, or its id."""
    users: Mapping[Username, SlackUser] = Field(default_factory=dict)
    """GitLab user → id of the same person in Slack; who is not here is looked for by e-mail."""
    email: EmailPattern | None = None
    """How the e-mail of a GitLab user is made up, such as `{username}@example.com`; `null`: not known."""


class Occasion(Block):
    """What sets a notification off; exactly one of these."""

    begun: bool = False
    """An engagement began."""
    state: StateRef | None = None
    """A state was entered."""
    asked: Key | None = None
    """Somebody's yes at a gate was asked for."""
    sent_back: Key | None = None
    """Somebody said no at a gate."""
    document: Document | None = None
    """A document was put on record, or its next version was."""
    clock_near: bool = False
    """Of the time that a clock gives, little is left: any clock that warns."""
    clock_over: bool = False
    """The time that a clock gives is over: any clock."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if sum(value not in (None, False) for value in self.__dict__.values()) != 1:
            raise PydanticCustomError("methodology", f"must be exactly one of: {', '.join(type(self).model_fields)}")
        return self

    @cached_property
    def name(self) -> str:
        """How an announcement calls it: `begun`, `state:proposal.approved`, `asked:ta`; of any clock, `clock_over`."""
        kind, value = next((kind, value) for kind, value in self if value not in (None, False))
        return kind if value is True else f"{kind}:{value}"

    @property
    def is_of_a_clock(self) -> bool:
        """Whether the names of such announcements end with that of a clock: `clock_over:estimate`."""
        return self.clock_near or self.clock_over


class Notification(Block):
    """Who is told of an occasion, where and how."""

    on: Occasion
    channel: Key
    """One of `slack.channels`; US public sector is told to `pubsec` whatever stands here."""
    roles: tuple[Key, ...] = ()
    """Roles whose holders are called by name; of a clock, besides those that it waits for."""
    text: Plain
    """What is said."""


def occasions_of(notifications: Mapping[str, Notification], clocks: Iterable[str]) -> Mapping[str, tuple[str, ...]]:
    """Name of an occasion, as announcements have it → keys of the notifications that it sets off."""
    found: dict[str, tuple[str, ...]] = {}
    for key, rules in notifications.items():
        for name in [f"{rules.on.name}:{clock}" for clock in clocks] if rules.on.is_of_a_clock else [rules.on.name]:
            found[name] = (*found.get(name, ()), key)
    return found
