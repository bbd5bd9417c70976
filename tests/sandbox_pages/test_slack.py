"""The page of the stand-in Slack: what was said is shown and does nothing, and its buttons are heard by the bot."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Page

from app.background import BackgroundServer
from app.sandbox.page_frame import PERSON_COOKIE
from app.sandbox.page_slack import SLACK_PATH
from app.sandbox.pages import page_routes
from app.sandbox.server import create_sandbox_app
from tests.chromium import assert_good, chromium, needs_chromium, page
from tests.slack_stage import MAIN, TA, SlackStage, slack_stage

__all__ = ["chromium", "page"]

HOSTILE = "Acme <script>alert(1)</script> <!channel> *x*"


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[SlackStage, str]]:
    """A bot that has asked for a review in Slack, and where the pages are."""
    with slack_stage(tmp_path_factory.mktemp("bot")) as stage:
        stage.slack.interactivity_url = f"{stage.bot.url}/webhooks/slack"
        stage.begin(customer_name=HOSTILE)
        stage.ask_for_ta_review()
        pages = create_sandbox_app(stage.gitlab, extra_routes=page_routes(stage.gitlab, slack=stage.slack))
        with BackgroundServer(pages) as server:
            yield stage, server.url


def seen(url: str, channel: str, person: str = "erin") -> str:
    return httpx.get(f"{url}{SLACK_PATH}", params={"channel": channel}, cookies={PERSON_COOKIE: person}).text


def press(on: tuple[SlackStage, str], person: str, action: str, **more: str) -> httpx.Response:
    stage, url = on
    post = stage.slack.in_channel(TA)[-1]
    answer = httpx.post(
        f"{url}{SLACK_PATH}",
        data={"place": post.channel, "ts": post.ts, "action": action, **more},
        cookies={PERSON_COOKIE: person},
    )
    stage.settle()
    return answer


def test_what_a_stranger_wrote_is_shown_as_it_is(on: tuple[SlackStage, str]) -> None:
    text = seen(on[1], MAIN)
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &lt;!channel&gt;" in text
    assert 'class="loud"' not in text
    assert '<b class="mention">@erin</b>: A new request for Professional Services' in text


def test_somebody_without_the_role_hears_so_alone(on: tuple[SlackStage, str]) -> None:
    assert press(on, "alice", "psplan_approve").status_code == 303
    assert "Only you can see this" in seen(on[1], TA, "alice")
    assert "Only you can see this" not in seen(on[1], TA, "tara")
    assert "TA::Approved" not in on[0].labels()


def test_a_button_that_is_not_there_cannot_be_pressed(on: tuple[SlackStage, str]) -> None:
    assert press(on, "tara", "psplan_nuke").status_code == 404
    assert press(on, "tara", "psplan_approve", ts="1.1").status_code == 404
    assert httpx.get(f"{on[1]}{SLACK_PATH}?channel=nowhere").status_code == 404


@needs_chromium
@pytest.mark.parametrize("channel", [MAIN, TA, "me"])
def test_it_has_no_serious_fault_of_accessibility_and_fits(
    channel: str, page: Page, on: tuple[SlackStage, str]
) -> None:
    assert_good(page, f"{on[1]}{SLACK_PATH}?channel={channel}")


def test_the_right_person_presses_and_it_is_so(on: tuple[SlackStage, str]) -> None:
    assert press(on, "tara", "psplan_approve").status_code == 303
    assert "approved by tara" in seen(on[1], TA)
    assert "TA::Approved" in on[0].labels()
