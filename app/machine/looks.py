"""How the two issues should look where an engagement stands: labels to set and take off, open or closed.

One scope, one label, on every GitLab plan: the others of the scope are named for removal. Labels that are not the
process's own are nobody's business but the people's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator

from app.machine.gates import GateState, gate_state
from app.machine.outcome import LabelChange
from app.machine.scene import Scene
from app.machine.standing import Standing
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind


def label_changes(
    standing: Standing, scene: Scene, methodology: Methodology, *, quarter: str | None
) -> dict[IssueKind, LabelChange]:
    """What is to differ on each issue; nothing for an issue that is as it should be. `quarter`: label of today's."""
    found = {}
    for on, issue in scene.issues.items():
        speller = methodology.spellers[on]
        wanted = dict.fromkeys(
            [
                *_states(on, standing, methodology),
                *_gates(on, issue.labels, standing, scene, methodology),
                *_quarter(on, issue.labels, standing, methodology, quarter),
            ]
        )
        change = LabelChange(
            add=tuple(label for label in wanted if label not in issue.labels),
            remove=tuple(
                label for label in sorted(issue.labels) if label not in wanted and speller.read(label).is_ours
            ),
        )
        if change:
            found[on] = change
    return found


def open_or_closed(
    standing: Standing, scene: Scene, methodology: Methodology, *, revived: Collection[str]
) -> dict[IssueKind, bool]:
    """Which issues have to be closed, or opened again because their track left an end (`revived`).

    What a person closed before an end stays closed.
    """
    found = {}
    for name, track in methodology.tracks.items():
        place, issue = standing.places.get(name), scene.issues.get(track.on)
        if place is None or issue is None:
            continue
        should_be_closed = track.states[place.state].on_enter.close
        if should_be_closed and issue.is_open:
            found[track.on] = False
        elif name in revived and not should_be_closed and not issue.is_open:
            found[track.on] = True
    return found


def _states(on: IssueKind, standing: Standing, methodology: Methodology) -> Iterator[str]:
    for name, track in methodology.tracks.items():
        place = standing.places.get(name)
        if track.on is on and place is not None and (label := track.states[place.state].label) is not None:
            yield label


def _gates(
    on: IssueKind, present: Collection[str], standing: Standing, scene: Scene, methodology: Methodology
) -> Iterator[str]:
    """A gate's labels say how it stands; a yes that is a state's label is said by the state."""
    for name, gate in methodology.gates.items():
        track, labels = methodology.tracks[gate.track], gate.labels
        if track.on is not on:
            continue
        state = gate_state(name, standing, scene, methodology)
        label = None
        if state is GateState.PASSED and name in standing.approvals and labels.passed not in track.by_label:
            label = labels.passed
        elif state is GateState.FAILED:
            label = labels.failed
        elif state is GateState.OPEN and (name in standing.asked or labels.asked in present):
            label = labels.asked
        if label is not None:
            yield label


def _quarter(
    on: IssueKind, present: Collection[str], standing: Standing, methodology: Methodology, quarter: str | None
) -> Iterator[str]:
    """The label of the quarter where an engagement has ended, unless somebody has set one."""
    prefix = methodology.fiscal.label.partition("{")[0]
    ended = any(
        methodology.tracks[name].on is on and methodology.tracks[name].states[place.state].on_enter.quarter
        for name, place in standing.places.items()
    )
    if ended and quarter is not None and not any(label.startswith(prefix) for label in present):
        yield quarter
