"""The command confidence: what an EM thinks of the chances, and why; where Salesforce is connected it stands there."""

from __future__ import annotations

from app.blocks.words import together
from app.errors import UserError
from app.hearing import Hearing, When
from app.registry import registry
from app.text import code_span, own
from handlers.lateness import claim, overtaken

LONGEST = 255
"""So much a text field of Salesforce's holds."""


@registry.command(
    "confidence",
    usage="WORDS",
    says="Say how sure you are that this will be won, and why; Salesforce has a field for it.",
    who=("em", "leadership"),
    when=When.NOT_ENDED,
    examples=("Green: budget is approved, we wait for the redlines",),
)
def confidence(hearing: Hearing) -> None:
    """One line; the next one takes its place."""
    hearing.demand_engagement()
    words = hearing.words.rest(limit_chars=LONGEST)
    if words is None:
        raise UserError(own("How sure are you, and why?"))
    if not claim(hearing, "order:confidence"):
        raise overtaken(own("Something was said of it"))
    was = hearing.standing.confidence
    hearing.course.standing = hearing.standing.but(confidence=words)
    hearing.course.because("confidence noted")
    if was is not None and was != words:
        hearing.say(together(own("Before, it was "), code_span(was), own(".")))
