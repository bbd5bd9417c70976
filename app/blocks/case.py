"""One submission with all that is known around it while its issues are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.methodology.model import Methodology
from app.questions import Asked, asked
from app.routing import Routing
from app.submission import Submission
from app.submission.fields import content_of


@dataclass(frozen=True, slots=True)
class Case:
    """One submission and all that is known around it while its issues are written.

    `people`: GitLab user name → whether it exists; a name that is missing could not be looked up. `answers`: what
    people answered in the issues so far, by question key.
    """

    submission: Submission
    methodology: Methodology
    routing: Routing
    people: Mapping[str, bool]
    answers: Mapping[str, str]
    today: date
    first_touch: date
    content: Mapping[str, Any]
    questions: tuple[Asked, ...]

    @property
    def open_questions(self) -> tuple[Asked, ...]:
        """Required questions that neither the submission nor a person has answered."""
        return tuple(each for each in self.questions if each.is_open and each.key not in self.answers)


def case_of(
    submission: Submission,
    methodology: Methodology,
    *,
    routing: Routing,
    people: Mapping[str, bool],
    answers: Mapping[str, str],
    today: date,
    first_touch: date,
) -> Case:
    """The case of a submission, its questions worked out."""
    return Case(
        submission=submission,
        methodology=methodology,
        routing=routing,
        people=people,
        answers=answers,
        today=today,
        first_touch=first_touch,
        content=content_of(submission),
        questions=asked(submission, methodology),
    )


def service_titles(submission: Submission, methodology: Methodology) -> str:
    """The chosen services in words."""
    titles = (methodology.services[service].title for service in submission.services)
    return ", ".join(titles) or "not chosen yet"
