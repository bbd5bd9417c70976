"""Labels, people, dates, states and links of an issue, and who may change them."""

from __future__ import annotations

from datetime import date

import pytest

from app.sandbox import AccessLevel, World

from .browser import ISSUE, ISSUES, Browser, Ear, flash_of, words_of


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
