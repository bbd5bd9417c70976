"""One engagement: where it stands and for whom it waits, its gates and documents, and all that happened, and why."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection
from starlette.responses import Response
from starlette.routing import Route

from app.engagement import Engagement
from app.events import kind_in_words
from app.machine.clocks import running
from app.machine.gates import GateState
from app.machine.meeting import Meeting
from app.machine.standing import Approval, Paper, Place, Waiting
from app.meeting_words import span
from app.methodology.process import Document, State, Track
from app.pages.frame import Frame, NotThere, Visit
from app.pages.house import House
from app.pages.visitor import Gatekeeper, Visitor
from app.pipeline import entry_of
from app.store import lists, outbox
from app.text import is_link

MOST_TOLD: Final = 200


@dataclass(frozen=True, slots=True)
class Step:
    """A state on the way: behind, present, or ahead; `gates` are those to be passed before it."""

    title: str
    mood: str
    gates: Sequence[GateView]


@dataclass(frozen=True, slots=True)
class GateView:
    """A gate and how it stands, in words; `mood` for its colour."""

    title: str
    state: str
    mood: str
    role: str
    approval: Approval | None


@dataclass(frozen=True, slots=True)
class Way:
    """A track with its place and whom it waits for."""

    track: Track
    url: str | None
    place: Place
    state: State
    steps: Sequence[Step]
    waits_for: str
    waiting: Waiting | None
    clocks: Sequence[ClockView]


@dataclass(frozen=True, slots=True)
class ClockView:
    """A clock that runs: whose it is, and when its time is over (None: it stands still)."""

    title: str
    role: str
    due_at: float | None


@dataclass(frozen=True, slots=True)
class PaperView:
    """A document on record."""

    title: str
    paper: Paper
    url: str | None


@dataclass(frozen=True, slots=True)
class MeetingView:
    """A meeting: when it is, or what became of it."""

    title: str
    words: str
    meeting: Meeting


@dataclass(frozen=True, slots=True)
class Happening:
    """One thing that came in, and what came of it, newest first; `told` are lines of words."""

    at: float
    delivery: int
    what: str
    state: str
    because: Sequence[str]
    done: Sequence[str]


@dataclass(frozen=True, slots=True)
class _Found:
    engagement: Engagement
    told: Sequence[lists.Told]
    came_in: Mapping[int, lists.CameIn]


_GATE_WORDS: Final = {
    GateState.NOT_NEEDED: ("not needed", "quiet"),
    GateState.OPEN: ("open", "open"),
    GateState.PASSED: ("passed", "good"),
    GateState.FAILED: ("changes requested", "bad"),
}


def engagement_routes(house: House, frame: Frame, gatekeeper: Gatekeeper) -> list[Route]:
    """The page of one engagement."""

    def engagement(visit: Visit) -> Response:
        before = visit.number("before")
        found = house.read()(partial(_look, ident=visit.ident(), before=before))
        if found is None or not _may_see(found.engagement, visit.visitor):
            raise NotThere
        value = found.engagement
        return frame.page(
            "engagement.html",
            visit.visitor,
            here="/",
            title=value.submission.customer_name,
            engagement=value,
            entry=entry_of(value),
            ways=list(_ways(value, house)),
            title_of=partial(_title, house),
            papers=list(_papers(value, house)),
            meetings=list(_meetings(value, house)),
            happened=_happened(found),
            older=found.told[-1].id if len(found.told) == MOST_TOLD else None,
            is_newest=before is None,
            now=house.clock(),
        )

    return [frame.reading("/engagements/{ident}", engagement, gatekeeper)]


def _look(connection: Connection, *, ident: str, before: int | None) -> _Found | None:
    engagement = outbox.engagement(connection, ident)
    if engagement is None:
        return None
    told = lists.told_of(connection, ident, most=MOST_TOLD, before=before)
    return _Found(engagement, told, lists.came_in(connection, {each.delivery_id for each in told}))


def _may_see(engagement: Engagement, visitor: Visitor) -> bool:
    return visitor.sees_confidential or not entry_of(engagement).is_confidential


def _title(house: House, track: str, state: str | None = None) -> str:
    """What a track, or a state of it, is called; one that the methodology no longer has keeps its name."""
    rules = house.methodology.tracks.get(track)
    if rules is None or state is None:
        return track if rules is None else rules.title
    return rules.states[state].title if state in rules.states else state


def _ways(engagement: Engagement, house: House) -> Iterator[Way]:
    standing, methodology = engagement.standing, house.methodology
    clocks = [
        (ClockView(run.clock.title, house.role(run.clock.waits_on), run.due_at), run.clock.on)
        for run in running(standing, methodology, methodology.calendar_of(standing.outlook.segment))
        if run.clock.warns
    ]
    for name, track in house.methodology.tracks.items():
        place = standing.places.get(name)
        if place is None or place.state not in track.states:
            continue
        waiting = standing.outlook.waits.get(name)
        link = engagement.issues.get(track.on)
        yield Way(
            track=track,
            url=None if link is None else link.web_url,
            place=place,
            state=track.states[place.state],
            steps=list(_steps(name, track, place, engagement, house)),
            waits_for="" if waiting is None else ", ".join(house.role(role) for role in waiting.roles),
            waiting=waiting,
            clocks=[each for each, on in clocks if on is track.on],
        )


def _steps(name: str, track: Track, place: Place, engagement: Engagement, house: House) -> Iterator[Step]:
    is_over = track.states[place.state].is_end and place.state not in track.path
    present = place.state if place.state in track.path else place.left or _left(name, engagement) or track.start
    reached = track.path.index(present) if present in track.path else 0
    gates = {key: gate for key, gate in house.methodology.gates.items() if gate.track == name}
    for index, state in enumerate(track.path):
        mood = "behind" if index < reached + is_over else "present" if index == reached else "ahead"
        before = [_gate(key, engagement, house, is_over=is_over) for key, gate in gates.items() if gate.before == state]
        yield Step(track.states[state].title, mood, before)


def _left(track: str, engagement: Engagement) -> str | None:
    """Where it was before it came to its end."""
    moves = [move for move in engagement.standing.moves if move.track == track]
    return moves[-1].came_from if moves else None


def _gate(name: str, engagement: Engagement, house: House, *, is_over: bool) -> GateView:
    gate = house.methodology.gates[name]
    state = GateState(engagement.standing.outlook.gates.get(name, GateState.OPEN.value))
    words, mood = ("not reached", "quiet") if is_over and state is GateState.OPEN else _GATE_WORDS[state]
    approval = engagement.standing.approvals.get(name)
    is_present = approval is not None and approval.version == engagement.standing.version(gate.document)
    return GateView(gate.title, words, mood, house.role(gate.role), approval if is_present else None)


def _papers(engagement: Engagement, house: House) -> Iterator[PaperView]:
    hosts = house.methodology.link_hosts
    for name, paper in engagement.standing.papers.items():
        title = house.methodology.documents[Document(name)].title
        yield PaperView(title, paper, paper.url if paper.url and is_link(paper.url, allowed_hosts=hosts) else None)


def _meetings(engagement: Engagement, house: House) -> Iterator[MeetingView]:
    """In the order of the methodology; what it no longer knows is left out."""
    for name, rules in house.methodology.meetings.items():
        meeting = engagement.standing.meetings.get(name)
        if meeting is not None:
            yield MeetingView(rules.title, span(meeting) if meeting.starts_at is not None else "", meeting)


def _happened(found: _Found) -> list[Happening]:
    by_delivery: dict[int, list[lists.Told]] = {}
    for line in found.told:
        by_delivery.setdefault(line.delivery_id, []).append(line)
    return [_happening(ident, told, found.came_in.get(ident)) for ident, told in by_delivery.items()]


def _happening(ident: int, told: Sequence[lists.Told], came_in: lists.CameIn | None) -> Happening:
    oldest_first = told[::-1]
    return Happening(
        at=oldest_first[0].at,
        delivery=ident,
        what="" if came_in is None else kind_in_words(came_in.kind, came_in.source),
        state="" if came_in is None else came_in.state,
        because=[str(reason) for line in oldest_first for reason in _listed(line.entry, "because")],
        done=[str(line.entry["done"]) for line in oldest_first if "done" in line.entry],
    )


def _listed(entry: Mapping[str, Any], name: str) -> Sequence[Any]:
    value = entry.get(name, ())
    return value if isinstance(value, list) else ()
