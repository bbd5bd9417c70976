"""What the machine may see: the two issues as they are, who holds which role, what was answered; and what was done.

Built from a snapshot by the handlers; the machine itself reads nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from app.methodology.parts import IssueKind


@dataclass(frozen=True, slots=True)
class IssueView:
    """One issue as it is now."""

    labels: frozenset[str]
    is_open: bool
    assignees: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scene:
    """Both issues and what is known around them.

    `ticked`: boxes that people ticked, by `stage.step` or `readiness.item`.
    `holders`: role → user names in lower case. `answered`: keys of intake fields that have an answer, of those that the
    engagement has. `fields_missing`: of those that scheduling needs, the ones without. `open_questions`: required ones.
    """

    issues: Mapping[IssueKind, IssueView]
    holders: Mapping[str, frozenset[str]] = field(default_factory=dict)
    ticked: frozenset[str] = frozenset()
    answered: frozenset[str] = frozenset()
    fields_missing: tuple[str, ...] = ()
    open_questions: tuple[str, ...] = ()
    has_segment: bool = False
    segment: str | None = None
    is_sku: bool = False

    def holds(self, username: str | None, role: str) -> bool:
        """Whether somebody holds a role."""
        return username is not None and username.lower() in self.holders.get(role, frozenset())


@dataclass(frozen=True, slots=True)
class Sign:
    """A label that was set or taken off, from GitLab's own record of such changes; ids ascend with time.

    `by` is None where the user is gone; `is_bot`: the bot's own doing, which is never an order.
    """

    id: int
    on: IssueKind
    label: str
    is_added: bool
    by: str | None
    at: float
    is_bot: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """An issue that was closed or opened again by a person."""

    id: int
    on: IssueKind
    is_closed: bool
    by: str | None
    at: float
