"""A snapshot as the machine's scene: labels, boxes, answers, who holds which role; and what people did since."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from app.boxes import ticked
from app.engagement import Engagement
from app.issue_text import IssueDraft, IssueRef
from app.machine.papers import with_paper
from app.machine.scene import IssueView, Scene, Sign, Turn
from app.machine.standing import Paper, Standing, label_key
from app.methodology.model import Holders, Methodology, NeededBy
from app.methodology.parts import IssueKind
from app.methodology.process import Document
from app.ports import Issue
from app.questions import asked
from app.revision import read_answers
from app.routing import route
from app.snapshot import Needs, Snapshot
from app.submission import Submission
from app.submission.choices import CommercialForm

ACCOUNT_TEAM = "account_team"
"""The one role that every engagement fills anew."""
OF_SUBMISSION = "submission"
"""Source of a paper that a submission brought; the next submission replaces it."""
NEEDED_TO_SCHEDULE = (NeededBy.DRAFT, NeededBy.READY)


def what_to_see(engagement: Engagement, methodology: Methodology) -> Needs:
    """Both issues, what was done to them since last time, and who holds the roles that decide."""
    standing = engagement.standing
    numbers = {kind: link.iid for kind, link in engagement.issues.items()}
    return Needs(
        issues=frozenset(numbers.values()),
        people=frozenset({engagement.submission.requester_gitlab_username}),
        labels_since={iid: standing.seen.get(kind.value, 0) for kind, iid in numbers.items()},
        states_since={iid: standing.seen_states.get(kind.value, 0) for kind, iid in numbers.items()},
        roles=dict(roles_to_see(methodology.deciding_roles, methodology)),
    )


def issues_by_kind(engagement: Engagement, snapshot: Snapshot) -> dict[IssueKind, Issue]:
    """The engagement's issues that are there."""
    return {kind: snapshot.issues[link.iid] for kind, link in engagement.issues.items() if link.iid in snapshot.issues}


def scene_of(
    engagement: Engagement, issues: Mapping[IssueKind, Issue], snapshot: Snapshot, methodology: Methodology
) -> Scene:
    """What the machine may see; `issues` as they are, or as they will be once this decision is carried out."""
    submission = engagement.submission
    answers = {kind: read_answers(issue.description) for kind, issue in issues.items()}
    said = answers.get(IssueKind.SCOPING) or answers.get(IssueKind.INTAKE, {})
    fields = answers.get(IssueKind.INTAKE, {})
    segment = _segment(submission, issues, methodology)
    trusted = _segment(submission, _with_trusted_labels(issues, engagement.standing), methodology)
    return Scene(
        issues={
            kind: IssueView(
                labels=frozenset(issue.labels),
                is_open=issue.is_open,
                assignees=frozenset(person.username for person in issue.assignees),
            )
            for kind, issue in issues.items()
        },
        holders={**_holders(trusted, snapshot), ACCOUNT_TEAM: account_team(submission)},
        ticked=frozenset(box for issue in issues.values() for box in ticked(issue.description, methodology)),
        answered=frozenset(fields).intersection(methodology.intake_fields),
        fields_missing=_missing_fields(fields, methodology),
        open_questions=tuple(
            each.key for each in asked(submission, methodology) if each.is_open and each.key not in said
        ),
        has_segment=segment is not None,
        segment=trusted,
        is_sku=submission.commercial_form is CommercialForm.SKU,
    )


def scene_of_drafts(
    engagement: Engagement, wanted: Mapping[IssueKind, IssueDraft], snapshot: Snapshot, methodology: Methodology
) -> Scene:
    """The scene of issues that are about to be made."""
    submission = engagement.submission
    texts = {
        kind: "".join(part for part in draft.description if not isinstance(part, IssueRef))
        for kind, draft in wanted.items()
    }
    fields = read_answers(texts.get(IssueKind.INTAKE, ""))
    return Scene(
        issues={
            kind: IssueView(frozenset(draft.labels), True, frozenset(filter(None, [draft.assignee])))
            for kind, draft in wanted.items()
        },
        holders={**snapshot.holders, ACCOUNT_TEAM: account_team(submission)},
        answered=frozenset(fields).intersection(methodology.intake_fields),
        fields_missing=_missing_fields(fields, methodology),
        open_questions=tuple(each.key for each in asked(submission, methodology) if each.is_open),
        has_segment=route(submission, methodology).segment is not None,
        segment=route(submission, methodology).segment,
        is_sku=submission.commercial_form is CommercialForm.SKU,
    )


