"""Names in clocks, calendars and digests that lead nowhere, and clocks that could never start, stop or be told of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.layers import Found, Where
from app.methodology.model import Methodology
from app.methodology.names import each_unknown, unknown
from app.methodology.timing import Clock, Moment


def untimely(methodology: Methodology) -> Found:
    """Where a name stands that leads nowhere, or a clock cannot work, and why."""
    labels = methodology.labels
    for key in ("at_risk", "breached"):
        yield from unknown(("sla", key), getattr(methodology.sla, key), labels, what="label")
    yield from each_unknown(("sla", "waiting"), methodology.sla.waiting, labels, what="label")
    yield from unknown(("sla", "due_day"), methodology.sla.due_day, methodology.clocks, what="clock")
    yield from _segments(methodology)
    for role in ("roles", "overview"):
        yield from each_unknown(("digest", role), getattr(methodology.digest, role), methodology.roles, what="role")
    for name, clock in methodology.clocks.items():
        yield from _clock(("clocks", name), clock, methodology)


def _segments(methodology: Methodology) -> Found:
    held: dict[str, str] = {}
    for name, calendar in methodology.calendars.items():
        for segment in calendar.segments:
            other = held.setdefault(segment, name)
            if other != name:
                yield ("calendars", name, "segments"), f"{segment.value!r} goes by the calendar {other!r} already"


def _clock(path: Where, clock: Clock, methodology: Methodology) -> Found:
    yield from unknown((*path, "waits_on"), clock.waits_on, methodology.roles, what="role")
    if clock.escalates_to is not None:
        yield from unknown((*path, "escalates_to"), clock.escalates_to, methodology.roles, what="role")
    for key, moments in (("from", clock.begins), ("until", clock.ends)):
        for index, moment in enumerate(moments):
            yield from _moment((*path, key, index), moment, methodology)
    for label in ("at_risk", "breached"):
        held = methodology.labels.get(getattr(methodology.sla, label))
        if clock.warns and held is not None and clock.on not in held.on:
            yield (*path, "on"), f"the label of `sla.{label}` may not stand on that issue"
    if clock.then is not None:
        yield from unknown((*path, "then", "to"), clock.then.to, _states(methodology), what="state")
        yield from each_unknown((*path, "then", "labels"), clock.then.labels, methodology.labels, what="label")


def _moment(path: Where, moment: Moment, methodology: Methodology) -> Found:
    known: Mapping[str, tuple[object, str]] = {
        "touched": (methodology.roles, "role"),
        "entered": (_states(methodology), "state"),
        "left": (_states(methodology), "state"),
        "set": (methodology.labels, "label"),
        "unset": (methodology.labels, "label"),
        "asked": (methodology.gates, "gate"),
        "judged": (methodology.gates, "gate"),
        "filled": (methodology.intake_fields, "intake field"),
    }
    for key, (names, what) in known.items():
        name = getattr(moment, key)
        if name is not None:
            yield from unknown((*path, key), name, list(names), what=what)  # type: ignore[call-overload]


def _states(methodology: Methodology) -> list[str]:
    return list(_refs(methodology))


def _refs(methodology: Methodology) -> Iterator[str]:
    for name, track in methodology.tracks.items():
        yield from (f"{name}.{state}" for state in track.states)
