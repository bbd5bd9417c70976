"""The process at work: where an engagement stands + what was done + the scene → where it stands now, and what follows.

Pure, and driven by GitLab's own record of label changes rather than by deliveries: deliveries come twice, late, in any
order or never, the record has every change once, in order, with its author. Each change is judged by itself, with the
labels as they were then, and everything that follows from it is done before the next. So it makes no difference how
often the bot looks, what it is told in between, or whether it was there at all when it happened.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TypeVar

from app.machine.course import Course
from app.machine.deeds import Deed
from app.machine.gates import held_back
from app.machine.index import index_of
from app.machine.looks import label_changes, open_or_closed
from app.machine.outcome import LabelChange, Outcome
from app.machine.people import take_sign, take_turn
from app.machine.scene import Scene, Sign, Turn
from app.machine.stages import warn_of_stage
from app.machine.standing import Place, Standing
from app.machine.ticking import tick, with_sla
from app.machine.timeline import filled, with_time
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind


def proceed(
    standing: Standing,
    signs: Sequence[Sign],
    turns: Sequence[Turn],
    scene: Scene,
    methodology: Methodology,
    *,
    now: float,
    quarter: str | None = None,
    deeds: Sequence[Deed] = (),
    until: float | None = None,
) -> Outcome:
    """Work through what was done since `standing`, then through all that follows from it by itself.

    `quarter`: label of the quarter of today, set where an engagement ends. `deeds`: what was ordered in comments, in
    their order. `until`: a later comment is known that comes next, so what was done after that moment is left for then,
    and so is what has to be written. Raises nothing for what people did but a deed's own Retry.
    """
    if until is not None:
        signs, turns, scene = _as_of(until, signs, turns, scene, standing)
    acts = _in_order(_new(signs, standing.seen, scene), _new(turns, standing.seen_states, scene), deeds)
    course = Course(_placed(standing, scene, methodology, now=now), scene, methodology, index_of(methodology))
    is_settled, ordered = False, None
    for act, then in zip(acts, _scenes(acts, scene), strict=True):
        # of the past only the labels are known; all else is as it is, with what a deed has written by now
        course.scene = replace(course.scene, issues=then.issues) if deeds else then
        course.at = act.at
        if isinstance(act, Turn):
            take_turn(course, act)
        elif isinstance(act, Deed):
            course.noticed(act.by, act.at)
            act.do(course)
        elif not take_sign(course, act):
            continue
        course.settle(act.at)
        if until is None:
            course.say_why()
        is_settled = True
        ordered = course.standing if isinstance(act, Deed) else ordered
    scene = course.scene = replace(course.scene, issues=scene.issues) if deeds else scene
    course.cause, course.at = "", now
    if not is_settled:
        course.settle(now)
        if until is None:
            course.say_why()
    for field in course.index.fields:
        if field in scene.answered and filled(field) not in course.standing.happened:
            course.standing = with_time(course.standing, filled(field), now)  # GitLab does not tell when it was
    sla = tick(course, now) if until is None else {}
    if until is None:
        warn_of_stage(course)
    stands = _caught_up(course.standing, acts)
    return Outcome(
        standing=stands,
        scene=scene,
        reasons=tuple(course.reasons),
        labels={} if until is not None else with_sla(_looks(course, stands, quarter), sla, course),
        open={} if until is not None else open_or_closed(stands, scene, methodology, revived=course.revived),
        notices=tuple(course.notices),
        unlost=frozenset(course.unlost),
        # the answer to the last of several tells of what was done since; what is between two of them is not now
        answered_at=ordered if until is not None and ordered is not None else stands,
    )


def _as_of(
    until: float, signs: Sequence[Sign], turns: Sequence[Turn], scene: Scene, standing: Standing
) -> tuple[list[Sign], list[Turn], Scene]:
    """What was done up to a moment, and the labels as they were then."""
    first = {on: min((s.id for s in signs if s.on is on and s.at > until), default=None) for on in scene.issues}
    # by number from there on: what is left for later must not be taken for seen
    later = [s for s in _new(signs, standing.seen, scene) if (f := first.get(s.on)) is not None and s.id >= f]
    for sign in reversed(later):
        scene = _before(sign, scene)
    ids = {(sign.on, sign.id) for sign in later}
    turn_from = {on: min((t.id for t in turns if t.on is on and t.at > until), default=None) for on in scene.issues}
    early = [t for t in turns if (f := turn_from.get(t.on)) is None or t.id < f]
    return [sign for sign in signs if (sign.on, sign.id) not in ids], early, scene


def _looks(course: Course, stands: Standing, quarter: str | None) -> dict[IssueKind, LabelChange]:
    return label_changes(
        stands, course.scene, course.index, quarter=quarter, revived=course.revived, unlost=course.unlost
    )


_Numbered = TypeVar("_Numbered", Sign, Turn)


def _new(acts: Iterable[_Numbered], seen: Mapping[str, int], scene: Scene) -> list[_Numbered]:
    """What was not worked on yet, each once, by GitLab's own numbers."""
    new = {act.id: act for act in acts if act.id > seen.get(act.on, 0) and act.on in scene.issues}
    return [new[number] for number in sorted(new)]


