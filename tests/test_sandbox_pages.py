"""The web pages of the sandbox: every form does what it says, as the person chosen and with that person's rights."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import Iterator
from datetime import date

import httpx
import pytest

from app.sandbox import AccessLevel, World, create_sandbox_app
from app.sandbox.pages import page_routes
from tests.contract.receiver import FakeClock, Receiver

ORIGIN = "http://127.0.0.1:8929"
ISSUES = "/ps/ps-plan/-/issues"
ISSUE = f"{ISSUES}/1"
BOARDS = "/ps/ps-plan/-/boards"
HOOKS = "/ps/ps-plan/-/hooks"


class Browser:
    """Asks the pages for things as a browser does: with cookies, and following redirects."""

    def __init__(self, world: World) -> None:
        self._app = create_sandbox_app(world, extra_routes=page_routes(world))
        self._cookies = httpx.Cookies()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._ask("GET", path, headers)

    def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        return self._ask("POST", path, headers, fields)

    def be(self, username: str) -> Browser:
        assert self.post("/-/people/switch", {"person": username, "back": "/"}).status_code == 200
        return self

    def _ask(
        self, method: str, path: str, headers: dict[str, str], fields: dict[str, str] | None = None
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}

        async def ask() -> httpx.Response:
            # An error in a page is to fail the test.
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url=ORIGIN, cookies=self._cookies, follow_redirects=True
            ) as client:
                answer = await client.request(method, path, headers=sent, data=fields)
                self._cookies = client.cookies
                return answer

        return asyncio.run(ask())


def words_of(page: httpx.Response) -> str:
    """What a reader sees, blanks made one."""
    body = page.text.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def flash_of(page: httpx.Response) -> tuple[str, str] | None:
    """Mood and words of the message on top of a page."""
    found = re.search(r'<div class="flash (\w+)" role="status">.*?<span>(.*?)</span>', page.text, re.DOTALL)
    return (found[1], html.unescape(found[2])) if found else None


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world(clock: FakeClock) -> Iterator[World]:
    world = World(clock=clock, base_url=ORIGIN, hook_delay_s=0.0)
    world.create_label("root", "proposal::SOW_WIP", color="#8e44ad")
    world.create_issue("alice", title="Acme - Scope", description="Please scope this.")
    yield world
    world.close()


class Ear:
    """What the hooks of a world were told: event, acting user and action, in no order of their own."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self._world = world
        self._receiver = receiver

    def told(self) -> list[tuple[str, str, str]]:
        assert self._world.deliveries_idle(5)
        return sorted((each.event, each.body["user"]["username"], each.action) for each in self._receiver.deliveries)

    def forget(self) -> None:
        assert self._world.deliveries_idle(5)
        self._receiver.deliveries.clear()


@pytest.fixture
def ear(world: World) -> Iterator[Ear]:
    kinds = ("issues_events", "confidential_issues_events", "note_events", "confidential_note_events")
    with Receiver() as receiver:
        world.add_hook("root", receiver.url, push_events=False, **dict.fromkeys(kinds, True))
        yield Ear(world, receiver)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)


# Looking


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


# Who acts


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


# Comments


def test_a_comment_is_written_and_told_as_the_person(browser: Browser, world: World, ear: Ear) -> None:
    page = browser.be("tara").post(f"{ISSUE}/notes", {"body": "Looks **fine**"})
    assert (page.status_code, page.url.path, page.url.fragment) == (200, ISSUE, "note_1")
    assert "<strong>fine</strong>" in page.text
    assert ear.told() == [("Note Hook", "tara", "create")]


def test_a_comment_of_commands_alone_is_answered_by_a_message(browser: Browser, world: World, ear: Ear) -> None:
    page = browser.be("erin").post(f"{ISSUE}/notes", {"body": '/label ~"proposal::SOW_WIP"\n/merge'})
    assert flash_of(page) == ("done", "Added ~proposal::SOW_WIP label. Could not apply merge command.")
    assert (world.notes, world.label_titles(world.issue(1))) == ({}, ["proposal::SOW_WIP"])
    assert ear.told() == [("Issue Hook", "erin", "update")]


