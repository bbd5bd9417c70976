"""Moments in commands: a time of day, a time zone, minutes. Only what can be read in one way is taken.

Abbreviations of time zones are not: `IST` is India, Ireland and Israel, and `CST` is China and Chicago.
"""

from __future__ import annotations

import difflib
import re
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

from app.blocks.words import joined, together
from app.commands.words import Words
from app.errors import UserError
from app.text import code_span, own

_TIME: Final = re.compile(r"(?P<hour>\d{1,2})(?::(?P<minute>[0-5]\d))?(?P<half>[ap])?", re.ASCII)
_HALVES: Final = {"am": "a", "a.m.": "a", "a.m": "a", "pm": "p", "p.m.": "p", "p.m": "p"}
_MINUTES: Final = re.compile(r"(?P<number>\d{1,3})(?:m|min|mins|minutes)?\.?", re.IGNORECASE | re.ASCII)
_WORDS_FOR_MINUTES: Final = {"m", "min", "min.", "mins", "minutes"}
_MEANT_BY: Final = {
    "ACST": ("Australia/Adelaide",),
    "AEDT": ("Australia/Sydney",),
    "AEST": ("Australia/Sydney", "Australia/Brisbane"),
    "AST": ("America/Halifax", "Asia/Riyadh"),
    "AWST": ("Australia/Perth",),
    "BRT": ("America/Sao_Paulo",),
    "BST": ("Europe/London", "Asia/Dhaka"),
    "CDT": ("America/Chicago", "America/Havana"),
    "CEST": ("Europe/Berlin", "Europe/Paris"),
    "CET": ("Europe/Berlin", "Europe/Paris"),
    "CST": ("America/Chicago", "Asia/Shanghai"),
    "EDT": ("America/New_York",),
    "EEST": ("Europe/Helsinki",),
    "EET": ("Europe/Helsinki",),
    "EST": ("America/New_York", "America/Panama"),
    "ET": ("America/New_York",),
    "GMT": ("UTC", "Europe/London"),
    "GST": ("Asia/Dubai",),
    "HST": ("Pacific/Honolulu",),
    "IST": ("Asia/Kolkata", "Europe/Dublin", "Asia/Jerusalem"),
    "JST": ("Asia/Tokyo",),
    "KST": ("Asia/Seoul",),
    "MDT": ("America/Denver",),
    "MSK": ("Europe/Moscow",),
    "MST": ("America/Denver", "America/Phoenix"),
    "NZDT": ("Pacific/Auckland",),
    "NZST": ("Pacific/Auckland",),
    "PDT": ("America/Los_Angeles",),
    "PST": ("America/Los_Angeles", "Asia/Manila"),
    "PT": ("America/Los_Angeles",),
    "SGT": ("Asia/Singapore",),
    "WEST": ("Europe/Lisbon",),
    "WET": ("Europe/Lisbon",),
    "Z": ("UTC",),
}
"""Abbreviation → zones that people mean by it, the likeliest first."""


def needed_time(words: Words) -> time:
    """A time of day: `14:30`, `9:00`, `2pm`, `2:30 pm`. Raises UserError, also for what could be read in two ways."""
    said = words.word()
    if said is None:
        raise UserError(own("The time is missing, such as `14:30`."))
    half = words.take(_HALVES)
    written = said.lower().rstrip(",;")
    for long, short in _HALVES.items():
        written = written.removesuffix(long) + short if written.endswith(long) and half is None else written
    match = _TIME.fullmatch(written if half is None else written + _HALVES[half])
    if match is None or (match["half"] is None and match["minute"] is None):
        raise _no_time(said)
    hour, minute = int(match["hour"]), int(match["minute"] or 0)
    if match["half"] is not None:
        if not 1 <= hour <= 11:
            raise UserError(
                together(code_span(said), own(" can be read in two ways: please write it as `00:00` or `12:00`."))
                if hour == 12
                else _no_time(said).words
            )
        hour += 12 if match["half"] == "p" else 0
    if hour > 23:
        raise _no_time(said)
    return time(hour, minute)


def zone(words: Words) -> str | None:
    """The name of a time zone, if a word stands here that could be one. Raises UserError where it is none."""
    word = words.peek()
    if word is None or word[0].isdigit() or word.startswith("@") or word.lower() == "with":
        return None
    words.word()
    name = word.strip("()[],;")
    found = _zones().get(name.casefold())
    if found is None:
        raise _no_zone(name)
    return found


def minutes(words: Words) -> int | None:
    """How long something takes, if a number stands here: `45`, `45min`, `45 minutes`."""
    word = words.peek()
    match = None if word is None else _MINUTES.fullmatch(word.rstrip(",;"))
    if match is None:
        return None
    words.word()
    words.take(_WORDS_FOR_MINUTES)
    return int(match["number"])


def moment(day: date, at: time, zone_name: str) -> datetime:
    """The one moment that a clock on the wall shows so. Raises UserError where it never does, or does twice."""
    wall = datetime.combine(day, at, ZoneInfo(zone_name))
    said = own(f"{at:%H:%M} on {day.isoformat()}")
    if wall.astimezone(UTC).astimezone(wall.tzinfo).replace(tzinfo=None) != wall.replace(tzinfo=None):
        words = together(own("There is no "), said, own(f" in {zone_name}: the clocks are put forward over it."))
        raise UserError(words)
    if wall.utcoffset() != wall.replace(fold=1).utcoffset():
        twice = own(f" is there twice in {zone_name}: the clocks are put back. Please say it in `UTC`.")
        raise UserError(together(said, twice))
    return wall


@cache
def _zones() -> dict[str, str]:
    """Every zone that is a place, and UTC, by its name in lower case.

    `EST` and the like are names too, of zones without summer time; and `Etc/GMT+5` is five hours behind.
    """
    places = {name for name in available_timezones() if "/" in name and not name.startswith(("Etc/", "SystemV/"))}
    return {name.casefold(): name for name in sorted(places | {"UTC"})}


def _no_time(said: str) -> UserError:
    return UserError(together(own("I cannot read "), code_span(said), own(" as a time. Please write it as `14:30`.")))


def _no_zone(name: str) -> UserError:
    if meant := _MEANT_BY.get(name.upper()):
        places = joined((own(f"`{each}`") for each in meant), own(", "))
        which = " can mean several time zones" if len(meant) > 1 else " is no time zone all year round"
        return UserError(together(code_span(name), own(f"{which}: please name the place, such as "), places, own(".")))
    near = _near(name)
    known = together(own("I do not know the time zone "), code_span(name), own("."))
    hint = together(own(" Did you mean "), own(f"`{near}`"), own("?")) if near else own("")
    words = together(known, hint, own(" A time zone is named by a place, such as `Europe/Berlin`."))
    return UserError(words, reason="no such time zone")


def _near(name: str) -> str | None:
    """A zone whose city is called so, or that is written much like it."""
    wanted = name.casefold().replace(" ", "_")
    city = next((full for key, full in _zones().items() if key.rpartition("/")[2] == wanted), None)
    near = difflib.get_close_matches(wanted, _zones(), n=1, cutoff=0.75)
    return city or (_zones()[near[0]] if near else None)
