"""A reply that echoes what somebody wrote never acts: no mention but of its author, no quick action, no break-out."""

from __future__ import annotations

import os
import random
from dataclasses import replace

import pytest

from app.commands import Line, command_lines
from app.errors import Retry
from app.hearing import Ledger
from app.machine.course import Course
from app.machine.index import index_of
from app.methodology.parts import IssueKind
from app.sandbox.quick_actions import extract
from app.text import find_markers, marker
from handlers.comments import reply
from handlers.orders import Orders
from handlers.scene import issues_by_kind, scene_of, what_to_see
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


ECHOED, A_REPLY = int(os.environ.get("FUZZ_TEXTS", "10000")), 20
"""`FUZZ_TEXTS=100000` takes a minute and a half."""


@pytest.mark.timeout(900)
def test_thousands_of_texts_in_replies_stay_inert() -> None:
    """Twenty commands a reply; each echoes what was written, and most also say what is wrong with it."""
    rng = random.Random(20_261_127)
    talk = at("sow_wip")
    engagement, methodology = talk.engagement, talk.book.methodology
    assert engagement is not None
    snapshot = talk.snapshot(what_to_see(engagement, methodology))
    issues = issues_by_kind(engagement, snapshot)
    scene = scene_of(engagement, issues, snapshot, methodology)
    everybody = {role: frozenset({"erin"}) for role in methodology.roles}
    for _ in range(ECHOED // A_REPLY):
        lines = [
            Line(verb, foreign, f"/ps {verb} {foreign}", "")
            for verb, foreign in ((rng.choice(VERBS_THAT_ECHO), " ".join(nasty(rng).split())) for _ in range(A_REPLY))
        ]
        orders = Orders(
            lines=lines,
            by="erin",
            at=1.0,
            note_id=1,
            on=IssueKind.SCOPING,
            snapshot=snapshot,
            playbook=talk.book,
            engagement=engagement,
        )
        course = Course(engagement.standing, replace(scene, holders=everybody), methodology, index_of(methodology))
        for deed in orders.deeds(Ledger(issues), lambda _: None):
            deed.do(course)
        body = reply("erin", orders.answered, marker("reply", "1"))
        assert body is not None
        _assert_inert(body, "\n".join(line.source for line in lines))


VERBS_THAT_ECHO = (
    "estimate", "stage", "segment", "staff", "assign-em", "meeting", "schedule", "sow", "frobnicate", "answer",
)  # fmt: skip
