"""Names in a methodology that lead nowhere: a label, role, service, question set, field or segment nobody made."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator

from app.methodology.model import Methodology
from app.methodology.parts import Condition
from app.submission.choices import Segment, Service
from app.submission.fields import has_field

Path = tuple[str | int, ...]
Found = Iterator[tuple[Path, str]]

REQUIRED_ROLES = ("em", "ta", "rdm", "leadership", "revenue", "legal", "pc", "pm")
ROUTED = ("routing.em", "routing.segment")
"""What intake fields may show besides fields of the submission."""


def dangling(methodology: Methodology) -> Found:
    """Where a name stands that leads nowhere, and what would be allowed there."""
    yield from _labels(methodology)
    yield from _roles(methodology)
    yield from _routing(methodology)
    yield from _services(methodology)
    yield from _questions(methodology)


def _labels(methodology: Methodology) -> Found:
    known = methodology.labels
    for kind in ("scoping", "intake", "intake_only"):
        for index, label in enumerate(getattr(methodology.issues, kind).labels):
            yield from _unknown(("issues", kind, "labels", index), label, known, what="label")
    yield from _unknown(("classification", "pubsec_us"), methodology.classification.pubsec_us, known, what="label")
    for segment in Segment:
        label = methodology.classification.segment.replace("{segment}", segment.value)
        yield from _unknown(("classification", "segment"), label, known, what="label")
    for service, rules in methodology.services.items():
        if rules.label is not None:
            yield from _unknown(("services", service.value, "label"), rules.label, known, what="label")
    for family in methodology.label_families:
        if family.count("*") != 1:
            yield ("label_families", family), "must contain one * in place of the value"


def _roles(methodology: Methodology) -> Found:
    known = methodology.roles
    for role in REQUIRED_ROLES:
        if role not in known:
            yield ("roles",), f"lacks the role {role!r}"
    yield from _unknown(("routing", "triage_role"), methodology.routing.triage_role, known, what="role")
    for name, stage in methodology.stages.items():
        yield from _unknown(("stages", name, "dri"), stage.dri, known, what="role")
    for name, item in methodology.readiness.items():
        yield from _unknown(("readiness", name, "owner"), item.owner, known, what="role")
    for name, field in methodology.intake_fields.items():
        yield from _unknown(("intake_fields", name, "owner"), field.owner, known, what="role")


def _routing(methodology: Methodology) -> Found:
    known = methodology.routing.segments
    for segment in Segment:
        if segment not in known:
            yield ("routing", "segments"), f"lacks the segment {segment.value!r} (null means: nobody in particular)"
    for pattern, segment in methodology.routing.territories.items():
        yield from _unknown(("routing", "territories", pattern), segment, known, what="segment")


def _services(methodology: Methodology) -> Found:
    for service in Service:
        if service not in methodology.services:
            yield ("services",), f"lacks the service {service.value!r}"
    for service, rules in methodology.services.items():
        for name, condition in rules.question_sets.items():
            path = ("services", service.value, "question_sets", name)
            yield from _unknown(path, name, methodology.question_sets, what="question set")
            yield from _fields(path, condition)


def _questions(methodology: Methodology) -> Found:
    for name, group in methodology.question_sets.items():
        if group.answers is not None:
            yield from _fields(("question_sets", name, "answers"), [group.answers])
    for key, question in methodology.questions.items():
        for index, name in enumerate(question.sets):
            yield from _unknown(("questions", key, "sets", index), name, methodology.question_sets, what="question set")
        yield from _fields(("questions", key, "from"), question.answered_by)
        yield from _fields(("questions", key, "when"), question.when)
        if question.intake is not None:
            path = ("questions", key, "intake")
            yield from _unknown(path, question.intake, methodology.intake_fields, what="intake field")
    for name, field in methodology.intake_fields.items():
        sources = [source for source in field.answered_by if source not in ROUTED]
        yield from _fields(("intake_fields", name, "from"), sources)
    for field_path in methodology.words:
        yield from _fields(("words", field_path), [field_path])


def _unknown(path: Path, name: str, known: Iterable[str], *, what: str) -> Found:
    names = list(known)
    if name not in names:
        yield path, f"no {what} is called {str(name)!r}; {one_of(names, near=name)}"


def _fields(path: Path, fields: Iterable[str] | Condition) -> Found:
    for field in fields:
        if not has_field(field):
            yield path, f"a submission has no field {field!r}"


def one_of(names: Iterable[str], *, near: str) -> str:
    """The allowed names, as the end of a message: the likely one first, and at most a dozen of a long list."""
    allowed = [str(name) for name in names]
    more = f" and {len(allowed) - 12} more" if len(allowed) > 12 else ""
    likely = difflib.get_close_matches(near, allowed, n=1)
    hint = f"did you mean {likely[0]!r}? " if likely else ""
    return f"{hint}allowed: {', '.join(allowed[:12])}{more}"
