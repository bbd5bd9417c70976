"""What follows from labels, boxes, answers, closing and opening: the machine's outcome as actions on both issues.

At most one request for each issue and one edit of its status note; comments only where somebody has to hear something.
The same event twice finds nothing left to do, since `seen` says how far GitLab's own record was worked through.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from app.actions import Action, AttachDocument, ChangeIssue, Say, TellStatus
from app.blocks import work
from app.engagement import Engagement, IssueLink
from app.errors import Retry
from app.hearing import Ledger
from app.issue_text import IssueDraft, Playbook, open_case
from app.machine.course import Course
from app.machine.deeds import Deed
from app.machine.machine import proceed
from app.machine.outcome import (
    AskedReview,
    Fallen,
    LabelChange,
    MeetingCalled,
    MeetingCancelled,
    Notice,
    NotYours,
    Outcome,
    PutBack,
    YesFell,
)
from app.machine.scene import Scene
from app.machine.standing import Standing
from app.methodology.parts import IssueKind
from app.notices import notice_mark
from app.ports import Issue
from app.revision import read_answers, revise
from app.routing import route
from app.snapshot import Snapshot
from app.text import Safe, section
from handlers.invitations import MeetingNews, letters_of, told_of
from handlers.outlook import with_outlook
from handlers.scene import (
    issues_by_kind,
    quarter_label,
    scene_of,
    scene_of_drafts,
    signs_of,
    turns_of,
    whose_submission,
    with_estimate,
)
from handlers.speech import notice_body, status_body


class Ordering(Protocol):
    """What is ordered at a moment, as the machine meets it: by a comment, or by Salesforce."""

    def deeds(self, ledger: Ledger, look: Callable[[Course], None]) -> tuple[Deed, ...]:
        """In their order; `look` has the scene seen again after the ledger changed."""

    def conclude(self, standing: Standing, scene: Scene) -> None:
        """Everything that follows has been done."""


@dataclass(frozen=True, slots=True)
class Progress:
    """The engagement as it stands now, and what has to be done about it."""

    engagement: Engagement
    actions: tuple[Action, ...] = ()
    reasons: tuple[str, ...] = ()


def progress(
    engagement: Engagement,
    snapshot: Snapshot,
    playbook: Playbook,
    now: datetime,
    *,
    revised: Mapping[IssueKind, Issue] | None = None,
    orders: Ordering | None = None,
    adopting: int | None = None,
    until: float | None = None,
    words: Sequence[Deed] = (),
) -> Progress:
    """Work through what people did since last time. The snapshot must hold what `scene.what_to_see` asks for.

    `revised`: the issues as a revision makes them; the bot's own parts are brought up to date by others then. `orders`:
    the commands of a comment; what became of each is kept in them. `adopting`: number of an issue that is about to
    become the scoping issue: what was done to it until now counts as well. `until`: as the machine has it. `words`:
    what people said that orders nothing.
    """
    methodology = playbook.methodology
    moment = now.timestamp()
    before = engagement.standing
    linked = engagement if adopting is None else engagement.with_issue(IssueKind.SCOPING, IssueLink(adopting, ""))
    issues = issues_by_kind(engagement, snapshot) if revised is None else dict(revised)
    ledger = Ledger(dict(issues))

    def flow() -> Scene:
        """All is judged as it will read in a moment: nothing else may come to make it be judged."""
        parts = {} if revised is not None else _answered_parts(engagement, ledger.issues, playbook, now)
        for kind, part in parts.items():
            issue = ledger.issues[kind]
            text = revise(issue.description, new=part).description
            ledger.issues = {**ledger.issues, kind: replace(issue, description=text)}
        return scene_of(engagement, ledger.issues, snapshot, methodology)

    def look(course: Course) -> None:
        course.scene = replace(flow(), issues=course.scene.issues)

    scene = flow()
    outcome = proceed(
        with_estimate(before, engagement.submission, methodology, now=moment, by=whose_submission(engagement, issues)),
        signs_of(linked, snapshot),
        turns_of(linked, snapshot),
        scene,
        methodology,
        now=moment,
        quarter=quarter_label(now, methodology),
        deeds=(*words, *(() if orders is None else orders.deeds(ledger, look))),
        until=until,
    )
    scene = _as_ordered(outcome.scene, ledger)
    if orders is not None:
        orders.conclude(outcome.answered_at, outcome.scene)
    parts = {} if revised is not None else _answered_parts(engagement, {**issues, **_scoping(ledger)}, playbook, now)
    _wait_for_roles(outcome, scene, snapshot)
    is_ordered = bool(ledger.answers or ledger.add or ledger.remove or ledger.assignee or ledger.attachments)
    did_something = bool(outcome.labels or outcome.open or outcome.notices or parts) or _moved(before, outcome)
    did_something = did_something or is_ordered
    is_confidential = any(issue.confidential for issue in issues.values())
    stands = replace(engagement, standing=replace(outcome.standing, is_confidential=is_confidential))
    stands = with_outlook(stands, scene, {kind: issue.due_date for kind, issue in issues.items()}, playbook)
    # the record that a note carries holds the submission as well
    due = _due(stands, scene, snapshot, playbook, is_due=did_something or revised is not None)
    if did_something or due:
        # words that come back to what they were are written again, so the number is not only for what was decided
        stands = replace(stands, standing=replace(stands.standing, serial=before.serial + 1))
    said = outcome.notices if orders is None else _each_once(outcome.notices)
    news = [
        MeetingNews(
            notice=notice,
            engagement=stands,
            before=before,
            scene=scene,
            issues=ledger.issues,
            snapshot=snapshot,
            playbook=playbook,
        )
        for notice in said
        if isinstance(notice, MeetingCalled | MeetingCancelled) and scene.issues
    ]
    actions = [
        *_changes(stands, outcome, issues, parts, ledger),
        *_attached(stands, ledger, scene),  # before the record that tells where they are
        *(_told(kind, stands, scene, snapshot, playbook) for kind in due),
        *_says(stands, said, scene, snapshot, playbook),
        *(action for each in news for action in told_of(each)),
        *(action for each in news for action in letters_of(each)),
    ]
    return Progress(stands, tuple(actions), outcome.reasons or ("what people wrote was taken over",) * bool(parts))


def beginning(
    engagement: Engagement,
    wanted: Mapping[IssueKind, IssueDraft],
    snapshot: Snapshot,
    playbook: Playbook,
    now: datetime,
) -> Progress:
    """The standing of a new engagement, and the status note of each of its issues."""
    moment = now.timestamp()
    by = engagement.submission.requester_gitlab_username
    standing = with_estimate(engagement.standing, engagement.submission, playbook.methodology, now=moment, by=by)
    scene = scene_of_drafts(engagement, wanted, snapshot, playbook.methodology)
    begun = proceed(standing, (), (), scene, playbook.methodology, now=moment)
    stands = replace(engagement, standing=replace(begun.standing, serial=1))
    stands = with_outlook(stands, scene, {kind: draft.due_date for kind, draft in wanted.items()}, playbook)
    return Progress(stands, tuple(_told(kind, stands, scene, snapshot, playbook) for kind in wanted))


def _wait_for_roles(outcome: Outcome, scene: Scene, snapshot: Snapshot) -> None:
    """Refuse nobody while it is not known who holds the role. Raises Retry."""
    for notice in outcome.notices:
        if isinstance(notice, NotYours) and not notice.own_estimate:
            names = {notice.role, f"{notice.role}@{scene.segment}"}
            if snapshot.is_patient and names & snapshot.unsure_roles:
                raise Retry(f"not all groups that hold the role {notice.role} can be seen")


def _moved(before: Standing, outcome: Outcome) -> bool:
    """Whether the standing differs in more than what was read of GitLab's record, which can be read again."""
    names = ("seen", "seen_states", "newest", "set_at", "setters", "happened", "active_at", "wake_at")
    read = {name: getattr(before, name) for name in names}
    return outcome.standing.but(**read) != before


