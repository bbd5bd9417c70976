"""Whether a criterion is met, and what is missing of a list of them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from app.machine.papers import digest_of
from app.machine.scene import Scene
from app.machine.standing import Standing, label_key
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Criterion, Document, Fact, Saying


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing: what, and which role can bring it; `parts`: keys of its fields or questions."""

    key: str
    title: str
    owner: str
    parts: tuple[str, ...] = ()


def is_met(criterion: Criterion, standing: Standing, scene: Scene, methodology: Methodology) -> bool:
    """Whether any of its signs is there."""
    return (
        (criterion.fact is not None and _holds(criterion.fact, standing, scene, methodology))
        or (bool(criterion.ticked) and not scene.ticked.isdisjoint(criterion.ticked))
        or criterion.field in scene.answered
        or (bool(criterion.labels) and _is_set(criterion, standing, scene))
        or (bool(criterion.states) and _is_at(criterion.states, standing))
        or (bool(criterion.said) and all(is_said(each, standing, methodology) for each in criterion.said))
    )


def is_said(saying: Saying, standing: Standing, methodology: Methodology) -> bool:
    """Whether somebody said so of the documents as they are now."""
    mark = standing.marks.get(saying)
    return mark is not None and mark.digest == digest_of(Document(mark.document), standing, methodology)


def is_written(document: Document | None, standing: Standing, scene: Scene, methodology: Methodology) -> bool:
    """Whether there is something to judge: it is on record, or people said in another way that it is there."""
    if document is None or document in standing.papers:
        return True
    about = (each for each in methodology.criteria.values() if each.document is document)
    return any(is_met(each, standing, scene, methodology) for each in about)


def all_met(names: Iterable[str], standing: Standing, scene: Scene, methodology: Methodology) -> bool:
    """Whether all of these criteria are met."""
    return all(is_met(methodology.criteria[name], standing, scene, methodology) for name in names)


def gaps(names: Iterable[str], standing: Standing, scene: Scene, methodology: Methodology) -> tuple[Gap, ...]:
    """What is missing of these criteria; for the readiness, its single items, but for what a criterion says as well."""
    found: list[Gap] = []
    names = tuple(names)
    facts = {methodology.criteria[name].fact for name in names} - {None}
    for name in names:
        criterion = methodology.criteria[name]
        if is_met(criterion, standing, scene, methodology):
            continue
        if criterion.fact is Fact.READINESS:
            items = methodology.readiness
            unready = _unready(standing, scene, methodology)
            found += [gap for gap in unready if items[gap.key.removeprefix("readiness.")].fact not in facts]
        else:
            found.append(Gap(name, criterion.title, criterion.owner, _parts(criterion, scene)))
    return tuple(found)


def _parts(criterion: Criterion, scene: Scene) -> tuple[str, ...]:
    if criterion.fact is Fact.INTAKE_FIELDS:
        return scene.fields_missing
    return scene.open_questions if criterion.fact is Fact.QUESTIONS else ()


def _unready(standing: Standing, scene: Scene, methodology: Methodology) -> list[Gap]:
    return [
        Gap(f"readiness.{key}", item.title, item.owner, _parts(item, scene))
        for key, item in methodology.readiness.items()
        if f"readiness.{key}" not in scene.ticked and not is_met(item, standing, scene, methodology)
    ]


def _holds(fact: Fact, standing: Standing, scene: Scene, methodology: Methodology) -> bool:
    match fact:
        case Fact.ASSIGNEE:
            scoping = scene.issues.get(IssueKind.SCOPING)
            return scoping is not None and bool(scoping.assignees)
        case Fact.SEGMENT:
            return scene.has_segment
        case Fact.QUESTIONS:
            return not scene.open_questions
        case Fact.INTAKE_FIELDS:
            return not scene.fields_missing
        case Fact.READINESS:
            return not _unready(standing, scene, methodology)
        case Fact.ESTIMATE | Fact.SOW | Fact.COGS | Fact.LEGAL_CASE:
            return fact.value in standing.papers


def _is_set(criterion: Criterion, standing: Standing, scene: Scene) -> bool:
    for on, issue in scene.issues.items():
        if not issue.labels.isdisjoint(criterion.labels):
            present = issue.labels.intersection(criterion.labels)
            if criterion.set_by is None or any(label_key(on, label) in standing.setters for label in present):
                return True
    return False


def _is_at(refs: tuple[str, ...], standing: Standing) -> bool:
    """Whether a track stands there, or left it for a pause or an end and may come back to it."""
    for name, place in standing.places.items():
        if f"{name}.{place.state}" in refs or (place.left is not None and f"{name}.{place.left}" in refs):
            return True
    return False
