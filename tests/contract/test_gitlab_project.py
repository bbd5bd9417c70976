"""The project as an operator keeps it: the adapter against the sandbox over HTTP, and its values against recordings."""

from __future__ import annotations

import json
from datetime import UTC, date
from pathlib import Path
from typing import Any

import pytest

from app.adapters import gitlab_project
from app.adapters.gitlab_project import GitLabProject
from app.adapters.gitlab_values import board_of, facts_of, hook_of, label_of, token_of
from app.adapters.restraint import Restraint
from app.errors import NotAccepted, Permanent, Retry, VendorDown
from app.metrics import Metrics
from app.ports import HookWish, IssueChange, ProjectKeeper
from app.project import AccessToken, Board, BoardList, ProjectFacts, ProjectFile, ProjectLabel
from app.sandbox import AccessLevel, Fault, FaultKind, SandboxServer, World
from app.sandbox import token_of as value_of

from .receiver import FakeClock, Receiver

CAPTURES = Path(__file__).parent.parent / "fixtures" / "captures" / "api"
EVENTS = frozenset({"issues_events", "note_events"})
FORM = ".gitlab/issue_templates/a form.md"


def captured(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())["body"]


def keeper_by(server: SandboxServer, clock: FakeClock, token: str) -> ProjectKeeper:
    return GitLabProject(
        url=server.url,
        token=token,
        project="ps/ps-plan",
        timeout_s=5.0,
        clock=lambda: clock().timestamp(),
        restraint=Restraint({}, lambda: 0.0, Metrics()),
    )


@pytest.fixture
def keeper(server: SandboxServer, clock: FakeClock) -> ProjectKeeper:
    return keeper_by(server, clock, value_of("root"))


# Recordings


def test_recorded_answers_become_our_values() -> None:
    assert label_of(captured("label_create_spaces")) == ProjectLabel(9, "proposal::Ready For Approval", "#D9534F", "")
    assert board_of({**captured("board_create"), "lists": captured("board_lists")}) == Board(
        1, "PS Plan", (BoardList(3, "proposal::SOW_WIP"),)
    )
    assert token_of(captured("token_self")) == AccessToken("bench", frozenset({"api"}), date(2027, 9, 18))
    url = "http://127.0.0.1:8929/ps/ps-plan"
    assert facts_of(captured("project_get")) == ProjectFacts("ps/ps-plan", url, "main", True, False, True)
    first, _ = [hook_of(row) for row in captured("hooks_list")]
    four = {"issues_events", "confidential_issues_events", "note_events", "confidential_note_events"}
    assert (first.events, first.checks_certificates, first.has_token, first.rewrites_body) == (four, False, None, False)


def test_columns_of_other_kinds_have_no_label_and_come_in_any_order() -> None:
    rows = [{"id": 2, "position": 1, "label": {"name": "b"}}, {"id": 1, "position": 0, "assignee": {"id": 7}}]
    assert board_of({"id": 1, "name": "B", "lists": rows}).lists == (BoardList(1, None), BoardList(2, "b"))


# Looking


def test_the_instance_tells_version_and_clock(keeper: ProjectKeeper, clock: FakeClock) -> None:
    seen = keeper.instance()
    assert (seen.version, seen.release, seen.is_enterprise) == ("18.9.0-pre", (18, 9), False)
    assert seen.clock is not None
    assert seen.clock.astimezone(UTC) == clock().replace(microsecond=0)


@pytest.mark.parametrize(
    ("username", "level"), [("root", 50), ("erin", 30), ("ps-bot", 20)], ids=["administrator", "developer", "bot"]
)
def test_the_own_role_is_asked_for(username: str, level: int, server: SandboxServer, clock: FakeClock) -> None:
    assert keeper_by(server, clock, value_of(username)).own_level() == level


def test_who_is_no_member_has_no_level(server: SandboxServer, clock: FakeClock, world: World) -> None:
    world.set_level("erin", AccessLevel.NONE)
    assert keeper_by(server, clock, value_of("erin")).own_level() == 0


@pytest.mark.parametrize(
    ("spoil", "says"), [("expire", "it has expired"), ("revoke", "it has been revoked"), (None, "GitLab does not know")]
)
def test_a_token_that_is_not_taken_is_told_why(
    spoil: str | None, says: str, server: SandboxServer, clock: FakeClock, world: World
) -> None:
    value = "glpat-x"
    if spoil is not None:
        token = world.add_token("root", value=value)
        token.is_revoked = spoil == "revoke"
        clock.advance(days=400 if spoil == "expire" else 0)
    with pytest.raises(NotAccepted, match=says):
        keeper_by(server, clock, value).token()