def _as_ordered(scene: Scene, ledger: Ledger) -> Scene:
    """The scene with labels and assignees as they will be in a moment: so the words fit them already."""
    issues = {
        kind: replace(
            view,
            labels=(view.labels | frozenset(ledger.add.get(kind, ()))) - frozenset(ledger.remove.get(kind, ())),
            assignees=frozenset([ledger.assignee[kind]]) if kind in ledger.assignee else view.assignees,
        )
        for kind, view in scene.issues.items()
    }
    return replace(scene, issues=issues)


def _scoping(ledger: Ledger) -> dict[IssueKind, Issue]:
    """The scoping issue as it will read: what is answered there flows into the intake."""
    return {kind: issue for kind, issue in ledger.issues.items() if kind is IssueKind.SCOPING}


def _changes(
    engagement: Engagement,
    outcome: Outcome,
    issues: Mapping[IssueKind, Issue],
    parts: Mapping[IssueKind, Safe],
    ledger: Ledger,
) -> Iterator[Action]:
    """One request for each issue as it is now, with what follows from the process and what was ordered."""
    for kind, issue in issues.items():
        change = outcome.labels.get(kind, LabelChange())
        ordered = [label for label in ledger.add.get(kind, ()) if label not in outcome.unlost]
        add = [label for label in ordered if label not in issue.labels]
        remove = [label for label in ledger.remove.get(kind, ()) if label in issue.labels]
        action = ChangeIssue(
            key=f"{engagement.id}:change:{engagement.standing.serial}:{kind.value}",
            role=kind,
            add_labels=tuple(dict.fromkeys([*change.add, *add])),
            remove_labels=tuple(dict.fromkeys(x for x in [*change.remove, *remove] if x not in ordered)),
            is_open=outcome.open.get(kind),
            parts=parts.get(kind),
            answers=tuple((key, value, was) for key, (value, was) in ledger.answers.get(kind, {}).items()),
            assignee=ledger.assignee.get(kind),
        )
        if action.changes_something:
            yield action


