"""REST: issues, their links, reactions and histories."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from app.sandbox.interpret import IssueFields
from app.sandbox.labels import split_titles
from app.sandbox.paging import keyset, paged
from app.sandbox.records import AccessLevel, Issue
from app.sandbox.refusals import Refused, too_many
from app.sandbox.rest_shapes import (
    award_json,
    issue_json,
    label_event_json,
    link_json,
    linked_json,
    state_event_json,
)
from app.sandbox.routing import Answer, Call, Routes, check_project, truth, whole_numbers

routes = Routes()

ORDERS: dict[str, Callable[[Issue], Any]] = {
    "created_at": lambda issue: issue.created_at,
    "updated_at": lambda issue: issue.updated_at,
    "id": lambda issue: issue.id,
    "title": lambda issue: issue.title,
    "due_date": lambda issue: issue.due_date.isoformat() if issue.due_date else "9999",
    "relative_position": lambda issue: issue.relative_position or 0,
}
SEARCH_RETRY_AFTER_S = 60
NOTHING_TO_CHANGE = (
    "assignee_id, assignee_ids, confidential, created_at, description, discussion_locked, due_date, labels, "
    "add_labels, remove_labels, milestone_id, state_event, title, issue_type are missing, "
    "at least one parameter must be provided"
)
_WORD = re.compile(r"\w+")


@routes.on("GET", "/issues")
def list_all_issues(call: Call) -> Answer:
    """All issues this user may see; unlike in a project the scope is `created_by_me` by default."""
    return _list(call, default_scope="created_by_me")


@routes.on("GET", "/projects/{project}/issues")
def list_issues(call: Call) -> Answer:
    """The issues of the project, filtered, searched, sorted and paged."""
    check_project(call.parts["project"])
    call.world.demand(call.user, AccessLevel.GUEST)
    return _list(call, default_scope="all")


@routes.on("POST", "/projects/{project}/issues")
def create_issue(call: Call) -> Answer:
    """Make an issue."""
    check_project(call.parts["project"])
    call.required("title")
    issue = call.world.create_issue(call.user, **_fields(call))
    return Answer(201, issue_json(call.world, issue, is_single=True))


@routes.on("GET", "/projects/{project}/issues/{iid}")
def read_issue(call: Call) -> Answer:
    """One issue."""
    return Answer(200, issue_json(call.world, _issue(call), is_single=True))


@routes.on("PUT", "/projects/{project}/issues/{iid}")
def update_issue(call: Call) -> Answer:
    """Change an issue."""
    fields = _fields(call)
    if not fields:
        raise Refused(400, {"error": NOTHING_TO_CHANGE})
    issue = call.world.update_issue(call.user, _issue(call).iid, **fields)
    return Answer(200, issue_json(call.world, issue, is_single=True))


@routes.on("DELETE", "/projects/{project}/issues/{iid}")
def delete_issue(call: Call) -> Answer:
    """Delete an issue."""
    call.world.delete_issue(call.user, _issue(call).iid)
    return Answer(204)


@routes.on("GET", "/projects/{project}/issues/{iid}/links")
def list_links(call: Call) -> Answer:
    """The issues linked to this one; this list has no pages."""
    iid = _issue(call).iid
    links = call.world.links_of(call.user, iid)
    return Answer(200, [linked_json(call.world, link, seen_from=iid) for link in links])


@routes.on("POST", "/projects/{project}/issues/{iid}/links")
def create_link(call: Call) -> Answer:
    """Link two issues."""
    check_project(str(call.required("target_project_id")))
    target = int(call.required("target_issue_iid"))
    link_type = call.choice("link_type", ("relates_to", "blocks", "is_blocked_by"), default="relates_to")
    link = call.world.link_issues(call.user, _issue(call).iid, target, link_type=link_type)
    return Answer(201, link_json(call.world, link))


@routes.on("DELETE", "/projects/{project}/issues/{iid}/links/{link}")
def delete_link(call: Call) -> Answer:
    """Remove a link."""
    link = call.world.unlink_issues(call.user, _issue(call).iid, call.number("link"))
    return Answer(200, link_json(call.world, link))


@routes.on("GET", "/projects/{project}/issues/{iid}/award_emoji")
def list_reactions(call: Call) -> Answer:
    """The reactions to an issue."""
    rows = call.world.reactions(call.user, _issue(call).iid)
    return paged(call, rows, lambda award: award_json(call.world, award))


@routes.on("POST", "/projects/{project}/issues/{iid}/award_emoji")
def react(call: Call) -> Answer:
    """React to an issue."""
    award = call.world.react(call.user, _issue(call).iid, str(call.required("name")))
    return Answer(201, award_json(call.world, award))


@routes.on("DELETE", "/projects/{project}/issues/{iid}/award_emoji/{award}")
def unreact(call: Call) -> Answer:
    """Take back a reaction."""
    call.world.unreact(call.user, _issue(call).iid, call.number("award"))
    return Answer(204)


@routes.on("GET", "/projects/{project}/issues/{iid}/resource_label_events")
def list_label_events(call: Call) -> Answer:
    """Who added and removed labels, oldest first."""
    iid = _issue(call).iid
    rows = [event for event in call.world.label_events if event.issue_iid == iid]
    return paged(call, rows, lambda event: label_event_json(call.world, event))


@routes.on("GET", "/projects/{project}/issues/{iid}/resource_state_events")
def list_state_events(call: Call) -> Answer:
    """Who closed and reopened, oldest first."""
    iid = _issue(call).iid
    rows = [event for event in call.world.state_events if event.issue_iid == iid]
    return paged(call, rows, lambda event: state_event_json(call.world, event))


def _issue(call: Call) -> Issue:
    check_project(call.parts["project"])
    return call.world.visible_issue(call.user, call.number("iid"))


def _fields(call: Call) -> IssueFields:
    """The parameters of create and update; empty dates and lists clear."""
    params, fields = call.params, IssueFields()
    if "title" in params:
        fields["title"] = call.text("title") or ""
    if "description" in params:
        fields["description"] = call.text("description")
    for name in ("labels", "add_labels", "remove_labels"):
        if name in params:
            fields[name] = split_titles(call.items(name) or ())
    people = whole_numbers(call.items("assignee_ids")) if "assignee_ids" in params else None
    if people is None and params.get("assignee_id") is not None:
        people = whole_numbers([str(params["assignee_id"])])
    if people is not None:
        fields["assignee_ids"] = people
    if "due_date" in params:
        fields["due_date"] = call.day("due_date")
    if "confidential" in params:
        fields["confidential"] = call.flag("confidential")
    if "discussion_locked" in params:
        fields["discussion_locked"] = truth(params["discussion_locked"])
    if params.get("state_event"):
        fields["state_event"] = call.choice("state_event", ("close", "reopen"), default="close")
    if params.get("issue_type"):
        kinds = ("issue", "incident", "test_case", "task")
        fields["issue_type"] = call.choice("issue_type", kinds, default="issue")
    return fields


def _list(call: Call, *, default_scope: str) -> Answer:
    world, user = call.world, call.user
    if call.text("search") and not world.meter.admits("search", user_id=user.id, limit=world.limits.search_per_min):
        raise too_many(retry_after_s=SEARCH_RETRY_AFTER_S)
    order = call.choice("order_by", tuple(ORDERS), default="created_at")
    descending = call.choice("sort", ("asc", "desc"), default="desc") == "desc"
    wanted = _filters(call, default_scope=default_scope)
    found = [issue for issue in world.issues.values() if world.can_see(user, issue) and all(f(issue) for f in wanted)]

    def key(issue: Issue) -> tuple[Any, int]:
        return ORDERS[order](issue), issue.id

    found.sort(key=key, reverse=descending)

    def show(issue: Issue) -> Any:
        return issue_json(world, issue)

    if call.text("pagination") == "keyset":
        return keyset(call, found, show, key=key, descending=descending)
    return paged(call, found, show)


def _filters(call: Call, *, default_scope: str) -> list[Callable[[Issue], bool]]:
    filters: list[Callable[[Issue], bool]] = []
    state = call.choice("state", ("opened", "closed", "all"), default="all")
    if state != "all":
        filters.append(lambda issue: issue.is_open is (state == "opened"))
    scopes = ("all", "created_by_me", "assigned_to_me", "created-by-me", "assigned-to-me")
    scope = call.choice("scope", scopes, default=default_scope).replace("-", "_")
    if scope == "created_by_me":
        filters.append(lambda issue: issue.author_id == call.user.id)
    elif scope == "assigned_to_me":
        filters.append(lambda issue: call.user.id in issue.assignee_ids)
    filters += _party_filters(call) + _time_filters(call)
    titles = split_titles(call.items("labels") or ())
    if titles:
        filters.append(_label_filter(call, titles))
    numbers = whole_numbers(call.items("iids"))
    if numbers:
        filters.append(lambda issue: issue.iid in numbers)
    if "confidential" in call.params:
        filters.append(lambda issue: issue.confidential is call.flag("confidential"))
    if call.text("search"):
        filters.append(_search(str(call.params["search"]), fields=call.text("in") or "title,description"))
    return filters


def _party_filters(call: Call) -> list[Callable[[Issue], bool]]:
    filters: list[Callable[[Issue], bool]] = []
    world = call.world
    if call.params.get("author_id") is not None:
        author_id = call.integer("author_id", default=0)
        filters.append(lambda issue: issue.author_id == author_id)
    if call.text("author_username"):
        filters.append(lambda issue: world.user(issue.author_id).username == call.text("author_username"))
    assignee = call.text("assignee_id")
    if assignee in ("None", "Any"):
        filters.append(lambda issue: bool(issue.assignee_ids) is (assignee == "Any"))
    elif assignee:
        filters.append(lambda issue: call.integer("assignee_id", default=0) in issue.assignee_ids)
    return filters


def _time_filters(call: Call) -> list[Callable[[Issue], bool]]:
    """`…_after` and `…_before` both include the moment itself."""
    filters: list[Callable[[Issue], bool]] = []
    for name in ("created_at", "updated_at"):
        when, stem = ORDERS[name], name.removesuffix("_at")
        after, before = call.moment(f"{stem}_after"), call.moment(f"{stem}_before")
        if after is not None:
            filters.append(lambda issue, when=when, after=after: when(issue) >= after)  # type: ignore[misc]
        if before is not None:
            filters.append(lambda issue, when=when, before=before: when(issue) <= before)  # type: ignore[misc]
    return filters


def _label_filter(call: Call, titles: list[str]) -> Callable[[Issue], bool]:
    if titles in (["None"], ["Any"]):
        return lambda issue: bool(issue.label_ids) is (titles == ["Any"])
    wanted = set(titles)
    return lambda issue: wanted <= set(call.world.label_titles(issue))


def _search(text: str, *, fields: str) -> Callable[[Issue], bool]:
    """Plain words are found at the start of a word, everything else (a marker, say) anywhere; all must be found."""
    patterns = [
        re.compile((r"\b" if _WORD.fullmatch(term) else "") + re.escape(term), re.IGNORECASE) for term in text.split()
    ]
    names = [name for name in ("title", "description") if name in fields.split(",")]

    def matches(issue: Issue) -> bool:
        texts = "\n".join(getattr(issue, name) or "" for name in names)
        return all(pattern.search(texts) for pattern in patterns)

    return matches
