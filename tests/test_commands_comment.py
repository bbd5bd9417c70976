"""Which lines of a comment are commands; tables of cases, and comments put together at random held against a model."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.commands import command_lines
from app.sandbox.quick_actions import extract
from tests.properties.strategies import FRAGMENTS, nasty

RUNS = 100_000


def heard(text: str, prefix: str = "/ps") -> list[str]:
    return [f"{line.verb} {line.rest}".strip() for line in command_lines(text, prefix=prefix, bot="ps-bot")]


HEARD = {
    "alone": ("/ps next", ["next"]),
    "in a text": ("Thanks, all.\n/ps next\nSee you", ["next"]),
    "several": ("/ps estimate 1 USD\n\n/ps next", ["estimate 1 USD", "next"]),
    "Windows line ends": ("/ps next\r\n/ps status\r\n", ["next", "status"]),
    "any case": ("/PS Next\n/Ps STATUS", ["next", "status"]),
    "blanks": ("  /ps    answer   users   800  ", ["answer users   800"]),
    "a tab": ("/ps\tnext", ["next"]),
    "the bot's name": ("@ps-bot next\n@PS-Bot: status\n@ps-bot, help", ["next", "status", "help"]),
    "nothing behind it": ("/ps", [""]),
    "behind a list": ("- a\n- b\n\n/ps next", ["next"]),
    "behind a fence": ("```\nx\n```\n/ps next", ["next"]),
    "behind a quotation": ("> said\n\n/ps next", ["next"]),
    "with Markdown in it": ("/ps reject **too** `few` [hours](http://x)", ["reject **too** `few` [hours](http://x)"]),
    "a full stop behind the verb": ("/ps next.", ["next"]),
    "in details that are open text": ("<details>\n\n/ps next\n\n</details>", ["next"]),
}

NOT_HEARD = {
    "another word": "/psst next",
    "not at the beginning": "please /ps next",
    "a fence": "```\n/ps next\n```",
    "a fence that is not closed": "```\n/ps next",
    "tildes": "~~~\n/ps next\n~~~",
    "indented code": "text\n\n    /ps next",
    "code over several lines": "`see\n/ps next\n`",
    "a quotation": "> /ps next",
    "a lazy quotation": "> text\n/ps next",
    "GitLab's quotation": ">>>\n/ps next\n>>>",
    "GitLab's quotation, not closed": ">>>\n/ps next",
    "a list": "- /ps next",
    "a heading": "# /ps next",
    "an underlined heading": "/ps next\n---",
    "a table": "| a |\n|---|\n| /ps next |",
    "a comment of HTML": "<!--\n/ps next\n-->",
    "a comment of HTML inside a paragraph": "x <!-- y\n/ps next\n-->",
    "a block of HTML": "<div>\n/ps next\n</div>",
    "the text of a link": "[see\n/ps next\n](http://example.com)",
    "emphasised": "**/ps next**",
    "escaped": "\\/ps next",
    "another bot": "@other-bot next",
    "a bot of a longer name": "@ps-bot2 next",
    "an address": "https://x/ps next",
}


@pytest.mark.parametrize(("text", "wanted"), HEARD.values(), ids=HEARD)
def test_it_is_heard(text: str, wanted: list[str]) -> None:
    assert heard(text) == wanted


@pytest.mark.parametrize("text", NOT_HEARD.values(), ids=NOT_HEARD)
def test_it_is_not_heard(text: str) -> None:
    assert heard(text) == []


def test_the_prefix_is_the_teams_own() -> None:
    assert heard("/plan next\n/ps next", prefix="/plan") == ["next"]


def test_the_same_words_are_the_same_command_and_a_second_time_they_are_another() -> None:
    first = command_lines("/ps next\n/ps  NEXT", prefix="/ps", bot="ps-bot")
    later = command_lines("Hello\n/ps NEXT", prefix="/ps", bot="ps-bot")
    assert len({line.digest for line in first}) == 2
    assert later[0].digest == first[0].digest


def test_a_comment_as_long_as_gitlab_takes_is_read_in_bounded_time() -> None:
    assert len(heard("/ps next\n" * 3 + "x" * 1_000_000)) == 3
    assert heard("[" * 50_000 + "\n/ps next") == ["next"]


def test_of_a_hundred_thousand_comments_put_together_at_random_none_is_heard_from_code_or_a_quotation() -> None:
    """Held against the model of GitLab's own extractor: what it takes for text, we take for text."""
    rng = random.Random(20_261_125)
    parts = [each for each in FRAGMENTS if "/" not in each and "\r" not in each]
    times_heard = 0
    for number in range(RUNS):
        pieces = rng.choices(parts, k=rng.choice((1, 2, 3, 4)))
        pieces.insert(rng.randrange(len(pieces) + 1), rng.choice(("\n/ps next\n", "\n\n/ps next\n\n")))
        text = "".join(pieces)
        ours = heard(text)
        times_heard += len(ours)
        if ours and number % 5 == 0 and "`" not in text:  # GitLab pairs backticks one by one, unlike Markdown
            assert extract(text.replace("/ps next", "/todo")).commands, repr(text)
    assert times_heard > RUNS // 4, "most of these comments hold a command"


@given(st.text() | st.integers(0, 2**32).map(lambda seed: nasty(random.Random(seed))))
def test_whatever_is_written_it_never_raises(text: str) -> None:
    for comment in (text, f"/ps {text}", f"{text}\n/ps next\n{text}"):
        for line in command_lines(comment, prefix="/ps", bot="ps-bot"):
            assert line.source
            assert "\n" not in line.rest
