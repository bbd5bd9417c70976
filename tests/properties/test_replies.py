"""A reply that echoes what somebody wrote never acts: no mention but of its author, no quick action, no break-out."""

from __future__ import annotations

import random

from app.commands import command_lines
from app.errors import Retry
from app.sandbox.quick_actions import extract
from app.text import find_markers
from tests.properties.gfm_model import read
from tests.properties.strategies import nasty
from tests.talks import Talk, at

RUNS = 500
VERBS = (
    "", "answer", "answer users_current", "intake language", "estimate", "estimate 5", "sow", "stage", "lost",
    "lost unknown", "hold", "hold until", "assign-em", "segment", "staff", "staff pc", "meeting", "schedule", "help",
    "request-review", "agree", "agree customer", "reject", "rdm reject", "ta", "signed", "won", "legal", "next", "back",
    "status", "adopt",
)  # fmt: skip


def test_whatever_stands_behind_a_verb_the_comments_of_the_bot_are_inert() -> None:
    rng = random.Random(20_261_126)
    talk, answered = at("sow_wip"), 0
    for number in range(RUNS):
        if number % 25 == 0:
            talk = at(rng.choice(("open", "strawman_wip", "sow_wip", "ready_for_approval", "approved")))
        foreign = nasty(rng).replace("\n", " ").replace("\r", " ")
        text = f"/ps {rng.choice(VERBS)} {foreign}"
        heard = talk.say(rng.choice(("erin", "ravi", "dana", "alice")), text)
        for comment in (*heard.others, *([heard.reply] if heard.reply is not None else [])):
            answered += 1
            _assert_inert(comment, text)
        for action in heard.decision.actions:
            if action.kind == "tell_status":
                _assert_inert("".join(map(str, action.body)), text)
    assert answered > RUNS // 3


OURS = ("issue: '#1)", "issue: '#2)")
"""The note of each issue refers to the other one."""
PEOPLE = {"erin", "ravi", "dana", "alice", "tara", "rhea", "evan", "cora", "petra", "lena", "sam"}


def _assert_inert(comment: str, text: str) -> None:
    found = read(comment).live
    called = [each.removeprefix("mention: '@") for each in found if each.startswith("mention: ")]
    assert [each for each in found if not each.startswith(("mention: ", *OURS))] == [], text
    assert {each.split()[0].rstrip(",:") for each in called} <= PEOPLE, text
    assert extract(comment).commands == (), text
    assert len(find_markers(comment)) == 1, text


def test_nothing_that_is_said_raises() -> None:
    rng = random.Random(7)
    talk: Talk = at("sow_wip")
    for _ in range(150):
        text = "\n".join(f"/ps {rng.choice(VERBS)} {nasty(rng)}" for _ in range(3))
        assert len(command_lines(text, prefix="/ps", bot="ps-bot")) <= text.count("/ps") + text.count("@ps-bot")
        try:
            talk.say("erin", text)
        except Retry as fault:  # nothing here is unsure
            raise AssertionError(text) from fault
