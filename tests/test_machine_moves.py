"""Moves by people: hold and resume, closing and opening, two labels, strange labels, and what the bot leaves alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.machine.outcome import HowDidItEnd, NotAState, NotYours
from app.machine.scene import Scene
from app.machine.standing import Approval, Paper, Place, Standing, Verdict, standing_from_record
from app.methodology import load_methodology
from tests.walks import BOT, INTAKE, SCOPING, Walk, begun, estimate

each_plan = pytest.mark.parametrize("is_paid", [False, True], ids=["free", "premium"])
HOLD = "proposal::On_hold"
STEPS = ["Awaiting_Discovery", "Strawman_WIP", "Estimate_Feedback", "SOW_WIP", "Ready For Approval", "Approved"]


def at(step: str, *, is_paid: bool = False, complete: bool = False) -> Walk:
    facts = Scene({}, fields_missing=() if complete else ("sow_link",))
    walk = begun(load_methodology(), is_paid=is_paid, worth=estimate("10"), facts=facts)
    if complete:
        walk.facts = replace(facts, ticked=frozenset(f"readiness.{key}" for key in walk.methodology.readiness))
    if step in {"SOW_WIP", "Ready For Approval", "Approved", "Closed_Won"}:
        walk.say("erin", "proposal::SOW_WIP")
        walk.say("ravi", "RDM::approved")
        walk.say("rhea", "Revenue::approved")
    if step in {"Approved", "Closed_Won"}:
        walk.say("erin", "proposal::Ready For Approval")
    if step == "Closed_Won":
        walk.say("dana", "proposal::Approved")
    if step != "Open":
        walk.say("dana", f"proposal::{step}")
    return walk


def keys(walk: Walk, kind: type) -> list[str]:
    return [notice.key for notice in walk.notices if isinstance(notice, kind)]


@each_plan
@pytest.mark.parametrize("step", ["Open", *STEPS])
def test_taking_the_hold_off_leads_back_to_where_it_was(step: str, is_paid: bool) -> None:
    walk = at(step, is_paid=is_paid)
    before = walk.state("proposal"), walk.standing.approvals, set(walk.labels[SCOPING])
    walk.say("erin", HOLD)
    assert walk.state("proposal") == "on_hold"
    walk.take_off("alice", HOLD)
    walk.look()
    assert (walk.state("proposal"), walk.standing.approvals, walk.labels[SCOPING]) == before


@each_plan
@pytest.mark.parametrize("step", STEPS)
def test_the_label_of_the_state_it_left_ends_a_hold(step: str, is_paid: bool) -> None:
    walk = at(step, is_paid=is_paid)
    before = walk.state("proposal"), walk.standing.approvals, set(walk.labels[SCOPING])
    walk.say("erin", HOLD, f"proposal::{step}")
    assert (walk.state("proposal"), walk.standing.approvals, walk.labels[SCOPING]) == before


def test_a_hold_that_outlives_a_yes_ends_before_the_gate() -> None:
    walk = at("Approved")
    walk.say("erin", HOLD)
    walk.standing = replace(walk.standing, papers={**walk.standing.papers, "sow": Paper(1, "erin", 9.0)})
    walk.take_off("erin", HOLD)
    walk.look()
    assert walk.state("proposal") == "sow_wip"


@pytest.mark.parametrize("looks", [True, False], ids=["seen at once", "seen later"])
def test_no_label_is_the_start(looks: bool) -> None:
    walk = at("Strawman_WIP")
    walk.take_off("alice", "proposal::Strawman_WIP")
    if not looks:
        walk.add("alice", "bug")
    walk.look()
    assert walk.state("proposal") == "open"
    assert walk.scoped("proposal") == set()


def test_a_removal_that_was_seen_before_its_addition_arrived_is_no_move_to_the_start() -> None:
    walk = at("Strawman_WIP", is_paid=True)
    walk.add("erin", "proposal::Estimate_Feedback")
    outcome = walk.decide(signs=reversed(walk.signs))
    assert outcome.reasons == ("erin set proposal::Estimate_Feedback: Scoping: Strawman → Estimate Feedback",)


@each_plan
def test_a_label_that_replaced_another_and_was_put_back_leaves_the_state_as_it_was(is_paid: bool) -> None:
    walk = at("Strawman_WIP", is_paid=is_paid)
    walk.standing = replace(walk.standing, approvals={})
    walk.add("erin", "proposal::Ready For Approval")
    walk.take_off("erin", "proposal::Strawman_WIP")
    walk.look()
    assert walk.state("proposal") == "strawman_wip"
    assert walk.scoped("proposal") == {"proposal::Strawman_WIP"}


def test_what_the_bot_takes_off_is_no_order() -> None:
    walk = at("Strawman_WIP")
    walk.take_off(BOT, "proposal::Strawman_WIP")
    walk.look()
    assert walk.state("proposal") == "strawman_wip"
    assert walk.scoped("proposal") == {"proposal::Strawman_WIP"}


@pytest.mark.parametrize(
    ("labels", "left"),
    [
        (("Strawman_WIP", "Estimate_Feedback"), "Estimate_Feedback"),
        (("Estimate_Feedback", "Strawman_WIP"), "Strawman_WIP"),
        (("Strawman_WIP", "SOW_WIP"), "SOW_WIP"),
    ],
)
def test_of_two_labels_of_one_scope_the_newest_stays(labels: tuple[str, ...], left: str) -> None:
    walk = at("Open")
    for label in labels:
        walk.add("erin", f"proposal::{label}")
    walk.look()
    assert walk.scoped("proposal") == {f"proposal::{left}"}


def test_of_two_labels_the_older_stays_where_a_gate_holds_the_newest_back() -> None:
    walk = begun(load_methodology(), worth=estimate())
    walk.add("erin", "proposal::Strawman_WIP")
    walk.add("erin", "proposal::SOW_WIP")
    walk.look()
    assert walk.scoped("proposal") == {"proposal::Strawman_WIP"}


@each_plan
def test_an_unknown_state_is_taken_off_and_said_once(is_paid: bool) -> None:
    walk = at("Strawman_WIP", is_paid=is_paid)
    [notice] = walk.say("erin", "proposal::Daydreaming").notices
    assert isinstance(notice, NotAState)
    assert (notice.track, notice.by, notice.key) == ("proposal", "erin", keys(walk, NotAState)[0])
    assert walk.scoped("proposal") == {"proposal::Strawman_WIP"}
    assert walk.state("proposal") == "strawman_wip"


@pytest.mark.parametrize(
    "label",
    ["bug", "Segment::SMB", "EM_Status::Waiting", "Service: Training", "close_qtr::Q127", "TA::Away", "Lost::budget",
     "Scoping::Needs_TA_Assistance", "SFDC::2-Scoping", "PS RAID Log", "Intake::Ready", "a:b", "::", "x::"],
)  # fmt: skip
def test_labels_of_others_are_not_touched_whoever_sets_them(label: str) -> None:
    walk = at("Strawman_WIP")
    for who in ("alice", "erin", None):
        walk.add(who, label)
        outcome = walk.look()
        assert (outcome.labels, outcome.notices) == ({}, ())
        walk.take_off(who, label)
        assert walk.look().labels == {}


def test_closing_before_an_end_asks_how_it_ended_once_for_each_closing() -> None:
    walk = at("Strawman_WIP")
    walk.turn("alice")
    for _ in range(3):
        walk.look()
    assert keys(walk, HowDidItEnd) == ["closed:scoping:1"]
    assert walk.is_open[SCOPING] is False
    walk.turn("alice")
    walk.look()
    walk.turn("alice")
    walk.look()
    assert keys(walk, HowDidItEnd) == ["closed:scoping:1", "closed:scoping:3"]


def test_closing_with_the_label_of_an_end_in_the_same_comment_asks_nothing() -> None:
    walk = at("Strawman_WIP")
    walk.turn("erin")
    walk.clock -= 1
    walk.add("erin", "proposal::Closed_Lost")
    walk.look()
    assert keys(walk, HowDidItEnd) == []
    assert walk.state("proposal") == "closed_lost"


def test_closing_the_intake_asks_whether_it_is_cancelled() -> None:
    walk = at("Strawman_WIP")
    walk.turn("alice", INTAKE)
    assert [(type(notice), notice.on) for notice in walk.look().notices] == [(HowDidItEnd, INTAKE)]
    assert walk.is_open[INTAKE] is False


def test_an_old_opening_by_an_em_opens_no_later_end() -> None:
    walk = at("Strawman_WIP")
    walk.turn("alice")
    walk.look()
    walk.turn("erin")
    walk.look()
    walk.say("erin", "proposal::Closed_Lost")
    walk.turn("alice")
    walk.look()
    assert walk.state("proposal") == "closed_lost"
    assert walk.is_open[SCOPING] is False


@pytest.mark.parametrize("way", ["issue", "label of a state", "label taken off"])
def test_opened_again_by_an_em_both_tracks_go_on_where_they_were(way: str) -> None:
    walk = at("Approved")
    walk.say("erin", "Intake::Staffing", on=INTAKE)
    walk.say("erin", "proposal::Closed_Lost")
    if way == "issue":
        walk.turn("erin")
    elif way == "label of a state":
        walk.add("erin", "proposal::Approved")
    else:
        walk.take_off("erin", "proposal::Closed_Lost")
    walk.look()
    assert walk.states() == {"proposal": "approved", "intake": "staffing"}
    assert walk.is_open == {SCOPING: True, INTAKE: True}
    assert (walk.scoped("proposal"), walk.labels[INTAKE]) == ({"proposal::Approved"}, {"Intake::Staffing"})


@pytest.mark.parametrize("way", ["issue", "label of a state", "label taken off"])
def test_opened_again_by_others_it_is_put_back(way: str) -> None:
    walk = at("Approved")
    walk.say("erin", "proposal::Closed_Lost")
    if way == "issue":
        walk.turn("alice")
    elif way == "label of a state":
        walk.add("alice", "proposal::Approved")
    else:
        walk.take_off("alice", "proposal::Closed_Lost")
    [notice] = walk.look().notices
    assert isinstance(notice, NotYours)
    assert (notice.role, notice.by) == ("em", "alice")
    assert walk.states() == {"proposal": "closed_lost", "intake": "cancelled"}
    assert walk.is_open == {SCOPING: False, INTAKE: False}
    assert walk.scoped("proposal") == {"proposal::Closed_Lost"}


def test_what_a_person_closes_right_after_it_was_opened_again_stays_closed() -> None:
    walk = at("Approved")
    walk.say("erin", "proposal::Closed_Lost")
    walk.turn("erin")
    walk.turn("alice")
    walk.look()
    assert walk.state("proposal") == "approved"
    assert walk.is_open[SCOPING] is False
    assert len(keys(walk, HowDidItEnd)) == 1


@pytest.mark.parametrize(
    ("begin", "back"),
    [("Intake::Ready", "Intake::Needs-Info"), ("Intake::Ready", "Intake::Draft")],
)
def test_a_person_who_goes_back_over_an_automatic_move_is_not_moved_on_at_once(begin: str, back: str) -> None:
    walk = at("Strawman_WIP", complete=True)
    walk.look()
    assert walk.labels[INTAKE] == {begin}
    walk.say("erin", back, on=INTAKE)
    walk.look()
    assert walk.labels[INTAKE] == {back}
    facts = walk.facts
    walk.facts = replace(facts, fields_missing=("sow_link",))
    walk.look()
    walk.facts = facts
    walk.look()
    assert walk.labels[INTAKE] == {begin}


def test_an_em_may_open_again_what_salesforce_calls_won() -> None:
    walk = at("Approved")
    walk.say("desk", "SFDC::Closed Won")
    assert walk.state("proposal") == "closed_won"
    walk.turn("erin")
    walk.look()
    walk.look()
    assert walk.state("proposal") == "approved"
    walk.take_off("desk", "SFDC::Closed Won")
    walk.look()
    walk.say("desk", "SFDC::Closed Won")
    assert walk.state("proposal") == "closed_won"


def test_an_intake_without_a_scoping_issue_goes_its_way_alone() -> None:
    walk = Walk(load_methodology(), labels={INTAKE: {"Intake::Draft"}}, is_open={INTAKE: True})
    walk.look()
    walk.say("erin", "Intake::Ready", "SFDC::6-Awaiting Signature", on=INTAKE)
    assert walk.states() == {"intake": "staffing"}
    assert walk.labels[INTAKE] == {"Intake::Staffing", "SFDC::6-Awaiting Signature"}


def test_a_state_that_the_methodology_no_longer_has_is_found_anew_by_the_label() -> None:
    walk = at("Strawman_WIP")
    places = {"proposal": Place("gone", 1.0, left="gone too"), "elsewhere": Place("x", 1.0)}
    walk.standing = replace(walk.standing, places=places)
    walk.look()
    assert walk.state("proposal") == "strawman_wip"
    assert set(walk.states()) == {"proposal", "intake"}
    walk.standing = replace(walk.standing, places={"proposal": Place("gone", 1.0)})
    walk.labels[SCOPING].clear()
    walk.look()
    assert walk.state("proposal") == "open"


def test_a_standing_is_the_same_after_it_was_stored() -> None:
    standing = Standing(
        places={"proposal": Place("on_hold", 1.5, "approved", pulled=True)},
        approvals={"ta": Approval(Verdict.FAILED, "tara", 2.5, 3)},
        papers={"estimate": estimate("62000.50"), "sow": Paper(2, "erin", 3.5, url="https://example.com")},
        asked={"ta": 3},
        started=frozenset({"delivery_prep"}),
        seen={"scoping": 4},
        setters={"scoping:SFDC::Closed Won": "desk"},
        declined=frozenset({"intake_ready"}),
        serial=5,
    )
    assert standing_from_record(standing.to_record()) == standing
