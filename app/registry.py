"""What reacts to what: one decorator per handler; decide, permissions and documents read the same registration."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from app.actions import Action
from app.engagement import Engagement
from app.events import Event
from app.issue_text import Playbook
from app.snapshot import Needs, Snapshot


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done, why, and what the bot knows afterwards.

    `reasons` are for the journal and the operator: no words of a customer in them. `engagement`: as it is to be kept
    (None: unchanged). `lane`: the event belongs to this engagement; decide it there, not here.
    """

    reasons: tuple[str, ...]
    actions: tuple[Action, ...] = ()
    engagement: Engagement | None = None
    lane: str | None = None

    @property
    def changes_nothing(self) -> bool:
        """Whether the event is simply ignored."""
        return not self.actions and self.engagement is None and self.lane is None


def ignore(reason: str) -> Decision:
    """Nothing is to be done, because …"""
    return Decision(reasons=(reason,))


E = TypeVar("E", bound=Event)
Decide = Callable[[E, Snapshot, Playbook, datetime], Decision]
AskNeeds = Callable[[E, Engagement | None, Playbook], Needs]


@dataclass(frozen=True, slots=True)
class Handler:
    """A registered reaction to one kind of event."""

    event: type[Event]
    decide: Decide[Event]
    needs: AskNeeds[Event]


@dataclass(slots=True)
class Registry:
    """The handlers by kind of event: exactly one each."""

    handlers: dict[type[Event], Handler] = field(default_factory=dict)

    def on(self, event: type[E], *, needs: AskNeeds[E] | None = None) -> Callable[[Decide[E]], Decide[E]]:
        """Register the decorated function as what decides this kind of event."""

        def register(decide: Decide[E]) -> Decide[E]:
            if event in self.handlers:
                raise ValueError(f"{event.__name__} has a handler already")
            self.handlers[event] = Handler(event, decide, needs or _nothing)  # type: ignore[index,arg-type]
            return decide

        return register


def _nothing(event: Event, engagement: Engagement | None, playbook: Playbook) -> Needs:  # noqa: ARG001
    return Needs()


registry = Registry()
"""The one registry: importing the `handlers` package fills it."""
