"""The invitation as a calendar file: what RFC 5545 wants of it, and nothing that foreign words could add."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from io import StringIO
from urllib.parse import quote
from zoneinfo import ZoneInfo

import pytest
from dateutil.tz import tzical
from hypothesis import given
from hypothesis import strategies as st
from icalendar import Calendar

from app.invitation import Contact, Invitation, Method, as_calendar, literal, uid_of
from app.text import plain, plain_lines
from app.vtimezone import vtimezone
from tests.properties.strategies import nasty_texts

PROPOSED = datetime(2026, 11, 26, 16, 0, 0, tzinfo=UTC)
STARTS = datetime(2026, 12, 1, 9, 0, tzinfo=UTC)
INVITATION = Invitation(
    uid=uid_of("7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b", "pm_intro", 1),
    sequence=0,
    method=Method.REQUEST,
    stamped_at=PROPOSED.timestamp() + 0.25,
    starts_at=STARTS.timestamp(),
    zone="Europe/Berlin",
    minutes=30,
    title="PM introduction: Acme GmbH",
    agenda="1. Who is who\n2. Dates; and money, too\n",
    url="https://gitlab.example.com/ps/ps-plan/-/issues/2",
    organizer=Contact("PS Plan Bot", "mailto:ps-plan@example.com"),
    attendees=(Contact("alice", "mailto:alice@example.com"), Contact("petra", "mailto:petra@example.com")),
)
HEAD = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//PS Plan Bot//Meetings//EN
CALSCALE:GREGORIAN
METHOD:REQUEST
BEGIN:VTIMEZONE
TZID:Europe/Berlin
"""
EVENT = """\
BEGIN:VEVENT
SUMMARY:PM introduction: Acme GmbH
DTSTART;TZID=Europe/Berlin:20261201T100000
DTEND;TZID=Europe/Berlin:20261201T103000
DTSTAMP:20261126T160000Z
UID:df26ec35-3b4c-55d3-a63a-d4032161deac
SEQUENCE:0
ATTENDEE;CN=alice;CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICI
 PANT;RSVP=TRUE:mailto:alice@example.com
ATTENDEE;CN=petra;CUTYPE=INDIVIDUAL;PARTSTAT=NEEDS-ACTION;ROLE=REQ-PARTICI
 PANT;RSVP=TRUE:mailto:petra@example.com
DESCRIPTION:1. Who is who\\n2. Dates\\; and money\\, too
LAST-MODIFIED:20261126T160000Z
ORGANIZER;CN="PS Plan Bot":mailto:ps-plan@example.com
STATUS:CONFIRMED
TRANSP:OPAQUE
URL:https://gitlab.example.com/ps/ps-plan/-/issues/2
"""


def text_of(invitation: Invitation) -> str:
    return as_calendar(invitation).decode().replace("\r\n", "\n")


def event_of(invitation: Invitation) -> dict[str, object]:
    (event,) = Calendar.from_ical(as_calendar(invitation)).walk("VEVENT")
    return dict(event)


def test_the_whole_file_reads_so() -> None:
    text = text_of(INVITATION)
    assert text.startswith(HEAD)
    assert EVENT in text
    assert text.endswith("END:VALARM\nEND:VEVENT\nEND:VCALENDAR\n")


def test_the_same_values_make_the_same_bytes() -> None:
    assert as_calendar(INVITATION) == as_calendar(replace(INVITATION))


@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({"method": Method.CANCEL, "sequence": 2}, ["METHOD:CANCEL", "STATUS:CANCELLED", "SEQUENCE:2"]),
        ({"method": Method.PUBLISH, "attendees": ()}, ["METHOD:PUBLISH", "STATUS:CONFIRMED"]),
        ({"is_confidential": True}, ["CLASS:CONFIDENTIAL"]),
        ({"zone": "UTC"}, ["DTSTART:20261201T090000Z", "DTEND:20261201T093000Z"]),
        ({"zone": "Asia/Kolkata"}, ["TZID:Asia/Kolkata", "DTSTART;TZID=Asia/Kolkata:20261201T143000"]),
    ],
    ids=lambda each: "" if isinstance(each, list) else ", ".join(each),
)
def test_what_differs_shows(changes: dict[str, object], lines: list[str]) -> None:
    text = text_of(replace(INVITATION, **changes))  # type: ignore[arg-type]
    assert set(lines) <= set(text.split("\n"))


def test_a_cancellation_wakes_nobody() -> None:
    assert "VALARM" not in text_of(replace(INVITATION, method=Method.CANCEL))


def test_a_time_in_utc_needs_no_zone() -> None:
    assert "VTIMEZONE" not in text_of(replace(INVITATION, zone="UTC"))


