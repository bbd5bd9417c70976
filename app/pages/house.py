"""What the pages are given: how to look into the database, the process, the time, and how to have work done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from app.clock import Clock
from app.foresight import Foresight
from app.hearing import Command
from app.methodology.model import Methodology
from app.store.memory import Read


@dataclass(frozen=True, slots=True)
class House:
    """The parts of the service that the pages need.

    `replay`: runs a delivery again. Raises operations.Refused. `foresee`: what it would do. Raises Unforeseeable.
    """

    read: Callable[[], Read]
    methodology: Methodology
    commands: Mapping[str, Command]
    clock: Clock
    replay: Callable[[int], Awaitable[Mapping[str, Any]]]
    foresee: Callable[[int], Foresight]

    def role(self, name: str) -> str:
        """What a role is called."""
        role = self.methodology.roles.get(name)
        return name if role is None else role.title
