"""How time counts in a region: when so many hours have passed, and when people are at work.

Business days and hours are counted by the clock on the wall: 24 hours from Friday at noon is Monday at noon, also where
the clocks were changed on Sunday. Hours of the calendar are counted as they pass.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

import holidays

from app.methodology.timing import Calendar, Counting, Weekday

Span = tuple[datetime, datetime]
"""From the first moment to the second, without that."""
MOST_DAYS: Final = 3660
"""So far is counted: a clock that stood still for years has no end that anybody waits for."""
_DAY: Final = timedelta(days=1)
_WEEKDAYS: Final = tuple(Weekday)


def due_at(
    start: datetime, hours: float, counts: Counting, calendar: Calendar, *, pauses: Sequence[Span] = ()
) -> datetime | None:
    """The moment (UTC) at which so many hours have counted since `start`, what lies in `pauses` left out.

    `pauses` are in order and do not overlap. None: not within ten years.
    """
    left = timedelta(hours=hours)
    zone = ZoneInfo("UTC" if counts is Counting.HOURS else calendar.time_zone)
    begun = _wall(start, zone)
    rests = [(_wall(a, zone), _wall(b, zone)) for a, b in pauses]
    for first, last in _without(_counting(begun, counts, calendar), rests):
        if last - first >= left:
            return (first + left).replace(tzinfo=zone).astimezone(UTC)
        left -= last - first
    return None


def next_at_work(moment: datetime, calendar: Calendar) -> datetime:
    """The moment itself where people are at work, else the beginning of their next working hours; in UTC."""
    zone = ZoneInfo(calendar.time_zone)
    now = _wall(moment, zone)
    opened = (first for first, last in _hours(now, calendar) if last > now)
    return max(now, next(opened, now)).replace(tzinfo=zone).astimezone(UTC)


def mornings(now: datetime, at: str, calendar: Calendar, *, within: timedelta) -> Iterator[date]:
    """The working days whose morning (a time of day) was within that time before now."""
    zone = ZoneInfo(calendar.time_zone)
    for day in dict.fromkeys((_wall(now - within, zone).date(), _wall(now, zone).date())):
        opened = datetime.combine(day, time.fromisoformat(at), zone)
        if is_working_day(day, calendar) and timedelta(0) <= now - opened < within:
            yield day


def working_morning_before(now: datetime, at: str, calendar: Calendar) -> datetime:
    """The morning of the last working day before today."""
    zone = ZoneInfo(calendar.time_zone)
    days = (_wall(now, zone).date() - number * _DAY for number in range(1, MOST_DAYS))
    day = next(each for each in days if is_working_day(each, calendar))
    return datetime.combine(day, time.fromisoformat(at), zone)


def is_working_day(day: date, calendar: Calendar) -> bool:
    """Whether people work on a day."""
    if _WEEKDAYS[day.weekday()] in calendar.weekend or day in calendar.closed:
        return False
    return calendar.country is None or day not in _holidays(calendar.country, calendar.subdivision, day.year)


def _wall(moment: datetime, zone: ZoneInfo) -> datetime:
    """What the clock on the wall shows."""
    return moment.astimezone(zone).replace(tzinfo=None)


def _counting(begun: datetime, counts: Counting, calendar: Calendar) -> Iterator[Span]:
    """The spans that count, from a moment on, in order."""
    match counts:
        case Counting.HOURS:
            yield begun, begun + MOST_DAYS * _DAY
        case Counting.BUSINESS_DAYS:
            for day in _working_days(begun.date(), calendar):
                opened = datetime.combine(day, time.min)
                yield max(begun, opened), opened + _DAY
        case Counting.BUSINESS_HOURS:
            yield from ((max(begun, first), last) for first, last in _hours(begun, calendar) if last > begun)


def _hours(begun: datetime, calendar: Calendar) -> Iterator[Span]:
    """The working hours from a day on."""
    first, last = time.fromisoformat(calendar.begins), time.fromisoformat(calendar.ends)
    for day in _working_days(begun.date(), calendar):
        yield datetime.combine(day, first), datetime.combine(day, last)


def _working_days(first: date, calendar: Calendar) -> Iterator[date]:
    days = (first + number * _DAY for number in range(MOST_DAYS))
    return (day for day in days if is_working_day(day, calendar))


def _without(spans: Iterator[Span], rests: Sequence[Span]) -> Iterator[Span]:
    """The spans with the rests cut out of them."""
    for begun, ended in spans:
        here = begun
        for first, last in rests:
            if last > here and first < ended:
                if first > here:
                    yield here, first
                here = max(here, last)
        if here < ended:
            yield here, ended


@lru_cache(maxsize=256)
def _holidays(country: str, subdivision: str | None, year: int) -> frozenset[date]:
    return frozenset(holidays.country_holidays(country, subdiv=subdivision, years=year))
