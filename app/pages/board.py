"""The pipeline: a column for each state of a track, the engagement that is there the longest first."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final

from starlette.responses import Response
from starlette.routing import Route

from app.clock import at
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
class Card:
    """An engagement in a column."""

    listed: Listed
    waits_for: str
    what: str
    leads: str
    is_late: bool


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

    def fits(self, each: Listed, today: date) -> bool:
        """Whether an engagement is looked for."""
        return (
            self.words.casefold() in each.customer.casefold()
            and self.segment in {"", each.segment}
            and (not self.lead or self.lead in each.leads.split(SEPARATOR))
            and (not self.role or self.role in each.roles.split(SEPARATOR))
            and (not self.late or _is_late(each, today))
        )


def board_routes(house: House, frame: Frame, gatekeeper: Gatekeeper) -> list[Route]:
    """The pipeline."""

    def board(visit: Visit) -> Response:
        methodology = house.methodology
        name = visit.asked("track") or next(iter(methodology.tracks))
        if name not in methodology.tracks:
            raise NotThere
        track, chosen = methodology.tracks[name], visit.asked("state")
        going = [state for state, rules in track.states.items() if not rules.is_end]
        states = [chosen] if chosen in track.states else going
        listed = house.read()(lambda c: lists.on_track(c, name, states={*going, *states}))
        seen = [each for each in listed if visit.visitor.sees_confidential or not each.is_confidential]
        now = house.clock()
        wanted = Filter(**{name: visit.asked(name) for name in Filter.__slots__})
        fitting = [each for each in seen if each.state in states and wanted.fits(each, at(now).date())]
        unended = [each for each in seen if each.state in going]
        return frame.page(
            "board.html",
            visit.visitor,
            here="/",
            title="Pipeline",
            tracks=methodology.tracks,
            track=name,
            ends=[(state, rules.title) for state, rules in track.states.items() if rules.is_end],
            columns=_columns(fitting, track, states, house, at(now).date(), most=MOST_OF_ONE if chosen else MOST_CARDS),
            chosen=chosen,
            filter=wanted,
            segments=sorted({each.segment for each in unended if each.segment}),
            leads=sorted({lead for each in unended for lead in each.leads.split(SEPARATOR) if lead}),
            roles={role: house.role(role) for each in unended for role in each.roles.split(SEPARATOR) if role},
            count=len(fitting),
            now=now,
        )

    return [frame.reading("/", board, gatekeeper)]


def _columns(
    found: Iterable[Listed], track: Track, states: Sequence[str], house: House, today: date, *, most: int
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
            [_card(each, house, today) for each in by_state[state][:most]],
        )
        for state in kept
    ]


def _sums(found: Iterable[Listed]) -> Mapping[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(Decimal)
    for each in found:
        if each.amount is not None and each.currency is not None:
            sums[each.currency] += Decimal(each.amount)
    return sums


def _card(each: Listed, house: House, today: date) -> Card:
    roles = [house.role(role) for role in each.roles.split(SEPARATOR) if role]
    what = [part for part in each.what.split(SEPARATOR) if part]
    told = what[0] if len(what) == 1 else f"{len(what)} things" if what else ""
    return Card(each, ", ".join(roles), told, each.leads.replace(SEPARATOR, ", "), _is_late(each, today))


def _is_late(each: Listed, today: date) -> bool:
    return each.due is not None and date.fromisoformat(each.due) < today