def test_commands_within_a_comment_are_carried_out_and_cut_out(browser: Browser, world: World) -> None:
    page = browser.be("erin").post(f"{ISSUE}/notes", {"body": "Mine.\r\n\r\n/assign me"})
    assert flash_of(page) == ("done", "Assigned @erin.")
    assert world.notes[1].body == "Mine."
    assert world.issue(1).assignee_ids == [world.user("erin").id]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        pytest.param("/merge", "Could not apply merge command.", id="nothing applied"),
        pytest.param(" \r\n ", "Write something first.", id="blank"),
        pytest.param("x" * 1_000_001, "Note", id="too long"),
    ],
)
def test_a_refused_comment_is_told_and_its_words_are_kept(browser: Browser, body: str, reason: str) -> None:
    page = browser.post(f"{ISSUE}/notes", {"body": body})
    mood, words = flash_of(page) or ("", "")
    assert (page.status_code, mood, words.startswith(reason)) == (400, "refused", True)
    assert f"{body.strip()}</textarea>" in page.text


def test_a_comment_can_be_internal(browser: Browser, world: World) -> None:
    browser.be("erin").post(f"{ISSUE}/notes", {"body": "quiet", "internal": "yes"})
    assert world.notes[1].internal


@pytest.mark.parametrize("body", ["Not this year.", ""])
def test_the_close_button_closes_with_or_without_words(browser: Browser, world: World, body: str) -> None:
    page = browser.be("dana").post(f"{ISSUE}/notes", {"body": body, "then": "close"})
    assert (world.issue(1).is_open, [note.body for note in world.notes_of(1)]) == (False, [body] if body else [])
    assert 'value="reopen">Open it again' in page.text
    browser.post(f"{ISSUE}/notes", {"body": "", "then": "reopen"})
    assert world.issue(1).is_open


def test_an_own_comment_can_be_edited_and_deleted(browser: Browser, world: World) -> None:
    world.add_note("alice", 1, "Helo")
    assert ">Helo</textarea>" in browser.get(f"{ISSUE}/notes/1/edit").text
    page = browser.post(f"{ISSUE}/notes/1", {"body": "Hello"})
    assert (world.notes[1].body, ", edited" in page.text) == ("Hello", True)
    browser.post(f"{ISSUE}/notes/1/delete")
    assert world.notes == {}


def test_a_comment_of_somebody_else_can_neither_be_edited_nor_deleted(browser: Browser, world: World) -> None:
    world.add_note("alice", 1, "Mine")
    browser.be("erin")
    assert f"{ISSUE}/notes/1/" not in browser.get(ISSUE).text
    assert browser.get(f"{ISSUE}/notes/1/edit").status_code == 403
    assert browser.post(f"{ISSUE}/notes/1", {"body": "Yours"}).status_code == 403
    assert browser.post(f"{ISSUE}/notes/1/delete").status_code == 403
    assert world.notes[1].body == "Mine"


@pytest.mark.parametrize("note", ["", "1"])
def test_a_reaction_is_given_and_taken_back_by_the_same_button(browser: Browser, world: World, note: str) -> None:
    world.add_note("erin", 1, "Done")
    fields = {"name": "tada", "note": note}
    assert "🎉 1 tada by Alice Archer" in words_of(browser.post(f"{ISSUE}/reactions", fields))
    assert [award.note_id for award in world.awards.values()] == [int(note) if note else None]
    browser.post(f"{ISSUE}/reactions", fields)
    assert world.awards == {}


# Labels, people, dates, links


def test_labels_are_added_and_removed_and_shown_in_two_halves(browser: Browser, world: World, ear: Ear) -> None:
    page = browser.be("erin").post(f"{ISSUE}/labels", {"add": "proposal::SOW_WIP"})
    assert 'style="--chip:#8e44ad;--chip-ink:#fff"' in page.text
    assert "<b>proposal</b><i>SOW_WIP</i>" in page.text
    browser.post(f"{ISSUE}/labels", {"add": "quite new"})
    assert world.label_titles(world.issue(1)) == ["proposal::SOW_WIP", "quite new"]
    browser.post(f"{ISSUE}/labels", {"remove": "proposal::SOW_WIP"})
    assert world.label_titles(world.issue(1)) == ["quite new"]
    assert ear.told() == [("Issue Hook", "erin", "update")] * 3


def test_every_known_label_is_offered(browser: Browser) -> None:
    assert '<option value="proposal::SOW_WIP">' in browser.get(ISSUE).text


@pytest.mark.parametrize(
    ("fields", "status", "reason"),
    [
        ({}, 400, "Choose a label first."),
        ({"add": "bug"}, 200, "It has the label bug already."),
        ({"add": "bug,"}, 200, "Nothing changed."),
    ],
)
def test_a_label_form_without_effect_says_so(
    browser: Browser, world: World, fields: dict[str, str], status: int, reason: str
) -> None:
    world.update_issue("erin", 1, labels=["bug"])
    page = browser.post(f"{ISSUE}/labels", fields)
    mood, words = flash_of(page) or ("", "")
    assert (page.status_code, mood, words.startswith(reason)) == (status, "refused", True)


