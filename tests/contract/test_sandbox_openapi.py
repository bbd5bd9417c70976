"""What the sandbox understands, held against GitLab's own API description."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest
import yaml

from app.sandbox import World
from app.sandbox.gate import TABLES
from app.sandbox.routing import Route

FIXTURES = Path(__file__).parent.parent / "fixtures"
DESCRIPTION = yaml.safe_load((FIXTURES / "openapi" / "gitlab-openapi.subset.repaired.yaml").read_bytes())
OPERATIONS: dict[tuple[str, str], dict[str, Any]] = {
    (method.upper(), re.sub(r"\{\w+\}", "{}", path)): operation
    for path, methods in DESCRIPTION["paths"].items()
    for method, operation in methods.items()
}
ROUTES = [route for table in TABLES for route in table.table]
NOT_DESCRIBED = {
    ("GET", "/api/v4/groups/{}/members/all"),
    ("PUT", "/api/v4/projects/{}/boards/{}/lists/{}"),
    *((verb, "/api/v4/projects/{}/repository/files/{}") for verb in ("GET", "POST", "PUT")),
}
"""The description at hand is a cut without groups, moves of board lists and files. Members of a group are answered as
those of a project; the others are as GitLab's own code has them, see test_sandbox_project.py."""
CAPTURED = [json.loads(path.read_text())["request"] for path in sorted((FIXTURES / "captures" / "api").glob("*.json"))]


def operation_of(method: str, path: str) -> dict[str, Any]:
    for (known_method, known_path), operation in OPERATIONS.items():
        pattern = "[^/]+".join(re.escape(part) for part in known_path.split("{}"))
        if known_method == method and re.fullmatch(pattern, path):
            return operation
    raise AssertionError(f"{method} {path} is not described")


def parameters(operation: dict[str, Any]) -> set[str]:
    names = {parameter["name"].removesuffix("[]") for parameter in operation.get("parameters", [])}
    for content in operation.get("requestBody", {}).get("content", {}).values():
        names |= set(content["schema"].get("properties", {}))
    return names


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.pattern}")
def test_every_route_of_the_sandbox_is_in_gitlabs_description(route: Route) -> None:
    assert (route.method, "/api/v4" + re.sub(r"\{\w+\}", "{}", route.pattern)) in OPERATIONS.keys() | NOT_DESCRIBED


@pytest.mark.parametrize("request_", CAPTURED, ids=lambda request: f"{request['method']} {request['path'][:60]}")
def test_every_captured_request_uses_described_parameters(request_: dict[str, Any]) -> None:
    url = urlsplit(request_["path"])
    used = {name for name, _ in parse_qsl(url.query)} | set(request_["body"] or {})
    # The signing token is newer than the description.
    assert used - {"signing_token"} <= parameters(operation_of(request_["method"], url.path))


@pytest.mark.parametrize(
    ("method", "path", "names"),
    [
        (
            "GET",
            "/api/v4/projects/2/issues",
            "labels author_id author_username assignee_id state search in updated_after updated_before created_after "
            "created_before order_by sort scope iids confidential page per_page",
        ),
        (
            "PUT",
            "/api/v4/projects/2/issues/1",
            "title description labels add_labels remove_labels assignee_ids assignee_id due_date confidential "
            "discussion_locked state_event issue_type",
        ),
        ("POST", "/api/v4/projects/2/issues/1/notes", "body internal confidential"),
        ("GET", "/api/v4/projects/2/issues/1/notes", "sort order_by activity_filter page per_page"),
        ("GET", "/api/v4/projects/2/hooks/1/events", "status page per_page"),
        ("PUT", "/api/v4/projects/2/labels/x", "new_name color description"),
        ("GET", "/api/v4/users", "username search"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_the_parameters_the_sandbox_understands_are_described(method: str, path: str, names: str) -> None:
    assert set(names.split()) <= parameters(operation_of(method, path))


def schema_keys(name: str) -> set[str]:
    return set(DESCRIPTION["components"]["schemas"][name]["properties"])


def test_entries_of_the_state_history_have_the_described_keys(bot: httpx.Client, world: World) -> None:
    world.create_issue("alice", title="x")
    world.update_issue("alice", 1, state_event="close")
    entry = bot.get("projects/2/issues/1/resource_state_events").json()[0]
    assert set(entry) == schema_keys("APIEntitiesResourceStateEvent")
    assert (entry["state"], entry["user"]["username"]) == ("closed", "alice")


def test_threads_have_the_described_keys(bot: httpx.Client, world: World) -> None:
    world.create_issue("alice", title="x")
    world.add_note("alice", 1, "hello")
    thread = bot.get("projects/2/issues/1/discussions").json()[0]
    assert set(thread) == schema_keys("APIEntitiesDiscussion")
    assert thread["individual_note"] is True
