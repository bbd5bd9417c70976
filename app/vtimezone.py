"""The rules of a time zone as a calendar file carries them: every change around a year, each at its very second.

`icalendar` can make them too, and has the beginning of summer time an hour late.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from icalendar import Timezone, TimezoneDaylight, TimezoneStandard


@lru_cache(maxsize=64)
def vtimezone(name: str, year: int) -> Timezone:
    """The rules from a year before until two years after: a meeting is moved by weeks, not by years."""
    place = ZoneInfo(name)
    begin, end = datetime(year - 1, 1, 1, tzinfo=UTC), datetime(year + 2, 1, 1, tzinfo=UTC)
    zone = Timezone()
    zone.add("tzid", name)
    zone.add_component(_observance(begin, place, begin.astimezone(place).utcoffset() or timedelta()))
    for change in _changes(begin, end, place):
        before = (change - timedelta(seconds=1)).astimezone(place).utcoffset() or timedelta()
        zone.add_component(_observance(change, place, before))
    return zone


def _changes(begin: datetime, end: datetime, place: ZoneInfo) -> Iterator[datetime]:
    """The moments, in UTC, from which on the clocks of a place show something else."""
    day = begin
    while day < end:
        late = day + timedelta(days=1)
        if _shown(day, place) != _shown(late, place):
            early = day
            while late - early > timedelta(seconds=1):
                middle = early + timedelta(seconds=int((late - early).total_seconds()) // 2)
                early, late = (middle, late) if _shown(middle, place) == _shown(early, place) else (early, middle)
            yield late
        day += timedelta(days=1)


def _shown(moment: datetime, place: ZoneInfo) -> tuple[timedelta | None, str | None]:
    there = moment.astimezone(place)
    return there.utcoffset(), there.tzname()


def _observance(change: datetime, place: ZoneInfo, before: timedelta) -> TimezoneDaylight | TimezoneStandard:
    """What holds from a moment on, which is written as the clocks showed it until then (RFC 5545, 3.6.5).

    Whatever puts the clocks forward is summer time here: readers make a mess of Ireland's, which the law has in winter.
    """
    there = change.astimezone(place)
    is_summer = (there.utcoffset() or before) > before or (there.dst() or timedelta()) > timedelta()
    rules = TimezoneDaylight() if is_summer else TimezoneStandard()
    rules.add("dtstart", (change + before).replace(tzinfo=None))
    rules.add("tzoffsetfrom", before)
    rules.add("tzoffsetto", there.utcoffset() or timedelta())
    rules.add("tzname", there.tzname() or "")
    return rules
