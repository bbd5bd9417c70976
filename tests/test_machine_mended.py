"""What a strict reader found in the machine, each as a walk: rejections, raised estimates, early and own yeses."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from app.machine.outcome import AskedReview, NotYours, PutBack, TooEarly
from app.machine.standing import Paper
from app.methodology import load_methodology
from tests.walks import INTAKE, QUARTER, SCOPING, Walk, begun, estimate


def at_ready(*, worth: str = "40000") -> Walk:
    walk = begun(load_methodology(), worth=estimate(worth, by="sally"))
    walk.standing = replace(walk.standing, papers={**walk.standing.papers, "sow": Paper(1, "erin", 4.0)})
    walk.say("erin", "proposal::SOW_WIP")
    walk.say("ravi", "RDM::approved")
    walk.say("erin", "proposal::Ready For Approval")
    return walk


def approved() -> Walk:
    walk = at_ready()
    walk.say("rhea", "Revenue::approved")
    walk.say("dana", "proposal::Approved")
    assert walk.state("proposal") == "approved"
    return walk


def raise_estimate(walk: Walk, amount: str) -> None:
    """As a revision does: another estimate, and so another SOW."""
    paper = replace(walk.standing.papers["estimate"], version=2, amount=Decimal(amount))
    reopened = {**walk.standing.reopened, "sow": walk.standing.reopened.get("sow", 0) + 1}
    walk.standing = replace(walk.standing, papers={**walk.standing.papers, "estimate": paper}, reopened=reopened)
    walk.look()


def reviews(walk: Walk, gate: str) -> int:
    return sum(isinstance(notice, AskedReview) and notice.gate == gate for notice in walk.notices)


def test_a_yes_of_leadership_that_was_kept_does_not_outlive_their_no() -> None:
    walk = at_ready()
    walk.say("dana", "proposal::Approved")
    assert walk.state("proposal") == "ready_for_approval"
    walk.say("dana", "proposal::SOW_WIP")
    walk.say("rhea", "Revenue::approved")
    assert walk.state("proposal") == "sow_wip"
    walk.say("ravi", "RDM::approved")
    walk.say("erin", "proposal::Ready For Approval")
    walk.say("rhea", "Revenue::approved")
    assert walk.state("proposal") == "ready_for_approval", "leadership has to decide on what there is now"


def test_what_was_sent_back_is_asked_for_anew() -> None:
    walk = at_ready()
    walk.say("dana", "proposal::SOW_WIP")
    assert "RDM::approved" not in walk.labels[SCOPING]
    assert reviews(walk, "rdm") == 1, "there is no new SOW to look at yet"
    walk.standing = replace(walk.standing, papers={**walk.standing.papers, "sow": Paper(2, "erin", 5.0, "https://x")})
    walk.look()
    assert reviews(walk, "rdm") == 2
    walk.say("ravi", "RDM::approved")
    walk.say("erin", "proposal::Ready For Approval")
    assert (reviews(walk, "revenue"), reviews(walk, "leadership")) == (2, 2)


def test_an_estimate_raised_after_the_approval_takes_it_away_and_asks_the_architect() -> None:
    walk = approved()
    raise_estimate(walk, "62000")
    assert walk.state("proposal") == "estimate_feedback"
    assert {"TA::Needs-Review", "proposal::Estimate_Feedback"} <= walk.labels[SCOPING]
    assert not {"RDM::approved", "Revenue::approved", "proposal::Approved"} & walk.labels[SCOPING]
    fell = [notice for notice in walk.notices if isinstance(notice, PutBack) and notice.key.startswith("fell:")]
    assert [notice.by for notice in fell] == [None]


def test_an_estimate_changed_below_the_threshold_goes_back_to_where_the_sow_is_written() -> None:
    walk = approved()
    raise_estimate(walk, "45000")
    assert walk.state("proposal") == "sow_wip"
    assert reviews(walk, "ta") == 0


def test_going_back_stands_whatever_gate_has_come_up_since() -> None:
    walk = at_ready()
    raise_estimate(walk, "62000")
    walk.say("dana", "proposal::SOW_WIP")
    assert walk.state("proposal") == "sow_wip"
    assert "TA::Needs-Review" in walk.labels[SCOPING]


@pytest.mark.parametrize(
    ("author", "label"), [("ravi", "RDM::approved"), ("rhea", "Revenue::approved"), ("dana", "proposal::Approved")]
)
def test_nobody_says_yes_to_their_own_work_at_any_gate(author: str, label: str) -> None:
    walk = at_ready()
    walk.standing = replace(
        walk.standing, papers={**walk.standing.papers, "sow": Paper(1, author.upper(), 5.0)}, approvals={}
    )
    walk.look()
    walk.say(author, label)
    assert walk.state("proposal") == "ready_for_approval"
    assert not [key for key in walk.standing.approvals if key in {"rdm", "revenue", "leadership"}]


def test_a_yes_to_nothing_is_taken_off_and_told() -> None:
    walk = begun(load_methodology())
    [notice] = walk.say("ravi", "RDM::approved").notices
    assert isinstance(notice, TooEarly)
    assert "RDM::approved" not in walk.labels[SCOPING]
    walk.say("rhea", "Revenue::approved")
    walk.say("dana", "proposal::Approved")
    assert walk.state("proposal") == "open"


def test_only_whose_yes_it_was_is_thanked_for_it() -> None:
    walk = at_ready()
    [hers] = [n for n in walk.say("dana", "proposal::Approved").notices if isinstance(n, PutBack)]
    [his] = [n for n in walk.say("alice", "proposal::Approved").notices if isinstance(n, PutBack)]
    assert (hers.is_kept, his.is_kept) == (True, False)


def test_a_review_is_asked_for_again_by_its_label() -> None:
    walk = begun(load_methodology(), worth=estimate("62000", by="sally"))
    walk.say("erin", "proposal::Strawman_WIP")
    walk.say("tara", "TA::Changes-Requested")
    assert "TA::Needs-Review" not in walk.labels[SCOPING]
    walk.say("erin", "TA::Needs-Review")
    assert walk.scoped("TA") == {"TA::Needs-Review"}
    assert reviews(walk, "ta") == 2
    walk.say("tara", "TA::Approved")
    assert walk.scoped("TA") == {"TA::Approved"}


def test_lost_by_mistake_and_then_won_has_an_intake_again() -> None:
    walk = approved()
    walk.say("cora", "Intake::Staffed", on=INTAKE)
    walk.say("erin", "proposal::Closed_Lost")
    assert walk.state("intake") == "cancelled"
    walk.say("erin", "proposal::Closed_Won")
    assert (walk.state("proposal"), walk.state("intake")) == ("closed_won", "scheduled")
    assert walk.is_open[INTAKE]


def test_a_slip_of_the_hand_does_not_cost_the_yeses() -> None:
    walk = approved()
    walk.take_off("alice", "proposal::Approved")
    [notice] = [n for n in walk.look().notices if isinstance(n, NotYours)]
    assert notice.by == "alice"
    assert walk.state("proposal") == "approved"
    assert {"proposal::Approved", "RDM::approved", "Revenue::approved"} <= walk.labels[SCOPING]


def test_one_label_of_a_gate_over_another_is_refused_once() -> None:
    walk = begun(load_methodology(), worth=estimate("62000", by="sally"), is_paid=True)
    walk.say("erin", "proposal::Strawman_WIP")
    walk.say("tara", "TA::Approved")
    before = len(walk.notices)
    walk.say("erin", "TA::Changes-Requested")
    assert len(walk.notices) == before + 1
    assert walk.scoped("TA") == {"TA::Approved"}


def test_a_quarter_written_in_the_old_way_is_a_quarter() -> None:
    walk = approved()
    walk.say("erin", "closeqtr::Q327")
    walk.say("erin", "proposal::Closed_Won")
    assert not [label for label in walk.labels[SCOPING] if label.startswith("close_qtr::")]


@pytest.mark.parametrize("is_paid", [False, True], ids=["free", "premium"])
def test_of_two_labels_of_any_scope_of_the_methodology_the_newest_stays(is_paid: bool) -> None:
    walk = begun(load_methodology(), is_paid=is_paid)
    walk.say("erin", "Segment::Ent_EMEA", "SFDC::4-Proposal", "EM_Status::ToDo")
    walk.say("erin", "Segment::Ent_APAC", "SFDC::5-Negotiating", "Customer::Acme", "Customer::Beta")
    assert walk.scoped("Segment") == {"Segment::Ent_APAC"}
    assert walk.scoped("SFDC") == {"SFDC::5-Negotiating"}
    assert walk.scoped("EM_Status") == {"EM_Status::ToDo"}
    foreign = {"Customer::Beta"} if is_paid else {"Customer::Acme", "Customer::Beta"}
    assert walk.scoped("Customer") == foreign, "labels of others are nobody's business"


def test_what_was_lost_opened_and_lost_again_while_nobody_looked_has_the_quarter_of_the_last_close() -> None:
    walk = begun(load_methodology(), is_paid=True)
    walk.say("erin", "proposal::Closed_Lost")
    walk.labels[SCOPING] = {
        "close_qtr::Q127" if label.startswith("close_qtr::") else label for label in walk.labels[SCOPING]
    }
    walk.add("erin", "proposal::Awaiting_Discovery")
    walk.add("erin", "proposal::Closed_Lost")
    walk.look()
    assert {label for label in walk.labels[SCOPING] if label.startswith("close_qtr::")} == {QUARTER}


def test_nothing_goes_on_by_itself_while_the_engagement_is_on_hold() -> None:
    walk = begun(load_methodology())
    walk.facts = replace(walk.facts, fields_missing=("sow_link",))
    walk.say("erin", "proposal::Strawman_WIP", "proposal::On_hold")
    ready = frozenset(f"readiness.{key}" for key in walk.methodology.readiness)
    walk.facts = replace(walk.facts, fields_missing=(), ticked=ready)
    walk.look()
    assert walk.state("intake") == "needs_info"
    walk.say("erin", "proposal::Strawman_WIP")
    assert walk.state("intake") == "ready"
