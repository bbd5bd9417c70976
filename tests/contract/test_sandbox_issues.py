"""Issues of the sandbox behave as GitLab's: what is dropped in silence, what is refused, what moves `updated_at`."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from app.sandbox import AccessLevel, RateLimits, Refused, World
from app.sandbox.clockwork import iso

from .conftest import Clients
from .receiver import FakeClock, Receiver

ISSUES = "projects/2/issues"


def created(bot: httpx.Client, **fields: Any) -> Any:
    answer = bot.post(ISSUES, json={"title": "x", **fields})
    assert answer.status_code == 201, answer.text
    return answer.json()


def changed(client: httpx.Client, **fields: Any) -> Any:
    answer = client.put(f"{ISSUES}/1", json=fields)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(
    ("sent", "stored"),
    [
        ("a,b", ["a", "b"]),
        (["a", "b,c"], ["a", "b", "c"]),
        (" a , ,b ", ["a", "b"]),
        (["Bug", "bug"], ["Bug", "bug"]),
        ("", []),
    ],
    ids=["a string", "items with commas", "blanks", "case matters", "nothing"],
)
def test_labels_are_split_at_commas_and_told_apart_by_case(bot: httpx.Client, sent: Any, stored: list[str]) -> None:
    assert created(bot, labels=sent)["labels"] == stored


def test_an_unknown_label_is_made_in_silence_with_gitlabs_default_colour(bot: httpx.Client, world: World) -> None:
    created(bot)
    changed(bot, add_labels="brand-new")
    assert world.label("brand-new").color == "#6699cc"


def test_a_guest_gets_known_labels_at_creation_and_the_unknown_are_left_out(client_of: Clients, world: World) -> None:
    world.create_label("root", "known")
    world.set_level("alice", AccessLevel.GUEST)
    assert created(client_of("alice"), labels="known,unknown", due_date="2026-12-01")["labels"] == ["known"]


@pytest.mark.parametrize(
    ("fields", "name", "left"),
    [
        ({"add_labels": "a"}, "labels", []),
        ({"due_date": "2026-12-01"}, "due_date", None),
        ({"confidential": True}, "confidential", False),
        ({"discussion_locked": True}, "discussion_locked", None),
        ({"assignee_ids": [1]}, "assignees", []),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_a_guest_may_not_change_is_dropped_in_silence(
    client_of: Clients, world: World, fields: dict[str, Any], name: str, left: Any
) -> None:
    world.set_level("alice", AccessLevel.GUEST)
    guest = client_of("alice")
    created(guest)
    answer = changed(guest, title="mine", **fields)
    assert (answer["title"], answer[name]) == ("mine", left)


def test_a_guest_may_not_change_the_issue_of_somebody_else(client_of: Clients, world: World) -> None:
    world.set_level("alice", AccessLevel.GUEST)
    world.create_issue("sam", title="x")
    answer = client_of("alice").put(f"{ISSUES}/1", json={"title": "y"})
    assert (answer.status_code, answer.json()) == (403, {"message": "403 Forbidden"})


@pytest.mark.parametrize(
    ("is_paid", "labels"),
    [(False, ["proposal::A", "proposal::B"]), (True, ["proposal::B"])],
    ids=["community", "premium"],
)
def test_scoped_labels_exclude_each_other_on_paid_plans_only(
    bot: httpx.Client, world: World, is_paid: bool, labels: list[str]
) -> None:
    world.scoped_labels = is_paid
    created(bot, labels="proposal::A")
    assert changed(bot, add_labels="proposal::B")["labels"] == labels


def test_of_two_labels_of_a_scope_in_one_request_the_last_one_stays(bot: httpx.Client, world: World) -> None:
    world.scoped_labels = True
    assert created(bot, labels="other,a::1::x,a::1::y,a::2")["labels"] == ["a::1::y", "a::2", "other"]


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        ({"labels": "c"}, ["c"]),
        ({"labels": ""}, []),
        ({"add_labels": "c", "remove_labels": "a,absent"}, ["b", "c"]),
        ({"add_labels": "a"}, ["a", "b"]),
        ({"add_labels": "c", "remove_labels": "c"}, ["a", "b"]),
    ],
    ids=["replace", "clear", "difference", "already there", "both"],
)
def test_labels_replace_and_differences_merge(bot: httpx.Client, fields: dict[str, Any], labels: list[str]) -> None:
    created(bot, labels="a,b")
    assert changed(bot, **fields)["labels"] == labels


def test_label_changes_are_kept_in_the_history_with_their_author(bot: httpx.Client, client_of: Clients) -> None:
    created(bot, labels="a")
    changed(client_of("erin"), add_labels="b", remove_labels="a")
    rows = bot.get(f"{ISSUES}/1/resource_label_events").json()
    told = [(row["user"]["username"], row["action"], row["label"]["name"]) for row in rows]
    assert told == [("ps-bot", "add", "a"), ("erin", "add", "b"), ("erin", "remove", "a")]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"title": "  "}, {"title": ["can't be blank"]}),
        ({"title": "x" * 256}, {"title": ["is too long (maximum is 255 characters)"]}),
        (
            {"description": "é" * 524_289},
            {"description": ["is too long (1.00 MiB). The maximum size is 1 MiB."]},
        ),
    ],
    ids=["blank title", "long title", "bytes of the description"],
)
def test_limits_are_refused_on_create_and_on_update(bot: httpx.Client, fields: dict[str, Any], message: Any) -> None:
    assert bot.post(ISSUES, json={"title": "x", **fields}).json() == {"message": message}
    created(bot)
    answer = bot.put(f"{ISSUES}/1", json=fields)
    assert (answer.status_code, answer.json()) == (400, {"message": message})


@pytest.mark.parametrize(
    ("request_", "status", "answer"),
    [
        (("POST", ISSUES), 400, {"error": "title is missing"}),
        (("GET", f"{ISSUES}/9"), 404, {"message": "404 Not found"}),
        (("GET", "projects/3/issues"), 404, {"message": "404 Project Not Found"}),
        (("GET", "projects/ps%2Fother"), 404, {"message": "404 Project Not Found"}),
        (("GET", "nothing/here"), 404, {"error": "404 Not Found"}),
        (("PATCH", f"{ISSUES}/9"), 405, {"error": "405 Not Allowed"}),
        (("GET", f"{ISSUES}?state=odd"), 400, {"error": "state does not have a valid value"}),
    ],
    ids=lambda value: str(value)[:40],
)
def test_refusals_have_gitlabs_spelling(
    bot: httpx.Client, request_: tuple[str, str], status: int, answer: dict[str, str]
) -> None:
    told = bot.request(*request_)
    assert (told.status_code, told.json()) == (status, answer)


def test_a_put_without_any_known_parameter_is_refused(bot: httpx.Client) -> None:
    created(bot)
    assert bot.put(f"{ISSUES}/1", json={"colour": "red"}).status_code == 400


def test_the_project_answers_to_its_encoded_path(bot: httpx.Client) -> None:
    created(bot)
    assert bot.get("projects/ps%2Fps-plan/issues/1").json()["iid"] == 1


def test_carriage_returns_and_trailing_white_space_are_cut(bot: httpx.Client) -> None:
    assert created(bot, description="a\r\nb  \r\n\r\n")["description"] == "a\nb"


def test_quick_actions_of_a_new_description_are_carried_out_and_cut(bot: httpx.Client, world: World) -> None:
    world.create_label("root", "Known Label")
    text = (
        'Words\n\n/label ~"Known Label" ~unknown\n/assign @erin\n/due 2026-12-24\n/title Better\n/confidential\n/merge'
    )
    issue = created(bot, description=text, labels="first")
    assert issue["description"] == "Words"
    assert issue["labels"] == ["Known Label", "first"]
    assert [person["username"] for person in issue["assignees"]] == ["erin"]
    assert (issue["due_date"], issue["title"], issue["confidential"]) == ("2026-12-24", "Better", True)


def test_only_new_commands_of_an_edited_description_run(bot: httpx.Client, world: World) -> None:
    created(bot, description="Words")
    # Somebody who could not use it wrote it, so it was kept.
    world.issue(1).description = "Words\n\n/close"
    answer = changed(bot, description="More words\n\n/close\n/title New")
    assert (answer["state"], answer["title"], answer["description"]) == ("opened", "New", "More words")


def test_every_put_takes_known_commands_out_of_the_stored_description(bot: httpx.Client, world: World) -> None:
    created(bot, description="Words")
    world.issue(1).description = "Words\n\n/close"
    answer = changed(bot, add_labels="a")
    assert (answer["state"], answer["description"]) == ("opened", "Words")


def test_an_issue_closed_by_its_own_description_is_opened_and_closed(
    hooked: World, bot: httpx.Client, receiver: Receiver
) -> None:
    created(bot, description="/close")
    assert hooked.deliveries_idle(5)
    assert receiver.told() == [("Issue Hook", "close"), ("Issue Hook", "open")]


def test_unknown_people_are_dropped_and_only_the_first_assignee_counts(bot: httpx.Client, world: World) -> None:
    erin, evan = world.user("erin").id, world.user("evan").id
    issue = created(bot, assignee_ids=[999, erin, evan])
    assert [person["id"] for person in issue["assignees"]] == [erin]
    assert changed(bot, assignee_ids=[0])["assignees"] == []


@pytest.mark.parametrize(
    ("fields", "seconds", "moves"),
    [
        ({"title": "y"}, 1, True),
        ({"due_date": "2026-12-01"}, 1, True),
        ({"state_event": "close"}, 1, True),
        ({"add_labels": "a"}, 59, False),
        ({"add_labels": "a"}, 60, True),
        ({"assignee_ids": [2]}, 59, False),
        ({"assignee_ids": [2]}, 60, True),
        ({"add_labels": "there"}, 600, False),
    ],
    ids=lambda value: str(value)[:30],
)
def test_updated_at_is_throttled_for_labels_and_people(
    bot: httpx.Client, clock: FakeClock, fields: dict[str, Any], seconds: float, moves: bool
) -> None:
    created(bot, labels="there")
    # The first change sets `updated_by_id`, a column, and so moves the time; the second one is the test.
    before = changed(bot, title="z")["updated_at"]
    clock.advance(seconds=seconds)
    assert (changed(bot, **fields)["updated_at"] != before) is moves


def test_the_first_change_by_another_person_moves_updated_at(
    bot: httpx.Client, client_of: Clients, clock: FakeClock
) -> None:
    before = created(bot)["updated_at"]
    clock.advance(seconds=1)
    assert changed(client_of("erin"), add_labels="a")["updated_at"] != before


def test_a_comment_moves_updated_at_only_after_a_minute(bot: httpx.Client, clock: FakeClock) -> None:
    before = created(bot)["updated_at"]
    clock.advance(seconds=59)
    bot.post(f"{ISSUES}/1/notes", json={"body": "a"})
    assert bot.get(f"{ISSUES}/1").json()["updated_at"] == before
    clock.advance(seconds=1)
    bot.post(f"{ISSUES}/1/notes", json={"body": "b"})
    assert bot.get(f"{ISSUES}/1").json()["updated_at"] == iso(clock())
    assert bot.get(f"{ISSUES}/1").json()["user_notes_count"] == 2


def test_closing_twice_is_harmless_and_reopening_clears_the_closing(bot: httpx.Client) -> None:
    created(bot)
    assert changed(bot, state_event="close")["closed_by"]["username"] == "ps-bot"
    assert changed(bot, state_event="close")["state"] == "closed"
    reopened = changed(bot, state_event="reopen")
    assert (reopened["state"], reopened["closed_at"], reopened["closed_by"]) == ("opened", None, None)


def test_a_confidential_issue_is_absent_for_guests_who_are_not_part_of_it(client_of: Clients, world: World) -> None:
    world.set_level("alice", AccessLevel.GUEST)
    world.create_issue("sam", title="secret", confidential=True)
    guest = client_of("alice")
    assert guest.get(f"{ISSUES}/1").status_code == 404
    assert guest.get(ISSUES).json() == []
    assert client_of("sam").get(f"{ISSUES}/1").status_code == 200


def test_outsiders_see_no_project(client_of: Clients, world: World) -> None:
    world.add_user("olga")
    for path in (ISSUES, "projects/2", "projects/2/labels", "projects/2/members/all"):
        answer = client_of("olga").get(path)
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"}), path


def test_deleting_an_issue_takes_its_comments_and_links_with_it(client_of: Clients, world: World) -> None:
    world.create_issue("alice", title="a")
    world.create_issue("alice", title="b")
    world.add_note("alice", 1, "words")
    world.link_issues("alice", 1, 2)
    assert client_of("erin").delete(f"{ISSUES}/1").status_code == 403
    assert client_of("root").delete(f"{ISSUES}/1").status_code == 204
    assert (world.notes, world.links, list(world.issues)) == ({}, {}, [2])


def test_issue_creation_beyond_its_limit_is_refused_without_retry_after(
    bot: httpx.Client, world: World, clock: FakeClock
) -> None:
    world.limits = RateLimits(issues_per_min=2)
    for _ in range(2):
        created(bot)
    refused = bot.post(ISSUES, json={"title": "x"})
    assert refused.status_code == 429
    assert "Retry-After" not in refused.headers
    clock.advance(minutes=1)
    created(bot)


def test_the_world_can_be_used_without_http(world: World) -> None:
    issue = world.create_issue("alice", title="x", labels=["a"], due_date=date(2026, 12, 1))
    assert world.label_titles(issue) == ["a"]
    with pytest.raises(Refused, match="404"):
        world.update_issue("alice", 9, title="y")


def test_the_clock_of_the_world_is_the_time_of_the_issue(bot: httpx.Client, clock: FakeClock) -> None:
    clock.now = datetime(2027, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    assert created(bot)["created_at"] == "2027-01-02T03:04:05.678Z"
