"""How time counts in a region: business days and hours, holidays, clocks that are changed, pauses."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.machine.calendars import due_at, is_working_day, next_at_work
from app.methodology.timing import Calendar, Counting, Weekday

PLAIN = Calendar()
BERLIN = Calendar(time_zone="Europe/Berlin", country="DE", subdivision="BY")
NEW_YORK = Calendar(time_zone="America/New_York", country="US")
DUBAI = Calendar(time_zone="Asia/Dubai", weekend=(Weekday.SAT, Weekday.SUN), closed=(date(2026, 12, 2),))
CAIRO = Calendar(time_zone="Africa/Cairo", weekend=(Weekday.FRI, Weekday.SAT), begins="08:00", ends="16:00")
HOURS, DAYS, AT_WORK = Counting.HOURS, Counting.BUSINESS_DAYS, Counting.BUSINESS_HOURS


def wall(text: str, calendar: Calendar) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(calendar.time_zone))


@pytest.mark.parametrize(
    ("calendar", "start", "hours", "counts", "due"),
    [
        pytest.param(PLAIN, "2026-11-20 12:00", 24, HOURS, "2026-11-21 12:00", id="hours run through the weekend"),
        pytest.param(PLAIN, "2026-11-20 12:00", 24, DAYS, "2026-11-23 12:00", id="Friday to Monday"),
        pytest.param(
            PLAIN, "2026-11-21 12:00", 24, DAYS, "2026-11-24 00:00", id="from a Saturday it is Monday's hours"
        ),
        pytest.param(PLAIN, "2026-11-17 09:00", 72, DAYS, "2026-11-20 09:00", id="within a week"),
        pytest.param(PLAIN, "2026-11-19 09:00", 48, DAYS, "2026-11-23 09:00", id="over a weekend"),
        pytest.param(PLAIN, "2026-11-19 16:00", 2, AT_WORK, "2026-11-20 10:00", id="an hour today and one tomorrow"),
        pytest.param(PLAIN, "2026-11-19 06:00", 8, AT_WORK, "2026-11-19 17:00", id="from before work begins"),
        pytest.param(PLAIN, "2026-11-20 20:00", 1, AT_WORK, "2026-11-23 10:00", id="from a Friday evening"),
        pytest.param(BERLIN, "2026-12-23 12:00", 48, DAYS, "2026-12-28 12:00", id="Christmas in Bavaria"),
        pytest.param(BERLIN, "2026-01-05 12:00", 24, DAYS, "2026-01-07 12:00", id="Epiphany is kept in Bavaria"),
        pytest.param(NEW_YORK, "2026-01-05 12:00", 24, DAYS, "2026-01-06 12:00", id="and not in New York"),
        pytest.param(NEW_YORK, "2026-11-25 12:00", 24, DAYS, "2026-11-27 12:00", id="Thanksgiving"),
        pytest.param(
            NEW_YORK, "2026-07-02 12:00", 24, DAYS, "2026-07-06 12:00", id="a holiday on a Saturday, kept before"
        ),
        pytest.param(BERLIN, "2026-03-27 12:00", 24, DAYS, "2026-03-30 12:00", id="clocks go forward on Sunday"),
        pytest.param(BERLIN, "2026-10-23 12:00", 24, DAYS, "2026-10-26 12:00", id="clocks go back on Sunday"),
        pytest.param(BERLIN, "2026-03-28 12:00", 24, HOURS, "2026-03-29 13:00", id="hours of the calendar are hours"),
        pytest.param(DUBAI, "2026-12-01 12:00", 24, DAYS, "2026-12-03 12:00", id="a day that a team is closed"),
        pytest.param(CAIRO, "2026-11-26 15:00", 2, AT_WORK, "2026-11-29 09:00", id="a weekend of Friday and Saturday"),
    ],
)
def test_a_clock_runs_out(calendar: Calendar, start: str, hours: float, counts: Counting, due: str) -> None:
    assert due_at(wall(start, calendar), hours, counts, calendar) == wall(due, calendar)


@pytest.mark.parametrize(
    ("counts", "pauses", "due"),
    [
        pytest.param(HOURS, [("17 12:00", "17 18:00")], "18 15:00", id="a pause"),
        pytest.param(HOURS, [("16 12:00", "17 08:00")], "18 09:00", id="one that was over before"),
        pytest.param(HOURS, [("16 12:00", "17 10:00")], "18 10:00", id="one that it begins in"),
        pytest.param(HOURS, [("17 12:00", "17 13:00"), ("17 14:00", "17 16:00")], "18 12:00", id="two"),
        pytest.param(HOURS, [("19 12:00", "19 13:00")], "18 09:00", id="one after its end"),
        pytest.param(DAYS, [("20 12:00", "23 12:00")], "18 09:00", id="one after the end, over a weekend"),
        pytest.param(DAYS, [("17 12:00", "23 12:00")], "24 09:00", id="a week, of which business days count"),
        pytest.param(AT_WORK, [("17 18:00", "18 08:00")], "19 17:00", id="a night, in which nobody works anyway"),
    ],
)
def test_a_clock_stands_still_while_it_is_paused(counts: Counting, pauses: list[tuple[str, str]], due: str) -> None:
    def day(text: str) -> datetime:
        return wall(f"2026-11-{text}", PLAIN)

    spans = [(day(a), day(b)) for a, b in pauses]
    assert due_at(day("17 09:00"), 24, counts, PLAIN, pauses=spans) == day(due)


def test_a_clock_that_stands_still_for_ever_has_no_end() -> None:
    begun = datetime(2026, 11, 17, 9, tzinfo=UTC)
    assert due_at(begun, 24, HOURS, PLAIN, pauses=[(begun, datetime(2999, 1, 1, tzinfo=UTC))]) is None


@pytest.mark.parametrize(
    ("calendar", "at", "then"),
    [
        pytest.param(PLAIN, "2026-11-20 12:00", "2026-11-20 12:00", id="at noon at once"),
        pytest.param(PLAIN, "2026-11-20 17:00", "2026-11-23 09:00", id="when work is over, on Monday"),
        pytest.param(PLAIN, "2026-11-20 03:00", "2026-11-20 09:00", id="at night, in the morning"),
        pytest.param(NEW_YORK, "2026-11-26 12:00", "2026-11-27 09:00", id="on Thanksgiving, on the day after"),
        pytest.param(BERLIN, "2026-12-24 18:00", "2026-12-28 09:00", id="on Christmas Eve, after the feast"),
        pytest.param(CAIRO, "2026-11-27 12:00", "2026-11-29 08:00", id="on a Friday in Cairo, on Sunday"),
    ],
)
def test_nobody_hears_anything_outside_of_working_hours(calendar: Calendar, at: str, then: str) -> None:
    assert next_at_work(wall(at, calendar), calendar) == wall(then, calendar)


MOMENTS = st.integers(0, 880 * 24 * 60).map(
    lambda minutes: datetime(2025, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
)
CALENDARS = st.sampled_from([PLAIN, BERLIN, NEW_YORK, DUBAI, CAIRO])


@given(MOMENTS, st.floats(1, 400), st.sampled_from(Counting), CALENDARS, st.lists(MOMENTS, max_size=8, unique=True))
def test_whatever_the_calendar_a_clock_ends_after_its_hours_and_a_pause_never_shortens_it(
    start: datetime, hours: float, counts: Counting, calendar: Calendar, edges: list[datetime]
) -> None:
    ordered = sorted(edges)
    pauses = list(pairwise(ordered))[::2]
    plain, paused = due_at(start, hours, counts, calendar), due_at(start, hours, counts, calendar, pauses=pauses)
    assert plain is not None
    assert paused is not None
    an_hour = timedelta(hours=1)  # clocks that are changed
    assert start + timedelta(hours=hours) - an_hour <= plain <= paused + an_hour
    assert not any(first < paused < last for first, last in pauses) or counts is not HOURS


@given(MOMENTS, CALENDARS)
def test_what_is_said_is_said_on_a_working_day_within_ten_days(moment: datetime, calendar: Calendar) -> None:
    then = next_at_work(moment, calendar)
    local = then.astimezone(ZoneInfo(calendar.time_zone))
    assert is_working_day(local.date(), calendar)
    assert f"{local:%H:%M}" >= calendar.begins
    assert timedelta(0) <= then - moment < timedelta(days=10)
