"""`/ps handover`: what was sold, for whoever delivers it; from the very versions that are on record."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Final

from app.blocks.case import service_titles
from app.blocks.words import lines, table, together
from app.catalogue.model import Activity, Catalogue
from app.documents.estimate import Estimate, Line
from app.documents.sow import HEADINGS, number_in_words
from app.hearing import About, Hearing, When
from app.registry import registry
from app.status_words import paper_in_words
from app.text import Safe, code_span, own
from handlers.workbooks import engagement_of, on_record

MOST_LINES: Final = 80


@registry.command(
    "handover",
    says="Say what was sold, for whoever delivers it: hours, weeks, assumptions, deliverables, documents.",
    who=("em", "pm", "pc", "ta"),
    when=When.ALWAYS,
    about=About.HERE,
    sees_files=lambda _: True,
)
def handover(hearing: Hearing) -> None:
    """From the workbook that is on record; nothing is said of costs."""
    hearing.words.end()
    engagement, catalogue = engagement_of(hearing), hearing.playbook.catalogue
    paper, estimate = on_record(hearing)
    services = service_titles(engagement.submission, hearing.methodology)
    hearing.say(own(f"**Hand-over**: {services}, from version {paper.version} of the estimate."))
    hearing.say(lines(*_table(estimate)))
    hearing.say(_pace(estimate, catalogue))
    chosen = [activity for line in estimate.lines if (activity := catalogue.activities.get(line.key or "")) is not None]
    for head, name in HEADINGS.items():
        sentences = dict.fromkeys(sentence for activity in chosen for sentence in _sentences(activity, name))
        if sentences:
            hearing.say(own(f"**{head}**\n\n"), lines(*(own(f"- {sentence}") for sentence in sentences)))
    hearing.say(own("**Documents**\n\n"), lines(*_documents(hearing)))


def _table(estimate: Estimate) -> Iterator[Safe]:
    """What roles and activities are called stands in a file that somebody uploaded: it is code."""
    roles = [role for role in estimate.rates if estimate.hours_of(role)]
    titles = (own("**Activity**"), *(code_span(estimate.rates[role].title) for role in roles), own("**In all**"))
    return table(("",) * len(titles), (titles, *_rows(estimate)))


def _rows(estimate: Estimate) -> Iterator[tuple[Safe, ...]]:
    roles = [role for role in estimate.rates if estimate.hours_of(role)]
    for line in estimate.lines[:MOST_LINES]:
        yield (code_span(line.title), *(_hours(line, role) for role in roles), _count(line.total_hours))
    yield (own("**All**"), *(_count(estimate.hours_of(role)) for role in roles), _count(estimate.hours))


def _hours(line: Line, role: str) -> Safe:
    hours = line.hours.get(role)
    return own("") if hours is None else _count(hours)


def _count(hours: Decimal) -> Safe:
    return own(number_in_words(hours))


def _pace(estimate: Estimate, catalogue: Catalogue) -> Safe:
    """By the role with the most hours: the others work beside it."""
    role = max(estimate.rates, key=estimate.hours_of)
    weeks = (estimate.hours_of(role) / catalogue.hours_a_week).quantize(Decimal("0.1"))
    pace = own(f"Velocity: at {number_in_words(catalogue.hours_a_week)} hours a week one ")
    return together(
        pace, code_span(estimate.rates[role].title), own(f" is at work for {number_in_words(weeks)} weeks.")
    )


def _sentences(activity: Activity, name: str) -> tuple[str, ...]:
    found: tuple[str, ...] = getattr(activity, name)
    return found


def _documents(hearing: Hearing) -> Iterator[Safe]:
    methodology = hearing.methodology
    for document, rules in methodology.documents.items():
        paper = hearing.standing.papers.get(document)
        if paper is not None:
            yield together(own(f"- {rules.title}: "), *_joined(paper_in_words(paper, methodology)))


def _joined(parts: Iterator[Safe]) -> Iterator[Safe]:
    for number, part in enumerate(parts):
        yield from ((own(", "), part) if number else (part,))
