"""New issues, edited descriptions, ticked boxes and answered questions."""

from __future__ import annotations

import re

import httpx
import pytest

from app.sandbox import World

from .browser import ISSUE, ISSUES, Browser, Ear, flash_of, words_of


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
