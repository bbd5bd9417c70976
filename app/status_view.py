"""Where an issue stands, as its status note tells it: the state, the next one, what lies between, who is waited for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from app.engagement import EngagementId
from app.machine.criteria import Gap, gaps, is_written
from app.machine.gates import GateState, gate_state, held_back, is_before, is_needed, verdict_on
from app.machine.scene import Scene
from app.machine.standing import Place, Return, Standing, Verdict, Waiting
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Gate, Kind, State, Track, Weight
from app.text import Safe


@dataclass(frozen=True, slots=True)
class StatusView:
    """What a note is written from.

    `people`: role → user names as GitLab writes them, the requester in `account_team`. `leads`: role → whoever of them
    leads this very engagement. `other_iid`: number of the other issue, or what stands for it.
    """

    engagement: EngagementId
    on: IssueKind
    standing: Standing
    scene: Scene
    bot: str
    people: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    leads: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    other_iid: int | Safe | None = None
    opportunity_url: str | None = None


def waiting_on(on: IssueKind, standing: Standing, scene: Scene, methodology: Methodology) -> Waiting | None:
    """Whom an issue waits for; nobody (None) on hold and at an end.

    The first blocking gate before the next state whose review was asked for; else who can bring what is missing; else
    the DRI of the state, to move it on.
    """
    at = stand_of(on, standing, scene, methodology)
    return None if at is None else waits(at)


@dataclass(frozen=True)
class Stand:
    """An issue's track, its place there, and all it is judged by."""

    name: str
    track: Track
    place: Place
    standing: Standing
    scene: Scene
    methodology: Methodology

    @cached_property
    def state(self) -> State:
        """The present state."""
        return self.track.states[self.place.state]

    @cached_property
    def next(self) -> str | None:
        """The state behind it on the path; None at the last, and beside the path."""
        path = self.track.path
        behind = path[path.index(self.place.state) + 1 :] if self.place.state in path else ()
        return behind[0] if behind else None

    @cached_property
    def gaps(self) -> tuple[Gap, ...]:
        """What should be there before the next state, and is not."""
        return gaps(self.state.leave, self.standing, self.scene, self.methodology)

    @cached_property
    def gates(self) -> Mapping[str, Gate]:
        """Those of the track."""
        return {name: gate for name, gate in self.methodology.gates.items() if gate.track == self.name}

    @cached_property
    def open_before(self) -> tuple[Gap, ...]:
        """What the states that were left behind, or skipped, still want; without what this state asks for anyway."""
        if self.place.state not in self.track.path:
            return ()
        behind = self.track.path[: self.track.path.index(self.place.state)]
        asked = {gap.key for gap in self.gaps}
        names = dict.fromkeys(name for state in behind for name in self.track.states[state].leave)
        found = gaps(tuple(names), self.standing, self.scene, self.methodology)
        return tuple(gap for gap in found if gap.key not in asked)

    @cached_property
    def needed(self) -> Mapping[str, Gate]:
        """Those before the next state that concern this engagement; the ones that hold the move back first."""
        found = {
            name: gate
            for name, gate in self.gates.items()
            if self.next is not None
            and is_before(gate, self.next, self.methodology)
            and is_needed(gate, self.standing, self.scene, self.methodology)
        }
        return dict(sorted(found.items(), key=lambda each: each[1].weight is not Weight.BLOCK))

    @cached_property
    def holding(self) -> tuple[str, ...]:
        """The gates that hold the next state back."""
        if self.next is None:
            return ()
        found = held_back(self.name, self.next, self.standing, self.scene, self.methodology)
        return tuple(each.gate for each in found)

    @cached_property
    def pause(self) -> Place | None:
        """Where the other track is on hold: then this one rests as well."""
        tracks = self.methodology.tracks
        others = ((name, place) for name, place in self.standing.places.items() if name != self.name)
        return next((p for name, p in others if tracks[name].states[p.state].kind is Kind.HOLD), None)

    @cached_property
    def stage(self) -> str:
        """The stage of the engagement: that of the scoping, where there is one."""
        for name, track in self.methodology.tracks.items():
            place = self.standing.places.get(name)
            if track.on is IssueKind.SCOPING and place is not None:
                on_path = place.state if place.state in track.path else place.left or track.start
                return track.states[on_path].stage
        return self.state.stage

    @cached_property
    def returned(self) -> Return | None:
        """How it was moved back to where it is, where somebody did that by command."""
        last = next((each for each in reversed(self.standing.returns) if each.track == self.name), None)
        is_present = last is not None and last.to == self.place.state and last.at == self.place.since
        return last if is_present else None

    def unwritten(self, gate: str) -> Gap | None:
        """The document that a gate is about, where there is none yet: who can bring it comes first."""
        document = self.gates[gate].document
        if is_written(document, self.standing, self.scene, self.methodology):
            return None
        about = (name for name, criterion in self.methodology.criteria.items() if criterion.document is document)
        return next(iter(gaps(tuple(about), self.standing, self.scene, self.methodology)), None)

    def voids(self, key: str) -> tuple[str, ...]:
        """What people have said yes to and would have to again, if what a criterion asks for came now: titles."""
        criterion = self.methodology.criteria.get(key)
        if criterion is None or criterion.document is None:
            return ()
        bound = {name for name, rules in self.methodology.documents.items() if criterion.document in rules.bound_to}
        return tuple(
            gate.title
            for name, gate in self.methodology.gates.items()
            if gate.document in bound and verdict_on(name, self.standing, self.methodology) is Verdict.PASSED
        )

    def gate(self, name: str) -> GateState:
        """How a gate stands."""
        return gate_state(name, self.standing, self.scene, self.methodology)

    def can_be_requested(self, name: str) -> bool:
        """Whether a review is due here, of something that is there, and is asked for by nobody: it was sent back."""
        gate = self.gates[name]
        is_due = self.place.state in gate.ask_in and gate.document in self.standing.papers
        is_open = self.gate(name) is GateState.OPEN and not self.is_asked(name)
        return is_due and is_open and name in self.methodology.verbs_of_gates

    def is_asked(self, name: str) -> bool:
        """Whether the review of the present version was asked for."""
        return self.standing.asked.get(name) == self.standing.version(self.gates[name].document)


