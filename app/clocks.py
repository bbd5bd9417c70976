"""When a clock runs out: counted in hours of the calendar, or in the hours of business days only."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from app.methodology.model import Clock, Counting

_SATURDAY: Final = 5
_HOUR: Final = timedelta(hours=1)


def due_at(start: datetime, clock: Clock) -> datetime:
    """The moment at which the clock's hours have passed since `start`, in the time zone of `start`.

    On business days a weekend does not count: 24 hours from Friday at noon is Monday at noon.
    """
    if clock.counts is Counting.HOURS:
        return start + clock.hours * _HOUR
    moment, left = _after_weekend(start), clock.hours
    while left > 0:  # at most 90 days of hours, which the methodology's own limit is
        step = min(left, 24)
        moment = _after_weekend(moment + step * _HOUR)
        left -= step
    return moment


def _after_weekend(moment: datetime) -> datetime:
    """The same time of day on the next business day; the moment itself on one."""
    return moment + timedelta(days=max(0, 7 - moment.weekday())) if moment.weekday() >= _SATURDAY else moment