def test_assignee_due_date_and_confidentiality_are_set_and_taken_back(browser: Browser, world: World) -> None:
    issue = world.issue(1)
    browser.post(f"{ISSUE}/assignee", {"person": "tara"})
    browser.post(f"{ISSUE}/due", {"due": "2026-11-23"})
    page = browser.post(f"{ISSUE}/confidential", {"confidential": "yes"})
    assert (issue.assignee_ids, issue.due_date) == ([world.user("tara").id], date(2026, 11, 23))
    assert issue.confidential
    assert "due tomorrow" in words_of(page)
    browser.post(f"{ISSUE}/assignee", {"person": ""})
    browser.post(f"{ISSUE}/due", {"due": ""})
    browser.post(f"{ISSUE}/confidential", {"confidential": "no"})
    assert (issue.assignee_ids, issue.due_date) == ([], None)
    assert not issue.confidential


@pytest.mark.parametrize(
    ("form", "fields", "status"),
    [
        ("due", {"due": "tomorrow"}, 400),
        ("assignee", {"person": "nobody"}, 404),
        ("links", {"target": "x"}, 400),
        ("links", {"target": "1"}, 400),
        ("links", {"target": "9" * 30}, 400),
        ("state", {"then": "explode"}, 400),
        ("reactions", {"name": ""}, 400),
        ("tasks", {"line": "0"}, 409),
        ("notes/7/delete", {}, 404),
    ],
)
def test_senseless_input_is_refused_on_the_page_itself(
    browser: Browser, form: str, fields: dict[str, str], status: int
) -> None:
    page = browser.post(f"{ISSUE}/{form}", fields)
    assert (page.status_code, (flash_of(page) or ("", ""))[0]) == (status, "refused")
    assert "<h1>Acme - Scope</h1>" in page.text


def test_issues_are_linked_and_unlinked(browser: Browser, world: World) -> None:
    world.create_issue("erin", title="Acme - Intake")
    assert "Acme - Intake #2" in words_of(browser.post(f"{ISSUE}/links", {"target": "#2"}))
    browser.post(f"{ISSUES}/2/links/1/delete")
    assert world.links == {}


def test_a_guest_sees_no_form_that_the_role_forbids(browser: Browser, world: World) -> None:
    world.add_user("gina", name="Gina Guest", level=AccessLevel.GUEST)
    page = browser.be("gina").get(ISSUE)
    for form in ("labels", "assignee", "due", "confidential", "edit"):
        assert f"{ISSUE}/{form}" not in page.text
    assert f'action="{ISSUE}/notes"' in page.text


@pytest.mark.parametrize(
    ("form", "fields"),
    [
        ("labels", {"add": "proposal::SOW_WIP"}),
        ("assignee", {"person": "gina"}),
        ("due", {"due": "2026-12-01"}),
        ("confidential", {"confidential": "yes"}),
        ("state", {"then": "close"}),
        ("answers", {"x": "y"}),
        ("edit", None),
    ],
)
def test_a_guest_who_tries_all_the_same_is_refused(
    browser: Browser, world: World, form: str, fields: dict[str, str] | None
) -> None:
    world.add_user("gina", name="Gina Guest", level=AccessLevel.GUEST)
    before = repr(world.issue(1))
    browser.be("gina")
    page = browser.get(f"{ISSUE}/{form}") if fields is None else browser.post(f"{ISSUE}/{form}", fields)
    assert page.status_code == 403
    assert "Gina Guest (guest) may not do that here." in page.text
    assert repr(world.issue(1)) == before


def test_what_the_world_drops_in_silence_is_said_aloud(browser: Browser, world: World) -> None:
    world.add_user("gina", name="Gina Guest", level=AccessLevel.GUEST)
    world.create_issue("gina", title="Her own")
    page = browser.be("gina").post(f"{ISSUES}/2/due", {"due": "2026-12-01"})
    mood, words = flash_of(page) or ("", "")
    assert (mood, words.startswith("Nothing changed.")) == ("refused", True)


# Writing


