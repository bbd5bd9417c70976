"""Who acts: chosen at the top of a page, never by another site."""

from __future__ import annotations

import pytest

from app.sandbox import World

from .browser import ISSUE, ORIGIN, Browser, flash_of


def test_a_visitor_is_the_account_executive_until_they_choose(browser: Browser, world: World) -> None:
    browser.post(f"{ISSUE}/notes", {"body": "As Alice"})
    browser.be("erin").post(f"{ISSUE}/notes", {"body": "As Erin"})
    assert [world.user(note.author_id).username for note in world.notes_of(1)] == ["alice", "erin"]


def test_switching_leads_back_and_says_who_acts_now(browser: Browser) -> None:
    page = browser.post("/-/people/switch", {"person": "dana", "back": ISSUE})
    assert page.url.path == ISSUE
    assert flash_of(page) == ("done", "You act as Dana Diaz now (director of professional services).")
    assert flash_of(browser.get(ISSUE)) is None


@pytest.mark.parametrize("username", ["nobody", "ps-bot", "", "outsider"])
def test_only_members_who_are_people_can_be_chosen(browser: Browser, world: World, username: str) -> None:
    world.add_user("outsider")
    assert browser.post("/-/people/switch", {"person": username, "back": "/"}).status_code == 404
    assert "<b>Alice Archer</b>" in browser.get("/").text


@pytest.mark.parametrize("back", ["https://evil.example/", "//evil.example/", "/\\evil.example", "", "evil"])
def test_switching_never_leads_to_another_site(browser: Browser, back: str) -> None:
    assert str(browser.post("/-/people/switch", {"person": "erin", "back": back}).url) == f"{ORIGIN}/"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Origin": ORIGIN, "Sec_Fetch_Site": "same-origin"}, 200, id="own page"),
        pytest.param({}, 200, id="no browser"),
        pytest.param({"Sec_Fetch_Site": "none", "Origin": ORIGIN}, 200, id="reloaded by the person"),
        pytest.param({"Sec_Fetch_Site": "cross-site"}, 403, id="another site"),
        pytest.param({"Sec_Fetch_Site": "same-site", "Origin": "http://127.0.0.1:1"}, 403, id="another port"),
        pytest.param({"Origin": "https://evil.example"}, 403, id="another origin"),
        pytest.param({"Origin": "null"}, 403, id="hidden origin"),
    ],
)
def test_forms_of_other_sites_are_refused(browser: Browser, world: World, headers: dict[str, str], status: int) -> None:
    assert browser.post(f"{ISSUE}/notes", {"body": "x"}, **headers).status_code == status
    assert len(world.notes_of(1)) == (1 if status == 200 else 0)


@pytest.mark.parametrize("cookie", ["x", "MQ==", "WzFd", "WyJkb25lIl0=", "eyJhIjoxfQ==", "%00"])
def test_a_spoilt_message_cookie_is_ignored(browser: Browser, cookie: str) -> None:
    page = browser.get("/", Cookie=f"psplan_sandbox_flash={cookie}")
    assert (page.status_code, flash_of(page)) == (200, None)
