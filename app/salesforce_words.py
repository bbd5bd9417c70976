"""What the bot says about Salesforce: where it and the issue disagree, and what others decided there."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from app.blocks.words import joined, together
from app.machine.outcome import FieldsKept, OfSalesforce, RefusedElsewhere, StageFollows, StageMismatch
from app.machine.standing import Standing
from app.methodology.model import Methodology
from app.methodology.process import Document, Matter
from app.methodology.salesforce import IN_WORDS
from app.text import Safe, code_span, own
from app.ways import PUT_BY

AddressOf = Callable[[str], Safe]
"""Role → its people, called, as a comment to them begins."""


def salesforce_notice(
    notice: OfSalesforce, standing: Standing, methodology: Methodology, *, address_of: AddressOf
) -> Iterator[Safe]:
    """The parts of the comment; whoever leads the state, or the engagement, is called."""
    match notice:
        case StageMismatch():
            yield from _stage_mismatch(notice, standing, methodology, address_of)
        case StageFollows():
            yield from _stage_follows(notice, methodology, address_of)
        case FieldsKept():
            yield from _fields_kept(notice, standing, methodology, address_of)
        case RefusedElsewhere():
            yield from _refused_elsewhere(notice, methodology, address_of)


def _stage_mismatch(
    notice: StageMismatch, standing: Standing, methodology: Methodology, address_of: AddressOf
) -> Iterator[Safe]:
    """A warning: whoever leads the state brings one of the two up to date, or knows better."""
    here = methodology.tracks[notice.track].states[standing.places[notice.track].state]
    at = together(own("Salesforce is at "), code_span(notice.stage), own(f", and this issue at **{here.title}**"))
    usual = joined([code_span(stage) for stage in here.sfdc], own(", "))
    yield together(address_of(here.dri), at, own(", where usual is "), usual, own("."))
    yield own("Please bring one of the two up to date, if that is not meant. Nothing is held back by it.")


def _stage_follows(notice: StageFollows, methodology: Methodology, address_of: AddressOf) -> Iterator[Safe]:
    """The label is a copy: nobody is told that they did wrong, but where the stage is changed."""
    label = code_span(methodology.salesforce.label_of(notice.stage))
    is_so = together(own("Salesforce is at "), code_span(notice.stage), own(", so I have set "), label, own(" again."))
    yield together(address_of(methodology.routing.triage_role), is_so)
    yield own("This label follows the opportunity by itself: please change the stage there.")


def _fields_kept(
    notice: FieldsKept, standing: Standing, methodology: Methodology, address_of: AddressOf
) -> Iterator[Safe]:
    """The field's owner decides which of the two is right."""
    track = next(name for name, track in methodology.tracks.items() if track.on is notice.on)
    here = methodology.tracks[track].states[standing.places[track].state]
    says = together(own("in Salesforce "), code_span(notice.field), own(" says something else."))
    yield together(address_of(here.dri), says)
    yield own("Somebody wrote that, so I leave it as it is. If it should say what I know, please empty it.")


def _refused_elsewhere(notice: RefusedElsewhere, methodology: Methodology, address_of: AddressOf) -> Iterator[Safe]:
    """Why stands there: the reason is no field of ours."""
    says = own(f"{IN_WORDS[Matter(notice.matter)]} says ")
    told = together(says, code_span(notice.status), own(" in Salesforce."))
    yield together(address_of(methodology.routing.triage_role), told)
    put = code_span(f"{methodology.commands.prefix} {PUT_BY[Document.SOW]}")
    yield together(own("Why stands there. When the SOW is changed, "), put, own(" puts its next version on record."))
