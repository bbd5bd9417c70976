"""What is told to people whose word is void because a document says something else now: once, in one paragraph each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from app.blocks.words import joined, lines, together
from app.machine.outcome import Fallen
from app.machine.papers import bound_papers
from app.machine.standing import Approval, Mark, Paper, Standing
from app.methodology.model import Methodology
from app.methodology.process import Document, Saying
from app.opportunity import SALESFORCE
from app.status_words import changes_in_words, person, versions_in_words
from app.text import Safe, code_span, own


def fallen_in_words(fell: Fallen, standing: Standing, methodology: Methodology) -> Iterator[Safe]:
    """All of them are called, with what changed and what they had said; nothing where nothing fell."""
    words = [*_words(fell, methodology)]
    if not words:
        return
    yield _address([said.by for _, _, said in words], fell)
    changes = dict.fromkeys(
        each for _, document, said in words for each in _changes(document, said.papers, standing, methodology)
    )
    yield lines(*(together(own("- "), each) for each in changes))
    void = dict.fromkeys(_void(title, document, said, methodology) for title, document, said in words)
    yield together(own("Void now: "), joined(void, own("; ")), own("."))


def _address(said_by: list[str], fell: Fallen) -> Safe:
    """What was decided in Salesforce nobody can be called for: its departments see to it there."""
    called = joined(dict.fromkeys(person(each) for each in said_by if each != SALESFORCE), own(", "))
    if not called:
        return own("What was decided in Salesforce is about something that has changed, so it does not count any more:")
    word, what = ("your yes", "said yes to") if not fell.marks else ("your word", "spoke about")
    return together(called, own(f", what you {what} has changed, so {word} does not count any more:"))


def saying_title(saying: str, methodology: Methodology) -> str:
    """What somebody said to be so, as the methodology calls it."""
    criteria = methodology.criteria.values()
    return next((each.title for each in criteria if Saying(saying) in each.said), saying.replace("_", " "))


def _words(fell: Fallen, methodology: Methodology) -> Iterator[tuple[str, Document, Approval | Mark]]:
    """What each word was called, and what it was about; only what is said of a document falls."""
    for gate, approval in fell.yeses:
        rules = methodology.gates[gate]
        if rules.document is not None:
            yield rules.title, rules.document, approval
    for saying, mark in fell.marks:
        yield saying_title(saying, methodology), Document(mark.document), mark


def _changes(
    document: Document, before: Mapping[str, Paper], standing: Standing, methodology: Methodology
) -> list[Safe]:
    return changes_in_words(before, bound_papers(document, standing, methodology), methodology)


def _void(title: str, document: Document, said: Approval | Mark, methodology: Methodology) -> Safe:
    about = versions_in_words(said.papers, methodology, first=document)
    return together(own(f"**{title}** ("), code_span(said.by), own(f", for {about})" if about else ")"))
