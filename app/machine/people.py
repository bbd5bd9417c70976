"""What people did, one thing after the other: labels set and taken off, issues closed and opened again.

A label is an order only when a person changed it; a gate's label only when a holder of its role did.
"""

from __future__ import annotations

from dataclasses import replace

from app.machine.course import Course
from app.machine.gates import GateState, held_back
from app.machine.index import NO_ORDERS
from app.machine.outcome import HowDidItEnd, NotAState, NotYours, PutBack, TooEarly
from app.machine.scene import Sign, Turn
from app.machine.stages import contest_stage
from app.machine.standing import Verdict, label_key
from app.machine.timeline import labelled, with_time
from app.methodology.process import Gate, Kind, Track
from app.methodology.spelling import Reading, scope_of


def take_sign(course: Course, sign: Sign) -> bool:
    """A label was set or taken off; `course.scene` is as it was just after that. Whether it is any of our business."""
    course.cause = ""
    if not sign.is_bot:
        course.noticed(sign.by, sign.at)
    if sign.label in course.index.clocked:
        what = labelled(sign.on, sign.label, is_set=sign.is_added)
        course.standing = with_time(course.standing, what, sign.at)
    contest_stage(course, sign)
    is_watched = sign.label in course.index.watched
    if is_watched:
        _note_setter(course, sign)
    reading = course.methodology.spellers[sign.on].read(sign.label)
    if not reading.is_ours:
        if sign.is_added and (scope := course.index.scope_of_others.get(sign.label)) is not None:
            _note_newest(course, sign, label_key(sign.on, scope))
        return is_watched  # else nobody's business but the people's
    if not sign.is_bot:
        verb = "set" if sign.is_added else "took off"
        course.cause = f"{sign.by or 'somebody'} {verb} {reading.name or 'a label of ours'}"
        if sign.is_added:
            _added(course, sign, reading)
        else:
            _taken_off(course, sign, reading)
    return True


def take_turn(course: Course, turn: Turn) -> None:
    """An issue was closed or opened again by a person."""
    course.noticed(turn.by, turn.at)
    course.cause = f"{turn.by or 'somebody'} {'closed' if turn.is_closed else 'opened'} the {turn.on.value} issue"
    for name, track in course.index.tracks_on[turn.on]:
        place = course.standing.places[name]
        state = track.states[place.state]
        if turn.is_closed:
            course.revived.discard(name)
            if not state.is_end and track.closing_asks is not None:
                course.because("asked how it ended")
                course.notices.append(HowDidItEnd(f"closed:{turn.on.value}:{turn.id}", turn.on, name, turn.by))
        elif state.is_end and course.scene.holds(turn.by, track.reopened_by):
            course.enter(name, course.go_back_to(name), at=turn.at)
            course.decline(name, place)
        elif state.is_end:
            key, title = f"opened:{turn.on.value}:{turn.id}", f"Opening it again after {state.title}"
            course.because(f"{track.title}: not opened again, that is for {_role(course, track.reopened_by)}")
            course.notices.append(NotYours(key, turn.on, title, track.reopened_by, turn.by))


def _note_newest(course: Course, sign: Sign, key: str) -> None:
    """Of the labels of a scope that no track or gate looks after: the one that was set last, and by hand when."""
    standing = course.standing.but(newest={**course.standing.newest, key: sign.label})
    if not sign.is_bot:
        standing = standing.but(set_at={**standing.set_at, key: int(sign.at)})
    elif course.is_idle_reason(sign.on, sign.label):
        course.unlost.add(sign.label)  # the bot wrote it late: by then it was lost no more
    course.standing = standing


def _note_setter(course: Course, sign: Sign) -> None:
    """Of a label that counts only when certain people set it: who did."""
    roles = course.methodology.trusted_labels.get(sign.label)
    if not roles:
        return
    key = label_key(sign.on, sign.label)
    setters = {known: by for known, by in course.standing.setters.items() if known != key}
    if sign.is_added and (sign.is_bot or any(course.scene.holds(sign.by, role) for role in roles)):
        setters[key] = sign.by or ""
    course.standing = replace(course.standing, setters=setters)


def _added(course: Course, sign: Sign, reading: Reading) -> None:
    if not reading.is_known or reading.name is None:
        name = _track_of_scope(course, sign)
        if name is None:
            return
        if reading.is_known:  # a retired name for "no label"
            _move(course, name, course.methodology.tracks[name].start, sign)
        else:
            course.because(f"{course.methodology.tracks[name].title}: no state has this label")
            course.notices.append(NotAState(f"state:{sign.on.value}:{sign.id}", sign.on, name, sign.by))
        return
    orders = course.index.orders[sign.on].get(reading.name, NO_ORDERS)
    for name, gate, verdict in orders.verdicts:
        _verdict(course, name, gate, verdict, sign)
    for name, gate in orders.requests:
        _asked_again(course, name, gate)
    for name, to in orders.moves:
        _move(course, name, to, sign)


def _verdict(course: Course, name: str, gate: Gate, verdict: Verdict, sign: Sign) -> None:
    """A yes or no by label: it counts when a holder of the role set it."""
    is_holder = course.scene.holds(sign.by, gate.role)
    own = is_holder and gate.document is not None and course.is_author(sign.by)
    is_early = not course.index.can_be_judged(name, course.standing)
    if own or is_early or not is_holder:
        if gate.labels.passed not in course.methodology.tracks[gate.track].by_label:
            # where it is a state's label as well, the move says what is missing
            key = f"gate:{sign.on.value}:{sign.id}"
            if is_holder and is_early and gate.document is not None:
                course.because(f"{gate.title}: there is no {course.methodology.documents[gate.document].title} yet")
                course.notices.append(TooEarly(key, sign.on, gate.title, gate.document, sign.by))
            else:
                _refuse(course, NotYours(key, sign.on, gate.title, gate.role, sign.by, own), sign.at)
        return
    course.judge(name, verdict, by=sign.by or "", at=sign.at)


