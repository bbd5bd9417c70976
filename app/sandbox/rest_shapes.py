"""The JSON of REST answers, key for key as a running GitLab 18.9 gave them.

Surprises kept on purpose: a single issue has `subscribed`, a listed one has not; the two issues inside a freshly made
link lack everything after `task_completion_status`; `internal` and `confidential` of a note are the same value.
"""

from __future__ import annotations

import re
from typing import Any

from app.sandbox.clockwork import iso
from app.sandbox.project_shapes import event_label_json
from app.sandbox.records import AccessLevel, Award, Group, Issue, LabelEvent, Link, Note, StateEvent, Token, User
from app.sandbox.state import PROJECT_ID, PROJECT_PATH, WorldState

Json = dict[str, Any]

_TASK = re.compile(r"^\s*(?:[-*+]|\d+[.)])\s+\[([ xX])\]\s", re.MULTILINE)


def user_json(world: WorldState, user: User) -> Json:
    """A person, in the short form."""
    return {
        "id": user.id,
        "username": user.username,
        "public_email": None,
        "name": user.name,
        "state": "active",
        "locked": False,
        "avatar_url": None,
        "web_url": f"{world.base_url}/{user.username}",
    }


def me_json(world: WorldState, user: User) -> Json:
    """The answer of `GET /user`."""
    email = f"{user.username}@example.com"
    admin = {"is_admin": True} if user.is_admin else {}
    plain = dict.fromkeys(
        ("bio", "location", "linkedin", "twitter", "discord", "website_url", "github", "job_title"), ""
    )
    return (
        user_json(world, user)
        | {"created_at": iso(user.created_at)}
        | plain
        | {
            **admin,
            "pronouns": None,
            "organization": "",
            "bot": user.is_bot,
            "work_information": None,
            "local_time": None,
            "last_sign_in_at": None,
            "confirmed_at": iso(user.created_at),
            "last_activity_on": world.now().date().isoformat(),
            "email": email,
            "theme_id": 3,
            "color_scheme_id": 1,
            "projects_limit": 100000,
            "current_sign_in_at": None,
            "identities": [],
            "can_create_group": True,
            "can_create_project": True,
            "two_factor_enabled": False,
            "external": False,
            "private_profile": False,
            "commit_email": email,
            "preferred_language": "en",
        }
        | ({"is_admin": True, "note": None} if user.is_admin else {})
    )


def member_json(world: WorldState, user_id: int) -> Json:
    """A member of the project with the effective role."""
    member = world.members[user_id]
    return user_json(world, world.user(user_id)) | {
        "access_level": int(member.level),
        "created_at": iso(member.created_at),
        "expires_at": None,
    }


def group_member_json(world: WorldState, group: Group, user_id: int) -> Json:
    """A member of a group; all of them are developers there."""
    return user_json(world, world.user(user_id)) | {
        "access_level": int(AccessLevel.DEVELOPER),
        "created_at": iso(group.created_at),
        "expires_at": None,
    }


def token_json(token: Token) -> Json:
    """The answer of `GET /personal_access_tokens/self`; the value itself is never shown."""
    return {
        "id": token.id,
        "name": token.name,
        "revoked": token.is_revoked,
        "created_at": iso(token.created_at),
        "description": None,
        "scopes": list(token.scopes),
        "user_id": token.user_id,
        "last_used_at": iso(token.created_at),
        "active": not token.is_revoked,
        "expires_at": token.expires_at.isoformat(),
        "last_used_ips": ["127.0.0.1"],
    }


def task_counts(description: str | None) -> tuple[int, int]:
    """How many check boxes the text has, and how many of them are ticked."""
    marks = _TASK.findall(description or "")
    return len(marks), sum(mark != " " for mark in marks)


def linked_issue_json(world: WorldState, issue: Issue) -> Json:
    """An issue as it stands inside the answer that made a link: the first part of every other form."""
    assignees = [user_json(world, world.user(number)) for number in issue.assignee_ids]
    count, done = task_counts(issue.description)
    closed_by = None if issue.closed_by_id is None else user_json(world, world.user(issue.closed_by_id))
    return {
        "id": issue.id,
        "iid": issue.iid,
        "project_id": PROJECT_ID,
        "title": issue.title,
        "description": issue.description,
        "state": "opened" if issue.is_open else "closed",
        "created_at": iso(issue.created_at),
        "updated_at": iso(issue.updated_at),
        "closed_at": iso(issue.closed_at),
        "closed_by": closed_by,
        "labels": world.label_titles(issue),
        "milestone": None,
        "assignees": assignees,
        "author": user_json(world, world.user(issue.author_id)),
        "type": issue.issue_type.upper(),
        "assignee": assignees[0] if assignees else None,
        "user_notes_count": len(world.notes_of(issue.iid)),
        "merge_requests_count": 0,
        "upvotes": 0,
        "downvotes": 0,
        "start_date": None,
        "due_date": issue.due_date.isoformat() if issue.due_date else None,
        "confidential": issue.confidential,
        "discussion_locked": issue.discussion_locked,
        "issue_type": issue.issue_type,
        "web_url": world.web_url(issue),
        "time_stats": {
            "time_estimate": 0,
            "total_time_spent": 0,
            "human_time_estimate": None,
            "human_total_time_spent": None,
        },
        "task_completion_status": {"count": count, "completed_count": done},
    }


