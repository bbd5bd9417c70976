"""The sandbox's pages in a real browser, with an engagement that the bot has begun: fit to be used, by keys as well."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest
from playwright.sync_api import Browser as Chromium
from playwright.sync_api import Page

from app.background import BackgroundServer
from app.main import create_app
from app.sandbox.page_frame import PERSON_COOKIE
from app.sandbox.pages import page_routes
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.chromium import assert_good, chromium, needs_chromium, page, tab_to
from tests.harness import Stage, add_hook, settings_for, submission, until

from .browser import BOARDS, HOOKS, ISSUE, ISSUES

__all__ = ["chromium", "page"]

pytestmark = needs_chromium


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Stage, str]]:
    """A bot with an engagement under way, and where the sandbox's pages are."""
    world = World(hook_delay_s=0.0)
    with SandboxServer(world, extra_routes=page_routes(world)) as sandbox, httpx.Client(timeout=10) as client:
        app = create_app(settings_for(tmp_path_factory.mktemp("bot"), sandbox.url))
        with BackgroundServer(app) as service:
            add_hook(world, service.url)
            running = Stage(world, service.url, client)
            running.submit(submission())
            world.add_note("erin", 1, "/ps next\n/ps nonsense")
            assert running.quiet()
            yield running, sandbox.url


@pytest.mark.parametrize("path", ["/", ISSUES, ISSUE, f"{ISSUES}/2", BOARDS, HOOKS])
def test_a_page_has_no_serious_fault_of_accessibility_and_fits(path: str, page: Page, on: tuple[Stage, str]) -> None:
    assert_good(page, on[1] + path)


def test_a_comment_is_written_by_keys_and_the_bots_answer_is_seen(chromium: Chromium, on: tuple[Stage, str]) -> None:
    running, url = on
    context = chromium.new_context()
    context.add_cookies([{"name": PERSON_COOKIE, "value": "erin", "url": url}])
    opened = context.new_page()
    opened.goto(url + ISSUE)
    tab_to(opened, "textarea")
    opened.keyboard.type("/ps answer users_current 800")
    tab_to(opened, "button")
    opened.keyboard.press("Enter")
    opened.wait_for_selector("text=/ps answer users_current 800")
    assert running.quiet()
    assert until(lambda: "800" in (running.world.issue(1).description or ""))
    opened.reload()
    assert "800" in opened.inner_text("main")
    context.close()