def _each_once(notices: Sequence[Notice]) -> tuple[Notice, ...]:
    """Of the reviews that the commands of one comment bring about, the last: nobody is called twice by a comment.

    So with what fell: it is told in one comment, with what came of it. And of a meeting how it is in the end.
    """
    last = {notice.gate: notice for notice in notices if isinstance(notice, AskedReview)}
    kept = [n for n in notices if not isinstance(n, AskedReview) or last[n.gate] is n]
    news = {n.meeting: n for n in kept if isinstance(n, MeetingCalled | MeetingCancelled)}
    kept = [n for n in kept if not isinstance(n, MeetingCalled | MeetingCancelled) or news[n.meeting] is n]
    fallen = [n for n in kept if isinstance(n, YesFell) or (isinstance(n, PutBack) and n.by is None)]
    if len(fallen) < 2:
        return tuple(kept)
    one = next((n for n in reversed(fallen) if isinstance(n, PutBack)), fallen[0])
    whole = replace(one, fell=sum((n.fell for n in fallen), Fallen()))
    return tuple(whole if n is one else n for n in kept if n is one or n not in fallen)


def _says(
    engagement: Engagement, notices: Sequence[Notice], scene: Scene, snapshot: Snapshot, playbook: Playbook
) -> Iterator[Say]:
    """The comments; one that is meant for an issue that is gone stands on the other."""
    if not scene.issues:
        return
    for notice in notices:
        if isinstance(notice, MeetingCalled | MeetingCancelled):
            continue  # told with a file
        target = notice.on if notice.on in scene.issues else next(iter(scene.issues))
        mark = notice_mark(engagement.id, notice.key)
        body = notice_body(notice, engagement, scene, snapshot, playbook, mark=mark)
        yield Say(key=f"{engagement.id}:notice:{notice.key}", target=target, marker=mark, body=(body,))


def _attached(engagement: Engagement, ledger: Ledger, scene: Scene) -> Iterator[AttachDocument]:
    """Files that were ordered, on the scoping issue where there is one."""
    target = IssueKind.SCOPING if IssueKind.SCOPING in scene.issues else next(iter(scene.issues), None)
    for each in ledger.attachments if target is not None else ():
        name = f"{each.document}{'-internal' if each.is_internal else ''}".replace(":", "-").replace("_", ".")
        yield AttachDocument(
            key=f"{engagement.id}:{each.document}:{engagement.standing.serial}:{each.edition}",
            role=target or IssueKind.SCOPING,
            document=each.document,
            marker=notice_mark(engagement.id, name),
            body=(each.words,),
            file_name=each.file_name,
            content_type=each.content_type,
            content=each.content,
            has_pdf=each.has_pdf,
            internal=each.is_internal,
        )


def _due(
    engagement: Engagement, scene: Scene, snapshot: Snapshot, playbook: Playbook, *, is_due: bool
) -> list[IssueKind]:
    """The notes whose words would differ; where none does, one of them carries the record all the same."""
    due = [kind for kind in scene.issues if _digest_of(kind, engagement, scene, snapshot, playbook) is not None]
    return list(scene.issues)[:1] if is_due and not due else due


def _told(kind: IssueKind, engagement: Engagement, scene: Scene, snapshot: Snapshot, playbook: Playbook) -> TellStatus:
    mark, body, digest = status_body(kind, engagement, scene, playbook, bot=snapshot.bot_name)
    return TellStatus(
        key=f"{engagement.id}:status:{kind.value}:{engagement.standing.serial}:{digest}",
        role=kind,
        marker=mark,
        body=body,
        digest=digest,
    )


def _digest_of(
    kind: IssueKind, engagement: Engagement, scene: Scene, snapshot: Snapshot, playbook: Playbook
) -> str | None:
    """The digest of a note's words as they should be, if it says something else."""
    _, _, digest = status_body(kind, engagement, scene, playbook, bot=snapshot.bot_name)
    return None if engagement.standing.told.get(kind.value) == digest else digest


def _answered_parts(
    engagement: Engagement, issues: Mapping[IssueKind, Issue], playbook: Playbook, now: datetime
) -> dict[IssueKind, Safe]:
    """The intake table, where answers from the scoping issue belong into it and are not there yet."""
    scoping, intake = issues.get(IssueKind.SCOPING), issues.get(IssueKind.INTAKE)
    if scoping is None or intake is None:
        return {}
    fields = section("intake_fields", _fields(engagement, scoping, playbook, now))
    differs = revise(intake.description, new=fields).description != intake.description
    return {IssueKind.INTAKE: fields} if differs else {}


def _fields(engagement: Engagement, scoping: Issue, playbook: Playbook, now: datetime) -> Safe:
    routing = route(engagement.submission, playbook.methodology)
    answers = read_answers(scoping.description)
    case = open_case(engagement.submission, playbook, routing=routing, people={}, now=now, answers=answers)
    return work.intake_fields(case)
