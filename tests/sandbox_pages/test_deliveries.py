"""What a newcomer sees of the bot: deliveries, news without reloading, files."""

from __future__ import annotations

import re

import pytest

from app.sandbox import AccessLevel, World
from tests.contract.receiver import FakeClock, Receiver

from .browser import HOOKS, ISSUE, Browser, Ear, flash_of, words_of


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


def test_deliveries_tell_a_guest_only_of_what_a_guest_may_read(browser: Browser, world: World, ear: Ear) -> None:
    world.add_user("gina", name="Gina Guest", level=AccessLevel.GUEST)
    world.add_note("erin", 1, "for everybody")
    world.add_note("erin", 1, "for the team", internal=True)
    world.create_issue("erin", title="secret", confidential=True)
    assert len(ear.told()) == 3
    assert len(re.findall("Erin Engel", words_of(browser.get(HOOKS)))) == 3
    browser.be("gina")
    for path in (HOOKS, ISSUE, "/"):
        assert "for everybody" in browser.get(path).text
        assert "for the team" not in browser.get(path).text
    numbers = {number: browser.get(f"{HOOKS}/1/hook_logs/{number}").status_code for number in world.hook_logs}
    assert sorted(numbers.values()) == [200, 404, 404]


def test_a_bot_that_does_not_answer_is_shown_as_such(browser: Browser, world: World) -> None:
    with Receiver() as receiver:
        url = receiver.url
    world.add_hook("root", url, issues_events=True)
    world.update_issue("erin", 1, add_labels=["proposal::SOW_WIP"])
    assert world.deliveries_idle(5)
    assert "no answer Issue update labels #1 Erin Engel" in words_of(browser.get(HOOKS))


def test_what_nobody_sees_of_a_comment_is_not_in_its_beginning(browser: Browser, world: World) -> None:
    with Receiver() as receiver:
        world.add_hook("root", receiver.url, note_events=True)
        world.add_note("erin", 1, "<!-- psplan:reply:3 -->\n\n`/ps next`: It is at **Strawman** now.")
        assert world.deliveries_idle(5)
    assert "Note create `/ps next`: It is at **Strawman** now. #1" in words_of(browser.get(HOOKS))


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
