"""GitLab's JSON turned into the values of our ports; what GitLab may leave out or null is met here and nowhere else."""

from __future__ import annotations

from base64 import b64decode
from datetime import UTC, date, datetime
from typing import Any

from app.ports import (
    Assignment,
    Comment,
    FailedDelivery,
    Hook,
    Issue,
    LabelEvent,
    ListedIssue,
    Member,
    Note,
    Person,
    StateEvent,
)
from app.project import AccessToken, Board, BoardList, ProjectFacts, ProjectFile, ProjectLabel

Json = dict[str, Any]

STATES = {"closed": True, "reopened": False}
"""Whether an entry of the state history closes; `merged` and the like concern other things than issues."""


def person_of(held: Json) -> Person:
    """A user in any of GitLab's forms."""
    return Person(held["id"], held["username"])


def member_of(held: Json) -> Member:
    """A member of a project."""
    return Member(held["id"], held["username"], held["access_level"])


def issue_of(held: Json) -> Issue:
    """An issue, from a list or by itself."""
    due = held.get("due_date")
    return Issue(
        iid=held["iid"],
        web_url=held["web_url"],
        title=held["title"],
        description=held.get("description") or "",
        labels=tuple(held.get("labels", ())),
        author=person_of(held["author"]),
        assignees=tuple(person_of(each) for each in held.get("assignees") or ()),
        due_date=date.fromisoformat(due) if due else None,
        confidential=bool(held.get("confidential")),
        is_open=held.get("state", "opened") == "opened",
    )


def note_of(held: Json) -> Note:
    """A comment."""
    at = held.get("created_at")
    return Note(held["id"], held.get("body") or "", person_of(held["author"]), None if at is None else moment(at))


def listed_of(held: Json) -> ListedIssue:
    """An issue in a list."""
    made, changed = moment(held["created_at"]), moment(held["updated_at"])
    return ListedIssue(issue_of(held), int(held.get("user_notes_count") or 0), made, changed)


def comment_of(held: Json) -> Comment:
    """A comment with its times."""
    return Comment(
        id=held["id"],
        body=held.get("body") or "",
        author=person_of(held["author"]),
        is_internal=bool(held.get("internal")),
        created_at=moment(held["created_at"]),
        updated_at=moment(held["updated_at"]),
    )


def last_edit_of(held: Json) -> datetime | None:
    """When a comment was last edited, in GraphQL's words: a comment that nobody edited has nobody as its editor, and
    the time of its last touch as that of its edit."""
    at, touched = held.get("lastEditedAt"), held["updatedAt"]
    if held.get("lastEditedBy") is None and at in {None, touched}:
        return None
    return moment(at or touched)


def hook_of(held: Json) -> Hook:
    """A webhook; instances that never disable one do not say how it is, older ones not whether there is a secret."""
    return Hook(
        held["id"],
        held["url"],
        held.get("alert_status", "executable") != "executable",
        events=frozenset(name for name, is_on in held.items() if name.endswith("_events") and is_on is True),
        checks_certificates=bool(held.get("enable_ssl_verification", True)),
        has_token=held.get("token_present"),
        has_signing_token=held.get("signing_token_present"),
        rewrites_body=bool(held.get("custom_webhook_template")),
    )


def label_of(held: Json) -> ProjectLabel:
    """A label."""
    return ProjectLabel(
        held["id"],
        held["name"],
        held["color"],
        held.get("description") or "",
        is_of_project=bool(held.get("is_project_label", True)),
    )


def board_of(held: Json) -> Board:
    """A board; lists come in any order, and those that gather by assignee or milestone have no label."""
    rows = sorted(held.get("lists") or (), key=lambda each: each["position"])
    lists = [BoardList(each["id"], (each.get("label") or {}).get("name")) for each in rows]
    return Board(held["id"], held["name"], tuple(lists))


def facts_of(held: Json) -> ProjectFacts:
    """A project."""
    return ProjectFacts(
        path=held["path_with_namespace"],
        web_url=held["web_url"],
        branch=held.get("default_branch"),
        has_repository=held.get("repository_access_level") != "disabled" and bool(held.get("default_branch")),
        is_archived=bool(held.get("archived")),
        takes_issues=held.get("issues_access_level") != "disabled",
    )


def token_of(held: Json) -> AccessToken:
    """An access token."""
    expires = held.get("expires_at")
    return AccessToken(
        held.get("name") or "", frozenset(held.get("scopes") or ()), date.fromisoformat(expires) if expires else None
    )


def file_of(held: Json) -> ProjectFile:
    """A file of the repository, as text; what is no text has marks in place of the bytes that are none."""
    text = b64decode(held["content"]).decode("utf-8", "replace")
    return ProjectFile(held["file_path"], text, held["last_commit_id"])


def failed_delivery_of(held: Json) -> FailedDelivery:
    """An entry of a hook's log."""
    headers = {str(name).lower(): str(value) for name, value in (held.get("request_headers") or {}).items()}
    data = held.get("request_data")
    return FailedDelivery(held["id"], headers, data if isinstance(data, dict) else {}, moment(held["created_at"]))


def is_assignment(held: Json) -> bool:
    """Whether a note of GitLab's own says that somebody was assigned, or is so no more."""
    return bool(held.get("system")) and str(held.get("body")).startswith(("assigned to @", "unassigned @"))


def assignment_of(held: Json) -> Assignment:
    """Such a note."""
    return Assignment(person_of(held["author"]), moment(held["created_at"]))


def label_event_of(held: Json) -> LabelEvent:
    """An entry of the label history; the label is null once it was deleted, the user once the account was."""
    label = held.get("label")
    return LabelEvent(
        id=held["id"],
        label=label["name"] if label else None,
        is_added=held["action"] == "add",
        by=_actor(held),
        at=moment(held["created_at"]),
    )


def state_event_of(held: Json) -> StateEvent | None:
    """An entry of the state history, or None for a state that is neither closed nor reopened."""
    is_closed = STATES.get(held["state"])
    if is_closed is None:
        return None
    return StateEvent(held["id"], is_closed, _actor(held), moment(held["created_at"]))


def _actor(held: Json) -> Person | None:
    user = held.get("user")
    return person_of(user) if user else None


def moment(text: str) -> datetime:
    """A time of GitLab's in UTC."""
    return datetime.fromisoformat(text).astimezone(UTC)
