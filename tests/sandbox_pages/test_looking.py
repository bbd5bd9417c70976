"""What the pages show, and to whom."""

from __future__ import annotations

import re
from datetime import date

import pytest

from app.sandbox import AccessLevel, World
from tests.contract.receiver import FakeClock

from .browser import BOARDS, HOOKS, ISSUE, ISSUES, ORIGIN, Browser, words_of


@pytest.mark.parametrize("path", ["/", ISSUES, ISSUE, f"{ISSUES}/new", f"{ISSUE}/edit", BOARDS, HOOKS])
def test_every_page_says_that_it_is_a_sandbox_and_who_acts(browser: Browser, path: str) -> None:
    page = browser.get(path)
    assert page.status_code == 200
    assert "sandbox, not GitLab" in page.text
    assert "You act as</span> <b>Alice Archer</b>" in page.text


@pytest.mark.parametrize("path", ["/", ISSUES, ISSUE, BOARDS, HOOKS])
def test_pages_load_nothing_from_elsewhere(browser: Browser, path: str) -> None:
    page = browser.get(path)
    addresses = re.findall(r'(?:src|href)="([^"]*)"', page.text)
    assert addresses
    assert [address for address in addresses if not re.match(r"[/#?](?!/)", address)] == []
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for asset in ("pages.css", "pages.js", "icon.svg"):
        answer = browser.get(f"/-/static/{asset}")
        assert answer.status_code == 200
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", answer.text)


def test_the_page_of_an_issue_is_its_web_url(browser: Browser, world: World) -> None:
    page = browser.get(world.web_url(world.issue(1)).removeprefix(ORIGIN))
    assert page.status_code == 200
    assert "<h1>Acme - Scope</h1>" in page.text
    assert "Please scope this." in words_of(page)


def test_an_issue_shows_labels_people_dates_links_and_what_happened(
    browser: Browser, world: World, clock: FakeClock
) -> None:
    world.create_issue("ps-bot", title="Acme - Intake")
    world.link_issues("ps-bot", 1, 2)
    erin = world.user("erin")
    world.update_issue("erin", 1, add_labels=["proposal::SOW_WIP"], assignee_ids=[erin.id], due_date=date(2026, 11, 20))
    clock.advance(minutes=5)
    note = world.add_note("erin", 1, "Hello @alice").note
    assert note is not None
    world.react("alice", 1, "eyes", note_id=note.id)
    world.add_note("tara", 1, "Between us", internal=True)
    clock.advance(hours=2)
    world.update_issue("dana", 1, state_event="close", confidential=True)
    page = browser.get(ISSUE)
    for words in (
        "Confidential",
        "Closed",
        "opened 2 h ago by Alice Archer account executive",
        "Erin Engel added proposal SOW_WIP 2 h ago",
        "Erin Engel engagement manager 2 h ago",
        "Hello @alice",
        "internal",
        "👀 1 eyes by Alice Archer",
        "Dana Diaz closed this issue just now",
        "relates to Acme - Intake #2",
        "2 days overdue",
        "No webhook is set up, so nobody is told.",
    ):
        assert words in words_of(page), words
    activity = words_of(page).partition("Activity")[2]
    assert activity.index("SOW_WIP") < activity.index("Hello") < activity.index("Between us") < activity.index("closed")


def test_the_list_filters_by_state_label_and_words(browser: Browser, world: World) -> None:
    world.create_issue("erin", title="Globex <b> - Scope", labels=["proposal::SOW_WIP"])
    world.create_issue("erin", title="Initech - Scope")
    world.update_issue("erin", 3, state_event="close")

    def titles(query: str) -> list[str]:
        return re.findall(r'<h2><a href="[^"]+">(.*?)</a></h2>', browser.get(ISSUES + query).text)

    globex = "Globex &lt;b&gt; - Scope"
    assert titles("") == [globex, "Acme - Scope"]
    assert titles("?state=closed") == ["Initech - Scope"]
    assert titles("?state=all") == ["Initech - Scope", globex, "Acme - Scope"]
    assert titles("?label=proposal%3A%3ASOW_WIP") == [globex]
    assert titles("?state=all&search=initech") == ["Initech - Scope"]
    assert titles("?search=%231") == ["Acme - Scope"]
    assert titles("?label=none") == []


def test_a_hidden_issue_looks_absent(browser: Browser, world: World) -> None:
    world.add_user("gina", name="Gina Guest", level=AccessLevel.GUEST)
    world.update_issue("erin", 1, confidential=True)
    browser.be("gina")
    assert browser.get(ISSUE).status_code == 404
    assert "Acme" not in browser.get(ISSUES).text + browser.get(BOARDS).text + browser.get("/").text
    assert browser.post(f"{ISSUE}/notes", {"body": "x"}).status_code == 404


@pytest.mark.parametrize("path", ["/nowhere", f"{ISSUES}/99", f"{HOOKS}/1/hook_logs/1", "/-/project/2/uploads/a/b"])
def test_what_is_not_there_is_a_friendly_404(browser: Browser, path: str) -> None:
    page = browser.get(path)
    assert (page.status_code, "That did not work" in page.text) == (404, True)


@pytest.mark.parametrize(
    ("path", "end"),
    [
        ("/ps/ps-plan", ISSUES),
        ("/ps/ps-plan/-/work_items/1", ISSUE),
        (f"{ISSUE}/notes", ISSUE),
    ],
)
def test_other_addresses_lead_to_the_page(browser: Browser, path: str, end: str) -> None:
    assert browser.get(path).url.path == end


def test_hostile_text_is_inert_wherever_it_is_shown(browser: Browser, world: World) -> None:
    evil = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
    world.create_issue("alice", title=evil, description=evil, labels=[evil])
    world.add_note("alice", 2, evil)
    world.react("alice", 2, evil)
    world.create_label("root", f"proposal::{evil}", description=evil)
    world.create_issue("alice", title="other", labels=[f"proposal::{evil}"])
    world.link_issues("alice", 2, 3)
    user = world.add_user("mallory", name=evil, level=AccessLevel.DEVELOPER)
    world.update_issue("erin", 2, assignee_ids=[user.id])
    pages = [ISSUES, f"{ISSUES}?label={evil}&search={evil}", f"{ISSUES}/2", f"{ISSUES}/2/edit", BOARDS, "/", f"/{evil}"]
    for path in pages:
        page = browser.get(path)
        assert not re.search(
            r"<script(?! src=\"/-/static/pages.js\" defer>)|<img(?! src=\"/-/static/icon.svg\")", page.text
        )
    assert not re.search("<script>|<img src=x", browser.post(f"{ISSUES}/2/labels", {"remove": evil}).text)
