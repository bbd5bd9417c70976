"""An order that reaches the bot late changes nothing that was said or done after it was written; it is told so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from tests.talks import INTAKE, Talk, at

Act = Callable[[Talk], object]
NOTE = 50
"""Number of the late comment; those that were written after it have higher ones."""


def says(by: str, text: str) -> Act:
    return lambda talk: talk.hear(by, text, note=NOTE + 1)


def labels(name: str) -> Act:
    return lambda talk: talk.label("erin", name)


def assigns(name: str) -> Act:
    return lambda talk: talk.assign("erin", name)


def and_is_heard(act: Act) -> Act:
    """The bot has worked on it before the late comment comes."""

    def acts(talk: Talk) -> None:
        act(talk)
        talk.hear("erin", "/ps status", note=NOTE + 2)

    return acts


def segments(talk: Talk) -> object:
    return "Segment::MM_West" in talk.labels()


def reasons(talk: Talk) -> object:
    return {label for label in talk.labels() if label.startswith("Lost::")}


def assignees(talk: Talk) -> object:
    return [each.username for each in talk.issues[1].assignees]


def pause(talk: Talk) -> object:
    assert talk.engagement is not None
    place = talk.engagement.standing.places["proposal"]
    return place.state, place.until, place.words


def agreements(talk: Talk) -> object:
    assert talk.engagement is not None
    return {name: mark.at for name, mark in talk.engagement.standing.marks.items()}


def field(talk: Talk) -> object:
    return talk.answer("language", INTAKE)


EAST = "Segment::Ent_EAST"
CASES: dict[str, tuple[str, str, Act, Callable[[Talk], object]]] = {
    "segment, set by hand since": ("open", "/ps segment mm_west", labels(EAST), segments),
    "segment, set by hand since, which is known": (
        "open",
        "/ps segment mm_west",
        and_is_heard(labels(EAST)),
        segments,
    ),
    "segment, said since": ("open", "/ps segment mm_west", says("erin", "/ps segment ent_apac"), segments),
    "EM, assigned by hand since": ("open", "/ps assign-em @tara", assigns("ravi"), assignees),
    "EM, said since": ("open", "/ps assign-em @tara", says("erin", "/ps assign-em @ravi"), assignees),
    "hold, said since": (
        "strawman_wip",
        "/ps hold until 2098-01-01 first",
        says("erin", "/ps hold until 2099-01-01 then"),
        pause,
    ),
    "hold, taken up since": (
        "strawman_wip",
        "/ps hold",
        lambda talk: (talk.hear("erin", "/ps hold", note=NOTE + 1), talk.hear("erin", "/ps resume", note=NOTE + 2)),
        pause,
    ),
    "agreement, another estimate since": (
        "estimate_feedback",
        "/ps agree",
        says("erin", "/ps estimate 90000 USD ff"),
        agreements,
    ),
    "answer, said since": ("open", "/ps intake language German", says("erin", "/ps intake language French"), field),
}


@pytest.mark.parametrize("case", CASES)
def test_what_came_after_it_stands_and_its_author_is_told(case: str) -> None:
    state, order, then, seen = CASES[case]
    talk = at(state)
    written_at = talk.now + timedelta(seconds=10)
    then(talk)
    before = seen(talk)
    heard = talk.hear("erin", order, note=NOTE, at=written_at)
    assert heard.is_refused
    assert "after you had written that" in (heard.reply or "") or "was said before" in (heard.reply or "")
    assert seen(talk) == before


@pytest.mark.parametrize("case", CASES)
def test_the_same_order_is_carried_out_where_nothing_came_after_it(case: str) -> None:
    state, order, _, seen = CASES[case]
    talk = at(state)
    before = seen(talk)
    written_at = talk.now + timedelta(seconds=10)
    assert not talk.hear("erin", order, note=NOTE, at=written_at).is_refused
    assert seen(talk) != before


@pytest.mark.parametrize(
    ("then", "kept"),
    [
        (labels("Lost::scheduling"), {"Lost::scheduling"}),
        (labels("proposal::Awaiting_Discovery"), set()),
        (lambda _: None, {"Lost::budget"}),
    ],
    ids=["another reason by hand", "opened again by hand", "nothing"],
)
def test_the_reason_of_a_loss_that_is_found_late_gives_way_to_what_was_labelled_since(
    then: Act, kept: set[str]
) -> None:
    talk = at("strawman_wip")
    written_at = talk.now + timedelta(seconds=10)
    then(talk)
    talk.hear("erin", "/ps lost budget", note=NOTE, at=written_at)
    assert reasons(talk) == kept


def test_a_segment_that_somebody_set_to_the_same_since_is_no_other_one() -> None:
    talk = at("open")
    written_at = talk.now + timedelta(seconds=10)
    talk.label("alice", EAST)
    assert talk.hear("erin", "/ps segment ent_east", note=NOTE, at=written_at).is_done