def _asked_again(course: Course, name: str, gate: Gate) -> None:
    """Somebody asks for a review by its label: after a no, that is another version of what was sent back."""
    if gate.document is not None and course.gate(name) is GateState.FAILED:
        course.reopen(gate.document)
        course.because(f"{gate.title}: asked again")
    course.ask_for_review(name, gate)


def _refuse(course: Course, notice: NotYours, at: float) -> None:
    """Tell somebody that something is not theirs: once, where one request replaced one label of a gate by another."""
    if course.refused.get((notice.title, notice.by)) != at:
        course.because(f"refused, that is for {_role(course, notice.role)}")
        course.notices.append(notice)
    course.refused[notice.title, notice.by] = at


def _role(course: Course, role: str) -> str:
    return course.methodology.roles[role].title


def _taken_off(course: Course, sign: Sign, reading: Reading) -> None:
    orders = course.index.orders[sign.on].get(reading.name or "", NO_ORDERS)
    for name, to in orders.moves:
        _label_gone(course, name, to, sign)
    if orders.moves:
        return  # a yes that is a state's label is not taken back by moving on
    for name, gate, verdict in orders.verdicts:
        approval = course.standing.approvals.get(name)
        if approval is None or approval.verdict is not verdict:
            continue
        if course.scene.holds(sign.by, gate.role):
            left = {other: each for other, each in course.standing.approvals.items() if other != name}
            course.standing = replace(course.standing, approvals=left)
            course.because(f"{gate.title}: taken back")
        else:
            key = f"gate:{sign.on.value}:{sign.id}"
            _refuse(course, NotYours(key, sign.on, gate.title, gate.role, sign.by), sign.at)


def _label_gone(course: Course, name: str, state: str, sign: Sign) -> None:
    """The label of the present state was taken off and none of its scope is left: it goes back to the start, or, from a
    pause or an end, to where it was.

    GitLab records a label that replaces another before the one it replaces, so a replacement leaves one of the scope.
    """
    track, place = course.methodology.tracks[name], course.standing.places[name]
    if place.state != state or track.states[track.start].label is not None:
        return
    if any(_is_of_track(course, track, sign, label) for label in course.scene.issues[sign.on].labels):
        return
    came_from = track.states[state]
    is_pause = came_from.kind is Kind.HOLD or came_from.is_end
    if not is_pause and not _may_undo(course, name, state, sign):
        key, title = f"move:{sign.on.value}:{sign.id}", f"Taking off {came_from.title}"
        _refuse(course, NotYours(key, sign.on, title, track.reopened_by, sign.by), sign.at)
        return
    _move(course, name, course.go_back_to(name) if is_pause else track.start, sign)


def _may_undo(course: Course, name: str, state: str, sign: Sign) -> bool:
    """Whether somebody may take an issue back to the start by no more than taking its label off.

    A slip of the hand must not cost the yeses that were given: where there are any, it takes one of their givers or who
    may open it again.
    """
    given = [gate.role for key, gate in course.index.blocking[name, state] if key in course.standing.approvals]
    roles = (course.methodology.tracks[name].reopened_by, *given)
    return not given or any(course.scene.holds(sign.by, role) for role in roles)


def _is_of_track(course: Course, track: Track, sign: Sign, label: str) -> bool:
    reading = course.methodology.spellers[sign.on].read(label)
    return reading.name in track.by_label or (reading.is_ours and scope_of(label) == track.scope.casefold())


def _move(course: Course, name: str, to: str, sign: Sign) -> None:
    """A move by a person: it stands, unless it skips a blocking gate or leaves an end without the role for it."""
    track, place = course.methodology.tracks[name], course.standing.places[name]
    if to == place.state:
        return
    came_from = track.states[place.state]
    key = f"move:{sign.on.value}:{sign.id}"
    if came_from.is_end and not course.scene.holds(sign.by, track.reopened_by):
        title = f"Opening it again after {came_from.title}"
        course.because(f"{track.title}: not opened again, that is for {_role(course, track.reopened_by)}")
        course.notices.append(NotYours(key, sign.on, title, track.reopened_by, sign.by))
        return
    goes_back = not came_from.is_end and course.index.is_behind(name, to, place)
    missing = () if goes_back else held_back(name, to, course.standing, course.scene, course.methodology)
    if missing:
        is_kept = any(
            track_name == name
            and state == to
            and course.gate(gate) is GateState.PASSED
            and course.standing.approvals[gate].by == sign.by
            for gate, track_name, state in course.index.yes_moves
            if gate in course.standing.approvals
        )
        lacks = ", ".join(each.title for each in missing)
        course.because(f"{track.title}: not moved to {track.states[to].title}, missing: {lacks}")
        course.notices.append(PutBack(key, sign.on, name, to, sign.by, missing, is_kept))
        return
    course.enter(name, to, at=sign.at)
    course.decline(name, place)


def _track_of_scope(course: Course, sign: Sign) -> str | None:
    scope = scope_of(sign.label)
    tracks = course.index.tracks_on[sign.on]
    return next((name for name, track in tracks if track.scope.casefold() == scope), None)
