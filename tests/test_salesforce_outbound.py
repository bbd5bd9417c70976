"""Salesforce drives: Outbound Messages, which come twice, late, in any order, in storms, or never."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.sandbox.outbound import LIFE_S, OutboundSender
from app.sandbox.salesforce import SalesforceWorld
from tests.harness import issues, spoken, status_of
from tests.salesforce_stage import HOOK_TOKEN, SalesforceStage, new_opportunity, salesforce_stage

TOLD = {"Opportunity": ("StageName", "SystemModstamp"), "Case": ("PS_Plan_Id__c", "Status")}


@pytest.fixture
def on(tmp_path: Path) -> Iterator[SalesforceStage]:
    with salesforce_stage(tmp_path) as staged:
        yield staged


@pytest.fixture
def sender(on: SalesforceStage) -> OutboundSender:
    url = f"{on.bot.url}/webhooks/salesforce?token={HOOK_TOKEN}"
    return OutboundSender(on.world, url, TOLD, client=on.bot.client)


def move(on: SalesforceStage, sender: OutboundSender, ident: str, **values: str) -> None:
    on.world.change(ident, **values)
    settle(on, sender)


def settle(on: SalesforceStage, sender: OutboundSender) -> None:
    """Until Salesforce has nothing more to tell, also of what the bot itself has written."""
    for _ in range(20):
        sender.send()
        assert on.bot.quiet()
        if not sender.waiting:
            return
    raise AssertionError("it never comes to rest")


def say(on: SalesforceStage, *said: tuple[str, str]) -> None:
    for who, words in said:
        on.bot.world.add_note(who, 1, f"/ps {words}")
        assert on.bot.quiet()


def labels(on: SalesforceStage, iid: int = 1) -> set[str]:
    return set(issues(on.bot.world)[iid - 1][2])


def told(on: SalesforceStage, words: str) -> int:
    return sum(words in note for note in spoken(on.bot.world))


def test_the_whole_engagement_is_driven_from_salesforce(on: SalesforceStage, sender: OutboundSender) -> None:
    ident = on.opportunity()
    settle(on, sender)
    assert [title for _, title, *_ in issues(on.bot.world)] == [
        "Globex AG - Scope Engagement and Write SOW",
        "Globex AG - Project Scheduling Intake",
    ]
    say(on, ("erin", "assign-em @erin"), ("erin", "stage strawman"), ("erin", "estimate 62000 USD ff"))
    move(on, sender, ident, StageName="4-Proposal")
    assert "SFDC::4-Proposal" in labels(on)
    assert told(on, "The opportunity has reached 4-Proposal") == 1
    say(on, ("tara", "ta approve"), ("erin", "stage SOW_WIP"), ("erin", "sow https://docs.google.com/document/d/2"))
    move(on, sender, ident, StageName="5-Negotiating")
    say(on, ("ravi", "rdm approve"), ("erin", "submit"), ("rhea", "revenue approve"), ("dana", "approve"))
    settle(on, sender)
    (case,) = on.world.of_kind("Case")
    on.world.decide(ident, Finance_Approval_Status__c="Approved")
    move(on, sender, case.id, Status="Stamped")
    assert "| Finance approval | passed |" in status_of(on.bot.world, 1)
    assert "| Legal stamp | passed |" in status_of(on.bot.world, 1)
    move(on, sender, ident, StageName="6-Awaiting Signature")
    assert told(on, "Delivery Prep begins") == 1
    move(on, sender, ident, StageName="7-Closing")
    move(on, sender, ident, StageName="Closed Won")
    assert {"proposal::Closed_Won", "SFDC::Closed Won"} <= labels(on)
    assert any(label.startswith("close_qtr::") for label in labels(on))
    assert on.world.value(ident, "Scoping_Issue_Link__c").endswith("/-/issues/1")
    assert on.world.value(ident, "Professional_Services_Value__c") == 62000
    assert on.bot.metric("psplan_deliveries_dead") == 0


def test_one_that_is_lost_there_is_lost_here(on: SalesforceStage, sender: OutboundSender) -> None:
    ident = on.opportunity()
    settle(on, sender)
    move(on, sender, ident, StageName="8-Closed Lost")
    assert {"proposal::Closed_Lost", "Lost::unknown"} <= labels(on)
    assert "Intake::Cancelled" in labels(on, 2)


def test_messages_in_any_order_end_at_what_is_so_now(on: SalesforceStage, sender: OutboundSender) -> None:
    ident = on.opportunity()
    settle(on, sender)
    for stage in ("3-Technical Evaluation", "4-Proposal", "5-Negotiating", "4-Proposal"):
        on.world.change(ident, StageName=stage)
    sender.send(order=lambda due: random.Random(7).sample(due, len(due)))
    assert on.bot.quiet()
    assert "SFDC::4-Proposal" in labels(on)
    assert not {"SFDC::5-Negotiating", "SFDC::3-Technical Evaluation"} & labels(on)


def test_a_storm_of_messages_about_one_record_asks_gitlab_and_salesforce_little(
    on: SalesforceStage, sender: OutboundSender
) -> None:
    ident = on.opportunity()
    settle(on, sender)
    on.sweep()
    writes, reads = on.bot.writes(), on.bot.world.count("GET", r"/issues/")
    for _ in range(250):
        on.world.change(ident, StageName="2-Scoping")
    assert sender.send() == 250
    assert on.bot.quiet()
    assert on.bot.writes() == writes
    assert on.bot.world.count("GET", r"/issues/") == reads, "what is known is no reason to look"
    assert told(on, "@") == 0


def test_while_the_bot_is_away_they_wait_and_are_taken_then(on: SalesforceStage) -> None:
    moment = [1_800_000_000.0]
    world = SalesforceWorld(clock=lambda: moment[0])
    world.add("RecordType", Name="Professional Services Only")
    ident = new_opportunity(world)
    answers = iter([503, 502, 500])

    def answer(request: httpx.Request) -> httpx.Response:
        status = next(answers, 200)
        return httpx.Response(status, text="<Ack>true</Ack>" if status == 200 else "")

    client = httpx.Client(transport=httpx.MockTransport(answer))
    sender = OutboundSender(world, "http://bot/", TOLD, client=client)
    world.change(ident, StageName="4-Proposal")
    taken = []
    for _ in range(8):
        taken.append(sender.send())
        moment[0] += 20.0
    assert taken == [0, 0, 0, 0, 0, 0, 1, 0], "after 15, 30 and 60 seconds"
    assert sender.answers == [503, 502, 500, 200]
    assert not sender.waiting


def test_what_nobody_takes_for_a_day_is_dropped() -> None:
    moment = [1_800_000_000.0]
    world = SalesforceWorld(clock=lambda: moment[0])
    world.add("RecordType", Name="Professional Services Only")
    client = httpx.Client(transport=httpx.MockTransport(lambda _: httpx.Response(503)))
    sender = OutboundSender(world, "http://bot/", TOLD, client=client)
    new_opportunity(world)
    for _ in range(int(LIFE_S / 600) + 20):
        sender.send()
        moment[0] += 600.0
    assert (len(sender.waiting), len(sender.dropped)) == (0, 1)
    assert len(sender.answers) < 40
