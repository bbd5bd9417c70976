"""Comments and reactions: written, edited, refused, as the person chosen."""

from __future__ import annotations

import pytest

from app.sandbox import World

from .browser import ISSUE, Browser, Ear, flash_of, words_of


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