def stand_of(on: IssueKind, standing: Standing, scene: Scene, methodology: Methodology) -> Stand | None:
    """Where an issue stands; None for one that no track is on."""
    for name, track in methodology.tracks.items():
        if track.on is on and (place := standing.places.get(name)) is not None:
            return Stand(name, track, place, standing, scene, methodology)
    return None


def waits(at: Stand) -> Waiting | None:
    """Whom it waits for, as in `waiting_on`."""
    if at.state.kind is not Kind.STEP or at.next is None or at.pause is not None:
        return None
    for name in at.holding:
        if at.is_asked(name):
            gate = at.gates[name]
            # what was sent back waits for whoever leads here: only a new version can be reviewed again
            role = at.state.dri if at.gate(name) is GateState.FAILED else gate.role
            return Waiting((role,), _asked_since(gate, at), (gate.title,))
    first = [gap for name in at.holding if (gap := at.unwritten(name)) is not None]
    missing = tuple({gap.key: gap for gap in (*first, *at.gaps)}.values())
    if missing:
        owners = tuple(dict.fromkeys(gap.owner for gap in missing))
        return Waiting(owners, at.place.since, tuple(gap.title for gap in missing))
    return Waiting((at.state.dri,), at.place.since, (f"the move to {at.track.states[at.next].title}",))


def _asked_since(gate: Gate, at: Stand) -> float:
    """A review begins when state and document are there; of the states that ask for it only the last is known."""
    paper = at.standing.papers.get(gate.document.value) if gate.document is not None else None
    if paper is None:
        return at.place.since
    is_later = at.place.state in gate.ask_in[1:]
    return paper.at if is_later else max(paper.at, at.place.since)
