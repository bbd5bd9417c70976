"""The pages in a real browser: no serious fault of accessibility, no sideways scrolling, and keys are enough."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from .conftest import Site

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IS_REQUIRED = os.environ.get("TEST_BROWSER") == "required"
pytestmark = pytest.mark.skipif(CHROMIUM is None and not IS_REQUIRED, reason="Chromium is not installed")
SIZES = {"desk": (1400, 900), "phone": (390, 844)}
PAGES = ("/", "/engagements/{ident}", "/reports", "/deliveries", "/deliveries/1", "/process", "/commands")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")], ids="-".join)
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    size, scheme = request.param
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_fault_of_accessibility_and_fits(path: str, page: Page, site: Site) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(site.url + path.replace("{ident}", site.some()[0]))
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    serious = [each for each in found.response["violations"] if each["impact"] in {"serious", "critical"}]
    assert [(each["id"], each["nodes"][0]["html"][:200]) for each in serious] == []
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth")


def test_keys_are_enough_to_come_from_the_pipeline_to_a_delivery(chromium: Browser, site: Site) -> None:
    page = chromium.new_page()
    page.goto(site.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    _tab_to(page, "a.customer")
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1")
    assert name in page.inner_text("h1")
    _tab_to(page, ".timeline a")
    page.keyboard.press("Enter")
    page.wait_for_selector("text=Run it again")
    assert page.inner_text("h1").startswith("Delivery")


def test_a_filter_is_used_by_keys_and_kept_in_the_address(chromium: Browser, site: Site) -> None:
    page = chromium.new_page()
    page.goto(site.url)
    page.get_by_label("Customer").focus()
    page.keyboard.type("bank")
    page.keyboard.press("Enter")
    page.wait_for_url("**words=bank**")
    names = page.locator("a.customer").all_inner_texts()
    assert names
    assert all("bank" in name.lower() for name in names)


def _tab_to(page: Page, selector: str) -> None:
    for _ in range(200):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no key leads to {selector}")