def issue_json(world: WorldState, issue: Issue, *, is_single: bool = False) -> Json:
    """An issue as lists show it; `is_single` adds what only the answer about one issue has."""
    api = f"{world.base_url}/api/v4/projects/{PROJECT_ID}"
    body = linked_issue_json(world, issue)
    tasks = body["task_completion_status"]
    body |= {
        "has_tasks": True,
        "task_status": f"{tasks['completed_count']} of {tasks['count']} checklist items completed",
        "_links": {
            "self": f"{api}/issues/{issue.iid}",
            "notes": f"{api}/issues/{issue.iid}/notes",
            "award_emoji": f"{api}/issues/{issue.iid}/award_emoji",
            "project": api,
            "closed_as_duplicate_of": None,
        },
        "references": {
            "short": f"#{issue.iid}",
            "relative": f"#{issue.iid}",
            "full": f"{PROJECT_PATH}#{issue.iid}",
        },
        "severity": "UNKNOWN",
    }
    if is_single:
        body["subscribed"] = True
    return body | {
        "moved_to_id": issue.moved_to_id,
        "imported": False,
        "imported_from": "none",
        "service_desk_reply_to": None,
    }


def note_json(world: WorldState, note: Note, *, commands_changes: Json | None = None) -> Json:
    """A comment; `commands_changes` tells which quick actions went with it."""
    issue = world.issue(note.issue_iid)
    return {
        "id": note.id,
        "type": note.type,
        "body": note.body,
        "author": user_json(world, world.user(note.author_id)),
        "created_at": iso(note.created_at),
        "updated_at": iso(note.updated_at),
        "system": note.system,
        "noteable_id": issue.id,
        "noteable_type": "Issue",
        "project_id": PROJECT_ID,
        "resolvable": False,
        "confidential": note.internal,
        "internal": note.internal,
        "imported": False,
        "imported_from": "none",
        "noteable_iid": issue.iid,
        "commands_changes": commands_changes or {},
    }


def link_json(world: WorldState, link: Link) -> Json:
    """The answer that made a link, with both issues."""
    return {
        "id": link.id,
        "source_issue": linked_issue_json(world, world.issue(link.source_iid)),
        "target_issue": linked_issue_json(world, world.issue(link.target_iid)),
        "link_type": link.link_type,
    }


_MIRRORED = {"blocks": "is_blocked_by", "is_blocked_by": "blocks"}


def linked_json(world: WorldState, link: Link, *, seen_from: int) -> Json:
    """The issue at the other end of a link, as the list of links shows it."""
    is_source = link.source_iid == seen_from
    other = world.issue(link.target_iid if is_source else link.source_iid)
    return issue_json(world, other) | {
        "issue_link_id": link.id,
        "link_type": link.link_type if is_source else _MIRRORED.get(link.link_type, link.link_type),
        "link_created_at": iso(link.created_at),
        "link_updated_at": iso(link.created_at),
    }


def award_json(world: WorldState, award: Award) -> Json:
    """A reaction to an issue or a note."""
    is_note = award.note_id is not None
    return {
        "id": award.id,
        "name": award.name,
        "user": user_json(world, world.user(award.user_id)),
        "created_at": iso(award.created_at),
        "updated_at": iso(award.created_at),
        "awardable_id": award.note_id if is_note else world.issue(award.issue_iid).id,
        "awardable_type": "Note" if is_note else "Issue",
        "url": None,
    }


def label_event_json(world: WorldState, event: LabelEvent) -> Json:
    """One entry of the label history; a label deleted since is null."""
    label = world.labels.get(event.label_id)
    return _event_json(world, event) | {"label": label and event_label_json(label), "action": event.action}


def state_event_json(world: WorldState, event: StateEvent) -> Json:
    """One entry of the history of closing and reopening."""
    return _event_json(world, event) | {"source_commit": None, "source_merge_request_id": None, "state": event.state}


def _event_json(world: WorldState, event: LabelEvent | StateEvent) -> Json:
    return {
        "id": event.id,
        "user": user_json(world, world.user(event.user_id)),
        "created_at": iso(event.created_at),
        "resource_type": "Issue",
        "resource_id": world.issue(event.issue_iid).id,
    }
