"""What is still to be done: questions, intake fields, steps of the methodology, readiness."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app import answer_table, text
from app.blocks.case import Case, service_titles
from app.blocks.words import lines
from app.methodology.model import NeededBy
from app.questions import Asked, texts_at
from app.text import Safe, own

_MOMENTS: Final = {
    NeededBy.DRAFT: "Draft",
    NeededBy.READY: "Ready",
    NeededBy.BOOKING: "Booking",
    NeededBy.STAFFING: "Staffing",
    NeededBy.STAFFED: "Staffed",
    NeededBy.CLOSED_WON: "Closed won",
    NeededBy.SCHEDULED: "Scheduled",
}


def ssot(case: Case) -> Safe:
    """The question table."""
    rows = {each.key: _question_row(each) for each in case.questions}
    return answer_table.written(("Question", "Answer", "Example", "Why we ask", "Key"), rows)


def _question_row(each: Asked) -> tuple[Safe, ...]:
    question = each.question
    if each.answer is not None:
        answer = text.cell(each.answer, limit_chars=300)
    else:
        answer = answer_table.REQUIRED_TODO if question.required else answer_table.TODO
    asked_for = own(f"**{question.text}**" if question.required else question.text)
    return (asked_for, answer, own(question.example), own(question.why), text.code_span(each.key))


def intake_fields(case: Case) -> Safe:
    """The table of what scheduling has to know, ordered by when it is needed."""
    moments = list(NeededBy)
    fields = sorted(case.methodology.intake_fields.items(), key=lambda item: moments.index(item[1].needed_by))
    told: dict[str, list[str]] = {}
    for each in case.questions:
        if (name := each.question.intake) is not None:
            told.setdefault(name, []).append(_as_told(each, case))
    rows = {}
    for key, field in fields:
        answer = "; ".join(dict.fromkeys(text for text in (*_submitted(key, case), *told.get(key, ())) if text))
        rows[key] = (
            own(field.title),
            text.cell(answer, limit_chars=500) if answer else answer_table.TODO,
            own(_MOMENTS[field.needed_by]),
            own(case.methodology.roles[field.owner].title),
            text.code_span(key),
        )
    return answer_table.written(("Field", "Answer", "Needed by", "Owner", "Key"), rows)


def _submitted(key: str, case: Case) -> Iterator[str]:
    """What the submission, and where it was routed to, say about an intake field."""
    routed = {"routing.em": case.routing.em, "routing.segment": case.routing.segment}
    for path in case.methodology.intake_fields[key].answered_by:
        if path == "services" and case.submission.services:
            yield service_titles(case.submission, case.methodology)
        elif path in routed:
            yield routed[path] or ""
        else:
            yield from texts_at(path, case.methodology, case.content)


def _as_told(each: Asked, case: Case) -> str:
    """A person's answer to a question, else the submission's, unless the intake field takes it from there itself.

    What is read back from the question's cell may be the submission's answer that the bot wrote there.
    """
    said = case.answers.get(each.key, "")
    if not each.question.answered_by:
        return said or each.answer or ""
    is_submitted = text.cell(said, limit_chars=500) == text.cell(each.answer or "", limit_chars=500)
    return "" if is_submitted else said


def checklist(case: Case) -> Safe:
    """The four stages of the methodology with their steps."""
    parts: list[Safe] = []
    for number, stage in enumerate(case.methodology.stages.values(), start=1):
        dri = case.methodology.roles[stage.dri].title
        parts += [own(f"### {number}. {stage.title}"), own("")]
        parts += [
            own(f"DRI: **{dri}**, supported by {stage.supported_by}." + (f" {stage.note}" if stage.note else "")),
            own(""),
        ]
        parts += [own(f"- [ ] {step}") for step in stage.steps.values()]
        parts.append(own(""))
    return lines(*parts)


def readiness(case: Case) -> Safe:
    """What must be true before people are scheduled, each with its owner."""
    roles = case.methodology.roles
    return lines(
        *(own(f"- [ ] {item.title} ({roles[item.owner].title})") for item in case.methodology.readiness.values())
    )
