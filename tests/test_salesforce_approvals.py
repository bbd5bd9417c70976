"""What others decide in Salesforce: the legal case and the approval of Finance, asked for once and read back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness import issues, spoken, status_of, until
from tests.salesforce_stage import SalesforceStage, salesforce_stage, tell

FINANCE = "Finance_Approval_Status__c"
SOW, NEXT_SOW = "https://docs.google.com/document/d/2", "https://docs.google.com/document/d/3"


@pytest.fixture
def on(tmp_path: Path) -> Iterator[SalesforceStage]:
    with salesforce_stage(tmp_path) as staged:
        yield staged


def say(on: SalesforceStage, *said: tuple[str, str]) -> None:
    for who, words in said:
        on.bot.world.add_note(who, 1, f"/ps {words}")
        assert on.bot.quiet()


def approve(on: SalesforceStage, sow: str = SOW) -> None:
    """Put the SOW on record, and have it approved by everybody here."""
    say(on, ("erin", f"sow {sow}"))
    say(on, ("ravi", "rdm approve"), ("erin", "submit"), ("rhea", "revenue approve"), ("dana", "approve"))
    assert "proposal::Approved" in issues(on.bot.world)[0][2]


@pytest.fixture
def ident(on: SalesforceStage) -> str:
    """An opportunity whose SOW PS leadership has approved."""
    ident = on.opportunity()
    on.begin(ident, submission_id="7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11")
    say(on, ("erin", "stage strawman"), ("erin", "estimate 62000 USD ff"), ("tara", "ta approve"))
    say(on, ("erin", "stage SOW_WIP"))
    approve(on)
    return ident


def the_case(on: SalesforceStage) -> str:
    (case,) = on.world.of_kind("Case")
    return case.id


def status(on: SalesforceStage) -> str:
    return status_of(on.bot.world, 1)


def told(on: SalesforceStage, words: str) -> int:
    return sum(words in note for note in spoken(on.bot.world))


def test_with_the_yes_of_leadership_the_case_is_opened_and_finance_is_asked(on: SalesforceStage, ident: str) -> None:
    case = the_case(on)
    assert on.world.value(case, "PS_Plan_Id__c") == "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
    assert on.world.value(case, "Subject") == "Legal approval of the SOW: Acme GmbH"
    assert SOW in on.world.value(case, "Description")
    assert on.world.value(case, "Opportunity__c") == ident
    (submitted,) = on.world.approvals
    assert submitted.record == ident
    assert SOW in submitted.comment
    assert "62000 USD" in submitted.comment
    assert "- Legal case: version 1" in status(on)
    assert f"/{case}" in status(on)


def test_before_that_nothing_is_asked(on: SalesforceStage) -> None:
    on.begin(on.opportunity())
    say(on, ("erin", "stage strawman"), ("erin", "estimate 62000 USD ff"))
    assert not on.world.of_kind("Case")
    assert not on.world.approvals


def test_legal_stamps_in_salesforce(on: SalesforceStage, ident: str) -> None:
    case = the_case(on)
    on.world.change(case, Status="Stamped")
    on.tell_of_case(case)
    assert gate(on, "Legal stamp") == "passed"
    on.world.change(case, Status="Working")
    on.tell_of_case(case)
    assert gate(on, "Legal stamp") == "open"


def test_a_stamp_that_no_message_told_is_found_by_the_sweep(on: SalesforceStage, ident: str) -> None:
    on.world.change(the_case(on), Status="Stamped")
    on.sweep()
    assert gate(on, "Legal stamp") == "passed"


def test_finance_approves_in_salesforce(on: SalesforceStage, ident: str) -> None:
    on.world.decide(ident, **{FINANCE: "Approved"})
    on.tell(ident)
    assert gate(on, "Finance approval") == "passed"


def test_a_no_is_told_to_the_em_once(on: SalesforceStage, ident: str) -> None:
    on.world.decide(ident, **{FINANCE: "Rejected"})
    on.tell(ident)
    on.tell(ident)
    on.sweep()
    assert gate(on, "Finance approval") == "open"
    assert told(on, "@erin: the approval of Finance says `Rejected` in Salesforce.") == 1


def test_a_new_sow_voids_both_and_asks_both_again(on: SalesforceStage, ident: str) -> None:
    case = the_case(on)
    on.world.decide(ident, **{FINANCE: "Approved"})
    on.tell(ident)
    on.world.change(case, Status="Stamped")
    on.tell_of_case(case)
    say(on, ("erin", "stage SOW_WIP"))
    approve(on, NEXT_SOW)
    assert (gate(on, "Legal stamp"), gate(on, "Finance approval")) == ("open", "open")
    assert the_case(on) == case
    assert NEXT_SOW in on.world.value(case, "Description")
    assert len(on.world.approvals) == 2
    on.sweep()
    assert (gate(on, "Legal stamp"), gate(on, "Finance approval")) == ("open", "open"), "an old yes is none to this SOW"
    on.world.change(case, Status="Working")
    on.tell_of_case(case)
    on.world.change(case, Status="Stamped")
    on.tell_of_case(case)
    assert gate(on, "Legal stamp") == "passed"


def test_a_subject_that_somebody_changed_stays(on: SalesforceStage, ident: str) -> None:
    on.world.change(the_case(on), Subject="Acme: redlines by Friday")
    say(on, ("erin", "stage SOW_WIP"))
    approve(on, NEXT_SOW)
    assert on.world.value(the_case(on), "Subject") == "Acme: redlines by Friday"


def test_what_legal_wrote_into_the_case_stays(on: SalesforceStage, ident: str) -> None:
    case = the_case(on)
    words = f"{on.world.value(case, 'Description')} Redlines: clause 7."
    on.world.change(case, Description=words)
    say(on, ("erin", "stage SOW_WIP"))
    approve(on, NEXT_SOW)
    assert on.world.value(case, "Description") == words


def test_while_finance_looks_the_record_is_locked_and_its_stages_are_read_all_the_same(
    on: SalesforceStage, ident: str
) -> None:
    say(on, ("erin", "estimate 62000 USD ff"))
    assert on.world.records[ident].is_locked
    on.bot.world.add_note("erin", 1, "/ps confidence Green: all signed but one")
    on.world.change(ident, StageName="6-Awaiting Signature")
    assert tell(on.bot.client, on.bot.url, ident)
    assert until(lambda: "SFDC::6-Awaiting Signature" in issues(on.bot.world)[0][2])


def test_what_people_said_here_salesforce_does_not_take_back(on: SalesforceStage, ident: str) -> None:
    say(on, ("lena", "legal stamped"))
    on.world.change(the_case(on), Status="Working")
    on.tell_of_case(the_case(on))
    assert gate(on, "Legal stamp") == "passed"


def test_a_case_of_nobody_is_ignored(on: SalesforceStage, ident: str) -> None:
    other = on.world.add("Case", Subject="Reset my password", Status="New")
    assert not on.tell_of_case(other)
    strange = on.world.add("Case", Subject="Legal", PS_Plan_Id__c="no-such-engagement", Status="Stamped")
    on.tell_of_case(strange)
    on.sweep()
    assert gate(on, "Legal stamp") == "open"


def gate(on: SalesforceStage, title: str) -> str:
    """How it shows in the status note."""
    line = next(line for line in status(on).splitlines() if line.startswith(f"| {title} |"))
    return line.split("|")[2].strip().partition(" ")[0]


def test_what_salesforce_does_not_take_is_told_on_the_issue(on: SalesforceStage) -> None:
    on.world.trouble("submit", code="NO_APPLICABLE_PROCESS", status=400, times=100)
    on.begin(on.opportunity())
    say(on, ("erin", "stage strawman"), ("erin", "estimate 62000 USD ff"), ("tara", "ta approve"))
    say(on, ("erin", "stage SOW_WIP"))
    approve(on)
    assert told(on, "Salesforce did not take `the request for the approval of Finance`.") == 1
    assert told(on, "NO_APPLICABLE_PROCESS") == 1
    assert len(on.world.of_kind("Case")) == 1, "nothing else is held up"
