"""Every command, tried in the same ways: rightly, by the wrong person, in the wrong state, again, edited, quoted, …

What has to go before a command, who says it, and what then is so, stands in SCENES: a command without one fails here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from app.hearing import Command, When
from app.quick_action_names import KNOWN_NAMES
from app.registry import registry
from app.sandbox.quick_actions import extract
from app.status_words import SAID_OF
from app.ways import FACT_BY, PUT_BY, SAID_BY
from tests.drafts import playbook
from tests.talks import INTAKE, SCOPING, Heardback, Talk, at

COMMANDS = registry.commands(playbook().methodology)
STRANGER = "mallory"


@dataclass(frozen=True)
class Scene:
    """Where a command is said, by whom, on which issue; and what is to be so after its first example."""

    state: str
    by: str
    then: Callable[[Talk, Heardback], object]
    on: str = SCOPING
    before: tuple[tuple[str, str], ...] = ()


def in_state(name: str, track: str = "proposal") -> Callable[[Talk, Heardback], bool]:
    return lambda talk, _: talk.state(track) == name


def answers(key: str, words: str) -> Callable[[Talk, Heardback], bool]:
    return lambda talk, _: words in talk.answer(key)


def replies(words: str) -> Callable[[Talk, Heardback], bool]:
    return lambda _, heard: words in (heard.reply or "")


def standing(talk: Talk):  # type: ignore[no-untyped-def]
    assert talk.engagement is not None
    return talk.engagement.standing


def paper(name: str) -> Callable[[Talk, Heardback], bool]:
    return lambda talk, _: name in standing(talk).papers


def said(name: str) -> Callable[[Talk, Heardback], bool]:
    return lambda talk, _: name in standing(talk).marks


def passed(gate: str) -> Callable[[Talk, Heardback], bool]:
    return lambda talk, _: standing(talk).approvals[gate].verdict == "passed"


def failed(gate: str) -> Callable[[Talk, Heardback], bool]:
    return lambda talk, _: standing(talk).approvals[gate].words == "the timeline leaves no room for the second wave"


def labelled(name: str, on: str = SCOPING) -> Callable[[Talk, Heardback], bool]:
    return lambda talk, _: name in talk.labels(on)  # type: ignore[arg-type]


def drafted(document: str) -> Callable[[Talk, Heardback], bool]:
    return lambda talk, _: document in standing(talk).files


WITH_A_WORKBOOK = (("erin", "/ps estimate draft"), ("erin", "/ps estimate"))
SCENES = {
    "help": Scene("open", "alice", replies("`/ps help all`")),
    "status": Scene("sow_wip", "alice", replies("RDM review: open")),
    "status all": Scene("open", "dana", replies("engagement")),
    "adopt": Scene("open", "erin", replies("belongs to an engagement already")),
    "assign-em": Scene("open", "evan", lambda talk, _: talk.issues[1].assignees[0].username == "erin"),
    "segment": Scene("open", "erin", labelled("Segment::Ent_EMEA")),
    "answer": Scene("open", "alice", lambda talk, _: talk.answer("users_current", SCOPING) == "`800`"),
    "intake": Scene("open", "alice", answers("language", "German"), on=INTAKE),
    "agree": Scene("estimate_feedback", "erin", said("customer_agrees")),
    "next": Scene("open", "erin", in_state("awaiting_discovery")),
    "back": Scene("strawman_wip", "erin", in_state("awaiting_discovery")),
    "stage": Scene("open", "erin", in_state("sow_wip")),
    "estimate": Scene("strawman_wip", "erin", paper("estimate")),
    "estimate draft": Scene("strawman_wip", "erin", drafted("draft:estimate")),
    "sow draft": Scene("sow_wip", "erin", drafted("draft:sow"), before=WITH_A_WORKBOOK),
    "cogs draft": Scene("sow_wip", "erin", drafted("draft:cogs"), before=WITH_A_WORKBOOK),
    "request-review": Scene("estimate_feedback", "erin", replies("@alice: please review the estimate")),
    "ta request": Scene("strawman_wip", "erin", labelled("TA::Needs-Review"), before=(("erin", "/ps estimate 9 USD"),)),
    "ta approve": Scene("strawman_wip", "tara", passed("ta"), before=(("erin", "/ps estimate 62k USD"),)),
    "ta reject": Scene("strawman_wip", "tara", failed("ta"), before=(("erin", "/ps estimate 62k USD"),)),
    "rdm request": Scene("sow_wip", "erin", lambda talk, _: standing(talk).asked["rdm"] >= 1),
    "rdm approve": Scene("sow_wip", "ravi", passed("rdm")),
    "rdm reject": Scene("sow_wip", "ravi", failed("rdm")),
    "revenue request": Scene("ready_for_approval", "erin", lambda talk, _: standing(talk).asked["revenue"] >= 1),
    "revenue approve": Scene("ready_for_approval", "rhea", passed("revenue")),
    "revenue reject": Scene("ready_for_approval", "rhea", failed("revenue")),
    "sow": Scene("sow_wip", "erin", paper("sow")),
    "cogs": Scene("sow_wip", "erin", paper("cogs")),
    "submit": Scene("sow_wip", "erin", in_state("ready_for_approval"), before=(("ravi", "/ps rdm approve"),)),
    "approve": Scene("ready_for_approval", "dana", in_state("approved"), before=(("rhea", "/ps revenue approve"),)),
    "reject": Scene("ready_for_approval", "dana", in_state("sow_wip")),
    "legal": Scene("approved", "erin", paper("legal_case")),
    "legal stamped": Scene("approved", "lena", said("legal_stamped")),
    "finance approved": Scene("approved", "rhea", said("finance_approved")),
    "signed": Scene("approved", "erin", said("gitlab_signed")),
    "hold": Scene("sow_wip", "erin", in_state("on_hold")),
    "resume": Scene("sow_wip", "erin", in_state("sow_wip"), before=(("erin", "/ps hold"),)),
    "won": Scene("approved", "erin", in_state("closed_won")),
    "lost": Scene("sow_wip", "erin", labelled("Lost::budget")),
    "confidence": Scene("strawman_wip", "erin", lambda talk, _: standing(talk).confidence.startswith("Green: budget")),
    "ready": Scene("sow_wip", "erin", in_state("ready", "intake"), on=INTAKE),
    "staff": Scene("sow_wip", "cora", answers("pc", "cora"), on=INTAKE),
    "handover": Scene("approved", "petra", replies("**Hand-over**: "), before=WITH_A_WORKBOOK),
    "meeting": Scene("approved", "petra", answers("pm_intro", "2026-12-02"), on=INTAKE),
    "schedule": Scene("approved", "petra", answers("kickoff_date", "2099-01-11"), on=INTAKE),
}

FRAMES = {
    "quoted": "> {}",
    "in a fence": "```\n{}\n```",
    "in code": "`\n{}\n`",
    "indented": "    {}",
    "in a list": "Look:\n\n- {}",
    "in a sentence": "Please do {} today",
    "commented out": "<!--\n{}\n-->",
    "in GitLab's own quotation": ">>>\n{}\n>>>",
    "in the text of a link": "See [this\n{}\n](https://example.com)",
}

each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)


def scene(command: Command) -> tuple[Scene, Talk]:
    found = SCENES[command.name]
    talk = at(found.state)
    for by, text in found.before:
        assert not talk.say(by, text).is_refused
    return found, talk


def line(command: Command, example: str | None = None) -> str:
    return f"/ps {command.name} {command.examples[0] if example is None else example}".strip()


def test_every_command_has_a_scene() -> None:
    assert set(SCENES) == set(COMMANDS)


@each_command
def test_said_rightly_it_does_what_it_says(command: Command) -> None:
    where, talk = scene(command)
    heard = talk.say(where.by, line(command), on=where.on)  # type: ignore[arg-type]
    assert heard.reactions[0] == "eyes"
    assert heard.is_refused is (command.name == "adopt"), heard.reply
    assert where.then(talk, heard)


@each_command
def test_every_example_of_its_help_is_understood(command: Command) -> None:
    for example in command.examples:
        where, talk = scene(command)
        heard = talk.say(where.by, line(command, example), on=where.on)  # type: ignore[arg-type]
        assert heard.is_refused is (command.name == "adopt"), (example, heard.reply)


@each_command
def test_who_has_not_the_role_is_told_who_has(command: Command) -> None:
    where, talk = scene(command)
    before = talk.record()
    heard = talk.say(STRANGER, line(command), on=where.on)  # type: ignore[arg-type]
    if not command.who:
        assert heard.is_done is (command.name != "adopt")
        return
    assert heard.is_refused
    assert "That is for: " in (heard.reply or "")
    assert "@mallory, " in (heard.reply or "")
    assert talk.record() == before


@each_command
def test_in_the_wrong_state_it_is_refused_with_that_reason(command: Command) -> None:
    if command.when is When.ALWAYS:
        return
    where = SCENES[command.name]
    talk = at("sow_wip")
    if command.when is not When.PAUSED:
        talk.say("erin", "/ps lost budget")
    before = talk.record()
    heard = talk.say(where.by, line(command), on=where.on)  # type: ignore[arg-type]
    assert heard.is_refused
    assert f"That can be said {command.when.value}; now it is at" in (heard.reply or "")
    assert talk.record() == before


@each_command
def test_told_twice_it_is_heard_once(command: Command) -> None:
    where, talk = scene(command)
    talk.hear(where.by, line(command), note=900, on=where.on)  # type: ignore[arg-type]
    before = talk.record()
    again = talk.hear(where.by, line(command), note=900, on=where.on)  # type: ignore[arg-type]
    assert again.decision.changes_nothing
    assert talk.record() == before


@each_command
def test_said_again_in_another_comment_it_doubles_nothing(command: Command) -> None:
    where, talk = scene(command)
    talk.say(where.by, line(command), on=where.on)  # type: ignore[arg-type]
    places, papers = talk.record()["places"], talk.record()["papers"]
    heard = talk.say(where.by, line(command), on=where.on)  # type: ignore[arg-type]
    assert heard.is_done or heard.is_refused
    assert talk.record()["papers"] == papers
    if command.name not in {"next", "back"}:
        assert {name: place["state"] for name, place in talk.record()["places"].items()} == {  # type: ignore[attr-defined]
            name: place["state"]
            for name, place in places.items()  # type: ignore[attr-defined]
        }


@each_command
def test_an_edit_of_the_comment_runs_nothing_again(command: Command) -> None:
    where, talk = scene(command)
    talk.hear(where.by, line(command), note=900, on=where.on)  # type: ignore[arg-type]
    before = talk.record()
    edited = (
        f"On second thoughts:\n{line(command).upper().replace('/PS', '/Ps') if not command.usage else line(command)}"
    )
    heard = talk.hear(where.by, edited, note=900, on=where.on, action="update")  # type: ignore[arg-type]
    assert heard.decision.changes_nothing
    assert talk.record() == before


@each_command
def test_what_somebody_else_edits_into_a_comment_never_runs(command: Command) -> None:
    where, talk = scene(command)
    before = talk.record()
    talk.hear(where.by, "I will see to it", note=900, on=where.on)  # type: ignore[arg-type]
    with_it = f"I will see to it\n{line(command)}"
    theirs = talk.hear(where.by, with_it, note=900, on=where.on, action="update", is_by_author=False)  # type: ignore[arg-type]
    assert theirs.decision.does_nothing
    own = talk.hear(where.by, f"{with_it}\nThanks", note=900, on=where.on, action="update")  # type: ignore[arg-type]
    assert own.decision.does_nothing, "the author has only left standing what somebody else wrote"
    assert talk.record() == before


@each_command
@pytest.mark.parametrize(
    "frame",
    FRAMES.values(),
    ids=FRAMES,
)
def test_where_people_only_write_about_it_nothing_runs(frame: str, command: Command) -> None:
    where, talk = scene(command)
    heard = talk.say(where.by, frame.format(line(command)), on=where.on)  # type: ignore[arg-type]
    assert heard.decision.changes_nothing


@each_command
def test_a_slip_in_the_verb_is_answered_with_what_was_meant(command: Command) -> None:
    verb, _, more = command.name.partition(" ")
    slipped = f"{verb}{verb[-1]} {more}".strip()
    where, talk = scene(command)
    before = talk.record()
    heard = talk.say(where.by, f"/ps {slipped} {command.examples[0]}", on=where.on)  # type: ignore[arg-type]
    assert heard.is_refused
    assert f"/ps {verb}" in (heard.reply or "").partition("Did you mean ")[2], heard.reply
    assert talk.record() == before


@each_command
def test_two_at_once_are_answered_in_one_reply(command: Command) -> None:
    where, talk = scene(command)
    heard = talk.say(where.by, f"{line(command)}\n\nand\n/ps nonsense", on=where.on)  # type: ignore[arg-type]
    assert heard.is_refused
    assert heard.is_done is (command.name != "adopt")
    assert "/ps nonsense" in (heard.reply or "")
    assert where.then(talk, heard)


@each_command
def test_gitlab_takes_it_for_no_quick_action_of_its_own(command: Command) -> None:
    for example in command.examples:
        for said_as in (line(command, example), line(command, example).replace("/ps", "@ps-bot")):
            found = extract(said_as)
            assert found.commands == ()
            assert found.text == said_as
    assert playbook().methodology.commands.prefix.removeprefix("/") not in KNOWN_NAMES


def test_the_bots_name_may_stand_for_the_prefix() -> None:
    talk = at("open")
    assert talk.say("erin", "@ps-bot next").is_done
    assert talk.state() == "awaiting_discovery"
    assert talk.say("erin", "@ps-bot thank you so much!").decision.changes_nothing, "that was no command"


def test_the_forms_that_comments_and_notes_advise_are_those_of_the_registration() -> None:
    for form in (*PUT_BY.values(), *SAID_OF.values(), *FACT_BY.values()):
        verb, _, usage = form.partition(" ")
        assert COMMANDS[verb].usage.startswith(usage), form
    for form in SAID_BY.values():
        verb, _, word = form.partition(" ")
        assert form in COMMANDS or word in COMMANDS[verb].usage, form
