"""The JSON bodies of webhook deliveries, key for key as a running GitLab 18.9 sent them.

Surprises kept on purpose: times are `2026-11-22 18:04:03 UTC` except in a test delivery; `assignees` is there only when
somebody is assigned; the `user` of a note event is the note's author even when somebody else edited it; labels are
`changes` of an update but never of an `open`.
"""

from __future__ import annotations

import hashlib
from datetime import date, datetime
from typing import Any

from app.sandbox.clockwork import hook_time, iso
from app.sandbox.records import Award, Issue, Label, Note, User
from app.sandbox.state import PROJECT_ID, PROJECT_PATH, WorldState

Json = dict[str, Any]

TYPE_NAMES = {"issue": "Issue", "task": "Task", "incident": "Incident", "test_case": "Test Case"}
_SSH_URL = f"git@gitlab.sandbox:{PROJECT_PATH}.git"
_OPEN_COLUMNS = ("author_id", "created_at", "description", "id", "iid", "project_id", "title", "updated_at")
_OPEN_EXTRAS = ("confidential", "due_date")


def hook_user(user: User) -> Json:
    """A person as hook bodies name one; the e-mail is never shown."""
    return {
        "id": user.id,
        "name": user.name,
        "username": user.username,
        "avatar_url": None,
        "email": "[REDACTED]",
    }


def hook_label(label: Label) -> Json:
    """A label as hook bodies show it (`title`, not `name`)."""
    return {
        "id": label.id,
        "title": label.title,
        "color": label.color,
        "project_id": PROJECT_ID,
        "created_at": hook_time(label.created_at),
        "updated_at": hook_time(label.updated_at),
        "template": False,
        "description": label.description,
        "type": "ProjectLabel",
        "group_id": None,
    }


def hook_project(world: WorldState) -> Json:
    """The `project` block."""
    web_url = world.project_url()
    return {
        "id": PROJECT_ID,
        "name": "ps-plan",
        "description": None,
        "web_url": web_url,
        "avatar_url": None,
        "git_ssh_url": _SSH_URL,
        "git_http_url": f"{web_url}.git",
        "namespace": "PS",
        "visibility_level": 0,
        "path_with_namespace": PROJECT_PATH,
        "default_branch": "main",
        "ci_config_path": None,
        "homepage": web_url,
        "url": _SSH_URL,
        "ssh_url": _SSH_URL,
        "http_url": f"{web_url}.git",
    }


def _repository(world: WorldState) -> Json:
    return {"name": "ps-plan", "url": _SSH_URL, "description": None, "homepage": world.project_url()}


def issue_columns(issue: Issue) -> Json:
    """The stored columns that GitLab reports in `changes`, as raw values."""
    return {
        "author_id": issue.author_id,
        "closed_at": issue.closed_at,
        "confidential": issue.confidential,
        "created_at": issue.created_at,
        "description": issue.description,
        "discussion_locked": issue.discussion_locked,
        "due_date": issue.due_date,
        "duplicated_to_id": issue.duplicated_to_id,
        "id": issue.id,
        "iid": issue.iid,
        "last_edited_at": issue.last_edited_at,
        "last_edited_by_id": issue.last_edited_by_id,
        "project_id": PROJECT_ID,
        "state_id": 1 if issue.is_open else 2,
        "title": issue.title,
        "updated_at": issue.updated_at,
        "updated_by_id": issue.updated_by_id,
    }