def test_an_issue_is_written_with_its_quick_actions(browser: Browser, world: World, ear: Ear) -> None:
    fields = {"title": " Globex ", "description": "Please.\r\n\r\n/assign @evan", "confidential": "yes"}
    page = browser.be("sam").post(ISSUES, fields)
    assert (page.url.path, flash_of(page)) == (f"{ISSUES}/2", ("done", "Created #2."))
    issue = world.issue(2)
    assert (issue.title, issue.description, issue.confidential) == ("Globex", "Please.", True)
    assert issue.assignee_ids == [world.user("evan").id]
    assert ear.told() == [("Confidential Issue Hook", "sam", "open")]


def test_a_new_issue_can_be_filled_in_by_its_address_as_on_gitlab(browser: Browser) -> None:
    page = browser.get(f"{ISSUES}/new?issue[title]=Acme&issue[description]=```x%0Ay```&issue[confidential]=true")
    assert 'value="Acme"' in page.text
    assert "```x\ny```</textarea>" in page.text
    assert 'value="yes" checked' in page.text


@pytest.mark.parametrize(
    ("title", "reason"), [("  ", "title can't be blank"), ("x" * 256, "title is too long (maximum is 255 characters)")]
)
def test_a_refused_issue_comes_back_as_it_was_written(browser: Browser, title: str, reason: str) -> None:
    page = browser.post(ISSUES, {"title": title, "description": "long\nwork"})
    assert (page.status_code, flash_of(page)) == (400, ("refused", reason))
    assert "long\nwork</textarea>" in page.text


def _was(page: httpx.Response) -> str:
    found = re.search(r'name="was" value="(\w+)"', page.text)
    assert found is not None
    return found[1]


def test_title_and_description_are_edited(browser: Browser, world: World, ear: Ear) -> None:
    page = browser.get(f"{ISSUE}/edit")
    assert ">Please scope this.</textarea>" in page.text
    page = browser.post(ISSUE, {"was": _was(page), "title": "Acme", "description": "New text"})
    assert flash_of(page) == ("done", "Saved.")
    assert (world.issue(1).title, world.issue(1).description) == ("Acme", "New text")
    assert ear.told() == [("Issue Hook", "alice", "update")]


def test_an_edit_does_not_overwrite_what_somebody_wrote_meanwhile(browser: Browser, world: World) -> None:
    was = _was(browser.get(f"{ISSUE}/edit"))
    world.update_issue("ps-bot", 1, description="The bot was here")
    page = browser.post(ISSUE, {"was": was, "title": "Acme", "description": "Mine"})
    assert (page.status_code, world.issue(1).description) == (409, "The bot was here")
    assert ">Mine</textarea>" in page.text
    browser.post(ISSUE, {"was": _was(page), "title": "Acme", "description": "Mine"})
    assert world.issue(1).description == "Mine"


def test_a_check_box_is_ticked_in_the_description(browser: Browser, world: World) -> None:
    world.update_issue("alice", 1, description="- [ ] one\n- [ ] two")
    page = browser.get(ISSUE)
    browser.post(f"{ISSUE}/tasks", {"line": "1", "was": _was(page)})
    assert world.issue(1).description == "- [ ] one\n- [x] two"
    again = browser.post(f"{ISSUE}/tasks", {"line": "0", "was": _was(page)})
    assert (again.status_code, world.issue(1).description) == (409, "- [ ] one\n- [x] two")


QUESTIONS = "| Question | Answer |\n|---|---|\n| **Users?** | **to-do** |\n| Tools? | to-do |"


def test_open_questions_are_answered_one_by_one(browser: Browser, world: World) -> None:
    world.update_issue("alice", 1, description=QUESTIONS)
    assert f"{ISSUE}/answers" in browser.get(ISSUE).text
    page = browser.get(f"{ISSUE}/answers")
    users, tools = re.findall(r'<input id="answer-\w+" name="(\w+)"', page.text)
    done = browser.post(f"{ISSUE}/answers", {users: " 950 ", tools: ""})
    assert flash_of(done) == ("done", "Answers written: 1.")
    assert world.issue(1).description == QUESTIONS.replace("**to-do**", "950")
    late = browser.post(f"{ISSUE}/answers", {users: "1", tools: "Jira"})
    assert flash_of(late) == ("done", "Answers written: 1. Answered by somebody else meanwhile: 1.")
    assert "to-do" not in (world.issue(1).description or "")
    assert "Every question has an answer" in words_of(browser.get(f"{ISSUE}/answers"))


def test_no_answer_at_all_is_refused(browser: Browser, world: World) -> None:
    world.update_issue("alice", 1, description=QUESTIONS)
    assert browser.post(f"{ISSUE}/answers", {}).status_code == 400


