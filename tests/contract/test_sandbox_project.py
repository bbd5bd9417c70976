"""What a project is set up with: labels of groups, columns of boards, files, settings of hooks, and GitLab's clock.

No recording holds these; statuses and words are those of GitLab's own REST code (labels, boards, files).
"""

from __future__ import annotations

import base64
from email.utils import parsedate_to_datetime

import httpx
import pytest

from app.sandbox import AccessLevel, World

from .conftest import Clients
from .receiver import FakeClock

FILES = "projects/2/repository/files"
PATH = "%2Egitlab%2Fissue_templates%2Frequest.md"


@pytest.fixture
def admin(client_of: Clients) -> httpx.Client:
    return client_of("root")


def commit(text: str, **more: str) -> dict[str, str]:
    return {"branch": "main", "content": text, "commit_message": "Templates", **more}


def test_a_label_of_a_group_is_listed_and_cannot_be_made_or_changed_in_the_project(
    admin: httpx.Client, world: World
) -> None:
    label = world.add_group_label("Escalated")
    assert [row["is_project_label"] for row in admin.get("projects/2/labels").json()] == [False]
    assert admin.get("projects/2/labels", params={"include_ancestor_groups": "false"}).json() == []
    again = admin.post("projects/2/labels", json={"name": "Escalated", "color": "#8E44AD"})
    assert (again.status_code, again.json()) == (409, {"message": "Label already exists"})
    for answer in (
        admin.put(f"projects/2/labels/{label.id}", json={"color": "#8E44AD"}),
        admin.delete(f"projects/2/labels/{label.id}"),
    ):
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Label Not Found"})


def test_labels_that_differ_by_case_are_two(admin: httpx.Client) -> None:
    for name in ("TA::Approved", "TA::approved"):
        assert admin.post("projects/2/labels", json={"name": name, "color": "#8E44AD"}).status_code == 201
    taken = admin.put("projects/2/labels/TA%3A%3Aapproved", json={"new_name": "TA::Approved"})
    assert (taken.status_code, taken.json()) == (400, {"message": {"title": ["has already been taken"]}})


def board(admin: httpx.Client, *names: str) -> list[int]:
    """A board with a column for each label; the numbers of the columns."""
    admin.post("projects/2/boards", json={"name": "PS Plan"})
    made = []
    for name in names:
        label = admin.post("projects/2/labels", json={"name": name, "color": "#8E44AD"}).json()
        made.append(admin.post("projects/2/boards/1/lists", json={"label_id": label["id"]}).json()["id"])
    return made


def columns(admin: httpx.Client) -> list[tuple[int, str]]:
    return [(row["position"], row["label"]["name"]) for row in admin.get("projects/2/boards/1/lists").json()]


def test_a_column_is_moved_and_the_others_make_room(admin: httpx.Client) -> None:
    first, *_ = board(admin, "a", "b", "c")
    moved = admin.put(f"projects/2/boards/1/lists/{first}", json={"position": 2})
    assert (moved.status_code, moved.json()["position"]) == (200, 2)
    assert columns(admin) == [(0, "b"), (1, "c"), (2, "a")]
    beyond = admin.put(f"projects/2/boards/1/lists/{first}", json={"position": 9})
    assert (beyond.status_code, beyond.json()) == (400, {"message": {"error": "List could not be moved!"}})
    assert admin.put("projects/2/boards/1/lists/99", json={"position": 0}).status_code == 404


def test_a_column_is_for_a_label_that_exists_and_has_none_yet(admin: httpx.Client) -> None:
    board(admin, "a")
    unknown = admin.post("projects/2/boards/1/lists", json={"label_id": 99})
    assert (unknown.status_code, unknown.json()) == (400, {"message": {"error": "Label not found!"}})
    twice = admin.post("projects/2/boards/1/lists", json={"label_id": 1})
    assert (twice.status_code, twice.json()) == (400, {"message": {"label_id": ["has already been taken"]}})


def test_a_file_is_made_read_and_changed_by_who_knows_its_latest_commit(admin: httpx.Client) -> None:
    assert admin.get("projects/2").json()["empty_repo"] is True
    nothing = admin.get(f"{FILES}/{PATH}", params={"ref": "main"})
    assert (nothing.status_code, nothing.json()) == (404, {"message": "404 Commit Not Found"})
    made = admin.post(f"{FILES}/{PATH}", json=commit("one"))
    assert (made.status_code, made.json()) == (
        201,
        {"file_path": ".gitlab/issue_templates/request.md", "branch": "main"},
    )
    held = admin.get(f"{FILES}/{PATH}", params={"ref": "main"}).json()
    assert base64.b64decode(held["content"]) == b"one"
    assert admin.put(f"{FILES}/{PATH}", json=commit("two", last_commit_id=held["last_commit_id"])).status_code == 200
    stale = admin.put(f"{FILES}/{PATH}", json=commit("three", last_commit_id=held["last_commit_id"]))
    assert (stale.status_code, stale.json()["message"][:43]) == (400, "You are attempting to update a file that ha")
    assert admin.get("projects/2").json()["empty_repo"] is False


@pytest.mark.parametrize(
    ("verb", "path", "says"),
    [("POST", PATH, "A file with this name already exists"), ("PUT", "x.md", "A file with this name doesn't exist")],
)
def test_a_file_is_made_once_and_changed_where_it_is(verb: str, path: str, says: str, admin: httpx.Client) -> None:
    admin.post(f"{FILES}/{PATH}", json=commit("one"))
    refused = admin.request(verb, f"{FILES}/{path}", json=commit("two"))
    assert (refused.status_code, refused.json()) == (400, {"message": says})
    absent = admin.get(f"{FILES}/x.md", params={"ref": "main"})
    assert (absent.status_code, absent.json()) == (404, {"message": "404 File Not Found"})


@pytest.mark.parametrize(
    ("level", "status"),
    [(AccessLevel.REPORTER, 403), (AccessLevel.DEVELOPER, 400), (AccessLevel.MAINTAINER, 201)],
    ids=lambda value: getattr(value, "name", ""),
)
def test_only_a_maintainer_writes_to_the_protected_branch(
    level: AccessLevel, status: int, bot: httpx.Client, world: World
) -> None:
    world.set_level("ps-bot", level)
    assert bot.post(f"{FILES}/{PATH}", json=commit("one")).status_code == status


def test_a_project_without_a_repository_says_so_and_takes_no_file(admin: httpx.Client, world: World) -> None:
    world.has_repository = False
    project = admin.get("projects/2").json()
    assert (project["repository_access_level"], project["default_branch"]) == ("disabled", None)
    assert admin.post(f"{FILES}/{PATH}", json=commit("one")).status_code == 403
    assert admin.get(f"{FILES}/{PATH}", params={"ref": "main"}).status_code == 403


def test_every_answer_tells_the_clock_of_gitlab(admin: httpx.Client, clock: FakeClock) -> None:
    for path in ("version", "projects/99"):
        told = parsedate_to_datetime(admin.get(path).headers["Date"])
        assert told == clock().replace(microsecond=0)


def test_only_an_administrator_hears_that_they_are_one(admin: httpx.Client, bot: httpx.Client) -> None:
    assert admin.get("user").json()["is_admin"] is True
    assert "is_admin" not in bot.get("user").json()
