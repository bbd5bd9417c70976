"""How the two issues should look where an engagement stands: labels to set and take off, open or closed.

One scope, one label, on every GitLab plan: the others of the scope are named for removal. Labels that are not the
process's own are nobody's business but the people's.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

from app.machine.course import wanted_key
from app.machine.gates import GateState, gate_state, verdict_on
from app.machine.index import Index
from app.machine.outcome import LabelChange
from app.machine.scene import Scene
from app.machine.standing import Standing, Verdict, label_key
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.spelling import scope_of

_NONE: Final[frozenset[str]] = frozenset()


def label_changes(
    standing: Standing,
    scene: Scene,
    index: Index,
    *,
    quarter: str | None,
    revived: Collection[str] = (),
    unlost: Collection[str] = (),
) -> dict[IssueKind, LabelChange]:
    """What is to differ on each issue; nothing for an issue that is as it should be. `quarter`: label of today's."""
    found = {}
    for on, issue in scene.issues.items():
        outdated = frozenset(_quarter_of_before(on, issue.labels, index, revived)) if revived else _NONE
        if unlost:
            outdated |= issue.labels.intersection(unlost)
        wanted = dict.fromkeys(
            [
                *_states(on, standing, index),
                *_gates(on, issue.labels, standing, scene, index),
                *_quarter(on, issue.labels - outdated if outdated else issue.labels, standing, index, quarter),
            ]
        )
        add = tuple([label for label in wanted if label not in issue.labels])
        over = issue.labels.difference(wanted)
        older = _older_of_scope(on, issue.labels, standing, index)
        remove = tuple(sorted({*_in_the_way(on, over, index), *(outdated & over), *older}))
        if add or remove:
            found[on] = LabelChange(add, remove)
    return found


def _in_the_way(on: IssueKind, labels: Collection[str], index: Index) -> tuple[str, ...]:
    """The labels that have to go where they are not wanted. A strange one in the scope of a gate does no harm."""
    read = index.methodology.spellers[on].read
    ours = [(label, reading.is_known) for label in labels if (reading := read(label)).is_ours]
    return tuple(sorted(label for label, is_known in ours if is_known or scope_of(label) in index.scopes[on]))


def _older_of_scope(on: IssueKind, labels: Collection[str], standing: Standing, index: Index) -> Iterator[str]:
    """Of two labels of one scope the one that was set before: GitLab itself takes it off on paid plans only."""
    if not standing.newest:
        return
    scopes = index.scope_of_others
    newest = {scope: standing.newest.get(label_key(on, scope)) for label in labels if (scope := scopes.get(label))}
    yield from (
        label
        for label in labels
        if (scope := scopes.get(label)) and newest[scope] not in {None, label} and newest[scope] in labels
    )


def _quarter_of_before(on: IssueKind, labels: Collection[str], index: Index, revived: Collection[str]) -> Iterator[str]:
    """The quarter of a close that was none: the engagement goes on, and the next close has a quarter of its own."""
    if any(name in revived for name, _ in index.tracks_on[on]):
        prefix = index.methodology.fiscal.label.partition("{")[0]
        yield from (label for label in labels if label.startswith(prefix))


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


def _states(on: IssueKind, standing: Standing, index: Index) -> Iterator[str]:
    for name, track in index.tracks_on[on]:
        place = standing.places.get(name)
        if place is not None and (label := track.states[place.state].label) is not None:
            yield label


def _gates(on: IssueKind, present: Collection[str], standing: Standing, scene: Scene, index: Index) -> Iterator[str]:
    """A gate's labels say how it stands, also where it is not needed; a yes that is a state's label the state says.

    A review that people ask for by the label is left to them until somebody has said a word about it.
    """
    for name, gate in index.shown[on]:
        labels = gate.labels
        verdict = verdict_on(name, standing, index.methodology)
        label = None
        if verdict is Verdict.PASSED:
            label = None if labels.passed in index.methodology.tracks[gate.track].by_label else labels.passed
        elif verdict is Verdict.FAILED:
            label = labels.failed
        elif name in standing.asked:
            is_open = gate_state(name, standing, scene, index.methodology) is GateState.OPEN
            is_wanted = standing.asked.get(wanted_key(name)) == standing.version(gate.document)
            label = labels.asked if is_open or is_wanted else None
        elif labels.asked in present:
            label = labels.asked
        if label is not None:
            yield label


def _quarter(
    on: IssueKind, present: Collection[str], standing: Standing, index: Index, quarter: str | None
) -> Iterator[str]:
    """The label of the quarter where an engagement has ended, unless somebody has set one."""
    if quarter is None:
        return
    for name, track in index.tracks_on[on]:
        place = standing.places.get(name)
        if place is not None and track.states[place.state].on_enter.quarter:
            prefix = index.methodology.fiscal.label.partition("{")[0]
            read = index.methodology.spellers[on].read
            if not any((read(label).name or "").startswith(prefix) for label in present):
                yield quarter
