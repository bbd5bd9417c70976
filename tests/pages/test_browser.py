"""The pages in a real browser: no serious fault of accessibility, no sideways scrolling, and keys are enough."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Page

from tests.chromium import assert_good, chromium, needs_chromium, page, tab_to

from .conftest import Site

__all__ = ["chromium", "page"]

pytestmark = needs_chromium
PAGES = ("/", "/engagements/{ident}", "/reports", "/deliveries", "/deliveries/1", "/process", "/commands")


@pytest.mark.parametrize("path", PAGES)
def test_a_page_has_no_serious_fault_of_accessibility_and_fits(path: str, page: Page, site: Site) -> None:
    assert_good(page, site.url + path.replace("{ident}", site.some()[0]))


def test_keys_are_enough_to_come_from_the_pipeline_to_a_delivery(chromium: Browser, site: Site) -> None:
    page = chromium.new_page()
    page.goto(site.url)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    page.keyboard.press("Enter")
    tab_to(page, "a.customer")
    name = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_selector("h1")
    assert name in page.inner_text("h1")
    tab_to(page, ".timeline a")
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