# Board


def columns(page: httpx.Response) -> dict[str, list[int]]:
    """The cards of each column that has some."""
    found: dict[str, list[int]] = {}
    for scope, key, body in re.findall(
        r'data-scope="(\w+)" data-column="([^"]+)".*?>(.*?)</section>', page.text, re.DOTALL
    ):
        cards = [int(card) for card in re.findall(r'data-card="(\d+)"', body)]
        if cards:
            found[f"{scope}/{key}"] = cards
    return found


def test_the_board_sorts_scoping_and_intake_issues_into_columns(browser: Browser, world: World) -> None:
    world.create_issue("erin", title="b", labels=["proposal::SOW_WIP", "Services Calculator"])
    world.create_issue("erin", title="c", labels=["proposal::Scoping"])
    world.create_issue("erin", title="d", labels=["proposal::SOW_WIP", "proposal::On_hold"])
    world.create_issue("erin", title="e", labels=["Project Scheduling Intake", "Intake::Draft"])
    world.create_issue("erin", title="f", labels=["Project Scheduling Intake"])
    world.create_issue("erin", title="g", labels=["Intake::Ready"])
    world.update_issue("erin", 7, state_event="close")
    assert columns(browser.get(BOARDS)) == {
        "proposal/open": [1],
        "proposal/proposal::SOW_WIP": [4, 2],
        "proposal/proposal::On_hold": [4],
        "proposal/proposal::Scoping": [3],
        "Intake/open": [6],
        "Intake/Intake::Draft": [5],
        "Intake/closed": [7],
    }


@pytest.mark.parametrize(
    ("labels", "is_open", "to", "labels_after", "is_open_after", "acts"),
    [
        pytest.param([], True, "proposal::SOW_WIP", ["proposal::SOW_WIP"], True, ["update"], id="first label"),
        pytest.param(
            ["bug", "proposal::On_hold", "proposal::X"],
            True,
            "proposal::Ready For Approval",
            ["bug", "proposal::Ready For Approval"],
            True,
            ["update"],
            id="another label, unknown before",
        ),
        pytest.param(["proposal::SOW_WIP"], True, "open", [], True, ["update"], id="to Open"),
        pytest.param(
            ["proposal::SOW_WIP"], True, "closed", ["proposal::SOW_WIP"], False, ["close", "update"], id="to Closed"
        ),
        pytest.param([], False, "proposal::SOW_WIP", ["proposal::SOW_WIP"], True, ["reopen", "update"], id="reopened"),
    ],
)
def test_moving_a_card_sets_label_and_state(
    browser: Browser,
    world: World,
    ear: Ear,
    labels: list[str],
    is_open: bool,
    to: str,
    labels_after: list[str],
    is_open_after: bool,
    acts: list[str],
) -> None:
    world.update_issue("erin", 1, labels=labels, state_event="reopen" if is_open else "close")
    ear.forget()
    page = browser.be("erin").post(f"{BOARDS}/move", {"iid": "1", "scope": "proposal", "to": to})
    assert (page.url.path, flash_of(page)) == (BOARDS, ("done", f"Moved #1 to {to}."))
    assert (world.label_titles(world.issue(1)), world.issue(1).is_open) == (labels_after, is_open_after)
    assert ear.told() == [("Issue Hook", "erin", act) for act in acts]


@pytest.mark.parametrize(
    "fields",
    [
        {"iid": "1", "scope": "proposal", "to": "bug"},
        {"iid": "1", "scope": "Segment", "to": "open"},
        {"iid": "x", "scope": "proposal", "to": "open"},
        {"scope": "proposal", "to": "open"},
    ],
)
def test_a_senseless_move_is_refused(browser: Browser, world: World, fields: dict[str, str]) -> None:
    assert browser.post(f"{BOARDS}/move", fields).status_code == 400
    assert world.labels_of(world.issue(1)) == []


def test_a_guest_cannot_move_the_card_of_another(browser: Browser, world: World) -> None:
    world.add_user("gina", level=AccessLevel.GUEST)
    page = browser.be("gina").post(f"{BOARDS}/move", {"iid": "1", "scope": "proposal", "to": "closed"})
    assert (page.status_code, world.issue(1).is_open) == (403, True)


# Deliveries and news


