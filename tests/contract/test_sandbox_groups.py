"""Groups of the sandbox, as GitLab shows their members."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.sandbox import World

from .conftest import Clients

EMS = "groups/ps%2Fengagement-managers/members/all"


def names(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [row["username"] for row in answer.json()]


@pytest.mark.parametrize(
    ("path", "members"),
    [
        ("ps%2Fengagement-managers", ["erin", "evan"]),
        ("PS%2FEngagement-Managers", ["erin", "evan"]),
        ("ps%2Ftechnical-architects", ["tara"]),
        ("ps%2Fdeliverymanagers", ["ravi"]),
    ],
    ids=["managers", "case does not matter", "architects", "delivery"],
)
def test_groups_are_there_from_the_start(bot: httpx.Client, path: str, members: list[str]) -> None:
    assert names(bot.get(f"groups/{path}/members/all")) == members


def test_a_group_can_be_made_changed_and_asked_for_by_its_id(bot: httpx.Client, world: World) -> None:
    group = world.add_group("sales/desk", "alice", "sam")
    assert world.add_group("sales/desk", "sam").id == group.id
    assert names(bot.get(f"groups/{group.id}/members/all")) == ["sam"]


def test_members_of_a_group_look_like_members_of_the_project(bot: httpx.Client) -> None:
    def keys(path: str) -> set[str]:
        first: dict[str, Any] = bot.get(path).json()[0]
        return set(first)

    assert keys(EMS) == keys("projects/2/members/all")


def test_a_group_has_pages(bot: httpx.Client) -> None:
    page = bot.get(EMS, params={"per_page": 1, "page": 2})
    assert (names(page), page.headers["X-Total"], page.headers["X-Next-Page"]) == (["evan"], "2", "")


def test_a_private_group_is_absent_for_strangers(client_of: Clients, world: World) -> None:
    world.add_group("ps/secret", "erin", is_private=True)
    path = "groups/ps%2Fsecret/members/all"
    assert [names(client_of(who).get(path)) for who in ("erin", "root")] == [["erin"], ["erin"]]
    hidden, unknown = client_of("ps-bot").get(path), client_of("ps-bot").get("groups/nobody/members/all")
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.json() == unknown.json() == {"message": "404 Group Not Found"}


def test_groups_outlive_a_reset(bot: httpx.Client, world: World) -> None:
    world.reset()
    assert names(bot.get(EMS)) == ["erin", "evan"]
