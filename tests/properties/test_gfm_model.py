"""The model that judges the text door must itself see what is live; a blind judge would let everything pass."""

import random

import pytest

from app.sandbox.quick_actions import extract

from .gfm_model import live_in_title, read
from .strategies import nasty


@pytest.mark.parametrize(
    ("written", "kind"),
    [
        ("hello @all", "mention"),
        ("> hello @all", "mention"),
        ("| a |\n|---|\n| @all |", "mention"),
        ("&#64;all", "mention"),
        ("a ` b @all", "mention"),
        ("<b>\n\n@all\n\n</b>", "mention"),
        ("#1", "issue"),
        ("a/b!1", "merge_request"),
        ("&1", "epic"),
        ("$1", "snippet"),
        ("^alert#1", "alert"),
        ("~bug", "label"),
        ('%"Q3 2026"', "milestone"),
        ("*iteration:1", "iteration"),
        ("[vulnerability:1]", "bracketed_reference"),
        ("see deadbeef.", "commit"),
        ("see ABC-12", "tracker_key"),
        ("https://gitlab.example/a/-/issues/1", "address"),
        ("www.example.com", "address"),
        (":tada:", "emoji"),
        ("![x](https://example.com/p.png)", "image"),
        ("$5 and `$ @all`", "maths"),
        ("$`x`$", "maths"),
        ("[[`wiki]]` @all", "wiki_link"),
    ],
)
def test_the_model_sees_what_is_live(written: str, kind: str) -> None:
    assert any(act.startswith(f"{kind}:") for act in read(written).live)


@pytest.mark.parametrize(
    "written", ["`@all #1`", "```\n@all\n```", "    @all", "\\@all \\#1", "@ all", "a - b", "10:30", "@\u200ball"]
)
def test_the_model_leaves_code_and_words_alone(written: str) -> None:
    assert read(written).live == ()


@pytest.mark.parametrize("title", ["@all", "#1", "<b>", "&#64;", "[x](y)", "ABC-12", "deadbeef", "https://x.example"])
def test_the_model_sees_what_is_live_in_a_title(title: str) -> None:
    assert live_in_title(title)


def test_the_values_of_the_other_tests_do_act_when_nothing_is_done_to_them() -> None:
    rng = random.Random("raw")
    readings = [(value, read(value)) for value in (nasty(rng) for _ in range(2_000))]
    assert sum(bool(reading.live) for _, reading in readings) > 600
    assert sum(bool(reading.html) for _, reading in readings) > 200
    assert sum(bool(reading.links) for _, reading in readings) > 40
    assert sum(bool(extract(value).commands) for value, _ in readings) > 100
