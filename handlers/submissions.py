"""A calculator submission: two linked issues the first time, an update of the bot's own parts when it changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from app.actions import Action, Remember, ReviseIssue, Say, TellStatus
from app.blocks.words import joined, together
from app.engagement import Engagement, EngagementId, IssueRole, submission_record
from app.events import SubmissionReceived
from app.issue_text import IssueDraft, IssueRef, Playbook
from app.opportunity import front_door_id, opportunity_key
from app.ports import Issue, Person
from app.registry import Decision, ignore, registry
from app.revision import append_own_part, read_answers, revise, revision_note
from app.routing import intake_only, route
from app.snapshot import Needs, Snapshot
from app.submission import Submission, changes, content_digest
from app.submission.choices import Source
from app.text import Safe, marker, own
from handlers.pair import Adopt, adopted, complete, drafts, no_longer_alone
from handlers.progress import beginning, progress
from handlers.scene import what_to_see


def people_of(submission: Submission, playbook: Playbook) -> frozenset[str]:
    """Who has to be known before the texts can be written: whom they mention."""
    em = route(submission, playbook.methodology).em
    return frozenset({submission.requester_gitlab_username, *([em] if em else [])})


def _needs(event: SubmissionReceived, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    people = people_of(event.submission, playbook)
    if engagement is None:
        ident, address = str(event.submission.submission_id), event.submission.sfdc_opportunity_url
        return Needs(people=people, opportunity=opportunity_key(address), submission=ident)
    if content_digest(engagement.submission) == content_digest(event.submission):
        return Needs(people=people)
    return replace(what_to_see(engagement, playbook.methodology), people=people)


@registry.on(SubmissionReceived, needs=_needs)
def on_submission(event: SubmissionReceived, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Make the issues; or bring them up to date; or, where nothing changed and nothing is missing, do nothing."""
    if snapshot.engagement is None:
        return _joined(event.submission, snapshot) or _first(event.submission, snapshot, playbook, now)
    if content_digest(snapshot.engagement.submission) != content_digest(event.submission):
        return revision(snapshot.engagement, event.submission, snapshot, playbook, now)
    missing = _missing(snapshot.engagement, snapshot, playbook, now)
    if not missing:
        return ignore("this submission is known, and unchanged")
    return Decision(reasons=("this submission is known, but its issues are not complete",), actions=missing)


def _joined(submission: Submission, snapshot: Snapshot) -> Decision | None:
    """A request that came in by both front doors is one: what the calculator sends is a revision of what Salesforce
    began, and the opportunity comes to what is there. Two submissions of the calculator stay two."""
    if snapshot.joined_to is not None:
        return Decision(reasons=("it joined this engagement before",), lane=snapshot.joined_to)
    key, owner = opportunity_key(submission.sfdc_opportunity_url), snapshot.owner
    if key is None or owner is None or owner == snapshot.lane:
        return None
    door = front_door_id(key)
    if snapshot.lane == door:
        return ignore("an engagement has this opportunity already")
    is_its_own = snapshot.owning is not None and snapshot.owning.submission.source is Source.SFDC
    may_join = owner == door and is_its_own  # else another submission of the calculator did
    return Decision(reasons=("Salesforce began this engagement",), lane=owner) if may_join else None


