"""Documents on record: what a yes to one is bound to, and what a new version of one does to the others."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from functools import lru_cache
from operator import attrgetter

from app.machine.standing import Mark, Paper, Standing
from app.machine.timeline import recorded, with_time
from app.methodology.model import Methodology
from app.methodology.process import Document


def is_stale(document: Document, standing: Standing) -> bool:
    """Whether a document was put on record beside an earlier version of the estimate than there is now."""
    paper, estimate = standing.papers.get(document), standing.papers.get(Document.ESTIMATE)
    return paper is not None and paper.of is not None and estimate is not None and paper.of < estimate.version


def bound_papers(document: Document, standing: Standing, methodology: Methodology) -> dict[str, Paper]:
    """The documents that a yes to this one is bound to, as far as they are on record."""
    names = methodology.documents[document].bound_to
    return {name.value: standing.papers[name] for name in names if name in standing.papers}


def digest_of(document: Document | None, standing: Standing, methodology: Methodology) -> str:
    """What a yes is bound to, in short: it differs as soon as any of the documents does. Empty: it is about none."""
    if document is None:
        return ""
    bound_to = methodology.documents[document].bound_to
    return _digest(standing.version(document), bound_to, tuple([standing.papers.get(name) for name in bound_to]))


@lru_cache(maxsize=4096)
def _digest(version: int, names: tuple[Document, ...], papers: tuple[Paper | None, ...]) -> str:
    """Of what a document says, not of who put it on record when."""
    present = [(name, paper) for name, paper in zip(names, papers, strict=True) if paper is not None]
    said = [
        (name.value, p.version, str(p.amount), p.currency, p.form, p.url, *([p.file] if p.file is not None else []))
        for name, p in present
    ]
    return hashlib.sha256(repr((version, said)).encode("utf-8", "surrogatepass")).hexdigest()[:16]


def is_same(one: Paper | None, other: Paper) -> bool:
    """Whether two versions of a document say the same."""
    said = attrgetter("amount", "currency", "form", "url", "file")
    return one is not None and said(one) == said(other)


def with_paper(standing: Standing, document: Document, paper: Paper, methodology: Methodology) -> Standing:
    """A document put on record as its next version; one that says the same as the present one changes nothing.

    What was said of the documents that are bound to it is void: they count as opened again. Its version is set here.
    """
    known = standing.papers.get(document)
    if is_same(known, paper):
        return standing
    estimate = standing.papers.get(Document.ESTIMATE)
    of = None if estimate is None or document is Document.ESTIMATE else estimate.version
    numbered = replace(paper, version=1 if known is None else known.version + 1, of=of)
    reopened = dict(standing.reopened)
    for other, rules in methodology.documents.items():
        is_bound = other is not document and document in rules.bound_to
        if is_bound and _has_something_to_lose(other, standing, methodology):
            reopened[other.value] = reopened.get(other.value, 0) + 1
    stands = replace(standing, papers={**standing.papers, document.value: numbered}, reopened=reopened)
    return with_time(stands, recorded(document.value), paper.at)


def _has_something_to_lose(document: Document, standing: Standing, methodology: Methodology) -> bool:
    """Whether there is a version of it, or somebody was asked, or said something, about it."""
    if document in standing.papers:
        return True
    gates = (name for name, gate in methodology.gates.items() if gate.document is document)
    return any(name in standing.approvals or name in standing.asked for name in gates)


def mark_about(
    document: Document, standing: Standing, methodology: Methodology, *, by: str, at: float, words: str | None = None
) -> Mark:
    """Somebody's word about a document as it is now."""
    return Mark(
        by=by,
        at=at,
        document=document.value,
        digest=digest_of(document, standing, methodology),
        words=words,
        version=standing.version(document),
        papers=bound_papers(document, standing, methodology),
    )


def differences(before: Mapping[str, Paper], now: Mapping[str, Paper]) -> tuple[tuple[str, Paper | None, Paper], ...]:
    """The documents that say something else than before: name, as it was (None: there was none), as it is."""
    return tuple((name, before.get(name), paper) for name, paper in now.items() if not is_same(before.get(name), paper))
