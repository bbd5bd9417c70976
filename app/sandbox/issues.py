"""Issues of the sandbox: made, changed, closed and found as GitLab's services do it.

Rules that surprise, all seen on a running GitLab:

* What the role may not set is dropped in silence; the answer is still 200 or 201.
* A state change by REST is told twice: first `close`/`reopen`, then `update` with the same `changes`. By a quick action
  it is told once.
* Every update is told, even when nothing changed (`changes: {}`).
* `updated_at` follows changed columns at once, but a mere change of labels or people, or a comment, moves it only when
  it is older than a minute.
* Every update takes known commands out of the stored description, also when the request does not mention it.
"""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Unpack

from app.sandbox.hook_shapes import (
    Json,
    column_changes,
    discussion_id,
    hook_label,
    hook_user,
    issue_columns,
    issue_event,
    open_changes,
)
from app.sandbox.interpret import Interpretation, IssueFields, interpret
from app.sandbox.labels import Labels, split_titles
from app.sandbox.quick_actions import extract
from app.sandbox.records import AccessLevel, Issue, Note, StateEvent, User
from app.sandbox.refusals import forbidden, invalid, too_many

LONGEST_TITLE = 255
MOST_DESCRIPTION_BYTES = 1_048_576
TOUCH_INTERVAL = timedelta(seconds=60)
_POSITION_STEP = 513


