"""Comments of the sandbox: written, edited and removed as GitLab does it, quick actions included.

Surprises: a comment of known commands alone leaves no note and no note event; `internal` without the role for it is
dropped in silence, so the comment is public; an edit by somebody else is told with the author as `user`; a reaction and
the first reply move `updated_at` as an edit does.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from app.sandbox.hook_shapes import discussion_id, note_event
from app.sandbox.interpret import Interpretation, interpret
from app.sandbox.issues import Issues
from app.sandbox.quick_actions import extract
from app.sandbox.records import AccessLevel, Issue, Note, User
from app.sandbox.refusals import bad_request, forbidden, not_found, too_many

LONGEST_NOTE = 1_000_000
NOTES_RETRY_AFTER_S = 60


@dataclass(frozen=True, slots=True)
class Commented:
    """What became of a comment; `note` is None when it held nothing but commands."""

    note: Note | None
    commands_changes: dict[str, Any]
    summary: list[str]


class Notes(Issues):
    """What may be done with comments."""

    def add_note(
        self, who: User | str, iid: int, body: str, *, internal: bool = False, in_discussion: str | None = None
    ) -> Commented:
        """Comment on an issue (Guest and up); 400 when it is blank or no command in it could be applied."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            issue = self.visible_issue(user, iid)
            if not self.meter.admits("notes", user_id=user.id, limit=self.limits.notes_per_min):
                raise too_many(retry_after_s=NOTES_RETRY_AFTER_S)
            extraction = extract(body)
            told = interpret(self, user, issue, extraction.commands)
            if extraction.commands and not extraction.text.strip():
                return self._commands_only(user, issue, told)
            _check(extraction.text)
            is_internal = internal and self.level(user) >= AccessLevel.PLANNER
            note = self._new_note(user, issue, extraction.text, internal=is_internal, in_discussion=in_discussion)
            self._carry_out(user, issue, told)
            self.touch(issue)
            self._fire_note(note, action="create")
            return Commented(note, told.commands_changes, told.summary)

    def _commands_only(self, user: User, issue: Issue, told: Interpretation) -> Commented:
        if not told.summary:
            raise bad_request(", ".join(told.failures))
        self._carry_out(user, issue, told)
        return Commented(None, told.commands_changes, [*told.summary, *told.failures])

    def _new_note(self, user: User, issue: Issue, body: str, *, internal: bool, in_discussion: str | None) -> Note:
        number, now = self.next_id("note"), self.clock()
        thread = self.discussion(issue.iid, in_discussion) if in_discussion else []
        # A reply always takes the privacy of its thread.
        is_internal = thread[0].internal if thread else internal
        note = Note(number, issue.iid, body, user.id, now, now, in_discussion or discussion_id(number), is_internal)
        if thread:
            if thread[0].type is None:
                thread[0].updated_at = now  # it becomes another kind of comment, which is saved
            note.type = thread[0].type = "DiscussionNote"
        self.notes[number] = note
        self._notes_of[issue.iid].append(note)
        return note

    def edit_note(self, who: User | str, iid: int, number: int, body: str) -> Commented:
        """Change a comment (its author, or Maintainer and up); told only when the text changed."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            issue, note = self.visible_issue(user, iid), self.note(user, iid, number)
            self._demand_note_rights(user, note)
            extraction, old = extract(body), extract(note.body)
            fresh = [command for command in extraction.commands if command not in old.commands]
            told = interpret(self, user, issue, fresh)
            if told.summary and not extraction.text.strip():
                # An edit that leaves only commands removes the note, as GitLab does; the answer is 202 then.
                self._carry_out(user, issue, told)
                self._remove(note)
                return Commented(None, told.commands_changes, told.summary)
            _check(extraction.text)
            self._carry_out(user, issue, told)
            if extraction.text != note.body:
                note.body, note.updated_by_id = extraction.text, user.id
                note.updated_at = note.last_edited_at = self.clock()
                self.touch(issue)
                self._fire_note(note, action="update")
            return Commented(note, told.commands_changes, told.summary)

    def delete_note(self, who: User | str, iid: int, number: int) -> None:
        """Delete a comment (its author, or Maintainer and up); no webhook tells of it."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            note = self.note(user, iid, number)
            self._demand_note_rights(user, note)
            self._remove(note)

    def note(self, who: User | str, iid: int, number: int) -> Note:
        """A comment this user may read; 404 otherwise."""
        self.visible_issue(who, iid)
        note = self.notes.get(number)
        if note is None or note.issue_iid != iid or not self._can_read(self.user(who), note):
            raise not_found()
        return note

    def visible_notes(self, who: User | str, iid: int) -> list[Note]:
        """The comments of an issue this user may read, oldest first."""
        with self.lock:
            user = self.user(who)
            self.visible_issue(user, iid)
            return [note for note in self.notes_of(iid) if self._can_read(user, note)]

    def discussion(self, iid: int, name: str) -> list[Note]:
        """The comments of one thread; 404 if there is none of that name."""
        thread = [note for note in self.notes_of(iid) if note.discussion_id == name]
        if not thread:
            raise not_found("Discussion Not Found")
        return thread

    def _can_read(self, user: User, note: Note) -> bool:
        return not note.internal or self.level(user) >= AccessLevel.PLANNER

    def _demand_note_rights(self, user: User, note: Note) -> None:
        if note.author_id != user.id and self.level(user) < AccessLevel.MAINTAINER:
            raise forbidden()

    def _remove(self, note: Note) -> None:
        del self.notes[note.id]
        self._notes_of[note.issue_iid].remove(note)
        self.awards = {number: award for number, award in self.awards.items() if award.note_id != note.id}

    def _carry_out(self, user: User, issue: Issue, told: Interpretation) -> None:
        self.apply_commands(user, issue, told)

    def _fire_note(self, note: Note, *, action: str) -> None:
        is_confidential = note.internal or self.issue(note.issue_iid).confidential
        event = "confidential_note_events" if is_confidential else "note_events"
        self.fire(event, lambda: note_event(self, note, action=action))


def _check(text: str) -> None:
    if not text.strip():
        raise bad_request('Note {:note=>["can\'t be blank"]}')
    if len(text) > LONGEST_NOTE:
        raise bad_request(f'Note {{:note=>["is too long (maximum is {LONGEST_NOTE} characters)"]}}')
