"""A whole engagement by labels alone, on both tracks, on plans with and without exclusive labels."""

from __future__ import annotations

from dataclasses import replace

import pytest

from app.machine.outcome import AskedFor, AskedReview, CouldNotFollow, PutBack
from app.machine.scene import Scene
from app.methodology import load_methodology
from tests.walks import INTAKE, QUARTER, SCOPING, Walk, begun, estimate

each_plan = pytest.mark.parametrize("is_paid", [False, True], ids=["free", "premium"])
ASKED_LAST = ("review:revenue:0", "review:leadership:0")
TO_APPROVED = [
    # who, label, state of the proposal, state of the intake, what is said
    ("erin", "proposal::Awaiting_Discovery", "awaiting_discovery", "needs_info", []),
    ("erin", "proposal::Strawman_WIP", "strawman_wip", "needs_info", ["review:ta:1"]),
    ("erin", "proposal::Estimate_Feedback", "estimate_feedback", "needs_info", []),
    ("erin", "proposal::SOW_WIP", "estimate_feedback", "needs_info", ["move"]),
    ("tara", "TA::Approved", "estimate_feedback", "needs_info", []),
    ("erin", "proposal::SOW_WIP", "sow_wip", "needs_info", ["review:rdm:0"]),
    ("erin", "proposal::Ready For Approval", "sow_wip", "needs_info", ["move"]),
    ("ravi", "RDM::approved", "sow_wip", "needs_info", []),
    ("erin", "proposal::Ready For Approval", "ready_for_approval", "needs_info", [*ASKED_LAST]),
    ("dana", "proposal::Approved", "ready_for_approval", "needs_info", ["move"]),
    ("rhea", "Revenue::approved", "approved", "needs_info", ["ask:legal_case"]),
    ("erin", "SFDC::6-Awaiting Signature", "approved", "needs_info", ["ask:delivery_prep"]),
]  # fmt: skip


def submitted(*, is_paid: bool = False) -> Walk:
    return begun(
        load_methodology(),
        is_paid=is_paid,
        worth=estimate("62000"),
        facts=Scene({}, has_segment=True, ticked=frozenset({"scoping.sow"})),
    )


def approved(*, is_paid: bool = False) -> Walk:
    walk = submitted(is_paid=is_paid)
    for who, label, *_ in TO_APPROVED:
        walk.say(who, label)
    return walk


def test_of_a_sow_that_is_not_there_nobody_is_asked_until_it_is() -> None:
    walk = begun(load_methodology(), worth=estimate("900"), facts=Scene({}, has_segment=True))
    walk.say("erin", "proposal::SOW_WIP")
    assert [notice for notice in walk.notices if isinstance(notice, AskedReview)] == []
    walk.facts = replace(walk.facts, ticked=frozenset({"scoping.sow"}))
    assert [notice.key for notice in walk.look().notices] == ["review:rdm:0"]


def words(key: str) -> str:
    """A notice's key without the number of the event."""
    return "move" if key.startswith("move:") else key


@each_plan
def test_an_estimate_of_62000_goes_from_the_submission_to_the_approval_by_labels_alone(is_paid: bool) -> None:
    walk = submitted(is_paid=is_paid)
    for who, label, proposal, intake, said in TO_APPROVED:
        outcome = walk.say(who, label)
        assert walk.states() == {"proposal": proposal, "intake": intake}, label
        assert [words(notice.key) for notice in outcome.notices] == said, label
        shown = walk.methodology.tracks["proposal"].states[proposal].label
        assert walk.scoped("proposal") == {shown}, label
    assert walk.labels[SCOPING] == {
        "proposal::Approved", "TA::Approved", "RDM::approved", "Revenue::approved", "SFDC::6-Awaiting Signature",
    }  # fmt: skip


@each_plan
def test_won_with_people_named_closes_the_scoping_issue_and_schedules_the_intake(is_paid: bool) -> None:
    walk = approved(is_paid=is_paid)
    for label in ("Intake::Ready", "Intake::Staffing", "Intake::Staffed"):
        walk.say("erin", label, on=INTAKE)
    outcome = walk.say("desk", "proposal::Closed_Won")
    assert walk.states() == {"proposal": "closed_won", "intake": "scheduled"}
    assert walk.is_open == {SCOPING: False, INTAKE: True}
    assert QUARTER in walk.labels[SCOPING]
    assert walk.labels[INTAKE] == {"Intake::Scheduled"}
    assert outcome.notices == ()


