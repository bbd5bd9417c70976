"""Who set which label and who closed or reopened, when: the histories of an issue, whatever way the change came."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest

from app.sandbox import World
from app.sandbox.pages import page_routes
from app.sandbox.server import SandboxServer

from .conftest import Clients
from .receiver import FakeClock, Receiver

LABELS = "projects/2/issues/1/resource_label_events"
STATES = "projects/2/issues/1/resource_state_events"
A, B = "proposal::A", "proposal::B"


def told(bot: httpx.Client) -> list[tuple[str, str, str]]:
    """The label history as (who, add or remove, label), with the ids checked to ascend."""
    rows = bot.get(LABELS, params={"per_page": 100}).json()
    ids = [row["id"] for row in rows]
    assert ids == sorted(set(ids))
    return [(row["user"]["username"], row["action"], row["label"]["name"]) for row in rows]


def by_request(world: World) -> None:
    world.update_issue("erin", 1, add_labels=[B], remove_labels=[A])


def by_comment(world: World) -> None:
    world.add_note("erin", 1, f'Moving on.\n\n/label ~"{B}"\n/unlabel ~"{A}"')


def by_edited_comment(world: World) -> None:
    note = world.add_note("erin", 1, "Moving on.").note
    assert note is not None
    world.edit_note("erin", 1, note.id, f'Moving on.\n\n/label ~"{B}"\n/unlabel ~"{A}"')


def by_description(world: World) -> None:
    world.update_issue("erin", 1, description=f'Words\n\n/label ~"{B}"\n/unlabel ~"{A}"')


def by_replacement(world: World) -> None:
    world.update_issue("erin", 1, labels=[B])


@pytest.mark.parametrize("change", [by_request, by_comment, by_edited_comment, by_description, by_replacement])
def test_every_way_of_changing_labels_leaves_one_event_per_label(
    world: World, bot: httpx.Client, clock: FakeClock, change: Callable[[World], None]
) -> None:
    world.create_label("root", B)
    world.create_issue("alice", title="x", labels=[A])
    clock.advance(seconds=1)
    change(world)
    assert told(bot) == [("alice", "add", A), ("erin", "add", B), ("erin", "remove", A)]
    assert {row["created_at"] for row in bot.get(LABELS).json()[1:]} == {"2026-11-22T18:00:01.123Z"}


def test_labels_given_at_creation_are_events_of_the_creator_whichever_way_they_were_given(
    world: World, bot: httpx.Client
) -> None:
    world.create_label("root", B)
    world.create_issue("alice", title="x", description=f'Words\n\n/label ~"{B}"', labels=[A])
    assert sorted(told(bot)) == [("alice", "add", A), ("alice", "add", B)]


@pytest.mark.parametrize(
    "fields",
    [{"add_labels": [A]}, {"remove_labels": [B]}, {"labels": [A]}, {"title": "y"}],
    ids=["there already", "not there", "the same", "something else"],
)
def test_what_changes_no_label_leaves_no_event(world: World, bot: httpx.Client, fields: Any) -> None:
    world.create_issue("alice", title="x", labels=[A])
    world.update_issue("erin", 1, **fields)
    assert told(bot) == [("alice", "add", A)]


@pytest.mark.parametrize(
    ("is_paid", "events", "left"),
    [
        (False, [("alice", "add", A), ("erin", "add", B)], [A, B]),
        (True, [("alice", "add", A), ("erin", "add", B), ("erin", "remove", A)], [B]),
    ],
    ids=["free", "premium"],
)
def test_a_second_label_of_a_scope_takes_the_first_away_on_paid_plans_only(
    world: World, bot: httpx.Client, is_paid: bool, events: list[tuple[str, str, str]], left: list[str]
) -> None:
    world.scoped_labels = is_paid
    world.create_issue("alice", title="x", labels=[A])
    world.update_issue("erin", 1, add_labels=[B])
    assert told(bot) == events
    assert world.label_titles(world.issue(1)) == left


def test_a_label_named_for_removal_on_a_paid_plan_is_removed_once(world: World, bot: httpx.Client) -> None:
    world.scoped_labels = True
    world.create_issue("alice", title="x", labels=[A])
    world.update_issue("erin", 1, add_labels=[B], remove_labels=[A])
    assert told(bot) == [("alice", "add", A), ("erin", "add", B), ("erin", "remove", A)]


def test_ids_ascend_over_all_issues(world: World, bot: httpx.Client) -> None:
    for _ in range(2):
        world.create_issue("alice", title="x", labels=[A])
    world.update_issue("alice", 1, add_labels=[B])
    second = bot.get("projects/2/issues/2/resource_label_events").json()
    first = bot.get(LABELS).json()
    assert first[0]["id"] < second[0]["id"] < first[1]["id"]


def test_the_event_of_a_deleted_label_stays_without_it_and_its_going_is_no_event(
    world: World, bot: httpx.Client
) -> None:
    world.create_issue("alice", title="x", labels=[A])
    world.delete_label("root", A)
    assert [(row["action"], row["label"]) for row in bot.get(LABELS).json()] == [("add", None)]


def test_a_renamed_label_is_told_by_its_new_name(world: World, bot: httpx.Client) -> None:
    world.create_issue("alice", title="x", labels=[A])
    world.edit_label("root", A, title=B)
    assert told(bot) == [("alice", "add", B)]


def test_closing_and_reopening_are_events_and_doing_so_again_is_none(
    world: World, client_of: Clients, bot: httpx.Client
) -> None:
    world.create_issue("alice", title="x")
    world.update_issue("erin", 1, state_event="close")
    world.update_issue("evan", 1, state_event="close")
    client_of("alice").post("projects/2/issues/1/notes", json={"body": "/reopen"})
    rows = bot.get(STATES).json()
    assert [(row["user"]["username"], row["state"]) for row in rows] == [("erin", "closed"), ("alice", "reopened")]
    assert [row["id"] for row in rows] == sorted(row["id"] for row in rows)


@pytest.mark.parametrize(
    ("before", "event", "action"),
    [("reopen", "close", "close"), ("close", "reopen", "reopen")],
    ids=["close", "reopen"],
)
def test_state_and_labels_in_one_put_are_two_deliveries_of_which_only_the_second_has_the_labels(
    hooked: World, bot: httpx.Client, receiver: Receiver, before: str, event: str, action: str
) -> None:
    hooked.create_issue("alice", title="x", labels=[A])
    hooked.update_issue("alice", 1, state_event=before)
    assert hooked.deliveries_idle(5)
    receiver.deliveries.clear()
    bot.put("projects/2/issues/1", json={"state_event": event, "add_labels": B, "remove_labels": A})
    assert hooked.deliveries_idle(5)
    assert receiver.told() == [("Issue Hook", action), ("Issue Hook", "update")]
    # "update" comes last in the alphabet; the order of arrival means nothing
    first, second = sorted(receiver.deliveries, key=lambda delivery: delivery.action)
    assert first.body["changes"].keys() & {"state_id", "labels"} == {"state_id"}
    assert second.body["changes"].keys() & {"state_id", "labels"} == {"state_id", "labels"}
    assert [label["title"] for label in first.body["labels"]] == [A]
    assert [label["title"] for label in second.body["changes"]["labels"]["current"]] == [B]


@pytest.fixture
def pages(world: World) -> Iterator[httpx.Client]:
    with (
        SandboxServer(world, extra_routes=page_routes(world)) as server,
        httpx.Client(base_url=server.url, follow_redirects=True, trust_env=False) as browser,
    ):
        browser.post("/-/people/switch", data={"person": "erin", "back": "/"})
        yield browser


def moved(pages: httpx.Client, to: str) -> None:
    pages.post("/ps/ps-plan/-/boards/move", data={"iid": "1", "to": to, "scope": "proposal"})


def test_moving_a_card_is_told_as_labels_changed_by_that_person(world: World, pages: httpx.Client) -> None:
    world.create_issue("alice", title="x", labels=["proposal::SOW_WIP"])
    moved(pages, "proposal::Approved")
    events = [(world.user(e.user_id).username, e.action, world.labels[e.label_id].title) for e in world.label_events]
    assert events == [
        ("alice", "add", "proposal::SOW_WIP"),
        ("erin", "add", "proposal::Approved"),
        ("erin", "remove", "proposal::SOW_WIP"),
    ]


def test_moving_a_card_to_closed_and_back_is_told_as_states_and_labels(world: World, pages: httpx.Client) -> None:
    world.create_issue("alice", title="x", labels=["proposal::SOW_WIP"])
    moved(pages, "closed")
    moved(pages, "proposal::Approved")
    assert [(world.user(e.user_id).username, e.state) for e in world.state_events] == [
        ("erin", "closed"),
        ("erin", "reopened"),
    ]
    assert world.label_titles(world.issue(1)) == ["proposal::Approved"]
