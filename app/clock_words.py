"""What people read of clocks: until when there is time, that little is left, that it is over."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from app.blocks.words import joined, together
from app.machine.clocks import running
from app.machine.outcome import ClockNear, ClockOver, RestOver
from app.machine.standing import Standing
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.timing import Calendar
from app.text import Safe, code_span, own

Call = Callable[[Iterable[str], str], Safe]
"""Roles and what they are asked → the sentence that calls them."""


def moment_in_words(at: float, calendar: Calendar) -> Safe:
    """A moment as the clocks of a region show it; no word of how far away it is, which changes by itself."""
    return own(local_moment(at, calendar))


def local_moment(at: float, calendar: Calendar) -> str:
    """The same as plain text."""
    return f"{_local(at, calendar):%A %Y-%m-%d %H:%M} ({calendar.time_zone})"


def clocks_line(on: IssueKind, standing: Standing, methodology: Methodology, calendar: Calendar) -> Safe | None:
    """The clocks of an issue that run, for its status note: by days, as all of it; None where none does."""
    told = [
        own(f"{run.clock.title} {'over since' if run.is_over else 'until'} {_local(run.due_at, calendar):%A %Y-%m-%d}")
        if run.due_at is not None
        else own(f"{run.clock.title} stands still")
        for run in running(standing, methodology, calendar)
        if run.clock.on is on and run.clock.warns
    ]
    return together(own("**Clocks:** "), joined(told, own("; "))) if told else None


def clock_notice(
    notice: ClockNear | ClockOver | RestOver,
    standing: Standing,
    methodology: Methodology,
    calendar: Calendar,
    *,
    call: Call,
) -> Iterator[Safe]:
    """The comment on a clock, without its marker line."""
    match notice:
        case ClockNear():
            clock = methodology.clocks[notice.clock]
            yield call([clock.waits_on], clock.request)
            if notice.due_at is not None:
                yield together(own(f"**{clock.title}**: there is time until "), _moment(notice.due_at, calendar))
        case ClockOver():
            yield from _over(notice, methodology, calendar, call)
        case RestOver():
            track = methodology.tracks[notice.track]
            until = standing.places[notice.track].until
            yield call([track.reopened_by], f"{track.title} was to be on hold until {until}. Please say how it goes on")
            prefix = methodology.commands.prefix
            again, longer = code_span(f"{prefix} resume"), code_span(f"{prefix} hold until DATE")
            yield together(again, own(" takes it up again, "), longer, own(" lets it rest longer."))


def _over(notice: ClockOver, methodology: Methodology, calendar: Calendar, call: Call) -> Iterator[Safe]:
    clock = methodology.clocks[notice.clock]
    roles = dict.fromkeys([clock.waits_on, *([clock.escalates_to] if clock.escalates_to is not None else [])])
    yield call(list(roles), clock.request)
    if clock.warns:
        yield together(own(f"**{clock.title}**: the time was over on "), _moment(notice.due_at, calendar))
    if clock.then is not None and notice.then_at is not None:
        name, _, state = clock.then.to.partition(".")
        title = methodology.tracks[name].states[state].title
        yield together(own(f"Otherwise I move it to **{title}** on "), _moment(notice.then_at, calendar))


def _local(at: float, calendar: Calendar) -> datetime:
    return datetime.fromtimestamp(at, UTC).astimezone(ZoneInfo(calendar.time_zone))


def _moment(at: float, calendar: Calendar) -> Safe:
    return together(moment_in_words(at, calendar), own("."))
