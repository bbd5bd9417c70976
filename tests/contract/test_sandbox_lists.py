"""Finding things in the sandbox: filters, search, order and both kinds of pages, as GitLab has them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import httpx
import pytest

from app.sandbox import RateLimits, World
from app.sandbox.clockwork import iso

from .conftest import Clients
from .receiver import FakeClock

ISSUES = "projects/2/issues"
MARKER = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"


@pytest.fixture(autouse=True)
def issues(world: World, clock: FakeClock) -> None:
    """Four issues, a minute apart; the third is closed two minutes after the fourth was made."""
    world.create_issue("alice", title="Alpha scope", description=f"<!-- marker:{MARKER} -->\n\nx", labels=["a", "b"])
    clock.advance(minutes=1)
    world.create_issue("sam", title="Beta scope", description="alphabet", labels=["a"])
    clock.advance(minutes=1)
    world.create_issue("alice", title="Gamma", description="words", assignee_ids=[world.user("erin").id])
    clock.advance(minutes=1)
    world.create_issue("sam", title="Delta", confidential=True, due_date=world.now().date())
    clock.advance(minutes=2)
    world.update_issue("alice", 3, state_event="close")


def found(client: httpx.Client, **params: Any) -> list[int]:
    answer = client.get(ISSUES, params=params)
    assert answer.status_code == 200, answer.text
    return [row["iid"] for row in answer.json()]


@pytest.mark.parametrize(
    ("params", "iids"),
    [
        ({}, [4, 3, 2, 1]),
        ({"labels": "a,b"}, [1]),
        ({"labels": "a"}, [2, 1]),
        ({"labels[]": ["a", "b"]}, [1]),
        ({"labels": "A"}, []),
        ({"labels": "None"}, [4, 3]),
        ({"labels": "Any"}, [2, 1]),
        ({"state": "opened"}, [4, 2, 1]),
        ({"state": "closed"}, [3]),
        ({"author_id": 2}, [3, 1]),
        ({"author_username": "sam"}, [4, 2]),
        ({"scope": "created_by_me"}, []),
        ({"assignee_id": "Any"}, [3]),
        ({"assignee_id": 5}, [3]),
        ({"confidential": True}, [4]),
        ({"iids[]": [1, 4]}, [4, 1]),
        ({"search": MARKER, "in": "description"}, [1]),
        ({"search": MARKER, "in": "title"}, []),
        ({"search": "scope"}, [2, 1]),
        ({"search": "alpha"}, [2, 1]),
        ({"search": "lpha"}, []),
        ({"search": "alpha", "in": "title"}, [1]),
        ({"search": "beta scope"}, [2]),
        ({"order_by": "title", "sort": "asc"}, [1, 2, 4, 3]),
        ({"order_by": "updated_at", "sort": "asc"}, [1, 2, 4, 3]),
        ({"order_by": "due_date", "sort": "asc"}, [4, 1, 2, 3]),
        ({"per_page": 2, "page": 2}, [2, 1]),
        ({"per_page": 2, "page": 9}, []),
    ],
    ids=str,
)
def test_issues_are_filtered_searched_sorted_and_paged(
    bot: httpx.Client, params: dict[str, Any], iids: list[int]
) -> None:
    assert found(bot, **params) == iids


def test_a_time_filter_includes_the_moment_itself(bot: httpx.Client, world: World) -> None:
    second = world.issue(2).updated_at
    assert found(bot, updated_after=iso(second), order_by="updated_at", sort="asc") == [2, 4, 3]
    later = iso(second + timedelta(milliseconds=1))
    assert found(bot, updated_after=later, sort="asc") == [3, 4]
    assert found(bot, created_before=iso(second)) == [2, 1]
    assert found(bot, updated_after=second.isoformat(), state="closed") == [3]


def test_all_issues_of_the_instance_are_ones_own_by_default(client_of: Clients) -> None:
    assert [row["iid"] for row in client_of("alice").get("issues").json()] == [3, 1]
    assert len(client_of("alice").get("issues", params={"scope": "all"}).json()) == 4


def test_pages_are_linked_and_counted(bot: httpx.Client) -> None:
    first = bot.get(ISSUES, params={"per_page": 3, "labels[]": ["a"], "state": "all"})
    assert first.headers["X-Total"] == "2"
    page = bot.get(ISSUES, params={"per_page": 3})
    assert {name: page.headers[name] for name in ("X-Total", "X-Total-Pages", "X-Next-Page", "X-Page")} == {
        "X-Total": "4",
        "X-Total-Pages": "2",
        "X-Next-Page": "2",
        "X-Page": "1",
    }
    following = bot.get(page.links["next"]["url"])
    assert [row["iid"] for row in following.json()] == [1]
    assert "next" not in following.links
    assert following.links["prev"]["url"].startswith(str(bot.base_url))


@pytest.mark.parametrize("sort", ["asc", "desc"])
@pytest.mark.parametrize("order", ["id", "created_at", "updated_at", "title", "due_date", "relative_position"])
def test_keyset_pages_give_every_issue_once_in_the_same_order(bot: httpx.Client, order: str, sort: str) -> None:
    params: dict[str, str] = {"order_by": order, "sort": sort}
    page = bot.get(ISSUES, params={**params, "pagination": "keyset", "per_page": "1"})
    assert "X-Total" not in page.headers
    rows = page.json()
    while "next" in page.links:
        page = bot.get(page.links["next"]["url"])
        rows += page.json()
    assert [row["iid"] for row in rows] == found(bot, **params)


def test_keyset_pages_skip_nothing_when_issues_change_meanwhile(
    bot: httpx.Client, world: World, clock: FakeClock
) -> None:
    params = {"order_by": "updated_at", "sort": "asc", "pagination": "keyset", "per_page": "2"}
    page = bot.get(ISSUES, params=params)
    assert [row["iid"] for row in page.json()] == [1, 2]
    clock.advance(minutes=1)
    world.update_issue("alice", 1, title="moved to the end")
    rest = bot.get(page.links["next"]["url"])
    assert [row["iid"] for row in rest.json()] == [4, 3]
    assert [row["iid"] for row in bot.get(rest.links["next"]["url"]).json()] == [1]


def test_searches_are_limited_and_lists_are_not(bot: httpx.Client, world: World) -> None:
    world.limits = RateLimits(search_per_min=1)
    assert found(bot, search="scope") == [2, 1]
    refused = bot.get(ISSUES, params={"search": "scope"})
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert len(found(bot)) == 4


@pytest.mark.parametrize(
    ("username", "names"), [("erin", ["erin"]), ("ERIN", ["erin"]), ("nobody", []), ("eri", [])], ids=str
)
def test_users_are_found_by_their_whole_name(bot: httpx.Client, username: str, names: list[str]) -> None:
    assert [row["username"] for row in bot.get("users", params={"username": username}).json()] == names


def test_members_have_their_level_and_outsiders_are_absent(bot: httpx.Client, world: World) -> None:
    outsider = world.add_user("olga")
    erin = bot.get(f"projects/ps%2Fps-plan/members/all/{world.user('erin').id}").json()
    assert (erin["username"], erin["access_level"]) == ("erin", 30)
    assert bot.get(f"projects/2/members/all/{outsider.id}").status_code == 404
    assert bot.get(f"users/{outsider.id}").json()["username"] == "olga"
    names = {row["username"] for row in bot.get("projects/2/members/all", params={"per_page": 100}).json()}
    assert "erin" in names
    assert "olga" not in names
