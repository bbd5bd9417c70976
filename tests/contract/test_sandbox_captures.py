"""What a running GitLab answered and sent, held against what the sandbox answers and sends.

Values differ; statuses, keys and types may not. A refusal must be the same to the letter.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sandbox import AccessLevel, SandboxServer, World, token_of

from .conftest import ALL_EVENTS
from .receiver import Delivery, Receiver

CAPTURES = Path(__file__).parent.parent / "fixtures" / "captures"
API = {path.stem: json.loads(path.read_text()) for path in sorted((CAPTURES / "api").glob("*.json"))}
HOOKS = {path.stem: json.loads(path.read_text()) for path in sorted((CAPTURES / "hooks").glob("*.json"))}

# The captured acts in the order in which they make sense; what they need stands before them.
STORY = (
    "version metadata user_self token_self project_get users_by_username users_by_username_none members_all "
    "member_all_one member_all_missing label_create label_create_again label_create_spaces issue_create_full "
    "issues_by_label_open issue_create_labels_array issue_create_empty_title issue_create_long_title issue_missing "
    "issues_search_marker link_create link_create_again links_list issue_state_label issue_two_of_one_scope_free_tier "
    "note_create note_edit_own award_emoji_create award_emoji_again award_emoji_list resource_label_events "
    "resource_state_events boards_list_empty board_create board_list_create board_lists board_create_second upload "
    "hook_create hooks_list issue_close issue_close_again"
)

# Numbers of the instance that was captured → numbers of a fresh sandbox.
NUMBERS = {"issues/106": "issues/1", "issues/107": "issues/2", "notes/153": "notes/1", "members/all/3": "members/all/2"}


def shape(value: Any) -> Any:
    """Keys and types; a list is as its first item."""
    if isinstance(value, dict):
        return {key: shape(item) for key, item in value.items()}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    return type(value).__name__


def differences(captured: Any, ours: Any, where: str = "$") -> list[str]:
    """Where two shapes differ; null and an empty list say nothing about the type."""
    if "NoneType" in (captured, ours) or [] in (captured, ours):
        return []
    if isinstance(captured, dict) and isinstance(ours, dict):
        found = [f"{where}.{key}: only captured" for key in captured.keys() - ours.keys()]
        found += [f"{where}.{key}: only ours" for key in ours.keys() - captured.keys()]
        for key in captured.keys() & ours.keys():
            found += differences(captured[key], ours[key], f"{where}.{key}")
        return found
    if isinstance(captured, list) and isinstance(ours, list):
        return differences(captured[0], ours[0], f"{where}[0]")
    return [] if captured == ours else [f"{where}: {captured} is {ours} here"]


def replayed(client: httpx.Client, request: dict[str, Any]) -> httpx.Response:
    path = request["path"]
    for theirs, mine in NUMBERS.items():
        path = re.sub(rf"{theirs}\b", mine, path)
    body = dict(request["body"] or {})
    if "target_issue_iid" in body:
        body["target_issue_iid"] = 2
    if "label_id" in body:
        body["label_id"] = 1
    if path.endswith("/uploads"):
        return client.post(path, files={"file": ("estimate.txt", b"USD 50,000")})
    return client.request(request["method"], path, json=body or None)


@pytest.fixture(scope="module")
def answers() -> Iterator[dict[str, httpx.Response]]:
    """The whole story told once to a fresh sandbox, by the bot with the role it had then."""
    world = World(hook_delay_s=0.0, busy_window_s=0.0)
    world.set_level("ps-bot", AccessLevel.MAINTAINER)
    world.add_hook("root", "http://127.0.0.1:9/hooks/gitlab")
    with SandboxServer(world) as server:
        headers = {"PRIVATE-TOKEN": token_of("ps-bot")}
        with httpx.Client(base_url=server.url, headers=headers, trust_env=False) as client:
            yield {name: replayed(client, API[name]["request"]) for name in STORY.split()}


def test_every_captured_answer_is_part_of_the_story() -> None:
    assert set(STORY.split()) == set(API)


@pytest.mark.parametrize("name", STORY.split())
def test_the_sandbox_answers_as_gitlab_did(name: str, answers: dict[str, httpx.Response]) -> None:
    captured, ours = API[name], answers[name]
    assert ours.status_code == captured["status"], ours.text
    if captured["status"] >= 400:
        assert ours.json() == captured["body"]
    assert differences(shape(captured["body"]), shape(ours.json())) == []


@pytest.mark.parametrize("name", STORY.split())
def test_the_sandbox_sends_the_headers_gitlab_sent(name: str, answers: dict[str, httpx.Response]) -> None:
    captured, ours = API[name]["headers"], answers[name].headers
    assert set(ours) >= {header.lower() for header in captured}
    paged = {"X-Per-Page", "X-Page", "X-Next-Page", "X-Total-Pages"} & set(captured)
    assert {header: ours[header] for header in paged} == {header: captured[header] for header in paged}


def test_a_stored_text_comes_back_without_its_trailing_white_space_as_captured(
    answers: dict[str, httpx.Response],
) -> None:
    assert answers["issue_create_full"].json()["description"] == API["issue_create_full"]["body"]["description"]


@pytest.mark.parametrize("name", ["issue_create_full", "issue_create_labels_array", "issue_two_of_one_scope_free_tier"])
def test_labels_are_answered_in_the_captured_order(name: str, answers: dict[str, httpx.Response]) -> None:
    assert answers[name].json()["labels"] == API[name]["body"]["labels"]


# Hooks: each captured delivery, made by the same act.


def opened(world: World) -> int:
    return world.create_issue("alice", title="Login fails", description="Steps", labels=["type::bug"]).iid


def act_open(world: World) -> None:
    opened(world)


def act_label(world: World) -> None:
    world.update_issue("sam", opened(world), add_labels=["ps::new"])


def act_noop(world: World) -> None:
    iid = opened(world)
    world.update_issue("ps-bot", iid, add_labels=["ps::new"])
    world.update_issue("ps-bot", iid, add_labels=["ps::new"])


def act_assign(world: World) -> None:
    iid = opened(world)
    world.update_issue("alice", iid, title="T2")
    world.update_issue("alice", iid, assignee_ids=[world.user("sam").id])


def act_close(world: World) -> None:
    act_assign(world)
    world.update_issue("alice", 1, state_event="close")


def act_confide(world: World) -> None:
    act_assign(world)
    world.update_issue("alice", 1, confidential=True)


def act_note(world: World) -> None:
    act_assign(world)
    world.add_note("alice", 1, "Hello **there** @sam")


def act_bot_note(world: World) -> None:
    act_assign(world)
    world.add_note("ps-bot", 1, "I am a bot")


def act_edit(world: World) -> None:
    act_note(world)
    world.edit_note("alice", 1, 1, "Hello edited")


def act_internal(world: World) -> None:
    act_assign(world)
    world.add_note("alice", 1, "internal", internal=True)


def act_unknown_command(world: World) -> None:
    act_assign(world)
    world.add_note("alice", 1, "/ps advance")


def act_task(world: World) -> None:
    world.create_issue("alice", title="A task", issue_type="task")


def act_test(world: World) -> None:
    world.create_issue("alice", title="An incident", issue_type="incident")
    assert world.deliveries_idle(5)
    world.test_hook("root", 1, "issues_events").result(5)


ACTS: dict[str, tuple[Callable[[World], None], str]] = {
    "issue_open": (act_open, "open"),
    "issue_label_added": (act_label, "update"),
    "issue_label_noop": (act_noop, "update"),
    "issue_assigned": (act_assign, "update"),
    "issue_closed": (act_close, "close"),
    "issue_closed_2": (act_close, "update"),
    "issue_made_confidential": (act_confide, "update"),
    "note_created": (act_note, "create"),
    "note_by_bot": (act_bot_note, "create"),
    "note_edited": (act_edit, "update"),
    "note_internal": (act_internal, "create"),
    "note_unknown_slash_command": (act_unknown_command, "create"),
    "task_open": (act_task, "open"),
    "hook_test_issues": (act_test, "open"),
}


def delivered(name: str) -> Delivery:
    """The last delivery of the captured kind that the act brings about."""
    act, action = ACTS[name]
    with Receiver() as receiver:
        world = World(hook_delay_s=0.0)
        world.add_hook("root", receiver.url, token="s3cr3t-token", **ALL_EVENTS)
        act(world)
        assert world.deliveries_idle(5)
        world.close()
        changes = HOOKS[name]["body"].get("changes", {})
        kind = HOOKS[name]["headers"]["X-Gitlab-Event"]
        like = [d for d in receiver.deliveries if (d.event, d.action) == (kind, action)]
        return next(d for d in reversed(like) if d.body.get("changes", {}).keys() == changes.keys())


def test_every_captured_delivery_has_an_act() -> None:
    assert set(ACTS) == set(HOOKS)


@pytest.mark.parametrize("name", list(ACTS))
def test_the_same_act_is_told_as_gitlab_told_it(name: str) -> None:
    captured, ours = HOOKS[name], delivered(name)
    assert set(ours.headers) == set(captured["headers"])
    same = ("Content-Type", "User-Agent", "X-Gitlab-Event", "X-Gitlab-Token", "Accept-Encoding", "Accept", "Connection")
    assert {key: ours.headers[key] for key in same} == {key: captured["headers"][key] for key in same}
    for key in ("object_kind", "event_type"):
        assert ours.body[key] == captured["body"][key]
    assert differences(shape(captured["body"]), shape(ours.body)) == []
