"""What the process says, for one engagement: the words of its status notes and comments, with the people they name."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from app.actions import Text
from app.engagement import Engagement, IssueRole
from app.issue_text import IssueRef, Playbook
from app.machine.outcome import Notice
from app.machine.scene import Scene
from app.methodology.parts import IssueKind
from app.notices import Speech, notice_text
from app.snapshot import Snapshot
from app.status_note import StatusView, status_mark, status_note
from app.text import Safe
from handlers.scene import ACCOUNT_TEAM

_OTHER = Safe("\ufffe")
"""Stands for the number of the other issue while the words are made: no foreign word gets past `app.text` with it."""
_REFERENCES = {IssueRole.SCOPING: IssueRef.SCOPING, IssueRole.INTAKE: IssueRef.INTAKE}


def status_body(
    on: IssueKind, engagement: Engagement, scene: Scene, playbook: Playbook, *, bot: str
) -> tuple[Safe, Text, str]:
    """Marker, words and their digest of an issue's status note; the other issue may be about to be made."""
    other = next((kind for kind in (*engagement.issues, *scene.issues) if kind is not on), None)
    view = StatusView(
        engagement=engagement.id,
        on=on,
        standing=engagement.standing,
        scene=scene,
        bot=bot,
        people=people_of_roles(engagement, playbook, scene.segment),
        leads=leads_of(scene, playbook),
        other_iid=None if other is None else _OTHER,
        opportunity_url=engagement.submission.sfdc_opportunity_url,
    )
    words = status_note(view, playbook.methodology)
    digest = hashlib.sha256(words.encode()).hexdigest()[:16]
    return status_mark(engagement.id, on), _filled(words, other, engagement), digest


def _filled(words: Safe, other: IssueRole | None, engagement: Engagement) -> Text:
    before, sign, behind = words.partition(_OTHER)
    if not sign or other is None:
        return (words,)
    link = engagement.issues.get(other)
    if link is not None:
        return (Safe(f"{before.removesuffix('#')}#{link.iid}{behind}"),)
    return (Safe(before.removesuffix("#")), _REFERENCES[other], Safe(behind))


def notice_body(
    notice: Notice, engagement: Engagement, scene: Scene, snapshot: Snapshot, playbook: Playbook, *, mark: Safe
) -> Safe:
    """The words of a comment."""
    requester = engagement.submission.requester_gitlab_username
    # what a comment names it calls: of the people in a submission only the one who asked, and only if GitLab knows them
    callable_team = (requester,) if snapshot.people.get(requester) else ()
    speech = Speech(
        standing=engagement.standing,
        people={**people_of_roles(engagement, playbook, scene.segment), ACCOUNT_TEAM: callable_team},
        groups={name: role.within(scene.segment).groups for name, role in playbook.methodology.roles.items()},
        leads=leads_of(scene, playbook),
        segment=scene.segment,
    )
    return notice_text(notice, speech, playbook.methodology, mark=mark)


def people_of_roles(engagement: Engagement, playbook: Playbook, segment: str | None) -> Mapping[str, tuple[str, ...]]:
    """Role → the users that the methodology names; the account team is the one of this engagement."""
    submission = engagement.submission
    team = (submission.requester_gitlab_username, *(member.username for member in submission.account_team))
    named = {name: role.within(segment).users for name, role in playbook.methodology.roles.items()}
    return {**named, ACCOUNT_TEAM: tuple(dict.fromkeys(team))}


def leads_of(scene: Scene, playbook: Playbook) -> Mapping[str, tuple[str, ...]]:
    """Whoever leads this very engagement: of the EMs the one to whom the issue is assigned."""
    for kind in (IssueKind.SCOPING, IssueKind.INTAKE):
        issue = scene.issues.get(kind)
        if issue is not None and issue.assignees:
            return {playbook.methodology.routing.triage_role: tuple(sorted(issue.assignees))}
    return {}
