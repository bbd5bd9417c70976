"""Commands that end an engagement: won, lost; and the reasons of a loss."""

from __future__ import annotations

import re
from collections.abc import Mapping

from app.blocks.words import joined, together
from app.errors import UserError
from app.hearing import About, Hearing
from app.methodology.process import Kind
from app.methodology.spelling import plain
from app.registry import registry
from app.text import Safe, code_span, own
from handlers.lateness import claim_label
from handlers.moves import move, of_kind
from handlers.names import meant_perhaps


@registry.command(
    "won",
    says="Close the engagement as won; the intake is scheduled as soon as it is staffed.",
    who=("em", "deal_desk"),
)
def won(hearing: Hearing) -> None:
    """To the good end."""
    hearing.words.end()
    move(hearing, *of_kind(hearing, Kind.WON, "be won"))


@registry.command(
    "lost",
    usage="REASON",
    says="Close the engagement as lost: one of the known reasons, and more words if you like. The intake is cancelled.",
    who=("em",),
    examples=("budget", "scheduling the customer starts next year", "NoServiceFit"),
)
def lost(hearing: Hearing) -> None:
    """To the bad end, with the label of the reason."""
    name, to = _lost_state(hearing)
    reasons = _reasons(hearing, name, to)
    first = hearing.words.peek()
    if first is None:
        raise UserError(together(own("Why was it lost? "), _one_of(_names(reasons))))
    found = reasons.get(plain(first))
    if found is not None:
        hearing.words.word()
    elif reasons:
        found = _in_other_words(hearing, first, reasons)
    move(hearing, name, to, words=hearing.reason())
    kind = hearing.methodology.tracks[name].on
    if found is not None and claim_label(hearing, kind, found):
        hearing.label(kind, found, instead_of=tuple(label for label in reasons.values() if label != found))


def _in_other_words(hearing: Hearing, first: str, reasons: Mapping[str, str]) -> str:
    """The label of a reason that is none of the known ones; it is told. Raises UserError for a slip, or no reason."""
    near = meant_perhaps(plain(first), reasons)
    if near is not None:
        raise UserError(together(own("Did you mean "), hearing.form(f"lost {_name_of(reasons[near])}"), own("?")))
    # `@bot lost my notes` is no loss; and a reason is made of words
    found = None if hearing.is_addressed else reasons.get("unknown")
    if found is None or not re.search(r"[^\W\d_]{3}", hearing.words.text):
        raise UserError(together(code_span(first), own(" is none of the reasons. "), _one_of(_names(reasons))))
    known = joined(map(code_span, _names(reasons)), own(", "))
    hearing.say(
        own("I have set "), code_span(found), own(" and kept your words. The known reasons are: "), known, own(".")
    )
    return found


def _names(reasons: Mapping[str, str]) -> list[str]:
    return [_name_of(label) for label in reasons.values()]


def _name_of(label: str) -> str:
    return label.rpartition("::")[2]


def _lost_state(hearing: Hearing) -> tuple[str, str]:
    first, track = hearing.track(About.SCOPING)
    found = track.of_kind(Kind.LOST) or track.of_kind(Kind.CANCELLED)
    if found is None:
        raise UserError(own("In this process an engagement cannot be lost."))
    return first, found


def _reasons(hearing: Hearing, name: str, to: str) -> dict[str, str]:
    """The reasons as people write them → their labels, from what the state wants to know."""
    state = hearing.methodology.tracks[name].states[to]
    criteria = (hearing.methodology.criteria[each] for each in state.leave)
    labels = [label for criterion in criteria if state.kind is Kind.LOST for label in criterion.labels]
    return {plain(label.rpartition("::")[2]): label for label in labels}


def _one_of(names: list[str]) -> Safe:
    return together(own("Please say one of these first: "), joined(map(code_span, names), own(", ")), own("."))
