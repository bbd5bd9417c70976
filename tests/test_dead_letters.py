"""A dead letter is said where it hurts, once; it holds up nobody; run again or overcome, that is taken back."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.actions import React, Say
from app.events import CommentPosted, Parked
from app.sandbox.faults import Fault, FaultKind
from app.snapshot import Needs
from handlers.parked import on_parked
from tests.drafts import playbook
from tests.harness import Stage, spoken, stage, submission
from tests.talks import BEGIN, begun

PUT = r"/issues/\d+$"


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        running.submit(submission())
        assert running.quiet()
        yield running


def parked(on: Stage) -> list[str]:
    return [body for body in spoken(on.world) if "psplan:parked" in body]


def refuse_changes(on: Stage) -> None:
    on.world.faults.add(Fault("PUT", PUT, FaultKind.STATUS, status=403))


def say(on: Stage, by: str, text: str) -> int:
    note = on.world.add_note(by, 1, text).note
    assert note is not None
    assert on.quiet()
    return note.id


def emoji(on: Stage, note_id: int) -> list[str]:
    return sorted(each.name for each in on.world.awards.values() if each.note_id == note_id)


def test_a_comment_that_could_not_be_carried_out_is_answered_so_with_the_reason(on: Stage) -> None:
    refuse_changes(on)
    note = say(on, "erin", "/ps next")
    (told,) = parked(on)
    assert "@erin, I could not carry this out: `/ps next`" in told
    assert "GitLab answered 403 to PUT issue" in told
    assert "x" in emoji(on, note)


def test_a_change_of_an_issue_that_could_not_be_followed_is_said_on_it_and_taken_back_after_the_next_one(
    on: Stage,
) -> None:
    refuse_changes(on)
    on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    assert on.quiet()
    (told,) = parked(on)
    assert "I could not work through a change of this issue" in told
    on.world.update_issue("erin", 1, add_labels=["team: blue"])
    assert on.quiet()
    assert parked(on) == []
    assert "Intake::Needs-Info" in on.world.label_titles(on.world.issue(2)), "the later event brought it about"


def test_what_comes_after_a_dead_letter_is_worked_on(on: Stage) -> None:
    refuse_changes(on)
    say(on, "erin", "/ps next")
    say(on, "erin", "/ps next")
    assert "proposal::Awaiting_Discovery" in on.world.label_titles(on.world.issue(1))


@pytest.mark.parametrize(
    ("body", "is_by_author"),
    [("Just talking.", True), ("```\n/ps next\n```", True), ("/ps next", False), ("@ps-bot thanks a lot!", True)],
    ids=["no command", "a command in code", "another's edit", "thanks to the bot"],
)
def test_where_nothing_was_asked_for_nobody_is_told(body: str, is_by_author: bool) -> None:
    of = CommentPosted(1, 5, "create", 7, "erin", body=body, is_by_author=is_by_author)
    event = Parked(delivery=3, at=1.0, reason="GitLab answered 403", is_over=False, of=of)
    assert on_parked(event, begun().snapshot(Needs()), playbook(), BEGIN).changes_nothing


def test_of_what_the_process_died_of_the_author_is_told_though_nobody_looks_at_the_words_again() -> None:
    of = CommentPosted(1, 5, "create", 7, "erin", body="")
    event = Parked(delivery=3, at=1.0, reason="died", is_over=False, of=of, is_deadly=True)
    react, say = on_parked(event, begun().snapshot(Needs()), playbook(), BEGIN).actions
    assert isinstance(react, React)
    assert isinstance(say, Say)
    assert "@erin, I could not carry this out: your comment" in str(say.body)


def test_where_even_that_cannot_be_said_there_is_one_more_dead_letter_and_no_end_of_them(on: Stage) -> None:
    on.world.faults.add(Fault("*", r"/issues/1(/notes.*)?$", FaultKind.STATUS, status=403, times=50))
    say(on, "erin", "/ps next")
    assert parked(on) == []
    assert on.metric("psplan_deliveries_dead") == 2
