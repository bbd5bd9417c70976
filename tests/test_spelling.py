"""Every alias, retired name and misspelling of the workflow labels: what it stands for, and that it is corrected."""

from __future__ import annotations

import pytest

from app.machine.outcome import NotAState
from app.methodology import load_methodology
from app.methodology.parts import IssueKind
from app.methodology.spelling import Reading, Speller, scope_of
from tests.walks import INTAKE, SCOPING, begun, estimate

NAMED = [
    # as written, what it means, the state that it leads to
    ("proposal:Closed_Won", "proposal::Closed_Won", "closed_won"),
    ("proposal:Closed_Lost", "proposal::Closed_Lost", "closed_lost"),
    ("proposal::closed_won", "proposal::Closed_Won", "closed_won"),
    ("proposal::closed_lost", "proposal::Closed_Lost", "closed_lost"),
    ("proposal::Writing", "proposal::SOW_WIP", "sow_wip"),
    ("proposal::Cost Estimate", "proposal::Strawman_WIP", "strawman_wip"),
    ("proposal::ReadyForApproval", "proposal::Ready For Approval", "ready_for_approval"),
]
LIKE = [
    ("proposal::sow-wip", "proposal::SOW_WIP", "sow_wip"),
    ("Proposal::SOW_WIP", "proposal::SOW_WIP", "sow_wip"),
    ("proposal::SOW WIP", "proposal::SOW_WIP", "sow_wip"),
    ("proposal:SOW_WIP", "proposal::SOW_WIP", "sow_wip"),
    ("proposal::SOW_WPI", "proposal::SOW_WIP", "sow_wip"),
    ("proposal::Strawman", "proposal::Strawman_WIP", "strawman_wip"),
    ("proposal::awaiting discovery", "proposal::Awaiting_Discovery", "awaiting_discovery"),
    ("proposal::Awaiting_Discovry", "proposal::Awaiting_Discovery", "awaiting_discovery"),
    ("proposal::Estimate Feedback", "proposal::Estimate_Feedback", "estimate_feedback"),
    ("proposal::On Hold", "proposal::On_hold", "on_hold"),
    ("proposal::ready_for_approval", "proposal::Ready For Approval", "ready_for_approval"),
    ("PROPOSAL::CLOSED_LOST", "proposal::Closed_Lost", "closed_lost"),
]
OF_GATES = [
    ("TA:Approved", "TA::Approved", "tara"),
    ("TA::approved", "TA::Approved", "tara"),
    ("RDM::Approved", "RDM::approved", "ravi"),
    ("revenue::approved", "Revenue::approved", "rhea"),
    ("TA::Changes_Requested", "TA::Changes-Requested", "tara"),
]
NO_LABEL = ["proposal::Scoping", "proposal::Open"]
each_plan = pytest.mark.parametrize("is_paid", [False, True], ids=["free", "premium"])


@each_plan
@pytest.mark.parametrize(("written", "meant", "state"), [*NAMED, *LIKE])
def test_another_spelling_moves_the_issue_and_is_corrected(written: str, meant: str, state: str, is_paid: bool) -> None:
    walk = begun(load_methodology(), is_paid=is_paid, worth=estimate("10"))
    if state in {"ready_for_approval", "closed_won"}:
        walk.say("erin", "proposal::SOW_WIP")
        walk.say("ravi", "RDM::approved")
    if state == "closed_won":
        walk.say("rhea", "Revenue::approved")
        walk.say("dana", "proposal::Approved")
    walk.say("erin", written)
    assert walk.state("proposal") == state
    assert walk.scoped("proposal") == {meant}


@pytest.mark.parametrize(("written", "meant", "who"), OF_GATES)
def test_another_spelling_of_a_word_at_a_gate_counts_and_is_corrected(written: str, meant: str, who: str) -> None:
    walk = begun(load_methodology(), worth=estimate("10"))
    walk.say("erin", "proposal::SOW_WIP")
    walk.say(who, written)
    assert meant in walk.labels[SCOPING]
    assert written not in walk.labels[SCOPING]
    assert len(walk.standing.approvals) == 1


@each_plan
@pytest.mark.parametrize("written", NO_LABEL)
def test_a_retired_name_for_no_label_leads_to_the_start(written: str, is_paid: bool) -> None:
    walk = begun(load_methodology(), is_paid=is_paid, worth=estimate("10"))
    walk.say("erin", "proposal::Strawman_WIP", written)
    assert walk.state("proposal") == "open"
    assert walk.scoped("proposal") == set()


@pytest.mark.parametrize(
    ("written", "meant"), [("Intake::needs info", "Intake::Needs-Info"), ("intake::Ready", "Intake::Ready")]
)
def test_the_intake_has_its_spellings_too(written: str, meant: str) -> None:
    walk = begun(load_methodology())
    walk.say("erin", written, on=INTAKE)
    assert walk.labels[INTAKE] == {meant}


