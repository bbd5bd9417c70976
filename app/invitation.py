"""An invitation to a meeting as a calendar reads it (RFC 5545, sent as RFC 5546 has it); no I/O.

The same values always make the same bytes. Whatever stands in the words, it stays inside its own line: control
characters go, and the `icalendar` package escapes and folds.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, vCalAddress, vText, vUri

from app.text import plain, plain_lines
from app.vtimezone import vtimezone

PRODUCT: Final = "-//PS Plan Bot//Meetings//EN"
FILE_TYPE: Final = "text/calendar; charset=utf-8"
REMIND_MIN: Final = 15
_WEB_ADDRESS: Final = re.compile(r"https?://[!-\[\]-~]{1,2000}", re.ASCII)
"""A backslash is in no address, and calendars would take it for an escape."""


class Method(StrEnum):
    """What a calendar is to do with it."""

    PUBLISH = "PUBLISH"
    """Show it: nobody is asked to answer, because there is no address to answer to."""
    REQUEST = "REQUEST"
    CANCEL = "CANCEL"


@dataclass(frozen=True, slots=True)
class Contact:
    """Somebody who is invited, or who invites: a name, and an address (`mailto:…`, or any other URI)."""

    name: str
    uri: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Invitation:
    """What an invitation says. `stamped_at`, `starts_at`: seconds since 1970; `uid`, `sequence`: as in RFC 5545."""

    uid: str
    sequence: int
    method: Method
    stamped_at: float
    starts_at: float
    zone: str
    minutes: int
    title: str
    agenda: str
    url: str
    organizer: Contact
    attendees: tuple[Contact, ...] = ()
    is_confidential: bool = False


def literal(text: str) -> str:
    """A backslash before N stays one: RFC 5545 (3.3.11) knows that pair as a line break, and so does the package."""
    return text.replace("\\N", "\\\u2060N")


def uid_of(engagement: str, meeting: str, number: int) -> str:
    """The name by which calendars know a meeting for ever (RFC 7986 advises a UUID)."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"psplan:{engagement}:{meeting}:{number}"))


def as_calendar(invitation: Invitation) -> bytes:
    """The file: lines of 75 octets at most, each ended by CR LF."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", invitation.method.value)
    starts = datetime.fromtimestamp(invitation.starts_at, ZoneInfo(invitation.zone))
    if invitation.zone == "UTC":
        starts = starts.astimezone(UTC)
    else:
        calendar.add_component(vtimezone(invitation.zone, starts.year))
    calendar.add_component(_event(invitation, starts))
    made: bytes = calendar.to_ical()
    return made


def _event(invitation: Invitation, starts: datetime) -> Event:
    event = Event()
    is_off = invitation.method is Method.CANCEL
    stamp = datetime.fromtimestamp(int(invitation.stamped_at), UTC)
    # through UTC: a meeting of an hour takes an hour, also in the night in which the clocks change
    ends = (starts.astimezone(UTC) + timedelta(minutes=invitation.minutes)).astimezone(starts.tzinfo)
    event.add("uid", plain(invitation.uid))
    event.add("sequence", invitation.sequence)
    event.add("dtstamp", stamp)
    event.add("last-modified", stamp)
    event.add("dtstart", starts)
    event.add("dtend", ends)
    event.add("summary", literal(plain(invitation.title)))
    event.add("description", literal(plain_lines(invitation.agenda)))
    event.add("status", "CANCELLED" if is_off else "CONFIRMED")
    event.add("transp", "TRANSPARENT" if is_off else "OPAQUE")
    if invitation.is_confidential:
        event.add("class", "CONFIDENTIAL")
    if _WEB_ADDRESS.fullmatch(invitation.url):
        event.add("url", vUri(invitation.url))
    event.add("organizer", _address(invitation.organizer))
    for each in invitation.attendees:
        event.add("attendee", _attendee(each, answers=invitation.method is Method.REQUEST))
    if not is_off:
        event.add_component(_reminder(invitation))
    return event


def _reminder(invitation: Invitation) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("description", literal(plain(invitation.title)))
    alarm.add("trigger", timedelta(minutes=-REMIND_MIN))
    return alarm


def _address(contact: Contact) -> vCalAddress:
    address = vCalAddress(plain(contact.uri, limit_chars=2_000))
    # a quotation mark could end the parameter, and is not one that RFC 5545 can write
    if name := plain(contact.name.replace('"', "'"), limit_chars=100):
        address.params["CN"] = vText(name)
    return address


def _attendee(contact: Contact, *, answers: bool) -> vCalAddress:
    address = _address(contact)
    address.params["CUTYPE"] = vText("INDIVIDUAL")
    address.params["ROLE"] = vText("REQ-PARTICIPANT")
    if answers:
        address.params["PARTSTAT"] = vText("NEEDS-ACTION")
        address.params["RSVP"] = vText("TRUE")
    return address
