"""What a check finds: a state, about what, why, and what mends it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from app.setup.changes import Change


class State(StrEnum):
    """How it is. Only `broken` makes the doctor fail."""

    OK = "ok"
    WARNING = "warning"
    BROKEN = "broken"
    NOT_CONFIGURED = "not configured"
    NOT_CHECKED = "not checked"
    """Something else has to be mended first."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One line. `fix`: steps of `psplan setup` that mend it without touching what people made."""

    state: State
    subject: str
    reason: str
    mend: str = ""
    fix: tuple[Change, ...] = ()

    def to_record(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "subject": self.subject,
            "state": self.state.value,
            "reason": self.reason,
            "mend": self.mend,
            "can_be_fixed": bool(self.fix),
        }