def test_the_zone_says_when_the_clocks_change_around_the_meeting() -> None:
    summer = datetime(2099, 7, 1, 8, 0, tzinfo=UTC)
    calendar = Calendar.from_ical(as_calendar(replace(INVITATION, starts_at=summer.timestamp())))
    (zone,) = calendar.walk("VTIMEZONE")
    (event,) = calendar.walk("VEVENT")
    assert {each.name for each in zone.subcomponents} == {"STANDARD", "DAYLIGHT"}
    assert event["DTSTART"].dt.replace(tzinfo=None) == datetime(2099, 7, 1, 10, 0)  # noqa: DTZ001


@pytest.mark.parametrize(
    "zone",
    ["Europe/Berlin", "Europe/Dublin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Africa/Casablanca"],
)
def test_another_program_reads_from_the_rules_what_the_clocks_show(zone: str) -> None:
    rules = StringIO(vtimezone(zone, 2026).to_ical().decode())
    theirs, ours = tzical(rules).get(zone), ZoneInfo(zone)
    hours = [datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=30 * each) for each in range(365 * 48)]
    assert [at for at in hours if _wall(at, theirs) != _wall(at, ours)] == []


def _wall(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None, fold=0)


def test_a_meeting_in_the_night_of_the_change_takes_as_long_as_it_takes() -> None:
    before = datetime(2026, 10, 25, 0, 30, tzinfo=UTC)  # 02:30 in summer time, an hour before the clocks go back
    event = event_of(replace(INVITATION, starts_at=before.timestamp(), minutes=120))
    assert event["DTEND"].dt.replace(tzinfo=None) == datetime(2026, 10, 25, 3, 30)  # type: ignore[attr-defined]  # noqa: DTZ001


def test_the_uid_is_of_the_engagement_and_the_meeting_and_of_nothing_else() -> None:
    uids = [uid_of("a", "prep", 1), uid_of("a", "prep", 1), uid_of("b", "prep", 1), uid_of("a", "intro", 1)]
    assert len({*uids, uid_of("a", "prep", 2)}) == 4


@given(title=nasty_texts(), agenda=nasty_texts(), name=nasty_texts(), url=nasty_texts())
def test_whatever_the_words_are_they_are_read_back_and_no_line_is_added(
    title: str, agenda: str, name: str, url: str
) -> None:
    address = "https://gitlab.example.com/" + quote(url.encode("utf-8", "replace"))
    hostile = replace(
        INVITATION, title=title, agenda=agenda, url=address, attendees=(Contact(name, "mailto:a@b.example"),)
    )
    raw = as_calendar(hostile)
    assert b"\r\n" in raw
    assert not any(byte in raw.replace(b"\r\n", b"") for byte in (b"\r", b"\n"))
    assert all(len(line) <= 75 for line in raw.split(b"\r\n"))
    calendar = Calendar.from_ical(raw)
    assert [each.name for each in calendar.walk()].count("VEVENT") == 1
    (event,) = calendar.walk("VEVENT")
    assert event.errors == []
    assert str(event["SUMMARY"]) == literal(plain(title))
    assert str(event["DESCRIPTION"]) == literal(plain_lines(agenda))
    assert str(event["URL"]) == address
    assert str(event["ATTENDEE"]) == "mailto:a@b.example"
    assert str(event["UID"]) == INVITATION.uid
    assert set(event) == set(event_of(INVITATION))


@pytest.mark.parametrize("url", ["", "javascript:alert(1)", "https://x.example/\\n", "https://x.example/\r\nX:1", "x"])
def test_what_is_no_address_is_left_out(url: str) -> None:
    assert "URL" not in event_of(replace(INVITATION, url=url))


@given(
    starts=st.datetimes(datetime(2024, 1, 1), datetime(2035, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
    zone=st.sampled_from(["Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "UTC"]),
    minutes=st.integers(5, 480),
)
def test_whenever_it_is_it_is_read_back_as_that_moment(starts: datetime, zone: str, minutes: int) -> None:
    starts = starts.replace(microsecond=0)
    moved = replace(INVITATION, starts_at=starts.timestamp(), zone=zone, minutes=minutes)
    (event,) = Calendar.from_ical(as_calendar(moved)).walk("VEVENT")
    wall = starts.astimezone(event["DTSTART"].dt.tzinfo)
    assert event["DTSTART"].dt.replace(tzinfo=None) == wall.replace(tzinfo=None)
    ends = (starts + timedelta(minutes=minutes)).astimezone(event["DTEND"].dt.tzinfo)
    assert event["DTEND"].dt.replace(tzinfo=None) == ends.replace(tzinfo=None)


def test_a_backslash_before_n_is_no_line_break() -> None:
    event = event_of(replace(INVITATION, title="C:\\New", agenda="C:\\New\nand \\n"))
    assert [str(event[name]).replace("\u2060", "") for name in ("SUMMARY", "DESCRIPTION")] == [
        "C:\\New",
        "C:\\New\nand \\n",
    ]
