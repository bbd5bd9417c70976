"""Which questions a submission raises, and what it answers already."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from app.methodology.model import Methodology, Question
from app.methodology.parts import Condition
from app.submission import Submission
from app.submission.fields import content_of, values_at


@dataclass(frozen=True, slots=True)
class Asked:
    """One question of the table; `answer` is None where the submission says nothing about it."""

    key: str
    question: Question
    answer: str | None

    @property
    def is_open(self) -> bool:
        """True for a required question without an answer."""
        return self.question.required and self.answer is None


def asked(submission: Submission, methodology: Methodology) -> tuple[Asked, ...]:
    """The questions of exactly the sets that the chosen services need, each once, in the order of sets and file."""
    content = content_of(submission)
    found: dict[str, Asked] = {}
    for name in _chosen_sets(submission, methodology, content):
        for key, question in methodology.questions_of_sets[name].items():
            if key not in found and _holds(question.when, content):
                found[key] = Asked(key, question, answer_to(key, methodology, content))
    return tuple(found.values())


def answer_to(key: str, methodology: Methodology, content: Mapping[str, Any]) -> str | None:
    """What the submission's content says about a question, in words for people."""
    texts = [text for path in methodology.sources_of_questions[key] for text in texts_at(path, methodology, content)]
    return "; ".join(dict.fromkeys(texts)) or None


def texts_at(path: str, methodology: Methodology, content: Mapping[str, Any]) -> Iterator[str]:
    """The values at a dotted name, put into words, as one text; semicolons where the values have commas themselves."""
    values = values_at(content, path)
    if path in methodology.words:
        values = tuple(dict.fromkeys(values))  # two remote classes are "remote"; two classes of 12 are "12, 12"
    if texts := [methodology.in_words(path, value) for value in values]:
        yield ("; " if any("," in text for text in texts) else ", ").join(texts)


def _chosen_sets(submission: Submission, methodology: Methodology, content: Mapping[str, Any]) -> Iterator[str]:
    chosen = {
        name
        for service in submission.services
        for name, condition in methodology.services[service].question_sets.items()
        if _holds(condition, content)
    }
    for name, group in methodology.question_sets.items():
        if group.always or name in chosen:
            yield name


def _holds(condition: Condition, content: Mapping[str, Any]) -> bool:
    return all(set(values) & set(values_at(content, path)) for path, values in condition.items())