def _first(submission: Submission, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    engagement = Engagement(id=EngagementId(str(submission.submission_id)), submission=submission)
    only = intake_only(submission)
    why = "a new submission" if only is None else f"a new submission without a scoping issue: {only}"
    wanted = drafts(submission, playbook, snapshot.people, now, has_scoping=False)
    begun = beginning(engagement, wanted, snapshot, playbook, now)
    return Decision(
        reasons=(why, route(submission, playbook.methodology).why),
        actions=(*complete(engagement, wanted), *begun.actions, *_shares(engagement, wanted, snapshot)),
        engagement=begun.engagement,
    )


def _shares(engagement: Engagement, wanted: Iterable[IssueRole], snapshot: Snapshot) -> Iterable[Say]:
    """A word where another engagement has its opportunity: what Salesforce tells of it is heard there."""
    if snapshot.owning is None or snapshot.owning.id == engagement.id:
        return
    mark = marker("shared", engagement.id)
    there = snapshot.owning.issues.get(IssueRole.SCOPING) or next(iter(snapshot.owning.issues.values()), None)
    where = own("another engagement") if there is None else own(f"the engagement of #{there.iid}")
    body = [
        mark,
        together(own("The Salesforce opportunity of this submission is that of "), where, own(" already.")),
        own("Its stages move that one alone, and nothing is written there from here."),
        own("If the two are one, please close one of them as a duplicate; else please correct the opportunity."),
    ]
    target = IssueRole.SCOPING if IssueRole.SCOPING in wanted else IssueRole.INTAKE
    yield Say(key=f"{engagement.id}:shared", target=target, marker=mark, body=(joined(body, own("\n\n")),))


def _missing(engagement: Engagement, snapshot: Snapshot, playbook: Playbook, now: datetime) -> tuple[Action, ...]:
    has_scoping = IssueRole.SCOPING in engagement.issues
    return complete(engagement, drafts(engagement.submission, playbook, snapshot.people, now, has_scoping=has_scoping))


def revision(
    engagement: Engagement,
    submission: Submission,
    snapshot: Snapshot,
    playbook: Playbook,
    now: datetime,
    *,
    adopt: Adopt | None = None,
    block_digest: str | None = None,
) -> Decision:
    """The same engagement with changed content: complete and update its issues, and tell once what changed.

    What follows from it comes with it: another estimate is another version, and approvals fall. `adopt`: an issue that
    a person opened is to become the scoping issue. An issue that is gone is left out.
    """
    has_scoping = adopt is not None or IssueRole.SCOPING in engagement.issues
    draft = partial(drafts, playbook=playbook, people=snapshot.people, now=now, has_scoping=has_scoping)
    answers = {key: text for each in snapshot.issues.values() for key, text in read_answers(each.description).items()}
    before, after = draft(engagement.submission), draft(submission, answers=answers)
    if IssueRole.SCOPING in after and IssueRole.SCOPING not in engagement.issues:
        after[IssueRole.INTAKE] = no_longer_alone(after[IssueRole.INTAKE], beside=after[IssueRole.SCOPING])
    number = engagement.revision + 1
    sign = f"{number}:{content_digest(submission)[:12]}"
    # new issues first: the intake issue of an order that became a custom one will refer to its scoping issue
    made = complete(engagement, after) if adopt is None else adopted(adopt, engagement, after)
    present = [role for role, link in engagement.issues.items() if link.iid in snapshot.issues]
    updates = [_update(engagement, role, before[role], after[role], sign) for role in present]
    remember = Remember(
        key=f"{engagement.id}:remember:{sign}",
        submission=submission_record(submission),
        revision=number,
        block_digest=block_digest or engagement.block_digest,
    )
    revised = replace(engagement, submission=submission, block_digest=remember.block_digest)
    issues = _as_revised(engagement, before, after, snapshot, adopt)
    adopting = None if adopt is None else adopt.iid
    follows = progress(revised, snapshot, playbook, now, revised=issues, adopting=adopting)
    said = _tell(engagement, submission, after, snapshot, sign)
    return Decision(
        reasons=(f"revision {number} of the submission", *follows.reasons),
        actions=_in_order((*made, *updates, *said, *follows.actions, remember)),
        # the submission is remembered when the issues say what it says
        engagement=replace(engagement, standing=follows.engagement.standing),
    )


def _in_order(actions: Iterable[Action]) -> tuple[Action, ...]:
    """The issues first, then what is known of them and the status notes that carry it; a comment holds up nothing."""
    last: tuple[type[Action], ...] = (Remember, TellStatus, Say)
    return tuple(sorted(actions, key=lambda action: last.index(type(action)) if type(action) in last else -1))


def _as_revised(
    engagement: Engagement,
    before: Mapping[IssueRole, IssueDraft],
    after: Mapping[IssueRole, IssueDraft],
    snapshot: Snapshot,
    adopt: Adopt | None,
) -> dict[IssueRole, Issue]:
    """The issues as they will be once the revision is carried out, with those that are yet to be made."""
    found: dict[IssueRole, Issue] = {}
    for role, draft in after.items():
        text = text_of(draft)
        link = engagement.issues.get(role)
        if link is None:
            adopted_issue = None if adopt is None or role is not IssueRole.SCOPING else snapshot.issues.get(adopt.iid)
            found[role] = as_made(draft, text, adopted_issue, snapshot)
        elif (issue := snapshot.issues.get(link.iid)) is not None:
            gone, come = (
                set(before[role].labels).difference(draft.labels),
                set(draft.labels).difference(before[role].labels),
            )
            labels = dict.fromkeys([*(label for label in issue.labels if label not in gone), *sorted(come)])
            description = revise(issue.description, old=engagement.submission, new=text).description
            found[role] = replace(issue, description=description, labels=tuple(labels))
    return found


def text_of(draft: IssueDraft) -> str:
    """A description without its references to issues that are yet to be made."""
    return "".join(part for part in draft.description if not isinstance(part, IssueRef))


def as_made(draft: IssueDraft, text: str, adopted_issue: Issue | None, snapshot: Snapshot) -> Issue:
    """An issue that is yet to be made or adopted."""
    bot = Person(snapshot.bot_id, snapshot.bot_name)
    assignees = () if draft.assignee is None else (Person(0, draft.assignee),)
    if adopted_issue is None:
        return Issue(
            0, "", draft.title, text, draft.labels, bot, assignees, draft.due_date, draft.confidential, is_open=True
        )
    return replace(
        adopted_issue,
        description=append_own_part(adopted_issue.description, Safe(text)),
        labels=tuple(dict.fromkeys([*adopted_issue.labels, *draft.labels])),
        assignees=adopted_issue.assignees or assignees,
    )


def _update(engagement: Engagement, role: IssueRole, before: IssueDraft, after: IssueDraft, sign: str) -> ReviseIssue:
    return ReviseIssue(
        key=f"{engagement.id}:revise:{sign}:{role.value}",
        role=role,
        before=submission_record(engagement.submission),
        description=after.description,
        title_before=before.title,
        title=after.title,
        add_labels=tuple(label for label in after.labels if label not in before.labels),
        remove_labels=tuple(label for label in before.labels if label not in after.labels),
        confidential=after.confidential,
    )


def _tell(
    engagement: Engagement, submission: Submission, after: dict[IssueRole, IssueDraft], snapshot: Snapshot, sign: str
) -> tuple[Say, ...]:
    """One comment, on the scoping issue where there is one."""
    present = {
        role: snapshot.issues[link.iid] for role, link in engagement.issues.items() if link.iid in snapshot.issues
    }
    if not present:
        return ()
    kept: list[str] = []
    for role, issue in present.items():
        text = text_of(after[role])
        kept += revise(issue.description, old=engagement.submission, new=text).kept
    mark = marker("revision", f"{engagement.id}-{sign.replace(':', '-')}")
    body = revision_note(changes(engagement.submission, submission), tuple(dict.fromkeys(kept)), mark)
    target = IssueRole.SCOPING if IssueRole.SCOPING in present else IssueRole.INTAKE
    return (Say(key=f"{engagement.id}:told:{sign}", target=target, marker=mark, body=(body,)),)
