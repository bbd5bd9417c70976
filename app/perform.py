"""Does one action: looks first where it may have been done already, writes the difference, returns evidence.

GitLab has no idempotency key for issues and comments: both are found again by a marker in their text, and only those
that the bot itself wrote count, so that a copied marker fools nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import singledispatchmethod
from typing import Any

from app.actions import (
    Action,
    AdoptIssue,
    AttachDocument,
    ChangeIssue,
    CreateIssue,
    HandOver,
    LinkIssues,
    PostMessage,
    React,
    Remember,
    Retract,
    ReviseIssue,
    Say,
    SendMail,
    SubmitRecord,
    Target,
    TellStatus,
    Text,
    UpdateRecord,
    UpsertRecord,
    Whisper,
)
from app.answer_table import answers_in, with_answers
from app.chat import ChatTeller
from app.directory import Directory
from app.engagement import Engagement, IssueLink, IssueRole, stored_submission, submission_record
from app.errors import Absent, Permanent
from app.issue_text import IssueRef
from app.keys import RecordKeys
from app.letter import letter_from_record
from app.machine.standing import Standing
from app.own_part import append_own_part
from app.ports import GitLab, Issue, IssueChange, NewIssue, Note, Office, Post, Salesforce
from app.revision import revise
from app.signed_record import seal_what_fits
from app.text import Safe, find_markers, marker
from app.uploads import uploads_in

Evidence = Mapping[str, Any]
"""What an action brought about, as stored: numbers and names, never texts."""

CLOCKS_DIFFER_S = 600.0
"""GitLab's clock and ours may differ by as much, when it is told by ours how far back to look."""

_Comment = Say | TellStatus | AttachDocument
_ISSUE_OF = {IssueRef.SCOPING: IssueRole.SCOPING, IssueRef.INTAKE: IssueRole.INTAKE}


