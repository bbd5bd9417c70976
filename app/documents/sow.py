"""The SOW as a Word file, from the estimate on record and a template that PS people edit. Equal ones are equal bytes.

The template is Jinja in a Word document (docxtpl); it runs in a sandbox, and what customers wrote is text in it and
nothing else.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum
from io import BytesIO
from typing import Any, Final

from docxtpl import DocxTemplate
from jinja2 import StrictUndefined, TemplateError
from jinja2.sandbox import SandboxedEnvironment

from app.catalogue.model import Activity, Catalogue
from app.documents.estimate import NOTHING, Estimate, Line
from app.documents.fixed_zip import fixed
from app.submission.choices import EstimateType
from app.text import one_line

FILE_TYPE: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
MOST_CHARS: Final = 500


HEADINGS: Final = {
    "Deliverables": "deliverables",
    "What has to be there before": "prerequisites",
    "Assumptions": "assumptions",
    "Out of scope": "out_of_scope",
}
"""Of the sentences of activities, wherever they stand."""


class SowFault(ValueError):
    """The template cannot be filled; the text says why, for whoever keeps it."""


class Part(StrEnum):
    """What a SOW is about: an estimate that is billed both ways makes two, whose sum is the estimate."""

    WHOLE = "whole"
    HOURS = "hours"
    PIECES = "pieces"


@dataclass(frozen=True, slots=True, kw_only=True)
class SowWords:
    """What is told besides the numbers. `version`: of the SOW; `estimate_version`: what it was made from."""

    customer: str
    services: str
    billing: str
    made_on: date
    version: int
    estimate_version: int


def parts_of(estimate: Estimate) -> tuple[Part, ...]:
    """The SOWs that an estimate makes."""
    pieces = [line for line in estimate.lines if line.unit_price is not None]
    is_mixed = estimate.form is EstimateType.MIXED and 0 < len(pieces) < len(estimate.lines)
    return (Part.HOURS, Part.PIECES) if is_mixed else (Part.WHOLE,)


def as_sow(estimate: Estimate, told: SowWords, catalogue: Catalogue, template: bytes, *, part: Part) -> bytes:
    """The file. Raises SowFault."""
    context = sow_context(estimate, told, catalogue, part=part)
    try:
        document = DocxTemplate(BytesIO(template))
        environment = SandboxedEnvironment(autoescape=True, undefined=StrictUndefined)
        document.render(context, jinja_env=environment, autoescape=True)
        written = BytesIO()
        document.save(written)
    except (TemplateError, KeyError, ValueError, TypeError, AttributeError, OSError) as fault:
        raise SowFault(f"{type(fault).__name__}: {fault}"[:MOST_CHARS]) from fault
    return fixed(written.getvalue())


def digest_of(estimate: Estimate, told: SowWords, catalogue: Catalogue, *, part: Part) -> str:
    """Of what a SOW says: it stands in its footer, and a changed estimate has another one."""
    context = {**sow_context(estimate, told, catalogue, part=part, has_footer=False)}
    return hashlib.sha256(repr(sorted(context.items())).encode()).hexdigest()[:12]


def sow_context(
    estimate: Estimate, told: SowWords, catalogue: Catalogue, *, part: Part, has_footer: bool = True
) -> Mapping[str, Any]:
    """What the template may name."""
    lines = [line for line in estimate.lines if _is_in(line, part)]
    chosen = [activity for line in lines if (activity := catalogue.activities.get(line.key or "")) is not None]
    consulting, education = _of_kind(lines, is_education=False), _of_kind(lines, is_education=True)
    on_top = NOTHING if part is Part.PIECES else estimate.on_top
    sums = {
        kind: sum((estimate.price_of(each) for each in held), NOTHING)
        for kind, held in (("c", consulting), ("e", education))
    }
    rules = catalogue.sow
    form = {Part.WHOLE: estimate.form, Part.HOURS: EstimateType.TM, Part.PIECES: EstimateType.FF}[part]
    context: dict[str, Any] = {
        "customer": _plain(told.customer),
        "services": _plain(told.services),
        "billing_name": _plain(told.billing),
        "date": told.made_on.isoformat(),
        "version": f"{told.version}, from version {told.estimate_version} of the estimate",
        "consulting": [_row(line, estimate) for line in consulting] + _top(on_top, estimate),
        "education": [_row(line, estimate) for line in education],
        "consulting_total": _money(sums["c"] + on_top, estimate),
        "education_total": _money(sums["e"], estimate),
        "total": _money(sums["c"] + on_top + sums["e"], estimate),
        "billing": rules.billing.get(form, ""),
        "travel": rules.travel,
        "expiry": rules.expiry.replace("{days}", str(rules.valid_days)),
        "acceptance": rules.acceptance,
        "general": list(rules.general),
        "education_terms": list(rules.education),
        **{name: _sentences(chosen, name) for name in HEADINGS.values()},
    }
    if has_footer:
        digest = digest_of(estimate, told, catalogue, part=part)
        context["footer"] = f"SOW draft {told.version}, estimate {told.estimate_version}, {digest}"
    return context


def _is_in(line: Line, part: Part) -> bool:
    return part is Part.WHOLE or (line.unit_price is not None) == (part is Part.PIECES)


def _of_kind(lines: Iterable[Line], *, is_education: bool) -> list[Line]:
    return [line for line in lines if line.is_education == is_education]


def _row(line: Line, estimate: Estimate) -> dict[str, str]:
    amount = f"{number_in_words(line.total_hours)} hours"
    if line.unit_price is not None:
        amount = number_in_words(line.quantity or NOTHING)
    return {"title": _plain(line.title), "amount": amount, "price": _money(estimate.price_of(line), estimate)}


def _top(on_top: Decimal, estimate: Estimate) -> list[dict[str, str]]:
    words = "For what cannot be foreseen"
    return [{"title": words, "amount": "", "price": _money(on_top, estimate)}] if on_top else []


def _sentences(chosen: Iterable[Activity], name: str) -> list[str]:
    """Each once, in the order of the activities."""
    return list(dict.fromkeys(sentence for activity in chosen for sentence in getattr(activity, name)))


def number_in_words(number: Decimal) -> str:
    """`1,200`, `7.5`: without digits that say nothing."""
    return f"{number.normalize():,f}"


def _money(amount: Decimal, estimate: Estimate) -> str:
    return f"{amount:,.2f} {estimate.currency}"


def _plain(text: str) -> str:
    return one_line(text, MOST_CHARS)