def test_an_answer_that_is_no_gitlabs_can_be_no_project(clock: FakeClock) -> None:
    with Receiver() as other:
        stranger = GitLabProject(
            url=other.url.rsplit("/", 1)[0],
            token="x",
            project="p",
            timeout_s=2.0,
            clock=lambda: clock().timestamp(),
            restraint=Restraint({}, lambda: 0.0, Metrics()),
        )
        with pytest.raises((Retry, Permanent)):
            stranger.instance()


def test_lists_are_bounded(keeper: ProjectKeeper, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        world.create_label("root", f"label {number}")
        world.create_board("root", f"board {number}")
        world.create_issue("alice", title="x", labels=["label 0"])
    for name in ("MOST_LABELS", "MOST_BOARDS", "MOST_ISSUES"):
        monkeypatch.setattr(gitlab_project, name, 3)
    assert len(keeper.labels()) == len(keeper.boards()) == len(keeper.issues_with("label 0")) == 3


def test_a_silent_gitlab_is_down(keeper: ProjectKeeper, world: World) -> None:
    world.faults.add(Fault("GET", "/labels", FaultKind.CUT_BEFORE))
    with pytest.raises(VendorDown):
        keeper.labels()


# Writing


def test_labels_are_made_once_renamed_recoloured_and_deleted_when_nobody_carries_them(
    keeper: ProjectKeeper, world: World
) -> None:
    for _ in range(2):
        keeper.create_label("proposal::Writing", colour="#8E44AD", description="old")
    (label,) = keeper.labels()
    world.create_issue("alice", title="x", labels=["proposal::Writing"])
    assert keeper.issues_with("proposal::Writing") == [1]
    assert keeper.delete_unused_label(label.id, label.name) is False
    keeper.change_label(label.id, name="proposal::SOW_WIP", colour="#111111")
    assert keeper.labels() == [ProjectLabel(label.id, "proposal::SOW_WIP", "#111111", "old")]
    keeper.change_issue(1, IssueChange(remove_labels=("proposal::SOW_WIP",)))
    assert keeper.delete_unused_label(label.id, "proposal::SOW_WIP") is True
    assert keeper.labels() == []


def test_boards_get_columns_that_move(keeper: ProjectKeeper, world: World) -> None:
    ids = [world.create_label("root", name).id for name in "ab"]
    keeper.create_board("PS Plan")
    for number in ids:
        keeper.add_list(1, number)
    keeper.move_list(1, 2, 0)
    assert keeper.boards() == [Board(1, "PS Plan", (BoardList(2, "b"), BoardList(1, "a")))]


@pytest.mark.parametrize("signs", [False, True])
def test_a_webhook_is_made_and_set_right_with_its_secrets(signs: bool, keeper: ProjectKeeper, world: World) -> None:
    world.signing = signs
    wish = HookWish(url="http://127.0.0.1:9/a", events=EVENTS, name="PS Plan Bot", token="secret")
    keeper.create_hook(wish)
    (hook,) = keeper.hooks()
    assert (hook.events, hook.has_token) == (EVENTS, True if signs else None)
    world.edit_hook("root", 1, push_events=True, note_events=False, enable_ssl_verification=False)
    keeper.change_hook(1, wish)
    (hook,) = keeper.hooks()
    assert (hook.events, hook.checks_certificates, world.hooks[1].token) == (EVENTS, True, "secret")
    assert "secret" not in repr(wish)


def test_the_last_answer_is_read_off_the_log(keeper: ProjectKeeper, world: World) -> None:
    with Receiver() as receiver:
        world.add_hook("root", receiver.url, issues_events=True)
        assert keeper.last_answer(1) is None
        world.create_issue("alice", title="x")
        assert world.deliveries_idle(5)
        assert keeper.last_answer(1) == str(world.hook_logs[1].response_status)


def test_an_old_gitlab_keeps_no_log(keeper: ProjectKeeper, world: World) -> None:
    world.faults.add(Fault("GET", "/events", FaultKind.STATUS, status=404))
    world.add_hook("root", "http://127.0.0.1:9")
    assert keeper.last_answer(1) is None


def test_a_file_is_written_over_what_was_seen_alone(keeper: ProjectKeeper, world: World) -> None:
    assert keeper.read_file(FORM, branch="main") is None, "there is no commit yet"
    keeper.write_file(FORM, "one", branch="main", message="m", over=None)
    seen = keeper.read_file(FORM, branch="main")
    assert isinstance(seen, ProjectFile)
    assert (seen.path, seen.text) == (FORM, "one")
    assert keeper.read_file("other.md", branch="main") is None
    keeper.write_file(FORM, "two", branch="main", message="m", over=seen)
    with pytest.raises(Permanent, match="has changed since you started editing"):
        keeper.write_file(FORM, "three", branch="main", message="m", over=seen)
    assert world.files[FORM].content == b"two"
