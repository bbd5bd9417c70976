"""What somebody ordered in a comment, as the machine meets it: at its time, among the labels that were set."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from app.machine.course import Course


@dataclass(frozen=True, slots=True)
class Deed:
    """A command that is due at a moment (seconds since 1970), and whose it is.

    `do` keeps to itself what it refuses; all it may raise is Retry, where it is not known yet who may.
    """

    at: float
    by: str
    do: Callable[[Course], None]