def printed(value: object) -> object:
    """A raw column as hook JSON."""
    if isinstance(value, datetime):
        return hook_time(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def column_changes(before: Json, after: Json) -> Json:
    """`{column: {previous, current}}` for every column that differs."""
    return {
        name: {"previous": printed(before[name]), "current": printed(current)}
        for name, current in after.items()
        if before[name] != current
    }


def open_changes(issue: Issue) -> Json:
    """What `changes` holds at `open`: the saved columns, each with `previous: null`, but no labels or assignees."""
    columns = issue_columns(issue)
    names = [name for name in _OPEN_COLUMNS if columns[name] is not None]
    names += [name for name in _OPEN_EXTRAS if columns[name]]
    previous = {"confidential": False}
    return {name: {"previous": previous.get(name), "current": printed(columns[name])} for name in names}


def issue_block(world: WorldState, issue: Issue) -> Json:
    """The attributes of an issue, as `object_attributes` and as `issue` of a note event."""
    block: Json = {name: printed(value) for name, value in issue_columns(issue).items()}
    block |= {
        "milestone_id": None,
        "moved_to_id": issue.moved_to_id,
        "relative_position": issue.relative_position,
        "time_estimate": 0,
        "type": TYPE_NAMES.get(issue.issue_type, "Issue"),
        "url": world.web_url(issue),
        "total_time_spent": 0,
        "time_change": 0,
        "human_total_time_spent": None,
        "human_time_change": None,
        "human_time_estimate": None,
        "assignee_ids": list(issue.assignee_ids),
        "assignee_id": issue.assignee_ids[0] if issue.assignee_ids else None,
        "labels": [hook_label(label) for label in world.labels_of(issue)],
        "state": "opened" if issue.is_open else "closed",
        "severity": "unknown",
        "customer_relations_contacts": [],
    }
    if issue.issue_type == "incident":
        block["escalation_status"] = "triggered"
    return block


def issue_event(
    world: WorldState, issue: Issue, *, user: User, action: str, changes: Json, is_test: bool = False
) -> Json:
    """The body of an issue event; `is_test` uses the other spelling of times, as hook tests do."""
    block = issue_block(world, issue)
    if is_test:
        for name, moment in issue_columns(issue).items():
            if isinstance(moment, datetime):
                block[name] = iso(moment)
    block["action"] = action
    body: Json = {
        "object_kind": "issue",
        "event_type": "confidential_issue" if issue.confidential else "issue",
        "user": hook_user(user),
        "project": hook_project(world),
        "object_attributes": block,
        "labels": block["labels"],
        "changes": changes,
        "repository": _repository(world),
    }
    if issue.assignee_ids:
        body["assignees"] = [hook_user(world.user(number)) for number in issue.assignee_ids]
    return body


def note_event(world: WorldState, note: Note, *, action: str) -> Json:
    """The body of a note event; `user` is the author, also of an edit by somebody else."""
    issue = world.issue(note.issue_iid)
    is_confidential = note.internal or issue.confidential
    return {
        "object_kind": "note",
        "event_type": "confidential_note" if is_confidential else "note",
        "user": hook_user(world.user(note.author_id)),
        "project_id": PROJECT_ID,
        "project": hook_project(world),
        "object_attributes": _note_block(world, note, issue) | {"action": action},
        "repository": _repository(world),
        "issue": issue_block(world, issue),
    }


def _note_block(world: WorldState, note: Note, issue: Issue) -> Json:
    return {
        "author_id": note.author_id,
        "change_position": None,
        "commit_id": None,
        "created_at": hook_time(note.created_at),
        "discussion_id": note.discussion_id,
        "id": note.id,
        "internal": note.internal,
        "line_code": None,
        "note": note.body,
        "noteable_id": issue.id,
        "noteable_type": "Issue",
        "original_position": None,
        "position": None,
        "project_id": PROJECT_ID,
        "resolved_at": None,
        "resolved_by_id": None,
        "resolved_by_push": None,
        "st_diff": None,
        "system": note.system,
        "type": note.type,
        "updated_at": hook_time(note.updated_at),
        "updated_by_id": note.updated_by_id,
        "description": note.body,
        "url": f"{world.web_url(issue)}#note_{note.id}",
    }


def emoji_event(world: WorldState, *, award: Award, user: User, event_type: str) -> Json:
    """The body of a reaction given or taken back; there is no `action`, `event_type` says which."""
    issue = world.issue(award.issue_iid)
    note = world.notes.get(award.note_id) if award.note_id is not None else None
    url = world.web_url(issue) + (f"#note_{note.id}" if note else "")
    body: Json = {
        "object_kind": "emoji",
        "event_type": event_type,
        "user": hook_user(user),
        "project_id": PROJECT_ID,
        "project": hook_project(world),
        "object_attributes": {
            "user_id": user.id,
            "created_at": hook_time(award.created_at),
            "id": award.id,
            "name": award.name,
            "awardable_type": "Note" if note else "Issue",
            "awardable_id": note.id if note else issue.id,
            "updated_at": hook_time(award.created_at),
            "awarded_on_url": url,
        },
    }
    if note:
        body["note"] = _note_block(world, note, issue)
    return body | {"issue": issue_block(world, issue)}


def discussion_id(note_number: int) -> str:
    """The 40 hexadecimal digits that name a thread."""
    return hashlib.sha1(f"discussion {note_number}".encode(), usedforsecurity=False).hexdigest()
