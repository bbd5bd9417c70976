"""Gates: who passes them, what they need, when a yes falls, and what a move that skips one is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from app.machine.gates import GateState, gate_state
from app.machine.outcome import NotYours, PutBack
from app.machine.scene import Scene
from app.machine.standing import Paper
from app.methodology import load_methodology
from tests.walks import SCOPING, Walk, begun, estimate

GATES = [
    # gate, its yes, who says it, the state before, the label that it holds back
    ("ta", "TA::Approved", "tara", "proposal::Estimate_Feedback", "proposal::SOW_WIP"),
    ("rdm", "RDM::approved", "ravi", "proposal::SOW_WIP", "proposal::Ready For Approval"),
    ("revenue", "Revenue::approved", "rhea", "proposal::Ready For Approval", "proposal::Approved"),
]
YESES = {"ta": ("tara", "TA::Approved"), "rdm": ("ravi", "RDM::approved"), "revenue": ("rhea", "Revenue::approved")}
each_gate = pytest.mark.parametrize(("gate", "yes", "holder", "before", "behind"), GATES, ids=[row[0] for row in GATES])


def at(label: str, *, without: tuple[str, ...] = (), worth: Paper | None = None) -> Walk:
    """An engagement in the state of a label, with every other yes that it needs."""
    walk = begun(load_methodology(), worth=worth or estimate("62000", by="sally"))
    walk.say("erin", "proposal::Estimate_Feedback")
    if "ta" not in without:
        walk.say(*YESES["ta"])
    if label != "proposal::Estimate_Feedback":
        walk.say("erin", "proposal::SOW_WIP")
        for gate in ("rdm", "revenue"):
            if gate not in without:
                walk.say(*YESES[gate])
        walk.say("erin", label)
    assert label in walk.labels[SCOPING]
    return walk


def with_paper(walk: Walk, name: str, paper: Paper) -> None:
    walk.standing = replace(walk.standing, papers={**walk.standing.papers, name: paper})


@each_gate
def test_a_move_past_a_gate_is_put_back_with_what_is_missing(
    gate: str, yes: str, holder: str, before: str, behind: str
) -> None:
    walk = at(before, without=(gate,))
    state = walk.state("proposal")
    [notice] = [each for each in walk.say("erin", behind).notices if isinstance(each, PutBack)]
    assert gate in [missing.gate for missing in notice.missing]
    assert [missing.role for missing in notice.missing if missing.gate == gate] == [gate]
    assert (notice.by, notice.is_kept, walk.state("proposal")) == ("erin", False, state)
    assert walk.scoped("proposal") == {before}


@each_gate
def test_a_holder_of_the_role_passes_the_gate(gate: str, yes: str, holder: str, before: str, behind: str) -> None:
    walk = at(before, without=(gate,))
    walk.say(holder, yes)
    assert walk.standing.approvals[gate].by == holder
    walk.say("dana" if behind == "proposal::Approved" else "erin", behind)
    assert walk.scoped("proposal") == {behind}


@each_gate
def test_a_yes_of_others_is_taken_off_again(gate: str, yes: str, holder: str, before: str, behind: str) -> None:
    walk = at(before, without=(gate,))
    [notice] = walk.say("alice", yes).notices
    assert isinstance(notice, NotYours)
    assert (notice.role, notice.by, notice.own_estimate) == (gate, "alice", False)
    assert yes not in walk.labels[notice.on]
    assert gate not in walk.standing.approvals


@each_gate
def test_a_yes_taken_off_by_others_is_set_again_and_by_a_holder_it_is_taken_back(
    gate: str, yes: str, holder: str, before: str, behind: str
) -> None:
    walk = at(before)
    walk.take_off("alice", yes)
    [notice] = walk.look().notices
    assert isinstance(notice, NotYours)
    assert yes in walk.labels[notice.on]
    walk.take_off(holder, yes)
    assert not any(isinstance(notice, NotYours) for notice in walk.look().notices)
    assert gate not in walk.standing.approvals
    assert yes not in walk.labels[notice.on]


@pytest.mark.parametrize(
    ("who", "is_own"), [("tara", True), ("TARA", True), ("tess", False)], ids=["own", "own in capitals", "another's"]
)
def test_nobody_approves_an_own_estimate(who: str, is_own: bool) -> None:
    walk = at("proposal::Estimate_Feedback", without=("ta",), worth=estimate(by="Tara"))
    walk.holders = {**walk.holders, "ta": frozenset({"tara", "tess"})}
    notices = walk.say(who, "TA::Approved").notices
    assert ("ta" in walk.standing.approvals) is not is_own
    assert [notice.own_estimate for notice in notices if isinstance(notice, NotYours)] == [True] * is_own


@pytest.mark.parametrize(
    ("amount", "currency", "state"),
    [
        ("49999.99", "USD", GateState.NOT_NEEDED),
        ("50000.00", "USD", GateState.NOT_NEEDED),
        ("50000.01", "USD", GateState.OPEN),
        ("62000", None, GateState.OPEN),
        ("45454.54", "EUR", GateState.NOT_NEEDED),
        ("45454.55", "EUR", GateState.OPEN),
        ("7575757", "JPY", GateState.NOT_NEEDED),
        ("7575758", "JPY", GateState.OPEN),
        ("1", "XAU", GateState.OPEN),
        ("0", "XAU", GateState.OPEN),
    ],
)
def test_a_technical_architect_is_needed_strictly_above_50000_dollars(
    amount: str, currency: str | None, state: GateState
) -> None:
    walk = begun(load_methodology(), worth=estimate(amount, currency))
    assert gate_state("ta", walk.standing, walk.scene(), walk.methodology) is state
    walk.say("erin", "proposal::SOW_WIP")
    assert walk.state("proposal") == ("sow_wip" if state is GateState.NOT_NEEDED else "open")


def test_without_an_estimate_no_technical_architect_is_needed() -> None:
    walk = begun(load_methodology())
    walk.say("erin", "proposal::SOW_WIP")
    assert walk.state("proposal") == "sow_wip"


@each_gate
def test_a_yes_falls_when_its_document_has_a_new_version(
    gate: str, yes: str, holder: str, before: str, behind: str
) -> None:
    walk = at(before)
    name = walk.methodology.gates[gate].document
    assert name is not None
    with_paper(walk, name.value, Paper(2, "erin", 9.0, amount=estimate("70000").amount, currency="USD"))
    walk.look()
    assert gate_state(gate, walk.standing, walk.scene(), walk.methodology) is GateState.OPEN
    assert yes not in walk.labels[SCOPING]
    asked = [notice.key for notice in walk.notices if notice.key.startswith(f"review:{gate}:")]
    assert asked[-1] == f"review:{gate}:2"
    walk.say(holder, yes)
    assert gate_state(gate, walk.standing, walk.scene(), walk.methodology) is GateState.PASSED


def test_leadership_first_is_kept_until_revenue_has_come() -> None:
    walk = at("proposal::Ready For Approval", without=("revenue",))
    [notice] = walk.say("dana", "proposal::Approved").notices
    assert isinstance(notice, PutBack)
    assert notice.is_kept
    assert [missing.gate for missing in notice.missing] == ["revenue"]
    assert walk.state("proposal") == "ready_for_approval"
    walk.say("rhea", "Revenue::approved")
    assert walk.state("proposal") == "approved"


def test_the_label_of_a_decision_is_no_yes_when_others_set_it() -> None:
    walk = at("proposal::Ready For Approval")
    [notice] = walk.say("erin", "proposal::Approved").notices
    assert isinstance(notice, PutBack)
    assert (notice.is_kept, [missing.gate for missing in notice.missing]) == (False, ["leadership"])


@pytest.mark.parametrize("pause", [(), ("proposal::On_hold",), ("proposal::Closed_Lost",)], ids=["", "hold", "lost"])
def test_leaving_the_approval_backwards_voids_what_was_said_of_the_sow(pause: tuple[str, ...]) -> None:
    walk = at("proposal::Ready For Approval")
    walk.say("dana", "proposal::Approved")
    walk.say("erin", *pause, "proposal::SOW_WIP")
    states = {gate: gate_state(gate, walk.standing, walk.scene(), walk.methodology) for gate in walk.standing.approvals}
    assert states == {
        "ta": GateState.PASSED, "rdm": GateState.OPEN, "revenue": GateState.OPEN, "leadership": GateState.OPEN,
    }  # fmt: skip
    assert walk.state("proposal") == "sow_wip"
    assert walk.labels[SCOPING].isdisjoint({"RDM::approved", "Revenue::approved", "proposal::Approved"})


def test_a_no_holds_the_move_back_until_a_yes_comes() -> None:
    walk = at("proposal::Estimate_Feedback", without=("ta",))
    walk.say("tara", "TA::Changes-Requested")
    assert walk.scoped("TA") == {"TA::Changes-Requested"}
    assert walk.state("proposal") == "strawman_wip", "a no sends the estimate back to be worked on"
    walk.say("erin", "proposal::SOW_WIP")
    assert walk.state("proposal") == "strawman_wip"
    walk.say("tara", "TA::Approved")
    assert walk.scoped("TA") == {"TA::Approved"}
    walk.say("erin", "proposal::SOW_WIP")
    assert walk.state("proposal") == "sow_wip"


@pytest.mark.parametrize("label", ["TA::Needs-Review", "TA::Approved"], ids=["asked for", "given"])
def test_a_review_that_is_not_needed_may_be_asked_for_and_given_all_the_same(label: str) -> None:
    walk = begun(load_methodology(), worth=estimate("10"))
    walk.say("tara", label)
    assert label in walk.labels[SCOPING]


def test_closed_won_without_the_approval_is_put_back() -> None:
    walk = at("proposal::Ready For Approval")
    [notice] = walk.say("desk", "proposal::Closed_Won").notices
    assert isinstance(notice, PutBack)
    assert [missing.gate for missing in notice.missing] == ["leadership", "approved_first"]


def test_what_was_approved_before_a_pause_can_be_won_out_of_it() -> None:
    walk = at("proposal::Ready For Approval")
    walk.say("dana", "proposal::Approved")
    walk.say("erin", "proposal::On_hold", "proposal::Closed_Won")
    assert walk.state("proposal") == "closed_won"


def test_gates_that_only_warn_hold_nothing_back() -> None:
    walk = at("proposal::Ready For Approval")
    walk.say("dana", "proposal::Approved")
    walk.say("erin", "proposal::Closed_Won")
    warned = [name for name, gate in walk.methodology.gates.items() if gate.weight.value == "warn"]
    open_ones = [n for n in warned if gate_state(n, walk.standing, walk.scene(), walk.methodology) is GateState.OPEN]
    assert walk.state("proposal") == "closed_won"
    assert open_ones == warned


def test_what_a_team_lets_happen_by_itself_waits_for_the_gate_too(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    own.write_text(
        "extends: default\n"
        "automatic:\n"
        "  agreed: {track: proposal, from: [estimate_feedback], to: sow_wip, when: [price_agreed], why: Price agreed}\n"
    )
    walk = begun(load_methodology(own), worth=estimate())
    walk.facts = Scene({}, ticked=frozenset({"scoping.estimate_review"}))
    walk.say("erin", "proposal::Estimate_Feedback")
    assert walk.state("proposal") == "estimate_feedback"
    walk.say("tara", "TA::Approved")
    assert walk.state("proposal") == "sow_wip"


def test_a_catalogue_order_needs_the_same_yeses_by_default() -> None:
    walk = begun(load_methodology(), worth=estimate(), facts=Scene({}, is_sku=True))
    walk.say("erin", "proposal::SOW_WIP")
    assert walk.state("proposal") == "open"
