"""A submission as the two issues it brings about: title, description, labels, assignee, due date.

The description is a tuple of parts, because the intake issue refers to a scoping issue whose number is not known until
it exists. That reference is a value of its own (IssueRef), never a word in the text: so no foreign text can forge one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import Enum
from functools import lru_cache, partial
from types import MappingProxyType
from zoneinfo import ZoneInfo

from app import text
from app.blocks import facts, welcome, work
from app.blocks.case import Case, case_of, service_titles
from app.blocks.words import together
from app.catalogue import Catalogue, load_catalogue
from app.chat_form import ChatForm
from app.machine.calendars import due_at
from app.methodology.model import IssueText, Methodology
from app.routing import Routing, intake_only, labels_for
from app.submission import Submission
from app.templates import Inline, TemplateKind, Templates
from app.text import Safe, own

_NOTHING: Mapping[str, str] = MappingProxyType({})
TITLE_CHARS = 255


class IssueRef(Enum):
    """A reference to another issue of the same engagement, to be filled in when its number is known."""

    SCOPING = "scoping"
    INTAKE = "intake"


@dataclass(frozen=True, slots=True)
class Playbook:
    """Everything that people may change about the process: the methodology and the templates.

    `chat`: whether what happens is told in Slack as well.
    """

    methodology: Methodology
    templates: Templates
    chat: ChatForm = ChatForm.OFF
    agendas: Mapping[str, str] = field(default_factory=dict)
    """File → agenda, of the meetings."""
    mail_from: str | None = None
    """The address that the service sends mail from; None: it sends none."""
    catalogue: Catalogue = field(default_factory=load_catalogue)
    """What estimates are made of."""
    sow_template: bytes = b""
    """The Word file that SOWs are made from."""
    salesforce_url: str | None = None
    """Where the service is connected to Salesforce: My Domain."""

    @property
    def has_digests(self) -> bool:
        """Whether there is a place for the digests of the morning."""
        return self.methodology.digest.issue is not None or self.chat.has_threads


@dataclass(frozen=True, slots=True, kw_only=True)
class IssueDraft:
    """An issue as it is to be made."""

    title: str
    description: tuple[Safe | IssueRef, ...]
    labels: tuple[str, ...]
    assignee: str | None
    due_date: date | None
    confidential: bool


def open_case(
    submission: Submission,
    playbook: Playbook,
    *,
    routing: Routing,
    people: Mapping[str, bool],
    now: datetime,
    answers: Mapping[str, str] = _NOTHING,
) -> Case:
    """A submission and what is known around it: worked out once for both of its issues.

    `people`: GitLab user name → exists; only those that do are mentioned. `answers`: what people answered so far, by
    question key; such a question is not asked for any more.
    """
    zone = ZoneInfo(playbook.methodology.time_zone)
    return case_of(
        submission,
        playbook.methodology,
        routing=routing,
        people=people,
        answers=answers,
        today=now.astimezone(zone).date(),
        first_touch=_first_touch(playbook.methodology, routing, now).astimezone(zone).date(),
    )


def _first_touch(methodology: Methodology, routing: Routing, now: datetime) -> datetime:
    clock, calendar = methodology.clocks[methodology.sla.due_day], methodology.calendar_of(routing.segment)
    return due_at(now, clock.hours, clock.counts, calendar) or now


def scoping_draft(case: Case, playbook: Playbook) -> IssueDraft:
    """The scoping issue."""
    blocks = _blocks(case) | {
        "welcome": partial(welcome.welcome, case),
        "also_submitted": partial(facts.also_submitted, case, has_questions=True),
    }
    return IssueDraft(
        title=_title(case.submission, playbook.methodology.issues.scoping),
        description=_description(TemplateKind.SCOPING, "scoping", case, playbook, blocks),
        labels=labels_for(case.submission, playbook.methodology, case.routing).scoping,
        assignee=_assignee(case),
        due_date=case.first_touch,
        confidential=_is_confidential(case),
    )


def intake_draft(case: Case, playbook: Playbook, *, scoping: bool) -> IssueDraft:
    """The Project Scheduling Intake issue; `scoping`: whether a scoping issue stands beside it.

    Where none does, this issue is the one that welcomes, mentions, assigns and is due.
    """
    labels = labels_for(case.submission, playbook.methodology, case.routing)
    issues = playbook.methodology.issues
    if scoping:
        return IssueDraft(
            title=_title(case.submission, issues.intake),
            description=_description(TemplateKind.INTAKE, "intake", case, playbook, _blocks(case)),
            labels=labels.intake,
            assignee=None,
            due_date=None,
            confidential=_is_confidential(case),
        )
    reason = intake_only(case.submission) or "it was not wanted"
    blocks = _blocks(case) | {
        "welcome": partial(welcome.welcome_to_order, case, reason=reason),
        "also_submitted": partial(facts.also_submitted, case, has_questions=False),
    }
    return IssueDraft(
        title=_title(case.submission, issues.intake_only),
        description=_description(TemplateKind.INTAKE_ONLY, "intake", case, playbook, blocks),
        labels=labels.intake_only,
        assignee=_assignee(case),
        due_date=case.first_touch,
        confidential=_is_confidential(case),
    )


def _blocks(case: Case) -> dict[str, Callable[[], Safe]]:
    """The parts that read the same in every issue; written only where a template wants them."""
    return {
        "summary": partial(facts.summary, case),
        "warnings": partial(facts.remarks, case),
        "ssot": partial(work.ssot, case),
        "classes": partial(facts.classes, case),
        "order": partial(facts.order, case),
        "background": partial(facts.background, case),
        "checklist": partial(work.checklist, case),
        "intake_fields": partial(work.intake_fields, case),
        "readiness": partial(work.readiness, case),
    }


_section = lru_cache(maxsize=64)(text.section)
"""Writing a section checks it, which is most of the work here; parts such as the checklist never differ."""


def _inline(case: Case) -> dict[str, Safe | IssueRef]:
    """What stands for the placeholders inside lines."""
    em = case.routing.em
    return {
        "customer": text.code_span(case.submission.customer_name),
        "requester": text.code_span(case.submission.requester_gitlab_username),
        "em": own("nobody yet") if em is None else text.code_span(em),
        "services": own(service_titles(case.submission, case.methodology)),
        "segment": own(case.routing.segment or "not known yet"),
        "due_date": own(case.first_touch.isoformat()),
        "scoping_issue": IssueRef.SCOPING,
    }


def _description(
    kind: TemplateKind, marker: str, case: Case, playbook: Playbook, blocks: Mapping[str, Callable[[], Safe]]
) -> tuple[Safe | IssueRef, ...]:
    parts: list[Safe | IssueRef] = []
    written = [text.marker(marker, str(case.submission.submission_id)), own("\n\n")]
    inline = _inline(case)
    for piece in playbook.templates.pieces[kind]:
        if isinstance(piece, Inline):
            filled: Safe | IssueRef = inline[piece.name]
        elif isinstance(piece, str):
            filled = piece
        else:
            filled = _section(piece.name, blocks[piece.name]())
        if isinstance(filled, IssueRef):
            parts += [together(*written), filled]
            written = []
        else:
            written.append(filled)
    return (*parts, together(*written))


def _title(submission: Submission, issue: IssueText) -> str:
    """The customer's name is cut, never what the issue is for."""
    rest = f" - {issue.title}"
    return text.title(submission.customer_name, limit_chars=TITLE_CHARS - len(rest)) + rest


def _assignee(case: Case) -> str | None:
    em = case.routing.em
    return None if em is None or case.people.get(em) is False else em


def _is_confidential(case: Case) -> bool:
    return case.methodology.confidential.pubsec_us and case.submission.pubsec_us