_Act = Sign | Turn | Deed


def _in_order(signs: list[Sign], turns: list[Turn], deeds: Sequence[Deed]) -> list[_Act]:
    """Labels, closings and comments have numbers of their own, so that only the time tells which was first.

    Of the same second the labels come first: who closes an issue and says in the same comment how it ended needs not be
    asked.
    """
    if not turns and not deeds:
        return list(signs)
    acts: list[Iterable[_Act]] = [signs, turns, deeds]
    return list(heapq.merge(*acts, key=_second))


def _second(act: _Act) -> int:
    return int(act.at)


def _scenes(acts: Sequence[_Act], scene: Scene) -> list[Scene]:
    """The scene as it was just after each act, by the labels; the last of them is as it is now."""
    found = [scene] * len(acts)
    for number in range(len(acts) - 1, 0, -1):
        act = acts[number]
        if isinstance(act, Sign):
            scene = _before(act, scene)
        found[number - 1] = scene
    return found


def _before(sign: Sign, scene: Scene) -> Scene:
    issue = scene.issues[sign.on]
    labels = issue.labels - {sign.label} if sign.is_added else issue.labels | {sign.label}
    return replace(scene, issues={**scene.issues, sign.on: replace(issue, labels=labels)})


def _caught_up(standing: Standing, acts: Iterable[_Act]) -> Standing:
    """The standing, with these worked on."""
    seen, seen_states = dict(standing.seen), dict(standing.seen_states)
    for act in acts:
        if isinstance(act, Deed):
            continue  # which commands were carried out is known by their comment
        last = seen if isinstance(act, Sign) else seen_states
        last[act.on.value] = max(act.id, last.get(act.on.value, 0))
    return standing.but(seen=seen, seen_states=seen_states)


def _placed(standing: Standing, scene: Scene, methodology: Methodology, *, now: float) -> Standing:
    """Every track whose issue is there has a place; one that the methodology no longer knows is found anew."""
    places: dict[str, Place] = {}
    for name, track in methodology.tracks.items():
        place = standing.places.get(name)
        if place is None:
            if track.on in scene.issues:
                standing = standing.at(name, Place(track.start, now))
                places[name] = standing.places[name]
        elif place.state in track.states and (place.left is None or place.left in track.states):
            places[name] = place
        else:
            state = place.state if place.state in track.states else _by_label(name, standing, scene, methodology)
            places[name] = replace(place, state=state, left=None)
    if standing.begun_at is None:
        standing = replace(standing, begun_at=now)
    return standing if places == standing.places else replace(standing, places=places)


def _by_label(name: str, standing: Standing, scene: Scene, methodology: Methodology) -> str:
    """The state that the issue's label stands for now, unless a gate lies before it; else the start."""
    track = methodology.tracks[name]
    issue = scene.issues.get(track.on)
    for label in sorted(issue.labels) if issue is not None else ():
        state = track.by_label.get(methodology.spellers[track.on].read(label).name or "")
        if state is not None and not held_back(name, state, standing, scene, methodology):
            return state
    return track.start