@each_plan
def test_lost_closes_both_issues_and_cancels_the_intake(is_paid: bool) -> None:
    walk = approved(is_paid=is_paid)
    walk.say("erin", "Lost::budget", "proposal::Closed_Lost")
    assert walk.states() == {"proposal": "closed_lost", "intake": "cancelled"}
    assert walk.is_open == {SCOPING: False, INTAKE: False}
    assert QUARTER in walk.labels[SCOPING]
    assert walk.labels[INTAKE] == {"Intake::Cancelled"}


def test_won_with_an_unstaffed_intake_says_what_lacks_and_schedules_by_itself_when_staffed() -> None:
    walk = approved()
    [notice] = walk.say("erin", "proposal::Closed_Won").notices
    assert isinstance(notice, CouldNotFollow)
    assert (notice.on, walk.state("intake")) == (INTAKE, "needs_info")
    assert {"pm_introduced", "transition_held", "prep_call_held"} <= {gap.key for gap in notice.gaps}
    outcome = walk.say("erin", "Intake::Staffed", on=INTAKE)
    assert walk.state("intake") == "scheduled"
    assert outcome.notices == ()


def test_won_again_after_reopening_says_again_what_the_intake_lacks() -> None:
    walk = approved()
    for _ in range(2):
        walk.say("erin", "proposal::Closed_Won")
        walk.turn("erin")
        walk.look()
    keys = [notice.key for notice in walk.notices if isinstance(notice, CouldNotFollow)]
    assert keys == ["follow:intake:closed_won:1", "follow:intake:closed_won:2"]


def test_salesforce_stage_6_begins_delivery_prep_once() -> None:
    walk = submitted()
    walk.say("alice", "Intake::Ready", on=INTAKE)
    walk.say("alice", "SFDC::6-Awaiting Signature")
    assert walk.state("intake") == "staffing"
    walk.say("alice", "Intake::Ready", on=INTAKE)
    walk.take_off("alice", "SFDC::6-Awaiting Signature")
    walk.look()
    walk.say("alice", "SFDC::6-Awaiting Signature", "SFDC::7-Closing")
    assert walk.state("intake") == "ready"
    assert [notice.key for notice in walk.notices if isinstance(notice, AskedFor)] == [
        "ask:scheduling",
        "ask:delivery_prep",
    ]


@pytest.mark.parametrize(
    ("who", "state"), [("alice", "open"), ("erin", "open"), ("desk", "closed_won"), ("ps-bot", "closed_won")]
)
def test_closed_won_in_salesforce_counts_when_deal_desk_or_the_bot_set_the_label(who: str, state: str) -> None:
    walk = submitted()
    walk.say(who, "SFDC::Closed Won")
    assert walk.state("proposal") == state


def test_a_word_of_deal_desk_on_one_issue_is_not_undone_by_somebody_on_the_other() -> None:
    walk = approved()
    walk.add("desk", "SFDC::Closed Won")
    walk.add("alice", "SFDC::Closed Won", INTAKE)
    walk.look()
    assert walk.state("proposal") == "closed_won"


def test_reviews_are_asked_for_once_however_often_the_state_is_entered() -> None:
    walk = submitted()
    for _ in range(3):
        walk.say("erin", "proposal::Strawman_WIP", "proposal::Estimate_Feedback")
    assert [notice.key for notice in walk.notices if isinstance(notice, AskedReview)] == ["review:ta:1"]


def test_the_walk_comes_out_the_same_when_the_bot_was_away_all_the_time() -> None:
    there, away = approved(), submitted()
    away.signs, away.labels, away.clock = there.signs, there.labels, there.clock
    away.look()
    assert away.standing.to_record() == there.standing.to_record()
    assert [notice.key for notice in away.notices] == [notice.key for notice in there.notices]
    assert sum(isinstance(notice, PutBack) for notice in away.notices) == 3
