"""Both sides at once: read fresh, written where it differs, never over somebody else's words, and swept."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from app.sandbox.salesforce_kinds import Field
from tests.harness import issues, own_methodology, spoken, submission, until
from tests.salesforce_stage import SalesforceStage, salesforce_stage

LINK, EM, VALUE = "Scoping_Issue_Link__c", "Engagement_Manager__c", "Professional_Services_Value__c"
RATIONALE, QUOTED = "EM_Confidence_Rationale__c", "Proserve_Amount__c"


@pytest.fixture
def on(tmp_path: Path) -> Iterator[SalesforceStage]:
    methodology = own_methodology(tmp_path, 'mail: {pattern: "{username}@example.com"}')
    with salesforce_stage(tmp_path, methodology=methodology) as staged:
        yield staged


def stages(on: SalesforceStage) -> list[set[str]]:
    return [{label for label in each[2] if label.startswith("SFDC::")} for each in issues(on.bot.world)]


def say(on: SalesforceStage, words: str) -> None:
    on.bot.world.add_note("erin", 1, words)
    assert on.bot.quiet()


def told(on: SalesforceStage, words: str) -> int:
    return sum(words in note for note in spoken(on.bot.world))


def test_a_message_is_a_hint_and_the_record_is_read(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.begin(ident)
    on.world.change(ident, StageName="5-Negotiating")
    on.tell(ident, StageName="4-Proposal")
    assert stages(on) == [{"SFDC::5-Negotiating"}] * 2


def test_an_opportunity_that_does_not_change_is_read_when_its_engagement_begins(on: SalesforceStage) -> None:
    ident = on.opportunity(kind="Standard", StageName="4-Proposal")
    on.begin(ident)
    assert stages(on) == [{"SFDC::4-Proposal"}] * 2


def test_a_new_opportunity_begins_an_engagement_with_what_salesforce_knows(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.tell(ident)
    assert issues(on.bot.world)[0][1] == "Globex AG - Scope Engagement and Write SOW"
    assert stages(on) == [{"SFDC::2-Scoping"}] * 2
    assert on.world.value(ident, LINK).endswith("/-/issues/1"), "and knows its issue"


def test_one_that_is_not_for_services_alone_begins_nothing(on: SalesforceStage) -> None:
    on.tell(on.opportunity(kind="Standard"))
    assert issues(on.bot.world) == []


def test_the_opportunity_knows_its_issue_its_em_and_its_value(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.begin(ident)
    say(on, "/ps estimate 62000 USD ff")
    say(on, "/ps confidence Green: budget is approved")
    assert on.world.value(ident, LINK).endswith("/-/issues/1")
    (erin,) = (each.id for each in on.world.of_kind("User") if each.values["Name"] == "Erin")
    assert on.world.value(ident, EM) == erin, "a user there, whom her e-mail finds"
    assert on.world.value(ident, VALUE) == Decimal(62000)
    assert on.world.value(ident, RATIONALE) == "Green: budget is approved"
    assert on.world.value(ident, QUOTED) is None


def test_only_what_differs_is_written(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.begin(ident)
    before = on.world.count("update")
    say(on, "/ps status")
    on.change(ident, StageName="3-Technical Evaluation")
    assert on.world.count("update") == before
    say(on, "/ps estimate 62000 USD ff")
    say(on, "/ps estimate 70000 USD ff")
    say(on, "/ps estimate 62000 USD ff")
    assert on.world.value(ident, VALUE) == Decimal(62000), "also what comes back to what it was"
    assert on.world.count("update") == before + 3


def test_what_somebody_else_wrote_stays_and_is_told_once(on: SalesforceStage) -> None:
    ident = on.opportunity(**{VALUE: Decimal(99000)})
    on.begin(ident)
    say(on, "/ps estimate 62000 USD ff")
    say(on, "/ps estimate 63000 USD ff")
    assert on.world.value(ident, VALUE) == Decimal(99000)
    assert told(on, f"in Salesforce `{VALUE}` says something else") == 1
    on.change(ident, **{VALUE: None})
    assert on.world.value(ident, VALUE) == Decimal(63000), "emptied, as the comment says"


def test_what_the_bot_wrote_it_changes_until_somebody_else_does(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.begin(ident)
    say(on, "/ps estimate 62000 USD ff")
    on.change(ident, **{VALUE: Decimal(50000)})
    say(on, "/ps estimate 70000 USD ff")
    assert on.world.value(ident, VALUE) == Decimal(50000)
    assert told(on, "says something else") == 1


def test_the_sweep_finds_what_no_message_told(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.begin(ident)
    on.sweep()
    on.world.change(ident, StageName="4-Proposal")
    on.opportunity(account="Initech")
    assert on.sweep()["done"]["opportunities"] == 2
    assert stages(on)[:2] == [{"SFDC::4-Proposal"}] * 2
    assert len(issues(on.bot.world)) == 4
    assert on.sweep()["done"]["opportunities"] == 1, "where the bot itself wrote the link of the new issue"
    before = on.bot.writes()
    assert on.sweep()["done"]["opportunities"] == 0
    assert on.bot.writes() == before


def test_the_sweep_looks_at_whatever_is_an_engagements_and_at_nothing_else(on: SalesforceStage) -> None:
    ident = on.opportunity(kind="Standard")
    on.begin(ident)
    on.sweep()
    on.world.change(ident, StageName="4-Proposal")
    for _ in range(5):
        on.opportunity(kind="Standard")
    assert on.sweep()["done"]["opportunities"] == 1
    assert stages(on) == [{"SFDC::4-Proposal"}] * 2


def test_a_change_of_half_the_organisation_is_gone_through_in_several_looks(
    on: SalesforceStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sweep.salesforce.MOST", 5)
    on.sweep()
    moment = on.world.clock()
    idents = [on.opportunity(account=f"Customer {number}") for number in range(8)]
    for number, ident in enumerate(idents):
        on.world.records[ident].changed_at = moment - 200 + 10 * number
    for _ in range(3):
        on.sweep()
    assert len(issues(on.bot.world)) == 16


def test_a_salesforce_that_does_not_answer_holds_up_no_issue(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.world.trouble("*", times=1000)
    outcome = on.bot.follow(on.bot.send(submission(sfdc_opportunity_url=ident)))
    assert outcome["state"] == "done"
    on.bot.world.add_note("erin", 1, "/ps next")
    assert on.bot.world.deliveries_idle(10)
    assert until(lambda: "proposal::Awaiting_Discovery" in issues(on.bot.world)[0][2])
    readiness = on.bot.client.get(f"{on.bot.url}/readyz").json()
    assert readiness["checks"]["salesforce"]["state"] in {"ok", "degraded"}


def test_a_revoked_session_is_replaced(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.begin(ident)
    on.app.revoke()
    on.change(ident, StageName="4-Proposal")
    assert stages(on) == [{"SFDC::4-Proposal"}] * 2


def test_a_record_that_another_transaction_holds_is_written_later(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.world.trouble("update", code="UNABLE_TO_LOCK_ROW", status=400, times=1)
    on.begin(ident)
    assert on.world.value(ident, LINK).endswith("/-/issues/1")


def test_a_field_that_is_not_there_is_a_dead_letter_and_stops_nothing_else(on: SalesforceStage) -> None:
    kind = on.world.kinds["Opportunity"]
    fields = tuple(each for each in kind.fields if each.name != RATIONALE)
    on.world.kinds["Opportunity"] = type(kind)(kind.name, kind.prefix, fields)
    ident = on.opportunity()
    assert isinstance(kind.field(RATIONALE), Field)
    on.begin(ident)
    assert on.bot.metric("psplan_deliveries_dead") >= 1
    say(on, "/ps next")
    assert "proposal::Awaiting_Discovery" in issues(on.bot.world)[0][2]


def test_a_stage_that_lags_behind_is_told_once_however_far_the_issue_goes(on: SalesforceStage) -> None:
    ident = on.opportunity()
    on.begin(ident)
    for state in ("strawman", "estimate_feedback", "SOW_WIP"):
        say(on, f"/ps stage {state}")
    assert told(on, "Salesforce is at `2-Scoping`") == 1


def test_two_opportunities_of_one_customer_are_two_engagements(on: SalesforceStage) -> None:
    one, other = on.opportunity(), on.opportunity()
    on.tell(one)
    on.tell(other)
    assert len(issues(on.bot.world)) == 4
    on.change(other, StageName="4-Proposal")
    assert stages(on) == [{"SFDC::2-Scoping"}] * 2 + [{"SFDC::4-Proposal"}] * 2
