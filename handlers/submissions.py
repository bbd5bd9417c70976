"""A calculator submission: two linked issues the first time, an update of the bot's own parts when it changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from functools import partial

from app.actions import Action, ReviseIssue, Say
from app.engagement import Engagement, EngagementId, IssueRole, submission_record
from app.events import SubmissionReceived
from app.issue_text import IssueDraft, IssueRef, Playbook
from app.registry import Decision, ignore, registry
from app.revision import read_answers, revise, revision_note
from app.routing import intake_only, route
from app.snapshot import Needs, Snapshot
from app.submission import Submission, changes, content_digest
from app.text import marker
from handlers.pair import complete, drafts


def people_of(submission: Submission, playbook: Playbook) -> frozenset[str]:
    """Who has to be known before the texts can be written: whom they mention."""
    em = route(submission, playbook.methodology).em
    return frozenset({submission.requester_gitlab_username, *([em] if em else [])})


def _needs(event: SubmissionReceived, engagement: Engagement | None, playbook: Playbook) -> Needs:
    people = people_of(event.submission, playbook)
    if engagement is None or content_digest(engagement.submission) == content_digest(event.submission):
        return Needs(people=people)
    return Needs(issues=frozenset(link.iid for link in engagement.issues.values()), people=people)


@registry.on(SubmissionReceived, needs=_needs)
def on_submission(event: SubmissionReceived, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Make the issues; or bring them up to date; or, where nothing changed and nothing is missing, do nothing."""
    if snapshot.engagement is None:
        return _first(event.submission, snapshot, playbook, now)
    if content_digest(snapshot.engagement.submission) != content_digest(event.submission):
        return revision(snapshot.engagement, event.submission, snapshot, playbook, now)
    missing = _complete(snapshot.engagement, snapshot, playbook, now)
    if not missing:
        return ignore("this submission is known, and unchanged")
    return Decision(reasons=("this submission is known, but its issues are not complete",), actions=missing)


def _first(submission: Submission, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    engagement = Engagement(
        id=EngagementId(str(submission.submission_id)), submission=submission, submitted_on=now.date()
    )
    only = intake_only(submission)
    why = "a new submission" if only is None else f"a new submission without a scoping issue: {only}"
    return Decision(
        reasons=(why, route(submission, playbook.methodology).why),
        actions=_complete(engagement, snapshot, playbook, now),
        engagement=engagement,
    )


def _complete(engagement: Engagement, snapshot: Snapshot, playbook: Playbook, now: datetime) -> tuple[Action, ...]:
    has_scoping = IssueRole.SCOPING in engagement.issues
    return complete(engagement, drafts(engagement.submission, playbook, snapshot.people, now, has_scoping=has_scoping))


def revision(
    engagement: Engagement, submission: Submission, snapshot: Snapshot, playbook: Playbook, now: datetime
) -> Decision:
    """The same engagement with changed content: update, complete, and tell once what changed."""
    has_scoping = IssueRole.SCOPING in engagement.issues
    draft = partial(drafts, playbook=playbook, people=snapshot.people, now=now, has_scoping=has_scoping)
    answers = {
        key: value for issue in snapshot.issues.values() for key, value in read_answers(issue.description).items()
    }
    before, after = draft(engagement.submission), draft(submission, answers=answers)
    revised = replace(engagement, submission=submission, revision=engagement.revision + 1)
    updates = [_update(engagement, revised, role, before[role], after[role]) for role in engagement.issues]
    # new issues first: an order that became a custom one has an intake issue that will now refer to its scoping issue
    told = _tell(engagement, revised, after, snapshot)
    return Decision(
        reasons=(f"revision {revised.revision} of the submission",),
        actions=(*complete(revised, after), *updates, *told),
        engagement=revised,
    )


def _update(old: Engagement, new: Engagement, role: IssueRole, before: IssueDraft, after: IssueDraft) -> ReviseIssue:
    return ReviseIssue(
        key=f"{new.id}:revise:{new.revision}:{role.value}",
        role=role,
        before=submission_record(old.submission),
        description=after.description,
        title_before=before.title,
        title=after.title,
        add_labels=tuple(label for label in after.labels if label not in before.labels),
        remove_labels=tuple(label for label in before.labels if label not in after.labels),
    )


def _tell(old: Engagement, new: Engagement, after: dict[IssueRole, IssueDraft], snapshot: Snapshot) -> tuple[Say, ...]:
    """One comment, on the scoping issue where there is one."""
    if not old.issues:
        return ()
    target = IssueRole.SCOPING if IssueRole.SCOPING in old.issues else IssueRole.INTAKE
    kept: list[str] = []
    for role, link in old.issues.items():
        present = snapshot.issues.get(link.iid)
        if present is not None:
            text = "".join(part for part in after[role].description if not isinstance(part, IssueRef))
            kept += revise(present.description, old=old.submission, new=text).kept
    sign = marker("revision", f"{new.id}-{new.revision}")
    body = revision_note(changes(old.submission, new.submission), tuple(dict.fromkeys(kept)), sign)
    return (Say(key=f"{new.id}:told:{new.revision}", target=target, marker=sign, body=(body,)),)
