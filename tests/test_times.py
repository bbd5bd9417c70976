"""Moments in commands: what can be read in one way is taken, all else is told in words that help."""

from __future__ import annotations

from datetime import UTC, date, time

import pytest

from app.commands import Words, times
from app.errors import UserError

DAY = date(2026, 12, 1)


@pytest.mark.parametrize(
    ("said", "meant"),
    {
        "14:30": time(14, 30),
        "9:05": time(9, 5),
        "09:05": time(9, 5),
        "00:00": time(0),
        "2pm": time(14),
        "2 pm": time(14),
        "2:30pm": time(14, 30),
        "2:30 P.M.": time(14, 30),
        "11am": time(11),
        "9:00,": time(9),
    }.items(),
)
def test_a_time_of_day_is_read(said: str, meant: time) -> None:
    words = Words(said)
    assert times.needed_time(words) == meant
    assert not words


@pytest.mark.parametrize(
    ("said", "told"),
    {
        "": "The time is missing",
        "14": "I cannot read `14` as a time",
        "24:00": "I cannot read `24:00` as a time",
        "14.30": "I cannot read `14.30` as a time",
        "14:60": "I cannot read `14:60` as a time",
        "1430": "I cannot read `1430` as a time",
        "noon": "I cannot read `noon` as a time",
        "13pm": "I cannot read `13pm` as a time",
        "0am": "I cannot read `0am` as a time",
        "12pm": "`12pm` can be read in two ways: please write it as `00:00` or `12:00`",
        "१४:३०": "as a time",
    }.items(),
)
def test_a_time_that_is_none_or_two_is_told(said: str, told: str) -> None:
    with pytest.raises(UserError) as fault:
        times.needed_time(Words(said))
    assert told in fault.value.words


@pytest.mark.parametrize(
    ("said", "meant"),
    {
        "Europe/Berlin": "Europe/Berlin",
        "europe/berlin": "Europe/Berlin",
        "(Asia/Kolkata)": "Asia/Kolkata",
        "America/Argentina/Buenos_Aires": "America/Argentina/Buenos_Aires",
        "utc": "UTC",
        "45": None,
        "with @alice": None,
        "@alice": None,
        "": None,
    }.items(),
)
def test_a_time_zone_is_named_by_a_place(said: str, meant: str | None) -> None:
    assert times.zone(Words(said)) == meant


@pytest.mark.parametrize(
    ("said", "told"),
    {
        "IST": "can mean several time zones: please name the place, such as `Asia/Kolkata`, `Europe/Dublin`",
        "cst": "can mean several time zones: please name the place, such as `America/Chicago`, `Asia/Shanghai`",
        "EST": "please name the place, such as `America/New_York`",
        "JST": "is no time zone all year round: please name the place, such as `Asia/Tokyo`",
        "Berlin": "Did you mean `Europe/Berlin`?",
        "Europe/Berlni": "Did you mean `Europe/Berlin`?",
        "Etc/GMT+5": "I do not know the time zone `Etc/GMT+5`",
        "xyzzy": "A time zone is named by a place, such as `Europe/Berlin`",
        "../../etc/passwd": "I do not know the time zone",
    }.items(),
)
def test_an_abbreviation_or_an_unknown_zone_is_told_with_what_may_be_meant(said: str, told: str) -> None:
    with pytest.raises(UserError) as fault:
        times.zone(Words(said))
    assert told in fault.value.words


@pytest.mark.parametrize(
    ("said", "meant"),
    {"45": 45, "45min": 45, "45 minutes": 45, "90 min.": 90, "with @alice": None, "": None, "soon": None}.items(),
)
def test_minutes_are_a_number(said: str, meant: int | None) -> None:
    assert times.minutes(Words(said)) == meant


def test_a_moment_is_the_one_that_the_clock_on_the_wall_shows() -> None:
    made = times.moment(DAY, time(10), "Europe/Berlin")
    assert made.astimezone(UTC).isoformat() == "2026-12-01T09:00:00+00:00"


@pytest.mark.parametrize(
    ("day", "at", "told"),
    [
        (
            date(2027, 3, 28),
            time(2, 30),
            "There is no 02:30 on 2027-03-28 in Europe/Berlin: the clocks are put forward",
        ),
        (
            date(2027, 10, 31),
            time(2, 30),
            "02:30 on 2027-10-31 is there twice in Europe/Berlin: the clocks are put back",
        ),
    ],
)
def test_a_time_that_no_clock_shows_or_shows_twice_is_told(day: date, at: time, told: str) -> None:
    with pytest.raises(UserError) as fault:
        times.moment(day, at, "Europe/Berlin")
    assert told in fault.value.words
