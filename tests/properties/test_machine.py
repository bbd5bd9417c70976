"""Whatever people do with labels and whenever the bot looks: it comes to rest, holds its gates, and ends the same."""

from __future__ import annotations

import random
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from functools import cache, partial
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app import methodology as methodology_room
from app.machine.gates import GateState, gate_state, held_back
from app.machine.index import index_of
from app.machine.machine import proceed
from app.machine.outcome import Outcome
from app.machine.scene import IssueView, Scene
from app.machine.standing import Place, Standing, standing_from_record
from app.methodology import Methodology, load_methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Kind, Weight
from tests.walks import HOLDERS, INTAKE, QUARTER, SCOPING, STRANGER, Walk, begun, estimate

EXAMPLES = sorted((Path(methodology_room.__file__).parent / "examples").glob("*.yaml"))
FILES = {"default": None, **{path.stem: path for path in EXAMPLES}}
PEOPLE = (*(name for names in HOLDERS.values() for name in names), STRANGER, None)
Act = Callable[[Walk], object]


@cache
def of(name: str) -> Methodology:
    return load_methodology(FILES[name])


@cache
def labels_for(name: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What may be set on each issue: the process's own, wrong spellings of them, unknown ones of its scopes, others."""
    methodology = of(name)
    watched = [label for criterion in methodology.criteria.values() for label in criterion.labels]
    strange = [f"{track.scope}::Nonsense" for track in methodology.tracks.values()]
    ours = [methodology.spellers[on].ours for on in (SCOPING, INTAKE)]
    scoping = [*ours[0], *ours[0], *methodology.spellings, *watched, *strange, "Service: Migration", "bug"]
    intake = [*ours[1], *ours[1], "Intake::staffed", *watched, *strange, "Kantata::Active"]
    return tuple(dict.fromkeys(scoping)), tuple(dict.fromkeys(intake))


@st.composite
def acts(draw: st.DrawFn, name: str, *, facts_change: bool = False) -> list[Act]:
    """What people do, one after the other, with looks of the bot in between."""
    scoping, intake = labels_for(name)
    found: list[Act] = []
    kinds = ["add"] * 8 + ["hop"] * 4 + ["off", "off", "turn", "look", "look"] + ["paper", "tick"] * facts_change
    for _ in range(draw(st.integers(1, 14))):
        kind = draw(st.sampled_from(kinds))
        by = draw(st.sampled_from(PEOPLE))
        on = draw(st.sampled_from([SCOPING, SCOPING, INTAKE]))
        label = draw(st.sampled_from(scoping if on is SCOPING else intake))
        number = draw(st.integers(0, 9))
        match kind:
            case "add":
                found.append(partial(Walk.add, by=by, label=label, on=on))
            case "hop":
                found.append(partial(_yes, number=number))
            case "off":
                found.append(partial(_take_any_off, by=by, on=on, number=number))
            case "turn":
                found.append(partial(Walk.turn, by=by, on=on))
            case "look":
                found.append(Walk.look)
            case "paper":
                found.append(partial(_new_paper, number=number))
            case _:
                found.append(partial(_tick, number=number))
    return found


def _yes(walk: Walk, number: int) -> None:
    """A holder says what may be said at one of the gates; or the EM moves on along the path."""
    gates = [gate for gate in walk.methodology.gates.values() if gate.labels.passed is not None]
    if number < len(gates):
        gate = gates[number]
        walk.add(next(iter(walk.holders[gate.role])), gate.labels.passed or "", walk.methodology.tracks[gate.track].on)
        return
    track = walk.methodology.tracks["proposal"]
    at = track.path.index(walk.state("proposal")) if walk.state("proposal") in track.path else 0
    label = track.states[track.path[min(at + 1, len(track.path) - 1)]].label
    walk.add("erin", label or "")


def _take_any_off(walk: Walk, by: str | None, on: IssueKind, number: int) -> None:
    present = sorted(walk.labels[on])
    if present:
        walk.take_off(by, present[number % len(present)], on)


def _new_paper(walk: Walk, number: int) -> None:
    known = walk.standing.papers
    name = ("estimate", "sow")[number % 2]
    version = known[name].version + 1 if name in known else 1
    amount = ("49999.99", "50000.00", "50000.01", "9e9")[number % 4]
    paper = estimate(amount, ("USD", "EUR", "XAU", None)[number % 4], version=version)
    walk.standing = replace(walk.standing, papers={**known, name: paper})


def _tick(walk: Walk, number: int) -> None:
    every = sorted({box for each in walk.methodology.criteria.values() for box in each.ticked})
    fields = sorted({each.field for each in walk.methodology.criteria.values() if each.field is not None})
    facts = walk.facts
    boxes, answered = {every[number % len(every)]}, {fields[number % len(fields)]}
    missing = () if number % 3 else ("sow_link",)
    ready = {f"readiness.{key}" for key in walk.methodology.readiness} if number % 2 else set()
    walk.facts = replace(
        facts, ticked=facts.ticked ^ boxes | ready, answered=facts.answered ^ answered, fields_missing=missing
    )


def _same(standing: Standing) -> Standing:
    """A standing without what is read of GitLab's record, where the bot's own last changes stand as well."""
    return replace(standing, seen={}, seen_states={}, setters={})


def _started(name: str, is_paid: bool, is_complete: bool) -> Walk:
    facts = Scene({}, has_segment=True, fields_missing=() if is_complete else ("sow_link",))
    if is_complete:
        facts = replace(facts, ticked=frozenset(f"readiness.{key}" for key in of(name).readiness))
    return begun(of(name), is_paid=is_paid, worth=estimate(), facts=facts)


either = pytest.mark.parametrize("is_paid", [False, True], ids=["free", "premium"])
# a busy machine is slow, which says nothing about the machine under test
thorough = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
each_file = pytest.mark.parametrize("name", FILES)


@either
@each_file
@thorough
@given(data=st.data())
def test_after_it_has_done_its_part_there_is_nothing_left_to_do(name: str, is_paid: bool, data: st.DataObject) -> None:
    walk = _started(name, is_paid, data.draw(st.booleans()))
    for act in data.draw(acts(name, facts_change=True)):
        act(walk)
        if data.draw(st.booleans()):
            _assert_rest(walk)
    _assert_rest(walk)


def _assert_rest(walk: Walk) -> None:
    walk.look()
    again = walk.decide()
    assert (again.labels, again.open, again.notices, again.reasons) == ({}, {}, (), ())
    assert _same(again.standing) == _same(walk.standing)
    assert standing_from_record(again.standing.to_record()) == again.standing
    for name, track in walk.methodology.tracks.items():
        label = track.states[walk.state(name)].label
        assert walk.scoped(track.scope, track.on) == ({label} if label is not None else set())


@either
@each_file
@thorough
@given(data=st.data())
def test_no_state_behind_a_gate_is_entered_while_it_is_not_passed(
    name: str, is_paid: bool, data: st.DataObject
) -> None:
    walk = _started(name, is_paid, data.draw(st.booleans()))
    for act in data.draw(acts(name, facts_change=True)):
        act(walk)
        before, record = walk.states(), walk.scene()
        outcome = walk.look()
        _assert_gates(walk, before, outcome, record)


def _assert_gates(walk: Walk, before: dict[str, str], outcome: Outcome, scene: Scene) -> None:
    for key, gate in walk.methodology.gates.items():
        track, to = walk.methodology.tracks[gate.track], walk.state(gate.track)
        if gate.weight is not Weight.BLOCK or to == before[gate.track] or to not in track.path:
            continue
        if track.path.index(to) < track.path.index(gate.before) or walk.standing.setters:
            continue  # before the gate; or Salesforce has said its word, which counts more
        entered = replace(
            walk.standing, places={**walk.standing.places, gate.track: _before(walk, outcome, gate.track)}
        )
        assert GateState.OPEN is not gate_state(key, entered, scene, walk.methodology) is not GateState.FAILED


def _before(walk: Walk, outcome: Outcome, track: str) -> Place:
    rules = walk.methodology.tracks[track]
    last = [reason for reason in outcome.reasons if f"{rules.title}: " in reason and " → " in reason][-1]
    came_from = last.rpartition(f"{rules.title}: ")[2].split(" → ")[0]
    left = next(name for name, state in rules.states.items() if state.title == came_from)
    return replace(walk.standing.places[track], left=left)


@either
@each_file
@thorough
@given(data=st.data())
def test_when_and_how_often_the_bot_looks_and_in_which_order_it_is_told_makes_no_difference(
    name: str, is_paid: bool, data: st.DataObject
) -> None:
    walk = _started(name, is_paid, data.draw(st.booleans()))
    first = deepcopy(walk.standing)
    walk.notices.clear()
    moments: list[tuple[Scene, int, int]] = []
    for act in data.draw(acts(name)):
        act(walk)
        moments.append((walk.scene(), len(walk.signs), len(walk.turns)))
    walk.look()
    moments.append((walk.scene(), len(walk.signs), len(walk.turns)))
    looks = sorted(data.draw(st.sets(st.sampled_from(range(len(moments))), max_size=4)) | {len(moments) - 1})
    shuffled = random.Random(data.draw(st.integers(0, 99)))
    standing, told = first, set()
    for number in looks:
        scene, signs, turns = moments[number]
        seen_signs, seen_turns = walk.signs[:signs] * 2, walk.turns[:turns] * 2
        shuffled.shuffle(seen_signs)
        shuffled.shuffle(seen_turns)
        outcome = proceed(standing, seen_signs, seen_turns, scene, of(name), now=float(walk.clock), quarter=QUARTER)
        standing = outcome.standing
        told |= {notice.key for notice in outcome.notices}
    assert told == {notice.key for notice in walk.notices}
    assert outcome.labels == {}
    assert standing.to_record() == walk.decide().standing.to_record()


@either
@each_file
@thorough
@given(data=st.data())
def test_a_pause_changes_nothing(name: str, is_paid: bool, data: st.DataObject) -> None:
    hold = next((s.label for s in of(name).tracks["proposal"].states.values() if s.kind is Kind.HOLD), None)
    if hold is None:
        return
    walk = _started(name, is_paid, data.draw(st.booleans()))
    for act in data.draw(acts(name)):
        act(walk)
    walk.look()
    track = of(name).tracks["proposal"]
    state = track.states[walk.state("proposal")]
    fallen = held_back("proposal", walk.state("proposal"), walk.standing, walk.scene(), of(name))
    if state.kind is not Kind.STEP or fallen:
        return  # where a yes was taken back meanwhile, a pause ends before its gate
    before = deepcopy(walk)
    walk.say("erin", hold)
    assert walk.state("proposal") == track.of_kind(Kind.HOLD)
    if data.draw(st.booleans()) and state.label is not None:
        walk.say("erin", state.label)
    else:
        walk.take_off("erin", hold)
        walk.look()
    assert walk.states() == before.states()
    assert walk.standing.approvals == before.standing.approvals
    assert walk.labels == before.labels


@either
@each_file
@thorough
@given(data=st.data())
def test_a_move_that_nothing_forbids_stands(name: str, is_paid: bool, data: st.DataObject) -> None:
    walk = _started(name, is_paid, data.draw(st.booleans()))
    for act in data.draw(acts(name, facts_change=True)):
        act(walk)
    walk.look()
    track_name, track = data.draw(st.sampled_from(sorted(of(name).tracks.items(), key=str)))
    to = data.draw(st.sampled_from([name for name, state in track.states.items() if state.label is not None]))
    before = walk.state(track_name)
    refused = {f"move:{track.on.value}:{len(walk.signs) + 1}"}
    outcome = walk.say("erin", track.states[to].label or "", on=track.on)
    if refused.isdisjoint(notice.key for notice in outcome.notices):
        path = list(track.path)
        goes_back = before in path and to in path and path.index(to) < path.index(before)
        ahead = path[path.index(to) :] if to in path else [to, track.of_kind(Kind.WON)]
        assert walk.state(track_name) in ([to] if goes_back else ahead)


@each_file
@thorough
@given(data=st.data())
def test_from_everywhere_both_ends_can_be_reached_by_labels(name: str, data: st.DataObject) -> None:
    walk = _started(name, False, data.draw(st.booleans()))
    for act in data.draw(acts(name)):
        act(walk)
    walk.look()
    track = of(name).tracks["proposal"]
    if not track.states[walk.state("proposal")].is_end:
        lost = deepcopy(walk)
        lost.say("erin", track.states[track.of_kind(Kind.LOST) or ""].label or "")
        assert lost.state("proposal") == track.of_kind(Kind.LOST)
        assert lost.is_open[SCOPING] is False
    if walk.state("proposal") not in track.path:
        walk.take_off("erin", track.states[walk.state("proposal")].label or "")
        walk.look()
    for _ in range(2 * len(track.path)):
        if walk.state("proposal") == track.of_kind(Kind.WON):
            break
        _say_every_yes(walk, name)
        here = walk.state("proposal")
        if here != track.of_kind(Kind.WON):
            to = track.path[track.path.index(here) + 1]
            walk.say("erin", track.states[to].label or "")
    assert walk.state("proposal") == track.of_kind(Kind.WON)


def _say_every_yes(walk: Walk, name: str) -> None:
    """Every holder says yes where that is still missing and there is something to say it about."""
    for key, gate in of(name).gates.items():
        is_passed = gate_state(key, walk.standing, walk.scene(), of(name)) is GateState.PASSED
        if gate.labels.passed is not None and not is_passed and index_of(of(name)).can_be_judged(key, walk.standing):
            [holder] = HOLDERS[gate.role]
            for label in (gate.labels.passed, gate.labels.failed, gate.labels.asked):
                walk.take_off(holder, label or "")
            walk.look()
            walk.say(holder, gate.labels.passed)


@thorough
@given(data=st.data())
def test_it_never_raises_also_where_the_file_has_changed_under_an_engagement(data: st.DataObject) -> None:
    walk = _started("default", False, data.draw(st.booleans()))
    for act in data.draw(acts("default", facts_change=True)):
        act(walk)
        if data.draw(st.booleans()):
            walk.look()
    walk.methodology = of(data.draw(st.sampled_from(sorted(FILES))))
    if data.draw(st.booleans()):
        gone = data.draw(st.sampled_from([SCOPING, INTAKE]))
        issues = {on: view for on, view in walk.scene().issues.items() if on is not gone}
        scene = replace(walk.scene(), issues=issues)
        proceed(walk.standing, walk.signs, walk.turns, scene, walk.methodology, now=1.0)
    walk.look()
    _assert_rest(walk)
    assert isinstance(walk.scene().issues[SCOPING], IssueView)