@pytest.mark.parametrize("written", ["proposal::Lunch", "proposal::", "proposal::x", "proposal::Paused"])
def test_what_is_like_no_state_is_no_state(written: str) -> None:
    walk = begun(load_methodology())
    [notice] = walk.say("erin", written).notices
    assert isinstance(notice, NotAState)
    assert walk.scoped("proposal") == set()


def test_every_spelling_of_the_file_is_tested_here() -> None:
    tested = {written for written, *_ in [*NAMED, *OF_GATES]} | set(NO_LABEL)
    assert set(load_methodology().spellings) <= tested


@pytest.mark.parametrize(
    "label", ["bug", "Segment::SMB", "intake::Ready", "proposals::SOW_WIP", "", "::", "a::proposal::SOW_WIP"]
)
def test_a_label_in_no_scope_of_the_process_is_read_as_it_stands(label: str) -> None:
    reading = load_methodology().spellers[SCOPING].read(label)
    assert reading == Reading(label, is_ours=False)


def test_the_right_spelling_is_never_taken_for_another() -> None:
    for on, speller in load_methodology().spellers.items():
        assert {label: speller.read(label).name for label in speller.ours} == {
            label: label for label in speller.ours
        }, on


@pytest.mark.parametrize(
    ("label", "scope"), [("a::B", "a"), ("A::b::C", "a::b"), ("a:B", "a"), ("bug", None), ("::x", ""), ("Ä::x", "ä")]
)
def test_the_scope_is_what_stands_before_the_last_colons(label: str, scope: str | None) -> None:
    assert scope_of(label) == scope


def test_a_reading_is_the_same_each_time() -> None:
    speller = Speller(("x::Ready", "x::Done"), {"x::Fin": "x::Done"})
    for _ in range(2):
        assert speller.read("x::redy") == Reading("x::Ready")
        assert speller.read("x::Fin") == Reading("x::Done")
        assert speller.read("x::Nothing like it") == Reading("x::Nothing like it", is_known=False)


@pytest.mark.parametrize("label", ["proposal::Closed", "proposal::SOW", "proposal::Ready", "proposal::Hold it"])
def test_half_a_name_is_not_taken_for_one(label: str) -> None:
    reading = load_methodology().spellers[SCOPING].read(label)
    assert (reading.is_ours, reading.is_known) == (True, False)


@pytest.mark.parametrize(
    ("on", "label"),
    [
        (SCOPING, "TA::Not-Approved"),
        (SCOPING, "TA::Not:Approved"),
        (SCOPING, "TA::Approved?"),
        (SCOPING, "TA::Aproved"),
        (SCOPING, "RDM::disapproved"),
        (SCOPING, "Revenue::unapproved"),
        (SCOPING, "proposal::Disapproved"),
        (SCOPING, "proposal::Aproved"),
        (SCOPING, "proposal::Closed_Lst"),
        (SCOPING, "proposal::Closed"),
        (SCOPING, "proposal::No SOW_WIP"),
        (INTAKE, "Intake::Unstaffed"),
        (INTAKE, "Intake::Not Ready"),
    ],
)
def test_no_word_at_a_gate_no_end_and_no_opposite_is_ever_guessed(on: IssueKind, label: str) -> None:
    assert load_methodology().spellers[on].read(label) == Reading(label, is_known=False)


@pytest.mark.parametrize(
    ("on", "label"),
    [
        (SCOPING, "proposal: deck sent"),
        (SCOPING, "TA: Bob"),
        (SCOPING, "Revenue: high"),
        (SCOPING, "proposal:SOW_WPI"),
        (INTAKE, "Intake: EMEA"),
    ],
)
def test_a_label_with_one_colon_that_is_no_known_name_is_the_peoples_own(on: IssueKind, label: str) -> None:
    assert load_methodology().spellers[on].read(label) == Reading(label, is_ours=False)


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("TA: approved", "TA::Approved"),
        ("TA::AP-PROVED", "TA::Approved"),
        ("proposal: ready for approval", "proposal::Ready For Approval"),
        ("proposal: writing", "proposal::SOW_WIP"),
        ("proposal::cost_estimate", "proposal::Strawman_WIP"),
        ("proposal: open", None),
    ],
)
def test_case_and_punctuation_make_no_difference_to_names_and_listed_spellings(label: str, meant: str | None) -> None:
    assert load_methodology().spellers[SCOPING].read(label) == Reading(meant)


@pytest.mark.parametrize(
    ("label", "meant"),
    [
        ("closeqtr::Q327", "close_qtr::Q327"),
        ("Close-Qtr::Q327", "close_qtr::Q327"),
        ("closeqtr::soon", "closeqtr::soon"),
        ("closeqtr", "closeqtr"),
    ],
)
def test_a_label_of_a_family_is_known_in_another_writing_of_its_scope(label: str, meant: str) -> None:
    assert load_methodology().spellers[SCOPING].read(label) == Reading(meant, is_ours=False)