class Issues(Labels):
    """What may be done with issues; `who` is the acting user, by record or user name."""

    def create_issue(self, who: User | str, **fields: Unpack[IssueFields]) -> Issue:
        """Make an issue (Guest and up), with the quick actions of its description carried out."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            if not self.meter.admits("issues", user_id=user.id, limit=self.limits.issues_per_min):
                raise too_many(retry_after_s=None)
            extraction = extract(fields.get("description") or "")
            told = interpret(self, user, None, extraction.commands)
            # What a command sets wins over what the request said.
            wanted: dict[str, Any] = {**fields, **told.fields}
            title, description = str(wanted.get("title", "")).strip(), extraction.text or None
            _check(title, description)
            number, now = self.next_id("issue"), self.clock()
            issue = Issue(number, number, title, description, user.id, wanted.get("issue_type") or "issue", now, now)
            issue.confidential = bool(wanted.get("confidential", False))
            issue.due_date = wanted.get("due_date")
            issue.assignee_ids = self._known_people(wanted.get("assignee_ids") or ())
            self.issues[issue.iid] = issue
            titles = [*split_titles(fields.get("labels", ())), *told.fields.get("add_labels", ())]
            self._put_labels(user, issue, added=self._find_or_create(user, titles), kept=())
            self._fire_issue(issue, user, action="open", changes=open_changes(issue))
            issue.relative_position = number * _POSITION_STEP
            if wanted.get("state_event") == "close":
                self._close_by_command(issue, user)
            return issue

    def update_issue(self, who: User | str, iid: int, **fields: Unpack[IssueFields]) -> Issue:
        """Change an issue in one go; 403 unless Planner and up, its author or its assignee."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            issue = self.visible_issue(user, iid)
            if not self.can_update(user, issue):
                raise forbidden()
            return self._update(user, issue, fields)

    def delete_issue(self, who: User | str, iid: int) -> None:
        """Delete an issue (Owner) with all that hangs on it; no webhook tells of it."""
        with self.lock:
            user = self.demand(who, AccessLevel.GUEST)
            self.visible_issue(user, iid)
            self.demand(user, AccessLevel.OWNER)
            del self.issues[iid]
            for note in self._notes_of.pop(iid, []):
                del self.notes[note.id]
            self.links = {n: link for n, link in self.links.items() if iid not in (link.source_iid, link.target_iid)}
            self.awards = {n: award for n, award in self.awards.items() if award.issue_iid != iid}
            self.label_events = [event for event in self.label_events if event.issue_iid != iid]
            self.state_events = [event for event in self.state_events if event.issue_iid != iid]

    def apply_commands(self, user: User, issue: Issue, told: Interpretation) -> None:
        """Carry out what the quick actions of a comment asked for; one delivery, even when the state changes."""
        if told.fields:
            self._update(user, issue, told.fields, is_command=True)

    def _update(self, user: User, issue: Issue, fields: IssueFields, *, is_command: bool = False) -> Issue:
        before = issue_columns(issue)
        related = self._related(issue)
        fields = self._with_description_commands(user, issue, fields)
        fields = self._without_forbidden(user, fields)
        title = fields.get("title", issue.title).strip()
        description = fields.get("description", issue.description) or None
        _check(title, description)
        event = fields.get("state_event")
        if event and self._set_state(issue, user, is_open=event == "reopen"):
            changes = column_changes(before, issue_columns(issue))
            self._fire_issue(issue, user, action=event, changes=changes)
            if is_command and set(fields) == {"state_event"}:
                return issue
        self._write_columns(issue, user, fields, title=title, description=description)
        self._write_labels(issue, user, fields)
        if "assignee_ids" in fields:
            self._assign(issue, user, self._known_people(fields["assignee_ids"]))
        self._stamp(issue, before, is_related_changed=related != self._related(issue))
        changes = column_changes(before, issue_columns(issue)) | self._related_changes(related, self._related(issue))
        self._fire_issue(issue, user, action="update", changes=changes)
        return issue

    def _with_description_commands(self, user: User, issue: Issue, fields: IssueFields) -> IssueFields:
        """Carry out the commands that are new in the description, and cut out all known ones."""
        old = extract(issue.description or "")
        new = extract(fields["description"] or "") if "description" in fields else old
        fresh = [command for command in new.commands if command not in old.commands]
        told = interpret(self, user, issue, fresh) if fresh else Interpretation()
        merged: IssueFields = {**fields, **told.fields}
        added = [*split_titles(fields.get("add_labels", ())), *told.fields.get("add_labels", ())]
        removed = [*split_titles(fields.get("remove_labels", ())), *told.fields.get("remove_labels", ())]
        if added:
            merged["add_labels"] = added
        if removed:
            merged["remove_labels"] = removed
        if "description" in fields or new.text != (issue.description or ""):
            merged["description"] = new.text
        return merged

    def _without_forbidden(self, user: User, fields: IssueFields) -> IssueFields:
        """Below Planner only title, description and state can be changed; the rest is left out in silence."""
        if self.level(user) >= AccessLevel.PLANNER:
            return fields
        kept: IssueFields = {}
        if "title" in fields:
            kept["title"] = fields["title"]
        if "description" in fields:
            kept["description"] = fields["description"]
        if "state_event" in fields:
            kept["state_event"] = fields["state_event"]
        return kept

    def _set_state(self, issue: Issue, user: User, *, is_open: bool) -> bool:
        """Close or reopen; False when the issue was so already, which is no error."""
        if issue.is_open is is_open:
            return False
        now = self.clock()
        issue.is_open = is_open
        issue.closed_at = None if is_open else now
        issue.closed_by_id = None if is_open else user.id
        issue.updated_at = now
        state = "reopened" if is_open else "closed"
        self.state_events.append(StateEvent(self.next_id("state_event"), issue.iid, user.id, state, now))
        return True

    def _close_by_command(self, issue: Issue, user: User) -> None:
        before = issue_columns(issue)
        self._set_state(issue, user, is_open=False)
        self._fire_issue(issue, user, action="close", changes=column_changes(before, issue_columns(issue)))

    def _write_columns(
        self, issue: Issue, user: User, fields: IssueFields, *, title: str, description: str | None
    ) -> None:
        if (title, description) != (issue.title, issue.description):
            issue.title, issue.description = title, description
            issue.last_edited_at, issue.last_edited_by_id = self.clock(), user.id
        issue.due_date = fields.get("due_date", issue.due_date)
        issue.confidential = bool(fields.get("confidential", issue.confidential))
        issue.discussion_locked = fields.get("discussion_locked", issue.discussion_locked)
        issue.issue_type = fields.get("issue_type", issue.issue_type)
        issue.duplicated_to_id = fields.get("duplicated_to_id", issue.duplicated_to_id)
        issue.updated_by_id = user.id

    def _write_labels(self, issue: Issue, user: User, fields: IssueFields) -> None:
        kept = list(issue.label_ids)
        replacing = "labels" in fields
        added = [*split_titles(fields["labels"])] if replacing else []
        added += split_titles(fields.get("add_labels", ()))
        removed = set(split_titles(fields.get("remove_labels", ())))
        if replacing:
            kept = [number for number in kept if self.labels[number].title in added]
        kept = [number for number in kept if self.labels[number].title not in removed]
        new = [label for label in self._find_or_create(user, added) if label.title not in removed]
        self._put_labels(user, issue, added=new, kept=kept)

    def _assign(self, issue: Issue, user: User, people: list[int]) -> None:
        """Change the assignees; GitLab keeps no events of that but a note of its own, of which no webhook tells."""
        before, issue.assignee_ids = issue.assignee_ids, people
        parts = (("assigned to", set(people) - set(before)), ("unassigned", set(before) - set(people)))
        told = [f"{verb} " + ", ".join(f"@{self.user(each).username}" for each in who) for verb, who in parts if who]
        if told:
            number, now = self.next_id("note"), self.clock()
            note = Note(number, issue.iid, " and ".join(told), user.id, now, now, discussion_id(number), system=True)
            self.notes[number] = note
            self._notes_of[issue.iid].append(note)

    def _stamp(self, issue: Issue, before: Json, *, is_related_changed: bool) -> None:
        now = self.clock()
        if column_changes(before, issue_columns(issue)):
            issue.updated_at = now
        elif is_related_changed:
            self.touch(issue)

    def touch(self, issue: Issue) -> None:
        """Move `updated_at`, but not more often than once a minute."""
        now = self.clock()
        if now - issue.updated_at >= TOUCH_INTERVAL:
            issue.updated_at = now

    def _known_people(self, numbers: Any) -> list[int]:
        """Members only, and only the first one: several assignees need a licence."""
        known = [number for number in numbers if number in self.members]
        return known[:1]

    def _related(self, issue: Issue) -> tuple[list[Json], list[Json]]:
        people = [hook_user(self.user(number)) for number in issue.assignee_ids]
        return [hook_label(label) for label in self.labels_of(issue)], people

    def _related_changes(self, before: tuple[list[Json], list[Json]], after: tuple[list[Json], list[Json]]) -> Json:
        names = ("labels", "assignees")
        return {
            name: {"previous": previous, "current": current}
            for name, previous, current in zip(names, before, after, strict=True)
            if previous != current
        }

    def _fire_issue(self, issue: Issue, user: User, *, action: str, changes: Json) -> None:
        # Routing follows the state after the change: made confidential, an issue falls silent for ordinary hooks.
        event = "confidential_issues_events" if issue.confidential else "issues_events"
        self.fire(event, lambda: issue_event(self, issue, user=user, action=action, changes=changes))


def _check(title: str, description: str | None) -> None:
    if not title:
        raise invalid("title", "can't be blank")
    if len(title) > LONGEST_TITLE:
        raise invalid("title", f"is too long (maximum is {LONGEST_TITLE} characters)")
    size = len((description or "").encode())
    if size > MOST_DESCRIPTION_BYTES:
        raise invalid("description", f"is too long ({size / 2**20:.2f} MiB). The maximum size is 1 MiB.")
