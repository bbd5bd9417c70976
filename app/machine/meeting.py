"""A meeting of an engagement as it stands: proposed, called off, or held; frozen values and their record."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo


class MeetingState(StrEnum):
    """What was said of it last."""

    PROPOSED = "proposed"
    CANCELLED = "cancelled"
    HELD = "held"


@dataclass(frozen=True, slots=True, kw_only=True)
class Meeting:
    """What was said of a meeting last, `by` whom and when (`at`, seconds since 1970, by GitLab's clock).

    `starts_at`: None where it was held and had never been proposed. `zone`: the time zone in which it was proposed.
    `invited`: user names; `guests`: those of them whom somebody named besides the roles. `sequence` counts the changes
    of one invitation, as calendars do. `number` counts the invitations: a meeting that was held and is proposed again
    is another one. `held_on`: a day (ISO).
    """

    state: MeetingState
    by: str
    at: float
    starts_at: float | None = None
    zone: str = "UTC"
    minutes: int = 0
    invited: tuple[str, ...] = ()
    guests: tuple[str, ...] = ()
    sequence: int = 0
    number: int = 1
    held_on: str | None = None

    def key(self, name: str) -> str:
        """Under which the news of it as it is now is told, once."""
        return f"meeting:{name}:{self.number}:{self.sequence}"

    def called_off(self, *, by: str, at: float) -> Meeting:
        """The same, off the calendar; nobody (empty) did it where the engagement has ended."""
        return replace(self, state=MeetingState.CANCELLED, by=by, at=at, sequence=self.sequence + 1)

    @property
    def is_ahead(self) -> bool:
        """Whether it is on the calendar: it may be over by now, as long as nobody said that it was held."""
        return self.state is MeetingState.PROPOSED

    def is_after(self, moment: float) -> bool:
        """Whether it begins later."""
        return self.starts_at is not None and self.starts_at > moment

    @property
    def starts(self) -> datetime:
        """When it begins, where it was proposed. ValueError where it never was."""
        if self.starts_at is None:
            raise ValueError("the meeting was never proposed")
        return datetime.fromtimestamp(self.starts_at, ZoneInfo(self.zone))

    def to_record(self) -> dict[str, Any]:
        """As stored: JSON values only."""
        return {**asdict(self), "state": self.state.value, "invited": list(self.invited), "guests": list(self.guests)}


def meeting_from_record(record: Mapping[str, Any]) -> Meeting:
    """What `to_record` wrote."""
    lists = {name: tuple(record[name]) for name in ("invited", "guests")}
    return Meeting(**{**record, **lists, "state": MeetingState(record["state"])})