@dataclass(frozen=True, slots=True)
class Performer:
    """Performs actions through the ports. Every method may raise Retry or Permanent."""

    gitlab: GitLab
    directory: Directory
    keys: RecordKeys
    """Sign the record in a status note."""
    teller: ChatTeller | None = None
    """None: nobody is told in a chat (any more)."""
    post: Post | None = None
    """None: no mail is sent."""
    salesforce: Salesforce | None = None
    """None: nothing is written there."""
    office: Office | None = None
    """None: nothing can be laid out as pages."""

    def is_safe_to_repeat(self, action: Action) -> bool:
        """Whether doing it twice is the same as doing it once, so that no intent need be stored before."""
        # a status note is edited, but made anew where it is gone, and that shows only on the way
        return not isinstance(action, CreateIssue | Say | TellStatus | AttachDocument | PostMessage)

    def look(self, action: Action, engagement: Engagement | None, *, sent_at: float) -> Evidence | None:
        """The evidence of an earlier try that took effect, or None. `sent_at`: when it was sent, by our clock."""
        if isinstance(action, CreateIssue):
            found = self._find_issue(action)
            return None if found is None else _issue_evidence(found)
        if isinstance(action, Say | TellStatus | AttachDocument):
            # what was parked may be run again much later, when it is no more among the latest
            note = self._find_note(action, engagement, back_to=sent_at - CLOCKS_DIFFER_S)
            if note is None or not self._says(note, action, engagement):
                return None  # what says something else is edited, which is safe to repeat
            held = _file_in(note.body, action.file_name) if isinstance(action, AttachDocument) else {}
            return {"note": note.id, **held}
        if isinstance(action, PostMessage):
            return self._told().look(action, sent_at=sent_at)
        return None

    @singledispatchmethod
    def perform(self, action: Action, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        """Do it and say what came of it."""
        raise TypeError(f"nothing performs {type(action).__name__}")

    @perform.register
    def _(self, action: CreateIssue, engagement: Engagement | None) -> Evidence:
        new = NewIssue(
            title=action.title,
            description=fill(action.description, engagement),
            labels=action.labels,
            assignee_id=self._user_id(action.assignee),
            due_date=action.due_date,
            confidential=action.confidential,
        )
        made = self.gitlab.create_issue(new)
        return {**_issue_evidence(made), **_dropped(new, made)}

    @perform.register
    def _(self, action: AdoptIssue, engagement: Engagement | None) -> Evidence:
        issue = self.gitlab.read_issue(action.iid)
        if action.marker in {marker(each.kind, each.ident) for each in find_markers(issue.description)}:
            return _issue_evidence(issue)
        own_part = Safe(fill(action.description, engagement))
        change = IssueChange(
            description=append_own_part(issue.description, own_part),
            add_labels=action.labels,
            assignee_id=None if issue.assignees else self._user_id(action.assignee),
            due_date=None if issue.due_date else action.due_date,
            confidential=True if action.confidential else None,
        )
        changed = self.gitlab.change_issue(action.iid, change)
        return {**_issue_evidence(changed), **_not_changed(change, changed)}

    @perform.register
    def _(self, action: ReviseIssue, engagement: Engagement | None) -> Evidence:
        issue = self.gitlab.read_issue(_number(action.role, engagement))
        revised = revise(
            issue.description, old=stored_submission(action.before), new=fill(action.description, engagement)
        )
        change = IssueChange(
            title=action.title if issue.title == action.title_before != action.title else None,
            description=revised.description if revised.description != issue.description else None,
            add_labels=tuple(label for label in action.add_labels if label not in issue.labels),
            remove_labels=tuple(label for label in action.remove_labels if label in issue.labels),
            # only ever closed, never opened: a person may have had reasons of their own
            confidential=True if action.confidential and not issue.confidential else None,
        )
        changed = issue if change.is_empty() else self.gitlab.change_issue(issue.iid, change)
        return {**_issue_evidence(issue), "kept": list(revised.kept), **_not_changed(change, changed)}

    @perform.register
    def _(self, action: ChangeIssue, engagement: Engagement | None) -> Evidence:
        iid = _number(action.role, engagement)
        description = None
        if action.parts is not None or action.answers:
            present = self.gitlab.read_issue(iid).description
            description = present if action.parts is None else revise(present, new=action.parts).description
            description = with_answers(description, _still_wanted(action, description))
            description = None if description == present else description
        change = IssueChange(
            description=description,
            add_labels=action.add_labels,
            remove_labels=action.remove_labels,
            assignee_id=self._user_id(action.assignee),
            is_open=action.is_open,
        )
        return {} if change.is_empty() else _not_changed(change, self.gitlab.change_issue(iid, change))

    @perform.register
    def _(self, action: TellStatus, engagement: Engagement | None) -> Evidence:
        iid = _number(action.role, engagement)
        body = self._status_body(action, engagement)
        standing = Standing() if engagement is None else engagement.standing
        known = standing.notes.get(action.role.value)
        if known is not None:
            with suppress(Absent):
                return {"note": self.gitlab.edit_note(iid, known, body).id}
        is_new = known is None and standing.serial <= 1  # the issue was made a moment ago
        if not is_new and (found := self._find_note(action, engagement)) is not None:
            return {"note": self.gitlab.edit_note(iid, found.id, body).id}
        return {"note": self.gitlab.create_note(iid, body).id}

    @perform.register
    def _(self, action: LinkIssues, engagement: Engagement | None) -> Evidence:
        self.gitlab.link_issues(_number(action.source, engagement), _number(action.target, engagement))
        return {}

    @perform.register
    def _(self, action: Say, engagement: Engagement | None) -> Evidence:
        iid, body = _number(action.target, engagement), fill(action.body, engagement)
        if action.replaces and (found := self._find_note(action, engagement)) is not None:
            return {"note": self.gitlab.edit_note(iid, found.id, body).id}
        try:
            return {"note": self.gitlab.create_note(iid, body, internal=action.internal).id}
        except Absent as fault:
            if isinstance(action.target, int):  # somebody's issue, and it is gone: there is nobody left to tell
                return {"dropped_by_gitlab": [fault.reason]}
            raise

    @perform.register
    def _(self, action: React, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        try:
            self.gitlab.react(action.iid, action.note_id, action.name)
        except Permanent as fault:
            # the comment is gone, or may not be reacted to: what it ordered is done all the same
            return {"not_reacted": fault.reason}
        return {}

    @perform.register
    def _(self, action: Retract, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        if action.note_id is not None and action.name is not None:
            try:
                self.gitlab.unreact(action.iid, action.note_id, action.name)
            except Permanent as fault:
                return {"not_taken_back": fault.reason}  # the comment is gone: what was said of it matters no more
        if action.reply is not None and (note := self._own_note(action.iid, action.reply)) is not None:
            self.gitlab.delete_note(action.iid, note.id)
        return {}

    @perform.register
    def _(self, action: Remember, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        return {}

    @perform.register
    def _(self, action: AttachDocument, engagement: Engagement | None) -> Evidence:
        iid = _number(action.role, engagement)
        links = [self.gitlab.upload(action.file_name, action.content, action.content_type), *self._as_pdf(action)]
        body = "\n\n".join([action.marker, _edition(action), fill(action.body, engagement), " ".join(links)])
        known = None if engagement is None else engagement.standing.attached.get(action.place)
        files = _file_in(body, action.file_name)
        if known is not None:
            with suppress(Absent):
                return {"note": self.gitlab.edit_note(iid, known, body).id, **files}
        if (found := self._find_note(action, engagement)) is not None:
            return {"note": self.gitlab.edit_note(iid, found.id, body).id, **files}
        return {"note": self.gitlab.create_note(iid, body, internal=action.internal).id, **files}

    @perform.register
    def _(self, action: SendMail, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        if self.post is None:
            raise Permanent("no mail server is configured any more: PSPLAN_SMTP_URL")
        self.post.send(letter_from_record(action.letter))
        return {}

    @perform.register
    def _(self, action: HandOver, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        return {}  # done by the commit that keeps this evidence: it is a write to our own store

    @perform.register
    def _(self, action: PostMessage, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        return self._told().post(action)

    @perform.register
    def _(self, action: Whisper, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        return self._told().whisper(action)

    @perform.register
    def _(self, action: UpdateRecord, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        salesforce = self._salesforce()
        found = salesforce.read(action.object, action.record, (action.path,)).fields[action.path]
        if (None if found is None else str(found)) != action.before:
            return {"kept": "somebody has written there meanwhile"}
        value: str | Decimal = Decimal(action.value) if action.is_number else action.value
        if action.is_user:
            user = salesforce.find("User", "Email", action.value, (), where={"IsActive": True})
            if user is None:
                raise Permanent("Salesforce knows no active user with the e-mail of the Engagement Manager")
            value = user.id
        salesforce.update(action.object, action.record, {action.field: value})
        return {}

    @perform.register
    def _(self, action: UpsertRecord, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        return {"record": self._salesforce().upsert(action.object, action.external, action.ident, action.values)}

    @perform.register
    def _(self, action: SubmitRecord, engagement: Engagement | None) -> Evidence:  # noqa: ARG002
        salesforce = self._salesforce()
        found = salesforce.read(action.object, action.record, (action.status,)).fields[action.status]
        if (None if found is None else str(found)) != action.before:
            return {"not_submitted": "it was submitted, or decided, meanwhile"}
        salesforce.submit(action.record, comment=action.comment)
        return {}

    def _as_pdf(self, action: AttachDocument) -> Iterator[str]:
        pdf = self.office.pdf(action.content, action.file_name) if action.has_pdf and self.office is not None else None
        if pdf is not None:
            name = f"{action.file_name.rpartition('.')[0]}.pdf"
            yield self.gitlab.upload(name, pdf, "application/pdf")

    def _salesforce(self) -> Salesforce:
        if self.salesforce is None:
            raise Permanent("Salesforce is not configured any more: PSPLAN_SALESFORCE_URL")
        return self.salesforce

    def _told(self) -> ChatTeller:
        if self.teller is None:
            raise Permanent("Slack is not configured any more")
        return self.teller

    def _status_body(self, action: TellStatus, engagement: Engagement | None) -> str:
        return f"{fill(action.body, engagement)}\n\n{self._sealed(action, engagement)}".rstrip()

    def _says(self, note: Note, action: _Comment, engagement: Engagement | None) -> bool:
        """Whether a comment reads as it should; one that is never written twice always does."""
        if isinstance(action, AttachDocument):
            return _edition(action) in note.body.split("\n")
        if isinstance(action, Say):
            wanted = fill(action.body, engagement) if action.replaces else note.body
        else:
            wanted = self._status_body(action, engagement)
        return _as_gitlab_keeps(note.body) == _as_gitlab_keeps(wanted)

    def _sealed(self, action: TellStatus, engagement: Engagement | None) -> Safe:
        """What is known now, signed: sealed as late as this, it holds the numbers of issues made a moment ago."""
        if engagement is None:
            raise Permanent("there is no engagement to write a status note for")
        record = engagement.to_record()
        records = ({**record, "submission": each} for each in (submission_record(engagement.submission), None))
        return seal_what_fits(records, self.keys, engagement=engagement.id, on=action.role.value)

    def _user_id(self, username: str | None) -> int | None:
        person = None if username is None else self.directory.find(username)
        return None if person is None else person.id

    def _find_issue(self, action: CreateIssue) -> Issue | None:
        bot = self.directory.bot().id
        mine = [i for i in self.gitlab.search_issues(action.search) if i.author.id == bot]
        return next((i for i in mine if i.description.startswith(action.marker)), None)

    def _find_note(
        self, action: _Comment, engagement: Engagement | None, *, back_to: float | None = None
    ) -> Note | None:
        where = action.target if isinstance(action, Say) else action.role
        return self._own_note(_number(where, engagement), action.marker, back_to=back_to)

    def _own_note(self, iid: int, mark: Safe, *, back_to: float | None = None) -> Note | None:
        bot = self.directory.bot().id
        notes = self.gitlab.latest_notes(iid, back_to=None if back_to is None else datetime.fromtimestamp(back_to, UTC))
        # at the beginning, where we write it: further on it may stand in somebody's words that we echo
        return next((n for n in notes if n.author.id == bot and n.body.startswith(mark)), None)


def fold(engagement: Engagement | None, action: Action, evidence: Evidence) -> Engagement | None:
    """What the bot knows after an action was done."""
    if engagement is not None and isinstance(action, CreateIssue | AdoptIssue):
        return engagement.with_issue(action.role, IssueLink(evidence["iid"], evidence["web_url"]))
    if engagement is not None and isinstance(action, TellStatus):
        standing = replace(
            engagement.standing,
            notes={**engagement.standing.notes, action.role.value: evidence["note"]},
            told={**engagement.standing.told, action.role.value: action.digest},
        )
        return replace(engagement, standing=standing)
    if engagement is not None and isinstance(action, AttachDocument):
        standing = engagement.standing
        attached = {**standing.attached, action.place: evidence["note"]}
        file = evidence.get("file")
        files = standing.files if file is None else {**standing.files, action.document: file}
        return replace(engagement, standing=replace(standing, attached=attached, files=files))
    if engagement is not None and isinstance(action, LinkIssues):
        return replace(engagement, is_linked=True)
    if engagement is not None and isinstance(action, Remember):
        return replace(
            engagement,
            submission=stored_submission(action.submission),
            revision=action.revision,
            block_digest=action.block_digest,
        )
    return engagement


def _number(target: Target, engagement: Engagement | None) -> int:
    if isinstance(target, int):
        return target
    link = None if engagement is None else engagement.issues.get(target)
    if link is None:
        raise Permanent(f"there is no {target.value} issue to write to")
    return link.iid


def fill(text: Text, engagement: Engagement | None) -> str:
    """The text with its references to issues filled in. Raises Permanent where such an issue does not exist."""
    return "".join(f"#{_number(_ISSUE_OF[p], engagement)}" if isinstance(p, IssueRef) else p for p in text)


def _file_in(text: str, name: str) -> dict[str, str]:
    """The path of the last upload of this name that a text links to."""
    found = [path for path in uploads_in(text) if path.endswith(f"/{name}")]
    return {"file": found[-1]} if found else {}


def _edition(action: AttachDocument) -> Safe:
    """The line of a comment that says which version of a document it links to; its address is known too late."""
    return marker("edition", hashlib.sha256(action.key.encode()).hexdigest()[:16])


def _still_wanted(action: ChangeIssue, description: str) -> dict[str, Safe]:
    """The ordered answers whose cells still read as they did when it was ordered."""
    present = answers_in(description)
    return {key: value for key, value, was in action.answers if present.get(key) == was}


def _issue_evidence(issue: Issue) -> dict[str, Any]:
    return {"iid": issue.iid, "web_url": issue.web_url}


def _dropped(new: NewIssue, made: Issue) -> dict[str, Any]:
    """What GitLab left out without a word: it drops what the token may not set, and answers 201 all the same."""
    lost: list[str] = [f"label {label}" for label in new.labels if label not in made.labels]
    if new.assignee_id is not None and new.assignee_id not in {person.id for person in made.assignees}:
        lost.append("assignee")
    if new.confidential and not made.confidential:
        lost.append("confidential")
    if _as_gitlab_keeps(new.description) != _as_gitlab_keeps(made.description):
        lost.append("part of the description")
    return {"dropped_by_gitlab": lost} if lost else {}


def _not_changed(change: IssueChange, now: Issue) -> dict[str, Any]:
    """What GitLab left undone without a word, as in `_dropped`. Raises Permanent where what must be hidden is not."""
    if change.confidential and not now.confidential:
        raise Permanent(f"GitLab did not make #{now.iid} confidential: the bot's role must be Planner or Reporter")
    lost = [f"label {label}" for label in change.add_labels if label not in now.labels]
    lost += [f"removal of label {label}" for label in change.remove_labels if label in now.labels]
    if change.assignee_id is not None and change.assignee_id not in {person.id for person in now.assignees}:
        lost.append("assignee")
    return {"dropped_by_gitlab": lost} if lost else {}


def _as_gitlab_keeps(text: str) -> str:
    return text.replace("\r", "").rstrip()
