"""The checks there are. A check is one function, registered where it stands: that is all it takes to add one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from app.doctor.finding import Finding
from app.doctor.patient import Patient

Look = Callable[[Patient], Iterable[Finding]]


@dataclass(frozen=True, slots=True)
class Check:
    """`subject`: what its lines are about, unless they say so; `needs`: settings without which it cannot be made."""

    subject: str
    needs: tuple[str, ...]
    look: Look


CHECKS: Final[list[Check]] = []
"""In the order in which they are told."""


def check(subject: str, *needs: str) -> Callable[[Look], Look]:
    """Register a check. It may raise Retry, Permanent or Unchecked: the round turns each into a finding."""

    def register(look: Look) -> Look:
        CHECKS.append(Check(subject, needs, look))
        return look

    return register