def signs_of(engagement: Engagement, snapshot: Snapshot) -> tuple[Sign, ...]:
    """The label changes since last time; of a label that was deleted GitLab keeps no name."""
    return tuple(
        Sign(
            id=event.id,
            on=kind,
            label=event.label,
            is_added=event.is_added,
            by=None if event.by is None else event.by.username,
            at=event.at.timestamp(),
            is_bot=event.by is not None and event.by.id == snapshot.bot_id,
        )
        for kind, link in engagement.issues.items()
        for event in snapshot.labels.get(link.iid, ())
        if event.label is not None
    )


def turns_of(engagement: Engagement, snapshot: Snapshot) -> tuple[Turn, ...]:
    """The closings and openings by people since last time."""
    return tuple(
        Turn(event.id, kind, event.is_closed, None if event.by is None else event.by.username, event.at.timestamp())
        for kind, link in engagement.issues.items()
        for event in snapshot.states.get(link.iid, ())
        if event.by is None or event.by.id != snapshot.bot_id
    )


def with_estimate(
    standing: Standing, submission: Submission, methodology: Methodology, *, now: float, by: str
) -> Standing:
    """The standing with the estimate that the submission brought: another amount is another version.

    Then the SOW is another one too, whatever was said of it. `by`: whose estimate it is.
    """
    given, known = submission.estimate, standing.papers.get(Document.ESTIMATE)
    if given is None or given.amount is None or (known is not None and known.source != OF_SUBMISSION):
        return standing  # none was sent, or the EM has put one on record since
    form = None if given.type is None else given.type.value
    paper = Paper(0, by, now, amount=given.amount, currency=given.currency, form=form, source=OF_SUBMISSION)
    return with_paper(standing, Document.ESTIMATE, paper, methodology)


def whose_submission(engagement: Engagement, issues: Mapping[IssueKind, Issue]) -> str:
    """Who answers for what was submitted: of a block in an issue its author, whatever name stands in the block."""
    scoping = issues.get(IssueKind.SCOPING)
    if engagement.block_digest is not None and scoping is not None:
        return scoping.author.username
    return engagement.submission.requester_gitlab_username


def account_team(submission: Submission) -> frozenset[str]:
    """The people of this very engagement: who asked, and the account team that was named; in lower case."""
    return frozenset(name.lower() for name in account_team_as_written(submission))


def account_team_as_written(submission: Submission) -> frozenset[str]:
    """The same as the submission writes them."""
    return frozenset([submission.requester_gitlab_username, *(member.username for member in submission.account_team)])


def quarter_label(now: datetime, methodology: Methodology) -> str:
    """The label of the quarter that a day lies in, by the financial year of the methodology."""
    day = now.astimezone(ZoneInfo(methodology.time_zone)).date()
    return methodology.fiscal.label.replace("{quarter}", methodology.fiscal.quarter(day))


def _missing_fields(fields: Mapping[str, str], methodology: Methodology) -> tuple[str, ...]:
    """What scheduling needs to know and nobody has answered."""
    needed = (key for key, field in methodology.intake_fields.items() if field.needed_by in NEEDED_TO_SCHEDULE)
    return tuple(key for key in needed if key not in fields)


def _with_trusted_labels(issues: Mapping[IssueKind, Issue], standing: Standing) -> dict[IssueKind, Issue]:
    """The issues with those labels only that the bot, or who may, has set: a label must not choose its own judge."""
    return {
        kind: replace(issue, labels=tuple(each for each in issue.labels if label_key(kind, each) in standing.setters))
        for kind, issue in issues.items()
    }


def _segment(submission: Submission, issues: Mapping[IssueKind, Issue], methodology: Methodology) -> str | None:
    """What the label says, which an EM sets by hand at triage; else where the request was routed to."""
    before, _, behind = methodology.classification.segment.partition("{segment}")
    for issue in issues.values():
        for label in issue.labels:
            if label.startswith(before) and label.endswith(behind):
                return label.removeprefix(before).removesuffix(behind)
    return route(submission, methodology).segment


def roles_to_see(names: Iterable[str], methodology: Methodology) -> Iterator[tuple[str, Holders]]:
    """Roles and their holders of each segment: the segment is a label, which is yet to be read."""
    for name in names:
        if name == ACCOUNT_TEAM or name not in methodology.roles:
            continue
        role = methodology.roles[name]
        yield name, role
        for segment, held in role.segments.items():
            yield f"{name}@{segment.value}", held


def _holders(segment: str | None, snapshot: Snapshot) -> dict[str, frozenset[str]]:
    held = snapshot.holders
    return {name: held.get(f"{name}@{segment}", holders) for name, holders in held.items() if "@" not in name}
