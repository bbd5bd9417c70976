"""Debian's Chromium, driven by Playwright: sizes, colour schemes, and what every page has to stand.

`TEST_BROWSER=required`: a machine without it fails instead of skipping.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
IS_REQUIRED = os.environ.get("TEST_BROWSER") == "required"
needs_chromium = pytest.mark.skipif(CHROMIUM is None and not IS_REQUIRED, reason="Chromium is not installed")
SIZES = {"desk": (1400, 900), "phone": (390, 844)}
LOOKS = [(size, scheme) for size in SIZES for scheme in ("light", "dark")]
MOST_TABS = 200


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(params=LOOKS, ids="-".join)
def page(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    size, scheme = request.param
    width, height = SIZES[size]
    context = chromium.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    yield context.new_page()
    context.close()


def assert_good(page: Page, url: str) -> None:
    """No serious fault of accessibility, no complaint of the browser, no sideways scrolling."""
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.goto(url)
    found = Axe().run(page, options={"resultTypes": ["violations"]})
    serious = [each for each in found.response["violations"] if each["impact"] in {"serious", "critical"}]
    told = [f"{each['id']}: {node['html'][:200]}" for each in serious for node in each["nodes"][:3]]
    if not page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"):
        told.append("it scrolls sideways")
    told += complaints
    assert not told, "\n".join(told)


def tab_to(page: Page, selector: str) -> None:
    """By the tabulator key, as somebody without a mouse."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        if page.evaluate("selector => document.activeElement.matches(selector)", selector):
            return
    raise AssertionError(f"no key leads to {selector}")
