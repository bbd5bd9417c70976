"""What the machine looks up for every event, worked out of a methodology once, so that its size costs nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from app.machine.standing import Place, Standing, Verdict
from app.machine.timeline import touching_roles, watched_fields, watched_labels
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Automatic, Gate, Track, Weight
from app.methodology.spelling import scope_of

Spot = tuple[str, str]
"""Track and state."""


@dataclass(frozen=True, slots=True)
class Orders:
    """What a label says when a person sets it: verdicts at gates, gates asked for, and states to move to."""

    verdicts: tuple[tuple[str, Gate, Verdict], ...] = ()
    requests: tuple[tuple[str, Gate], ...] = ()
    moves: tuple[Spot, ...] = ()


NO_ORDERS: Final = Orders()


@dataclass(frozen=True, slots=True)
class Index:
    """The methodology by what is asked of it. `scopes`: those of the tracks, in lower case.

    `positions`: track → state → its place on the path. `blocking`: the gates that a move there would have to pass.
    `asking`: gates whose review is due there. `leaving`: automatic moves out of there. `yes_moves`: gates whose yes is
    a state's label, with track and state. `shown`: gates that have labels on an issue.
    `watched`: labels of criteria. `clocked`: labels of clocks. `touching`: roles of which clocks want to know when they
    first did something. `fields`: intake fields of clocks.
    """

    methodology: Methodology
    tracks_on: Mapping[IssueKind, tuple[tuple[str, Track], ...]]
    scopes: Mapping[IssueKind, frozenset[str]]
    positions: Mapping[str, Mapping[str, int]]
    blocking: Mapping[Spot, tuple[tuple[str, Gate], ...]]
    asking: Mapping[Spot, tuple[tuple[str, Gate], ...]]
    leaving: Mapping[Spot, tuple[tuple[str, Automatic], ...]]
    yes_moves: tuple[tuple[str, str, str], ...]
    shown: Mapping[IssueKind, tuple[tuple[str, Gate], ...]]
    orders: Mapping[IssueKind, Mapping[str, Orders]]
    watched: frozenset[str]
    clocked: frozenset[str]
    touching: tuple[str, ...]
    fields: tuple[str, ...]
    scope_of_others: Mapping[str, str]
    """Label → its scope, of the methodology's labels that no track or gate looks after: one of a scope is enough."""

    def is_behind(self, track: str, to: str, place: Place) -> bool:
        """Whether a state lies behind where a track is, or where it was when it was paused."""
        path = self.positions[track]
        old = place.state if place.state in path else place.left
        return old in path and to in path and path[to] < path[old or ""]

    def can_be_judged(self, name: str, standing: Standing) -> bool:
        """Whether there is something that a gate could say yes to.

        A document that is on record; or, since the bot does not know of every document, a state in which one of its
        kind is written or reviewed.
        """
        gate = self.methodology.gates[name]
        place = standing.places.get(gate.track)
        if gate.document is None or gate.document in standing.papers or place is None:
            return True
        path = self.positions[gate.track]
        others = (each for each in self.methodology.gates.values() if each.document is gate.document)
        reviewed = [
            path[state] for each in others if each.track == gate.track for state in each.ask_in if state in path
        ]
        now = place.state if place.state in path else place.left
        return not reviewed or (now in path and path[now or ""] >= min(reviewed))


MOST_KEPT: Final = 32
_built: dict[int, Index] = {}


def index_of(methodology: Methodology) -> Index:
    """The index of a methodology; the same one each time."""
    found = _built.get(id(methodology))
    if found is None:
        if len(_built) >= MOST_KEPT:
            _built.clear()
        # it holds its methodology, so that no other one can come by the same id
        found = _built[id(methodology)] = _build(methodology)
    return found


def _build(methodology: Methodology) -> Index:
    tracks, gates = methodology.tracks, methodology.gates
    positions = {name: {state: at for at, state in enumerate(track.path)} for name, track in tracks.items()}
    spots = [(name, state) for name, track in tracks.items() for state in track.states]
    criteria = [*methodology.criteria.values(), *methodology.readiness.values()]
    return Index(
        methodology=methodology,
        tracks_on={on: tuple((n, t) for n, t in tracks.items() if t.on is on) for on in IssueKind},
        scopes={on: frozenset(t.scope.casefold() for t in tracks.values() if t.on is on) for on in IssueKind},
        positions=positions,
        blocking={spot: tuple(_gates_before(spot, positions, methodology)) for spot in spots},
        asking={
            (track, state): tuple(
                (name, gate)
                for name, gate in gates.items()
                if gate.track == track and state in gate.ask_in and gate.request is not None
            )
            for track, state in spots
        },
        leaving={
            (track, state): tuple(
                (name, auto)
                for name, auto in methodology.automatic.items()
                if auto.track == track and state in auto.only_from
            )
            for track, state in spots
        },
        yes_moves=tuple(
            (name, gate.track, to)
            for name, gate in gates.items()
            if gate.labels.passed is not None
            and (to := tracks[gate.track].by_label.get(gate.labels.passed)) in positions[gate.track]
        ),
        shown={
            on: tuple(
                (name, gate) for name, gate in gates.items() if tracks[gate.track].on is on and any(gate.labels.all)
            )
            for on in IssueKind
        },
        orders={on: _orders(on, methodology) for on in IssueKind},
        watched=frozenset(label for each in criteria for label in each.labels).union(methodology.trusted_labels),
        clocked=watched_labels(methodology),
        touching=touching_roles(methodology),
        fields=watched_fields(methodology),
        scope_of_others={
            label: scope
            for label in methodology.labels
            if "::" in label
            and (scope := scope_of(label)) is not None
            and not any(methodology.spellers[on].read(label).is_ours for on in IssueKind)
        },
    )


def _gates_before(
    spot: Spot, positions: Mapping[str, Mapping[str, int]], methodology: Methodology
) -> list[tuple[str, Gate]]:
    track, state = spot
    path = positions[track]
    return [
        (name, gate)
        for name, gate in methodology.gates.items()
        if gate.track == track and gate.weight is Weight.BLOCK and state in path and path[state] >= path[gate.before]
    ]


def _orders(on: IssueKind, methodology: Methodology) -> dict[str, Orders]:
    found: dict[str, Orders] = {}
    for name, gate in methodology.gates.items():
        if methodology.tracks[gate.track].on is on:
            for label, verdict in ((gate.labels.passed, Verdict.PASSED), (gate.labels.failed, Verdict.FAILED)):
                if label is not None:
                    so_far = found.get(label, NO_ORDERS)
                    found[label] = replace(so_far, verdicts=(*so_far.verdicts, (name, gate, verdict)))
            if (label := gate.labels.asked) is not None:
                so_far = found.get(label, NO_ORDERS)
                found[label] = replace(so_far, requests=(*so_far.requests, (name, gate)))
    for name, track in methodology.tracks.items():
        if track.on is on:
            for label, state in track.by_label.items():
                so_far = found.get(label, NO_ORDERS)
                found[label] = replace(so_far, moves=(*so_far.moves, (name, state)))
    return found
