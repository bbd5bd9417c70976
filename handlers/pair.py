"""The two issues of an engagement: what is needed to make the ones that are missing and to relate them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from app.actions import Action, AdoptIssue, CreateIssue, LinkIssues
from app.engagement import Engagement, IssueRole
from app.issue_text import IssueDraft, IssueRef, Playbook, intake_draft, open_case, scoping_draft
from app.routing import intake_only, route
from app.submission import Submission
from app.text import Safe, marker, own, section, sections


def drafts(
    submission: Submission,
    playbook: Playbook,
    people: Mapping[str, bool],
    now: datetime,
    *,
    has_scoping: bool,
    answers: Mapping[str, str] = MappingProxyType({}),
) -> dict[IssueRole, IssueDraft]:
    """The texts of the issues that this submission asks for.

    `has_scoping`: there is a scoping issue, whatever the submission asks for. `answers`: what people wrote, by key.
    """
    routing = route(submission, playbook.methodology)
    scoping = has_scoping or intake_only(submission) is None
    found: dict[IssueRole, IssueDraft] = {}
    case = open_case(submission, playbook, routing=routing, people=people, now=now, answers=answers)
    if scoping:
        found[IssueRole.SCOPING] = scoping_draft(case, playbook)
    found[IssueRole.INTAKE] = intake_draft(case, playbook, scoping=scoping)
    return found


def create(engagement: Engagement, role: IssueRole, draft: IssueDraft) -> CreateIssue:
    """Make one issue of the engagement."""
    return CreateIssue(
        key=f"{engagement.id}:create:{role.value}",
        role=role,
        marker=marker(role.value, engagement.id),
        search=engagement.id,
        title=draft.title,
        description=draft.description,
        labels=draft.labels,
        assignee=draft.assignee,
        due_date=draft.due_date,
        confidential=draft.confidential,
    )


def no_longer_alone(intake: IssueDraft, *, beside: IssueDraft) -> IssueDraft:
    """The intake issue of an order that turns out to need scoping: what it said in place of a scoping issue is mended.

    Only the parts that it has are replaced by these, so the parts of the scoping issue may all be offered.
    """
    said = sections("".join(part for part in beside.description if not isinstance(part, IssueRef)))
    welcome = own(
        "This began as an order that needs no scoping. Now it does: see the scoping issue that is linked here. What is "
        "still missing is asked for there."
    )
    shared = [section(name, Safe(part.body)) for name, part in said.items() if name != "welcome"]
    return replace(intake, description=(*intake.description, *shared, section("welcome", welcome)))


@dataclass(frozen=True, slots=True)
class Adopt:
    """An issue that a person opened and that is to be the scoping issue."""

    iid: int


def adopted(adopt: Adopt, engagement: Engagement, wanted: Mapping[IssueRole, IssueDraft]) -> tuple[Action, ...]:
    """The pair with a person's issue in the place of the scoping issue."""
    draft = wanted[IssueRole.SCOPING]
    adoption = AdoptIssue(
        key=f"{engagement.id}:adopt:{adopt.iid}",
        role=IssueRole.SCOPING,
        iid=adopt.iid,
        marker=marker(IssueRole.SCOPING.value, engagement.id),
        description=draft.description,
        labels=draft.labels,
        assignee=draft.assignee,
        due_date=draft.due_date,
        confidential=draft.confidential,
    )
    rest = [a for a in complete(engagement, wanted) if getattr(a, "role", None) is not IssueRole.SCOPING]
    return (adoption, *rest)


def link(engagement: Engagement) -> LinkIssues:
    """Relate the scoping issue and the intake issue."""
    return LinkIssues(key=f"{engagement.id}:link", source=IssueRole.SCOPING, target=IssueRole.INTAKE)


def complete(engagement: Engagement, wanted: Mapping[IssueRole, IssueDraft]) -> tuple[Action, ...]:
    """Whatever of the pair is not there yet: issues in their order, then the link between them."""
    made: list[Action] = [
        create(engagement, role, draft) for role, draft in wanted.items() if role not in engagement.issues
    ]
    if IssueRole.SCOPING in wanted and not engagement.is_linked:
        made.append(link(engagement))
    return tuple(made)
