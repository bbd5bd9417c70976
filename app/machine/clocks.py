"""The clocks of an engagement: which run, since when, and when their time is over. Pure, and without a present.

All follows from when things happened; nothing is counted down. A clock is worked out anew whenever it is looked at.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from app.machine import calendars
from app.machine.calendars import Span
from app.machine.standing import Standing
from app.machine.timeline import ended_since, rests_of, times_of
from app.methodology.model import Methodology
from app.methodology.timing import Calendar, Clock, Moment

_NEVER = datetime(9999, 1, 1, tzinfo=UTC)
_due_at = lru_cache(4096)(calendars.due_at)
"""Clocks are looked at far more often than anything about them changes, and digests look at those of a whole team."""


@dataclass(frozen=True, slots=True)
class Run:
    """A clock that runs: since when, when people are reminded, when its time is over; seconds since 1970.

    None: it stands still, and nobody knows. `warn_at` is None also where the clock does not warn.
    """

    name: str
    clock: Clock
    began_at: float
    warn_at: float | None
    due_at: float | None
    is_over: bool
    """Whether people heard that its time is over."""


def over_key(name: str) -> str:
    """Under which a standing remembers that people heard it."""
    return f"clock:{name}:over"


def running(standing: Standing, methodology: Methodology, calendar: Calendar) -> Iterator[Run]:
    """The clocks that run, in the order of the file; one that stands still runs as well."""
    rests: Sequence[Span] | None = None
    for name, clock in methodology.clocks.items():
        began_at = _began(clock, standing, methodology)
        if began_at is None:
            continue
        if rests is None:
            rests = [(_at(a), _NEVER if b is None else _at(b)) for a, b in rests_of(standing, methodology)]
        pauses = rests if clock.pauses else ()
        warn_at = _end(clock, began_at, methodology.sla.warn_at, calendar, pauses) if clock.warns else None
        is_over = standing.asked.get(over_key(name)) == int(began_at)
        yield Run(name, clock, began_at, warn_at, _end(clock, began_at, 1.0, calendar, pauses), is_over)


def _began(clock: Clock, standing: Standing, methodology: Methodology) -> float | None:
    """When the clock was started, if it was not stopped since; where its issue has come to an end, only by that end."""
    ended_at = ended_since(clock.on, standing, methodology)
    begins = clock.begins if ended_at is None else tuple(each for each in clock.begins if each.entered is not None)
    starts = Counter(at for at in _times(begins, clock, standing) if ended_at is None or at >= ended_at)
    stops = Counter(_times(clock.ends, clock, standing))
    began_at: float | None = None
    for at in sorted({*starts, *stops}):
        was_running = began_at is not None
        # one comment may lead through a state, all at one moment: what did not run was started there before it stopped,
        # what ran was stopped before it was started again
        if was_running + starts[at] <= stops[at]:
            began_at = None
        elif starts[at] and (clock.restarts or stops[at] or not was_running):
            began_at = at
    return began_at


def _times(moments: Sequence[Moment], clock: Clock, standing: Standing) -> Iterator[float]:
    for moment in moments:
        yield from times_of(moment, clock.on, standing)


def _end(clock: Clock, began_at: float, share: float, calendar: Calendar, pauses: Sequence[Span]) -> float | None:
    end = _due_at(_at(began_at), clock.hours * share, clock.counts, calendar, pauses=tuple(pauses))
    return None if end is None else end.timestamp()


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
