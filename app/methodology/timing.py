"""Time as the file describes it: calendars of regions, and clocks that run between two moments of an engagement."""

from __future__ import annotations

from datetime import date, time
from enum import StrEnum
from typing import Annotated, Final

import holidays
from pydantic import AfterValidator, Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from app.methodology.parts import Block, IssueKind, Key, LabelName, Plain, zone
from app.methodology.process import Document, Saying, StateRef
from app.submission.choices import Segment

COUNTRIES: Final = holidays.list_supported_countries()
"""Country (ISO 3166, two letters) → the subdivisions whose holidays are known."""
MOST_HOURS: Final = 24 * 90


class Counting(StrEnum):
    """Which hours count: all of the calendar, all of business days, or the working hours of business days."""

    HOURS = "hours"
    BUSINESS_DAYS = "business_days"
    BUSINESS_HOURS = "business_hours"


class Weekday(StrEnum):
    """A day of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


def _clock_time(text: str) -> str:
    try:
        time.fromisoformat(text)
    except ValueError:
        raise PydanticCustomError("methodology", "must be a time of day, such as 09:00") from None
    return text


TimeOfDay = Annotated[str, StringConstraints(pattern=r"^[0-9]{2}:[0-9]{2}$"), AfterValidator(_clock_time)]


class Calendar(Block):
    """When the people of a region work."""

    time_zone: Annotated[str, AfterValidator(zone)] = "UTC"
    begins: TimeOfDay = "09:00"
    """When a working day begins."""
    ends: TimeOfDay = "17:00"
    """When it ends, on the same day."""
    weekend: tuple[Weekday, ...] = (Weekday.SAT, Weekday.SUN)
    """The days on which nobody works."""
    country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    """Whose public holidays are kept (two letters); null: none."""
    subdivision: Annotated[str, StringConstraints(min_length=1, max_length=10)] | None = None
    """A part of the country with holidays of its own, such as BY or CA."""
    closed: tuple[date, ...] = ()
    """Further days on which nobody works."""
    segments: tuple[Segment, ...] = ()
    """The sales segments whose engagements go by it; the first calendar of the file is for all others."""

    @model_validator(mode="after")
    def _is_sound(self) -> Calendar:
        if self.begins >= self.ends:
            raise PydanticCustomError("methodology", "the working day must begin before it ends")
        if len(set(self.weekend)) > 5:
            raise PydanticCustomError("methodology", "somebody has to work on two days of the week at least")
        if self.country is not None and self.country not in COUNTRIES:
            raise PydanticCustomError("methodology", "no public holidays are known of this country")
        if self.subdivision is not None and self.subdivision not in COUNTRIES.get(self.country or "", ()):
            raise PydanticCustomError("methodology", "the country has no such subdivision")
        return self


class Moment(Block):
    """Something that happens at a moment; exactly one of these."""

    begun: bool = False
    """The engagement begins."""
    active: bool = False
    """Somebody does or says anything on one of its issues."""
    touched: Key | None = None
    """The same by a holder of this role, or by whoever leads the engagement, for the first time."""
    entered: StateRef | None = None
    """A state is entered (track.state)."""
    left: StateRef | None = None
    """A state is left."""
    set: LabelName | None = None
    """A label is set on the issue of the clock."""
    unset: LabelName | None = None
    """It is taken off."""
    recorded: Document | None = None
    """A document is put on record."""
    said: Saying | None = None
    """Somebody says so by command."""
    asked: Key | None = None
    """A gate's holders are asked."""
    judged: Key | None = None
    """Somebody says yes or no at a gate."""
    filled: Key | None = None
    """An intake field gets an answer."""

    @model_validator(mode="after")
    def _is_one(self) -> Moment:
        if len([name for name in type(self).model_fields if getattr(self, name)]) != 1:
            raise PydanticCustomError("methodology", "a moment is exactly one thing that happens")
        return self


class Then(Block):
    """What the bot does by itself when nobody has done anything after a clock ran out."""

    to: StateRef
    """Where the engagement goes (track.state)."""
    after_hours: Annotated[int, Field(ge=1, le=MOST_HOURS)]
    """So many hours after it was told that the time is over, on the clock's own count."""
    labels: tuple[LabelName, ...] = ()
    """Labels that say why."""
    words: Plain
    """The reason, as it is shown."""


class Clock(Block):
    """A span of time that somebody has for something."""

    title: Plain
    on: IssueKind
    """The issue that tells of it."""
    hours: Annotated[int, Field(ge=1, le=MOST_HOURS)]
    counts: Counting = Counting.HOURS
    """Which hours count."""
    begins: Annotated[tuple[Moment, ...], Field(alias="from", min_length=1)]
    """What starts it; it starts once more when that happens again after it has stopped."""
    ends: Annotated[tuple[Moment, ...], Field(alias="until")] = ()
    """What stops it."""
    restarts: bool = False
    """What starts it begins it anew while it runs as well."""
    pauses: bool = True
    """It stands still while the engagement rests or waits for others (`waiting`)."""
    warns: bool = True
    """It shows as a label, and whoever it waits for is reminded before the time is over, not only then."""
    waits_on: Key
    """The role that has the time."""
    escalates_to: Key | None = None
    """The role that hears of it, once, when the time is over."""
    request: Plain
    """What whoever is waited for is asked to do."""
    then: Then | None = None


class Sla(Block):
    """How clocks show on issues, and when people hear of them."""

    warn_at: Annotated[float, Field(gt=0, lt=1)]
    """The share of the time after which somebody is reminded."""
    at_risk: LabelName
    breached: LabelName
    due_day: Key
    """The clock from the beginning of an engagement whose end is the due day of its scoping issue."""
    waiting: tuple[LabelName, ...] = ()
    """Labels during which clocks stand still, as they do on hold."""


class Digest(Block):
    """What people get every working morning: what is theirs to do, what is late, what changed."""

    at: TimeOfDay
    """Not before this time of day, by the calendar of whoever gets it."""
    roles: tuple[Key, ...] = ()
    """Roles whose holders get what they lead."""
    overview: tuple[Key, ...] = ()
    """Roles whose holders get everything."""
    issue: Annotated[int, Field(ge=1)] | None = None
    """Number of the issue in PS Plan that takes the digests; null: Slack, where a bot is set up there."""
