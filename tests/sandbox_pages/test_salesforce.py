"""The page of the stand-in Salesforce: what people do there the bot is told, and what the bot wrote is seen."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page

from app.background import BackgroundServer
from app.sandbox.outbound import OutboundSender
from app.sandbox.page_salesforce import SALESFORCE_PATH
from app.sandbox.pages import page_routes
from app.sandbox.server import create_sandbox_app
from tests.chromium import assert_good, chromium, needs_chromium, page
from tests.harness import issues
from tests.salesforce_stage import HOOK_TOKEN, SalesforceStage, salesforce_stage

__all__ = ["chromium", "page"]

HOSTILE = "Globex <script>alert(1)</script>"


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SalesforceStage, str]]:
    """A bot that Salesforce tells, and where the pages are."""
    with salesforce_stage(tmp_path_factory.mktemp("bot")) as stage:
        url = f"{stage.bot.url}/webhooks/salesforce?token={HOOK_TOKEN}"
        told = {"Opportunity": ("StageName",), "Case": ("PS_Plan_Id__c", "Status")}
        sender = OutboundSender(stage.world, url, told, client=stage.bot.client)
        world = stage.bot.world
        with BackgroundServer(create_sandbox_app(world, extra_routes=page_routes(world, salesforce=sender))) as server:
            yield stage, server.url


def do(on: tuple[SalesforceStage, str], what: str, **fields: str) -> httpx.Response:
    stage, url = on
    answer = httpx.post(f"{url}{SALESFORCE_PATH}/{what}", data=fields)
    assert stage.bot.quiet()
    return answer


def seen(on: tuple[SalesforceStage, str]) -> str:
    return httpx.get(f"{on[1]}{SALESFORCE_PATH}").text


@pytest.fixture(scope="module")
def ident(on: tuple[SalesforceStage, str]) -> str:
    """An opportunity that somebody made on the page."""
    assert "No opportunity yet" in seen(on)
    assert do(on, "create", customer=HOSTILE).status_code == 303
    (made,) = on[0].world.of_kind("Opportunity")
    return made.id


def test_what_is_made_here_begins_an_engagement_and_shows_its_issue(
    on: tuple[SalesforceStage, str], ident: str
) -> None:
    assert len(issues(on[0].bot.world)) == 2
    text = seen(on)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)" in text
    assert "/-/issues/1" in text
    assert ident in text


def test_a_stage_that_is_set_here_is_a_label_there(on: tuple[SalesforceStage, str], ident: str) -> None:
    assert do(on, "move", id=ident, stage="4-Proposal").status_code == 303
    assert "SFDC::4-Proposal" in issues(on[0].bot.world)[0][2]


@pytest.mark.parametrize(
    ("what", "fields", "status"),
    [
        ("move", {"stage": "4-Somewhere"}, 400),
        ("move", {"id": "006Aa0000000000IAA", "stage": "4-Proposal"}, 404),
        ("decide", {"word": "Approved"}, 404),
        ("case", {"status": "Stamped"}, 404),
    ],
)
def test_what_cannot_be_done_is_said(
    on: tuple[SalesforceStage, str], ident: str, what: str, fields: dict[str, str], status: int
) -> None:
    assert do(on, what, **{"id": ident, **fields}).status_code == status


@needs_chromium
def test_it_has_no_serious_fault_of_accessibility_and_fits(
    page: Page, on: tuple[SalesforceStage, str], ident: str
) -> None:
    assert_good(page, f"{on[1]}{SALESFORCE_PATH}")
