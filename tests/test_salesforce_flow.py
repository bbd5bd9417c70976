"""Salesforce drives the tracks: what its stages bring about, whatever order and however often they are told."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Stage, issues, spoken, stage, submission
from tests.test_salesforce_door import OPPORTUNITY, TOKEN, URL

OTHER = "006Aa00000ZzZzZ"
SERVICES = {
    "RecordType.Name": "Professional Services Only",
    "Account.Name": "Globex AG",
    "Owner.Email": "alice@example.com",
    "StageName": "2-Scoping",
    "CloseDate": "2099-03-31",
    "Customer_Folder_URL__c": "https://drive.google.com/drive/folders/1",
}


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, salesforce_webhook_tokens=[TOKEN]) as running:
        yield running


def tell(on: Stage, opportunity: str = OPPORTUNITY, **fields: Any) -> None:
    """As a Flow does, and everything that comes of it."""
    answer = on.client.post(f"{on.url}{URL}?token={TOKEN}", json={"opportunity": {"Id": opportunity, **fields}})
    assert answer.status_code == 202
    assert on.quiet()


def begun(on: Stage, **changes: Any) -> None:
    assert on.submit(submission(sfdc_opportunity_url=OPPORTUNITY, **changes))["state"] == "done"
    assert on.quiet()


def labels(on: Stage) -> list[set[str]]:
    return [set(each[2]) for each in issues(on.world)]


def stages(on: Stage) -> list[set[str]]:
    return [{label for label in each if label.startswith("SFDC::")} for each in labels(on)]


def said(on: Stage, words: str) -> int:
    return sum(words in note for note in spoken(on.world))


def test_a_stage_is_a_label_on_both_issues_and_stands_in_the_note(on: Stage) -> None:
    begun(on)
    tell(on, StageName="4-Proposal")
    assert stages(on) == [{"SFDC::4-Proposal"}] * 2
    tell(on, StageName="5-Negotiating")
    assert stages(on) == [{"SFDC::5-Negotiating"}] * 2, "in place of the one before"
    notes = [note.body for note in on.world.notes.values()]
    assert any("Salesforce: " in note and "`5-Negotiating`" in note for note in notes)


def test_at_stage_4_the_em_is_asked_and_at_5_who_staffs(on: Stage) -> None:
    begun(on)
    tell(on, StageName="4-Proposal")
    assert (said(on, "The scoping is due now"), said(on, "The staffing may be prepared")) == (1, 0)
    tell(on, StageName="5-Negotiating")
    assert (said(on, "The scoping is due now"), said(on, "The staffing may be prepared")) == (1, 1)


def test_at_stage_6_delivery_prep_begins(on: Stage) -> None:
    begun(on)
    tell(on, StageName="6-Awaiting Signature")
    assert said(on, "Delivery Prep begins") == 1


def test_closed_won_closes_both_with_the_quarter(on: Stage) -> None:
    begun(on)
    tell(on, StageName="Closed Won")
    scoping, _ = labels(on)
    assert "proposal::Closed_Won" in scoping
    assert any(label.startswith("close_qtr::") for label in scoping)
    assert on.world.issue(1).closed_at is not None


@pytest.mark.parametrize("stage_name", ["8-Closed Lost", "9-Unqualified", "10-Duplicate"])
def test_a_lost_opportunity_closes_both_with_quarter_and_reason(stage_name: str, on: Stage) -> None:
    begun(on)
    tell(on, StageName=stage_name)
    scoping, intake = labels(on)
    assert {"proposal::Closed_Lost", "Lost::unknown", f"SFDC::{stage_name}"} <= scoping
    assert any(label.startswith("close_qtr::") for label in scoping)
    assert "Intake::Cancelled" in intake
    assert on.world.issue(1).closed_at is not None


def test_a_reason_that_somebody_gave_stays_the_only_one(on: Stage) -> None:
    begun(on)
    on.world.update_issue("erin", 1, add_labels=["Lost::budget"])
    assert on.quiet()
    tell(on, StageName="8-Closed Lost")
    assert {label for label in labels(on)[0] if label.startswith("Lost::")} == {"Lost::budget"}


def test_a_stage_that_does_not_fit_the_state_is_said_once(on: Stage) -> None:
    begun(on)
    tell(on, StageName="7-Closing")
    assert said(on, "Salesforce is at `7-Closing`") == 1
    tell(on, StageName="7-Closing", NextStep="call")
    tell(on, StageName="7-Closing")
    assert said(on, "Salesforce is at `7-Closing`") == 1
    tell(on, StageName="5-Negotiating")
    tell(on, StageName="7-Closing")
    assert said(on, "Salesforce is at `7-Closing`") == 1, "nor when it comes back to it"


def test_what_was_so_before_is_no_news(on: Stage) -> None:
    begun(on)
    tell(on, StageName="5-Negotiating", SystemModstamp="2026-11-02T10:00:00.000+0000")
    tell(on, StageName="4-Proposal", SystemModstamp="2026-11-01T10:00:00.000+0000")
    assert stages(on) == [{"SFDC::5-Negotiating"}] * 2


def test_the_same_again_does_nothing(on: Stage) -> None:
    begun(on)
    tell(on, StageName="4-Proposal", SystemModstamp="2026-11-02T10:00:00.000+0000")
    before = on.writes()
    tell(on, StageName="4-Proposal", SystemModstamp="2026-11-02T10:00:00.000+0000")
    assert on.writes() == before


def test_a_stage_that_nobody_knows_changes_no_label(on: Stage) -> None:
    begun(on)
    tell(on, StageName="4-Proposal")
    tell(on, StageName="99-Party @everyone")
    assert stages(on) == [{"SFDC::4-Proposal"}] * 2
    assert on.metric("psplan_deliveries_dead") == 0


def test_an_opportunity_of_nobody_that_is_not_for_services_is_nobodys(on: Stage) -> None:
    tell(on, **{**SERVICES, "RecordType.Name": "Standard"})
    tell(on, StageName="2-Scoping")
    tell(on, **{**SERVICES, "StageName": "8-Closed Lost"})
    assert issues(on.world) == []


def test_a_new_opportunity_for_services_is_an_engagement(on: Stage) -> None:
    tell(on, **SERVICES)
    made = issues(on.world)
    assert [each[1] for each in made] == [
        "Globex AG - Scope Engagement and Write SOW",
        "Globex AG - Project Scheduling Intake",
    ]
    assert stages(on) == [{"SFDC::2-Scoping"}] * 2, "and its stage is mirrored at once"
    tell(on, **SERVICES)
    tell(on, **{**SERVICES, "StageName": "3-Technical Evaluation"})
    assert len(issues(on.world)) == 2


def test_what_the_calculator_sends_later_of_it_is_a_revision(on: Stage) -> None:
    tell(on, **SERVICES)
    sent = submission(sfdc_opportunity_url=OPPORTUNITY, customer_name="Globex AG")
    outcome = on.submit(sent)
    assert outcome["state"] == "done"
    assert outcome["submission_id"] == sent["submission_id"]
    assert (outcome["scoping_issue"]["iid"], outcome["intake_issue"]["iid"]) == (1, 2)
    assert on.quiet()
    assert len(issues(on.world)) == 2
    assert "Service: Migration" in labels(on)[0], "the calculator's content counts"
    again = on.submit({**sent, "services": ["training"]})
    assert (again["state"], len(issues(on.world))) == ("done", 2)
    assert on.quiet()
    assert "Service: Training" in labels(on)[0]


def test_an_opportunity_of_a_submission_begins_nothing(on: Stage) -> None:
    begun(on)
    tell(on, **SERVICES)
    assert len(issues(on.world)) == 2
    assert stages(on) == [{"SFDC::2-Scoping"}] * 2


def test_two_opportunities_of_one_customer_are_two_engagements(on: Stage) -> None:
    tell(on, **SERVICES)
    tell(on, OTHER, **SERVICES)
    assert len(issues(on.world)) == 4


def test_two_submissions_of_one_opportunity_stay_two_and_the_second_says_so(on: Stage) -> None:
    begun(on)
    assert said(on, "is that of the engagement of") == 0
    begun(on)
    assert len(issues(on.world)) == 4
    (note,) = [note for note in on.world.notes.values() if "is that of the engagement of #1 already" in note.body]
    assert note.issue_iid == 3
    tell(on, StageName="4-Proposal")
    assert stages(on) == [{"SFDC::4-Proposal"}] * 2 + [set()] * 2, "the first has it"
