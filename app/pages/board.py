"""The pipeline: a column for each state of a track, the engagement that is there the longest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from starlette.responses import Response
from starlette.routing import Route

from app.methodology.process import Kind, Track
from app.pages.frame import Frame, NotThere, Visit
from app.pages.house import House
from app.pages.visitor import Gatekeeper
from app.pipeline import SEPARATOR, Listed
from app.store import lists

MOST_CARDS: Final = 25
"""Of a column; the rest is a click away."""
MOST_OF_ONE: Final = 1_000


@dataclass(frozen=True, slots=True)
class Late:
    """Whether the day has passed on which it was due, and whether the time of a clock is over."""

    by_day: bool = False
    by_clock: bool = False

    def __bool__(self) -> bool:
        return self.by_day or self.by_clock


@dataclass(frozen=True, slots=True)
class Card:
    """An engagement in a column."""

    listed: Listed
    waits_for: str
    what: str
    leads: str
    late: Late
    clock: str
    """What the next clock is called; empty where none runs."""


@dataclass(frozen=True, slots=True)
class Column:
    """A state with who is there; `sums` by currency."""

    state: str
    title: str
    count: int
    sums: tuple[tuple[str, Decimal], ...]
    cards: Sequence[Card]


@dataclass(frozen=True, slots=True)
class Filter:
    """Which engagements are looked for; empty: all."""

    words: str = ""
    segment: str = ""
    lead: str = ""
    role: str = ""
    late: str = ""

    def fits(self, each: Listed, *, is_late: bool) -> bool:
        """Whether an engagement is looked for."""
        return (
            self.words.casefold() in each.customer.casefold()
            and self.segment in {"", each.segment}
            and (not self.lead or self.lead in each.leads.split(SEPARATOR))
            and (not self.role or self.role in each.roles.split(SEPARATOR))
            and (not self.late or is_late)
        )


def board_routes(house: House, frame: Frame, gatekeeper: Gatekeeper) -> list[Route]:
    """The pipeline."""

    def board(visit: Visit) -> Response:
        methodology = house.methodology
        name = visit.asked("track") or next(iter(methodology.tracks))
        if name not in methodology.tracks:
            raise NotThere
        track = methodology.tracks[name]
        chosen = state if (state := visit.asked("state")) in track.states else ""
        states = [chosen] if chosen else [state for state, rules in track.states.items() if not rules.is_end]
        listed = house.read()(lambda c: lists.on_track(c, name, states=states))
        seen = [each for each in listed if visit.visitor.sees_confidential or not each.is_confidential]
        now = house.clock()
        today = datetime.fromtimestamp(now, ZoneInfo(methodology.time_zone)).date()
        late = {each.engagement_id: _lateness(each, track, today, now) for each in seen}
        wanted = Filter(**{name: visit.asked(name) for name in Filter.__slots__})
        fitting = [each for each in seen if wanted.fits(each, is_late=bool(late[each.engagement_id]))]
        return frame.page(
            "board.html",
            visit.visitor,
            here="/",
            title="Pipeline",
            tracks=methodology.tracks,
            track=name,
            ends=[(state, rules.title) for state, rules in track.states.items() if rules.is_end],
            columns=_columns(fitting, track, states, house, late, most=MOST_OF_ONE if chosen else MOST_CARDS),
            chosen=chosen,
            filter=wanted,
            kept=urlencode({name: word for name in Filter.__slots__ if (word := getattr(wanted, name))}),
            segments=sorted({each.segment for each in seen if each.segment}),
            leads=sorted({lead for each in seen for lead in each.leads.split(SEPARATOR) if lead}),
            roles={role: house.role(role) for each in seen for role in each.roles.split(SEPARATOR) if role},
            count=len(fitting),
            now=now,
        )

    return [frame.reading("/", board, gatekeeper)]


def _columns(
    found: Iterable[Listed], track: Track, states: Sequence[str], house: House, late: Mapping[str, Late], *, most: int
) -> list[Column]:
    by_state: dict[str, list[Listed]] = defaultdict(list)
    for each in found:
        by_state[each.state].append(each)
    kept = [state for state in states if by_state[state] or track.states[state].kind is not Kind.HOLD]
    return [
        Column(
            state,
            track.states[state].title,
            len(by_state[state]),
            tuple(sorted(_sums(by_state[state]).items())),
            [
                _card(each, house, late[each.engagement_id], is_over=track.states[state].is_end)
                for each in by_state[state][:most]
            ],
        )
        for state in kept
    ]


def _sums(found: Iterable[Listed]) -> Mapping[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for each in found:
        if each.amount is not None and each.currency is not None:
            sums[each.currency] += Decimal(each.amount)
    return sums


def _card(each: Listed, house: House, late: Late, *, is_over: bool) -> Card:
    roles = [house.role(role) for role in each.roles.split(SEPARATOR) if role]
    what = [part for part in each.what.split(SEPARATOR) if part]
    told = what[0] if len(what) == 1 else f"{len(what)} things" if what else ""
    clock = house.methodology.clocks.get(each.clock or "")
    title = "" if clock is None or each.clock_due_at is None or is_over else clock.title
    return Card(each, ", ".join(roles), told, each.leads.replace(SEPARATOR, ", "), late, title)


def _lateness(each: Listed, track: Track, today: date, now: float) -> Late:
    """What has ended is late no more, and what rests is not. `today`: where the team works, as the day it is due."""
    if track.states[each.state].kind is not Kind.STEP:
        return Late()
    return Late(
        by_day=each.due is not None and date.fromisoformat(each.due) < today,
        by_clock=each.clock_due_at is not None and each.clock_due_at < now,
    )