def test_a_newcomer_sees_that_a_comment_reached_the_bot(browser: Browser, world: World) -> None:
    with Receiver() as receiver:
        receiver.status = 202
        world.add_hook("root", receiver.url, token="s3cret", note_events=True, issues_events=True, push_events=False)
        browser.be("erin").post(f"{ISSUE}/notes", {"body": "/nothing\nHello bot"})
        assert world.deliveries_idle(5)
        page = browser.get(ISSUE)
        assert "202 Note create: /nothing Hello bot by Erin Engel just now , took" in words_of(page)
        assert f"active {receiver.url} issues, note" in words_of(browser.get(HOOKS))
        assert "202 Note create /nothing Hello bot #1 Erin Engel just now" in words_of(browser.get(HOOKS))
        detail = browser.get(f"{HOOKS}/1/hook_logs/1")
        assert "X-Gitlab-Event Note Hook" in words_of(detail)
        assert "s3cret" not in detail.text
        assert browser.post(f"{HOOKS}/1/hook_logs/1/retry").status_code == 403
        browser.be("root").post(f"{HOOKS}/1/hook_logs/1/retry")
        assert world.deliveries_idle(5)
        keys = [delivery.headers["Idempotency-Key"] for delivery in receiver.deliveries]
    assert len(keys) == 2
    assert keys[0] == keys[1]


def test_a_bot_that_does_not_answer_is_shown_as_such(browser: Browser, world: World) -> None:
    with Receiver() as receiver:
        url = receiver.url
    world.add_hook("root", url, issues_events=True)
    world.update_issue("erin", 1, add_labels=["proposal::SOW_WIP"])
    assert world.deliveries_idle(5)
    assert "no answer Issue update labels #1 Erin Engel" in words_of(browser.get(HOOKS))


def test_long_logs_have_pages(browser: Browser, world: World) -> None:
    with Receiver() as receiver:
        world.add_hook("root", receiver.url, issues_events=True)
        for number in range(31):
            world.update_issue("erin", 1, title=f"t{number}")
        assert world.deliveries_idle(10)
    assert words_of(browser.get(HOOKS)).count("Erin Engel") == 30
    assert words_of(browser.get(f"{HOOKS}?page=2")).count("Erin Engel") == 1
    assert browser.get(f"{HOOKS}?page=99").text == browser.get(f"{HOOKS}?page=2").text
    assert browser.get(f"{HOOKS}?page=x").status_code == 200


ACTS = {
    "comment": lambda world: world.add_note("erin", 1, "x"),
    "label": lambda world: world.update_issue("erin", 1, add_labels=["a"]),
    "title": lambda world: world.update_issue("erin", 1, title="b"),
    "assignee": lambda world: world.update_issue("erin", 1, assignee_ids=[world.user("erin").id]),
    "state": lambda world: world.update_issue("erin", 1, state_event="close"),
    "reaction": lambda world: world.react("erin", 1, "eyes"),
    "new issue": lambda world: world.create_issue("erin", title="c"),
    "label colour": lambda world: world.edit_label("erin", "proposal::SOW_WIP", color="#123456"),
    "hook": lambda world: world.add_hook("root", "http://127.0.0.1:9"),
}


@pytest.mark.parametrize("act", ACTS)
def test_the_version_changes_with_whatever_can_be_seen(
    browser: Browser, world: World, clock: FakeClock, act: str
) -> None:
    def version() -> str:
        return str(browser.get("/-/version").json()["version"])

    before = version()
    assert version() == before
    assert f'data-version="{before}"' in browser.get(ISSUE).text
    clock.advance(seconds=1)
    ACTS[act](world)
    assert version() != before


def test_a_look_of_the_script_leaves_the_message_for_the_reader(browser: Browser, world: World) -> None:
    world.add_note("alice", 1, "x")
    browser.post(f"{ISSUE}/notes/1/delete", X_Sandbox_Live="1")
    assert flash_of(browser.get(ISSUE, X_Sandbox_Live="1")) is None
    assert flash_of(browser.get(ISSUE)) == ("done", "Comment deleted.")
    assert flash_of(browser.get(ISSUE)) is None


def test_an_uploaded_file_is_saved_and_never_shown(browser: Browser, world: World) -> None:
    kept = world.upload("ps-bot", "sow ü.html", b"<script>alert(1)</script>")
    world.add_note("ps-bot", 1, f"[the SOW](</uploads/{kept.secret}/{kept.filename}>)")
    page = browser.get(ISSUE)
    found = re.search(r'href="(/-/project/2/uploads/[^"]+)"', page.text)
    assert found is not None
    answer = browser.get(found[1])
    assert (answer.status_code, answer.content) == (200, b"<script>alert(1)</script>")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
