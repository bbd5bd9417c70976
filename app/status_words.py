"""Roles, labels, days and documents in words: the same in status notes and in comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from app.blocks.words import joined, together
from app.machine.criteria import Gap
from app.machine.papers import bound_papers, differences
from app.machine.standing import Approval, Paper, Standing, Verdict
from app.methodology.model import Methodology
from app.methodology.process import Document, Kind, State
from app.text import Safe, code_span, link, mention, own, upload_link
from app.ways import way_in_words

MAX_NAMES: Final = 3
SAID_OF: Final = {Kind.WON: "won", Kind.LOST: "lost REASON", Kind.HOLD: "hold"}
"""Kind of state → the command that brings an engagement there."""


def role_in_words(role: str, people: Sequence[str], groups: Sequence[str], methodology: Methodology) -> Safe:
    """A role and who holds it, as code."""
    rules = methodology.roles[role]
    if people:
        more = [own(f"{len(people) - MAX_NAMES} more")] if len(people) > MAX_NAMES else []
        who = joined([*map(code_span, people[:MAX_NAMES]), *more], own(", "))
    elif groups:
        who = joined([together(own("group "), code_span(path)) for path in groups[:MAX_NAMES]], own(", "))
    elif rules.access_level is not None:
        who = own(f"whoever is {rules.access_level} or above")
    else:
        who = own("nobody is named")
    return together(own(rules.title), own(" ("), who, own(")"))


def label_in_words(state: State) -> Safe:
    """How a state is set by hand."""
    return code_span(state.label) if state.label is not None else own("(take the label off)")


def gap_in_words(gap: Gap, methodology: Methodology) -> Safe:
    """What is missing, who can bring it, and how; of what consists of many fields, how many."""
    way = way_in_words(gap.key, methodology)
    many = own(f", {len(gap.parts)} missing" if gap.parts else "")
    how = own("") if way is None else together(own("; "), way)
    return together(own(f"{gap.title} ({methodology.roles[gap.owner].title}"), many, how, own(")"))


def document_in_words(document: Document, methodology: Methodology) -> str:
    """How a document is called inside a sentence: `estimate`, `SOW`."""
    title = methodology.documents[document].title
    return title if title[:2].isupper() else title[:1].lower() + title[1:]


def changes_in_words(before: Mapping[str, Paper], now: Mapping[str, Paper], methodology: Methodology) -> list[Safe]:
    """What a document says that it did not say before, one line for each."""
    found = []
    for name, old, new in differences(before, now):
        title = own(f"{methodology.documents[Document(name)].title}: ")
        new_words = joined(paper_in_words(new, methodology), own(", "))
        by = together(own(", by "), code_span(new.by))
        if old is None:
            found.append(together(title, new_words, by, own("; there was none before")))
        else:
            old_words = joined(paper_in_words(old, methodology), own(", "))
            found.append(together(title, new_words, by, own("; before: "), old_words))
    return found


def person(name: str) -> Safe:
    """A mention; as code what GitLab takes for no user's name or for everybody's."""
    try:
        return mention(name)
    except ValueError:
        return code_span(name)


def day(at: float) -> Safe:
    """A day in UTC."""
    return own(datetime.fromtimestamp(at, UTC).date().isoformat())


def versions_in_words(papers: Mapping[str, Paper], methodology: Methodology, *, first: str | None = None) -> str:
    """Which documents, each with its own version: `SOW version 2, cost sheet (COGS) version 1`."""
    order = sorted(papers, key=lambda name: (name != first, list(Document).index(Document(name))))
    return ", ".join(f"{document_in_words(Document(n), methodology)} version {papers[n].version}" for n in order)


def approval_in_words(approval: Approval, document: Document, standing: Standing, methodology: Methodology) -> Safe:
    """What somebody said at a gate: of which documents, when, why, and whether they are others now."""
    is_no = approval.verdict is Verdict.FAILED
    about = versions_in_words(approval.papers, methodology, first=document) or document_in_words(document, methodology)
    word = f" said {'no' if is_no else 'yes'} to {about} on "
    why = together(own(": "), code_span(approval.words)) if approval.words else own("")
    is_present = approval.version == standing.version(document)
    is_other = bool(differences(approval.papers, bound_papers(document, standing, methodology)))
    since = "" if is_present else " (changed since)" if is_other else " (opened again since)"
    return together(code_span(approval.by), own(word), day(approval.at), own(since), why)


def paper_in_words(paper: Paper, methodology: Methodology) -> Iterator[Safe]:
    """Version, worth and place of a document."""
    yield own(f"version {paper.version}")
    if paper.amount is not None:
        form = methodology.words.get("estimate.type", {}).get(paper.form or "")
        worth = code_span(f"{paper.amount:,f} {paper.currency or ''}")
        yield worth if form is None else together(worth, own(f" ({form})"))
    if paper.file is not None:
        yield own("a file in an internal comment") if paper.is_internal else upload_link(paper.file, "the file")
    if paper.url is not None:
        yield link(paper.url, "open it", allowed_hosts=methodology.link_hosts)
