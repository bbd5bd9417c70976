"""A refused command that its author corrects, or takes out, leaves no refusal behind."""

from __future__ import annotations

import pytest

from app.actions import ChangeIssue, Retract
from tests.talks import Talk, at

TYPO, RIGHT, ALSO = "/ps estimat 62000 USD", "/ps estimate 62000 USD", "/ps status"


def retraction(talk: Talk, text: str, *, is_by_author: bool = True) -> Retract | None:
    made = talk.hear("erin", text, note=900, action="update", is_by_author=is_by_author).decision.actions
    return next((each for each in made if isinstance(each, Retract)), None)


@pytest.mark.parametrize(
    ("first", "then", "takes_emoji", "takes_reply"),
    [
        (TYPO, RIGHT, True, True),
        (TYPO, "Never mind.", True, True),
        (f"{TYPO}\n{ALSO}", ALSO, True, False),
        (f"{TYPO}\n{ALSO}", f"{RIGHT}\n{ALSO}", True, False),
        (TYPO, f"{TYPO}\n{RIGHT}", False, False),
        (TYPO, "/ps estimte 62000 USD", False, False),
        (RIGHT, "Never mind.", False, False),
    ],
    ids=[
        "corrected",
        "taken out",
        "taken out beside an answer that stays",
        "corrected beside an answer that stays",
        "still there",
        "wrong again",
        "nothing was refused",
    ],
)
def test_a_refusal_goes_with_what_was_refused(first: str, then: str, takes_emoji: bool, takes_reply: bool) -> None:
    talk = at("strawman_wip")
    talk.hear("erin", first, note=900)
    made = retraction(talk, then)
    assert (made is not None) == takes_emoji
    assert (made is not None and made.reply is not None) == takes_reply


def test_a_refusal_is_taken_back_once() -> None:
    talk = at("strawman_wip")
    talk.hear("erin", TYPO, note=900)
    assert retraction(talk, RIGHT) is not None
    assert retraction(talk, f"{RIGHT}\nThanks!") is None


def test_somebody_else_cannot_take_a_refusal_away() -> None:
    talk = at("strawman_wip")
    talk.hear("erin", TYPO, note=900)
    assert retraction(talk, "Never mind.", is_by_author=False) is None


def test_a_refusal_that_was_taken_out_goes_also_where_something_else_is_caught_up_with_it() -> None:
    talk = at("open")
    talk.hear("erin", f"{TYPO}\n{ALSO}", note=900)
    talk.label("erin", "proposal::Awaiting_Discovery")
    made = talk.hear("erin", ALSO, note=900, action="update")
    assert any(isinstance(each, ChangeIssue) for each in made.decision.actions)
    assert any(isinstance(each, Retract) for each in made.decision.actions)
    assert retraction(talk, ALSO) is None
