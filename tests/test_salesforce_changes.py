"""An engagement whose opportunity changes, or is changed by somebody else meanwhile: nothing is lost or mixed up."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from app.layers import FileFaults
from app.methodology.load import check_methodology
from tests.harness import issues, own_methodology, spoken, status_of, submission, until
from tests.salesforce_stage import HOOK_TOKEN, SalesforceStage, salesforce_stage

LINK, VALUE, RATIONALE = "Scoping_Issue_Link__c", "Professional_Services_Value__c", "EM_Confidence_Rationale__c"
FINANCE = "Finance_Approval_Status__c"
ID = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
NOT_CONNECTED = dict.fromkeys(("salesforce_url", "salesforce_client_id", "salesforce_client_secret"))
SOW, NEXT_SOW = "https://docs.google.com/document/d/2", "https://docs.google.com/document/d/3"


@pytest.fixture
def on(tmp_path: Path) -> Iterator[SalesforceStage]:
    with salesforce_stage(tmp_path) as staged:
        yield staged


def say(on: SalesforceStage, *said: tuple[str, str]) -> None:
    for who, words in said:
        on.bot.world.add_note(who, 1, f"/ps {words}")
        assert on.bot.quiet()


def revise(on: SalesforceStage, ident: str, **changes: object) -> None:
    assert on.bot.submit(submission(submission_id=ID, sfdc_opportunity_url=ident, **changes))["state"] == "done"
    assert on.bot.quiet()


def stages(on: SalesforceStage, iid: int = 1) -> set[str]:
    return {label for label in issues(on.bot.world)[iid - 1][2] if label.startswith("SFDC::")}


def gate(on: SalesforceStage, title: str) -> str:
    line = next(line for line in status_of(on.bot.world, 1).splitlines() if line.startswith(f"| {title} |"))
    return line.split("|")[2].strip().partition(" ")[0]


def approve(on: SalesforceStage, sow: str) -> None:
    say(on, ("erin", "stage SOW_WIP"), ("erin", f"sow {sow}"), ("ravi", "rdm approve"), ("erin", "submit"))
    say(on, ("rhea", "revenue approve"), ("dana", "approve"))
    assert "proposal::Approved" in issues(on.bot.world)[0][2]


@pytest.fixture
def approved(on: SalesforceStage) -> str:
    """An opportunity whose first SOW is approved here."""
    ident = on.opportunity()
    on.begin(ident, submission_id=ID)
    say(on, ("erin", "stage strawman"), ("erin", "estimate 62000 USD ff"), ("tara", "ta approve"))
    approve(on, SOW)
    return ident


# -- a label that somebody sets against Salesforce


def hand_set(on: SalesforceStage, label: str) -> None:
    on.bot.world.update_issue("erin", 1, add_labels=[label])
    assert on.bot.quiet()


def told_of_labels(on: SalesforceStage) -> int:
    return sum("This label follows the opportunity by itself" in note for note in spoken(on.bot.world))


def test_a_stage_that_somebody_sets_against_salesforce_is_put_right_and_said(on: SalesforceStage) -> None:
    ident = on.opportunity(StageName="4-Proposal")
    on.begin(ident)
    assert stages(on) == {"SFDC::4-Proposal"}
    for times in (1, 2):
        hand_set(on, "SFDC::6-Awaiting Signature")
        assert stages(on) == {"SFDC::4-Proposal"}
        assert told_of_labels(on) == times
    on.bot.world.update_issue("erin", 1, remove_labels=["SFDC::4-Proposal"])
    assert on.bot.quiet()
    assert stages(on) == {"SFDC::4-Proposal"}


def test_a_stage_that_salesforce_is_at_already_stays_however_it_came(on: SalesforceStage) -> None:
    ident = on.opportunity(StageName="4-Proposal")
    on.begin(ident)
    on.world.change(ident, StageName="5-Negotiating")
    hand_set(on, "SFDC::5-Negotiating")
    assert stages(on) == stages(on, 2) == {"SFDC::5-Negotiating"}, "before any message"
    assert told_of_labels(on) == 0


def test_without_a_connection_the_next_message_puts_it_right(tmp_path: Path) -> None:
    with salesforce_stage(
        tmp_path, salesforce_url=None, salesforce_client_id=None, salesforce_client_secret=None
    ) as on:
        ident = on.opportunity()
        on.begin(ident)
        on.tell(ident, StageName="4-Proposal")
        hand_set(on, "SFDC::6-Awaiting Signature")
        assert stages(on) == {"SFDC::6-Awaiting Signature"}, "nobody can look"
        on.tell(ident, StageName="4-Proposal")
        assert stages(on) == {"SFDC::4-Proposal"}


def test_without_a_connection_a_late_message_about_a_case_is_no_news(tmp_path: Path) -> None:
    with salesforce_stage(
        tmp_path, salesforce_url=None, salesforce_client_id=None, salesforce_client_secret=None
    ) as on:
        ident = on.opportunity()
        on.begin(ident, submission_id=ID)
        say(on, ("erin", "stage strawman"), ("erin", "estimate 62000 USD ff"), ("tara", "ta approve"))
        approve(on, SOW)
        for status, ago_s in (("In Review", 30), ("Stamped", 10), ("In Review", 20)):
            moment = (datetime.now(UTC) - timedelta(seconds=ago_s)).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
            case = {"PS_Plan_Id__c": ID, "Status": status, "SystemModstamp": moment}
            address = f"{on.bot.url}/webhooks/salesforce?token={HOOK_TOKEN}"
            assert on.bot.client.post(address, json={"case": case}).status_code == 202
            assert on.bot.quiet()
        assert gate(on, "Legal stamp") == "passed"


def test_a_stamp_says_nothing_while_there_is_no_sow_and_counts_when_it_is_told_again(tmp_path: Path) -> None:
    with salesforce_stage(tmp_path, **NOT_CONNECTED) as on:
        on.begin(on.opportunity(), submission_id=ID)
        case, address = {"PS_Plan_Id__c": ID, "Status": "Stamped"}, f"{on.bot.url}/webhooks/salesforce"
        for sow, state in ((None, "open"), (SOW, "passed")):
            if sow is not None:
                say(on, ("erin", f"sow {sow}"))
            told = on.bot.client.post(f"{address}?token={HOOK_TOKEN}", json={"case": case})
            assert told.status_code == 202
            assert on.bot.quiet()
            assert gate(on, "Legal stamp") == state


# -- another opportunity


def test_a_corrected_address_is_looked_at_and_written_at_once(on: SalesforceStage) -> None:
    wrong, right = on.opportunity(kind="Standard"), on.opportunity(kind="Standard", StageName="4-Proposal")
    on.begin(wrong, submission_id=ID)
    say(on, ("erin", "confidence Green"))
    revise(on, right)
    assert stages(on) == {"SFDC::4-Proposal"}
    assert on.world.value(right, LINK).endswith("/-/issues/1")
    assert on.world.value(right, RATIONALE) == "Green"


def test_back_to_the_first_one_all_is_written_there(on: SalesforceStage) -> None:
    one, other = on.opportunity(kind="Standard"), on.opportunity(kind="Standard", StageName="4-Proposal")
    on.begin(one, submission_id=ID)
    revise(on, other)
    say(on, ("erin", "confidence Green"))
    revise(on, one)
    assert on.world.value(one, RATIONALE) == "Green"
    assert stages(on) == {"SFDC::2-Scoping"}


def test_what_is_late_for_the_old_one_is_not_written_there(on: SalesforceStage) -> None:
    old, new = on.opportunity(kind="Standard"), on.opportunity(kind="Standard", StageName="4-Proposal")
    on.begin(old, submission_id=ID)
    on.world.trouble("query", code="QUERY_TIMEOUT", status=400, times=1)
    on.bot.world.add_note("erin", 1, "/ps confidence Green")
    assert until(lambda: not on.world.troubles)
    revise(on, new)
    assert on.bot.quiet()
    assert on.world.value(old, RATIONALE) is None
    assert on.world.value(new, RATIONALE) == "Green"
    assert stages(on) == {"SFDC::4-Proposal"}


def test_one_that_is_let_go_of_may_be_another_engagements(on: SalesforceStage) -> None:
    one, other = on.opportunity(kind="Standard"), on.opportunity(kind="Standard")
    on.begin(one, submission_id=ID)
    revise(on, other)
    on.begin(one)
    on.change(one, StageName="4-Proposal")
    assert stages(on, 1) == {"SFDC::2-Scoping"}
    assert stages(on, 3) == {"SFDC::4-Proposal"}


def test_a_yes_of_finance_to_another_opportunity_is_none_to_this_one(on: SalesforceStage, approved: str) -> None:
    on.world.decide(approved, **{FINANCE: "Approved"})
    on.tell(approved)
    assert gate(on, "Finance approval") == "passed"
    revise(on, on.opportunity(kind="Standard"))
    say(on, ("erin", "status"))
    assert gate(on, "Finance approval") == "open"


# -- another SOW


def test_a_stamp_on_the_sow_before_that_comes_late_is_none_to_this_one(on: SalesforceStage, approved: str) -> None:
    (case,) = on.world.of_kind("Case")
    on.world.change(case.id, Status="Stamped")  # and the message is late
    approve(on, NEXT_SOW)
    on.tell_of_case(case.id)
    assert gate(on, "Legal stamp") == "open"


def test_finance_that_is_at_work_is_asked_again_when_it_has_decided(on: SalesforceStage, approved: str) -> None:
    assert on.world.value(approved, FINANCE) == "Pending"
    approve(on, NEXT_SOW)
    assert len(on.world.approvals) == 1
    on.world.decide(approved, **{FINANCE: "Approved"})
    on.tell(approved)
    assert gate(on, "Finance approval") == "open", "they saw the SOW before"
    assert len(on.world.approvals) == 2
    assert NEXT_SOW in on.world.approvals[-1].comment
    on.world.decide(approved, **{FINANCE: "Approved"})
    on.tell(approved)
    assert gate(on, "Finance approval") == "passed"


def test_a_locked_opportunity_holds_up_no_legal_case(on: SalesforceStage, approved: str) -> None:
    for who, words in (
        ("erin", "confidence Green: all but one"),
        ("erin", "stage SOW_WIP"),
        ("erin", f"sow {NEXT_SOW}"),
        ("ravi", "rdm approve"),
        ("erin", "submit"),
        ("rhea", "revenue approve"),
    ):
        on.bot.world.add_note(who, 1, f"/ps {words}")
        assert until(lambda: on.bot.world.deliveries_idle(10) and on.bot.waiting() == 1), "the one that is held up"
    on.bot.world.add_note("dana", 1, "/ps approve")
    (case,) = on.world.of_kind("Case")
    assert until(lambda: NEXT_SOW in on.world.value(case.id, "Description"))
    assert on.world.records[approved].is_locked


# -- somebody else at the same time


def test_what_somebody_wrote_while_ours_was_held_up_stays(on: SalesforceStage) -> None:
    ident = on.opportunity(kind="Standard")
    on.begin(ident)
    on.world.trouble("update", code="UNABLE_TO_LOCK_ROW", status=400, times=1)
    on.bot.world.add_note("erin", 1, "/ps confidence Green")
    assert until(lambda: on.world.count("update") > 0)
    on.world.change(ident, **{RATIONALE: "somebody else's words"})
    assert on.bot.quiet()
    assert on.world.value(ident, RATIONALE) == "somebody else's words"


def test_emptied_as_the_comment_says_it_is_written_also_where_the_bot_had_written_before(on: SalesforceStage) -> None:
    ident = on.opportunity(kind="Standard")
    on.begin(ident)
    say(on, ("erin", "estimate 62000 USD ff"))
    on.change(ident, **{VALUE: Decimal(50000)})
    say(on, ("erin", "estimate 70000 USD ff"))
    assert on.world.value(ident, VALUE) == Decimal(50000)
    assert sum("says something else" in note for note in spoken(on.bot.world)) == 1
    on.change(ident, **{VALUE: None})
    assert on.world.value(ident, VALUE) == Decimal(70000)


# -- the front door


@pytest.mark.parametrize(
    "values",
    [
        {"account": "A" * 255},
        {"account": "Globex\nAG"},
        {"Customer_Folder_URL__c": "https://[bad"},
        {"Customer_Folder_URL__c": "https://example.com/" + "x" * 200},
    ],
)
def test_what_no_calculator_would_send_is_left_out_or_made_to_fit(on: SalesforceStage, values: dict[str, str]) -> None:
    on.tell(on.opportunity(**values))
    assert len(issues(on.bot.world)) == 2
    assert on.bot.metric("psplan_deliveries_dead") == 0


def test_an_opportunity_that_was_won_long_ago_begins_nothing(on: SalesforceStage) -> None:
    on.tell(on.opportunity(StageName="Closed Won"))
    assert issues(on.bot.world) == []


def test_a_submission_that_joined_stays_there_and_another_one_stays_apart(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.tell(ident)
    on.begin(ident, submission_id=ID)
    assert len(issues(on.bot.world)) == 2
    revise(on, on.opportunity(kind="Standard"), customer_name="Globex Europe")
    assert len(issues(on.bot.world)) == 2
    on.begin(ident, customer_name="Another request")
    assert len(issues(on.bot.world)) == 4


# -- a file that would do harm


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        ("writes: {confidence: Scoping_Issue_Link__c}", "is written as"),
        ("writes: {confidence: StageName}", "is read as `stage`"),
        ("writes: {services_value: proserve_amount__c}", "is filled from the quote"),
        ("writes: {engagement_manager: OwnerId}\n  users: [OwnerId]", "names no user"),
        ("users: [Nobody__c]", "is none of `writes`"),
        ("reads: {finance: null}", "does not name one"),
        ('finance: {comment: "{secret}"}', "holds {secret}"),
    ],
)
def test_a_file_that_would_do_harm_is_refused(own: str, fault: str, tmp_path: Path) -> None:
    with pytest.raises(FileFaults, match=fault.replace("{", r"\{").replace("}", r"\}")):
        check_methodology(own_methodology(tmp_path, f"salesforce:\n  {own}\n"))


def test_of_labels_only_stages_are_taken_off(tmp_path: Path) -> None:
    methodology = own_methodology(tmp_path, 'salesforce: {stage_label: "{stage}"}')
    with salesforce_stage(tmp_path, methodology=methodology) as on:
        ident = on.opportunity(kind="Standard")
        on.begin(ident)
        on.change(ident, StageName="4-Proposal")
        assert "Services Calculator" in issues(on.bot.world)[0][2]
