"""Webhooks of the sandbox: what is told, to whom, how it is signed, and what GitLab does when nobody listens."""

from __future__ import annotations

import random
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from app.sandbox import SandboxServer, World
from app.sandbox.clockwork import wall_clock

from .conftest import ALL_EVENTS, Clients
from .receiver import FakeClock, Receiver

HOOKS = "projects/2/hooks"
SIGNING_TOKEN = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


@pytest.fixture
def admin(client_of: Clients) -> httpx.Client:
    return client_of("root")


def settled(world: World) -> None:
    assert world.deliveries_idle(5)


def test_closing_by_rest_is_told_twice_with_the_same_changes(
    hooked: World, bot: httpx.Client, receiver: Receiver, clock: FakeClock
) -> None:
    hooked.create_issue("alice", title="x")
    clock.advance(seconds=1)
    bot.put("projects/2/issues/1", json={"state_event": "close"})
    settled(hooked)
    twice = [d for d in receiver.deliveries if d.action in ("close", "update")]
    assert {d.action for d in twice} == {"close", "update"}
    assert twice[0].headers["Idempotency-Key"] != twice[1].headers["Idempotency-Key"]
    close, update = sorted(twice, key=lambda d: d.action)
    assert close.body["changes"].keys() == {"closed_at", "state_id", "updated_at"}
    assert (
        update.body["changes"].items() >= {k: v for k, v in close.body["changes"].items() if k != "updated_at"}.items()
    )


def test_closing_a_closed_issue_is_told_as_an_update_without_changes(
    hooked: World, bot: httpx.Client, receiver: Receiver
) -> None:
    hooked.create_issue("alice", title="x")
    for _ in range(2):
        bot.put("projects/2/issues/1", json={"state_event": "close"})
    settled(hooked)
    assert receiver.told().count(("Issue Hook", "close")) == 1
    assert any(d.body["changes"] == {} for d in receiver.deliveries)


def test_state_and_labels_in_one_request_accumulate_in_the_second_delivery(hooked: World, receiver: Receiver) -> None:
    hooked.create_issue("alice", title="x")
    hooked.update_issue("alice", 1, state_event="close", add_labels=["a"])
    update = receiver.wait_for(lambda d: d.action == "update")
    assert {"state_id", "closed_at", "labels"} <= update.body["changes"].keys()
    assert [label["title"] for label in update.body["changes"]["labels"]["current"]] == ["a"]


def test_labels_are_not_among_the_changes_of_a_new_issue(hooked: World, receiver: Receiver) -> None:
    hooked.create_issue("alice", title="x", labels=["a"], assignee_ids=[hooked.user("erin").id], confidential=True)
    opened = receiver.wait_for(lambda d: d.action == "open")
    assert not {"labels", "assignees"} & opened.body["changes"].keys()
    assert [label["title"] for label in opened.body["labels"]] == ["a"]
    assert [person["username"] for person in opened.body["assignees"]] == ["erin"]


@pytest.mark.parametrize(
    ("toggle", "told"),
    [
        ("issues_events", [("Issue Hook", "open"), ("Issue Hook", "update")]),
        ("confidential_issues_events", [("Confidential Issue Hook", "update")]),
        ("note_events", [("Note Hook", "create")]),
        ("confidential_note_events", [("Confidential Note Hook", "create"), ("Confidential Note Hook", "create")]),
    ],
)
def test_a_hook_hears_only_what_it_asked_for_and_routing_follows_the_state_after_the_change(
    world: World, receiver: Receiver, toggle: str, told: list[tuple[str, str]]
) -> None:
    world.add_hook("root", receiver.url, **{toggle: True})
    world.create_issue("alice", title="x")
    world.add_note("alice", 1, "public")
    world.add_note("alice", 1, "internal", internal=True)
    world.update_issue("alice", 1, confidential=True)
    world.add_note("alice", 1, "on a confidential issue")
    world.update_issue("alice", 1, confidential=False)
    settled(world)
    assert receiver.told() == told


def test_each_hook_gets_its_own_key(hooked: World, receiver: Receiver) -> None:
    hooked.add_hook("root", receiver.url, **ALL_EVENTS)
    hooked.create_issue("alice", title="x")
    settled(hooked)
    assert len({d.headers["Idempotency-Key"] for d in receiver.deliveries}) == 2


@pytest.mark.parametrize("is_new", [True, False], ids=["GitLab 19", "GitLab 18.9"])
def test_a_signing_token_is_honoured_since_19_and_ignored_before(
    world: World, admin: httpx.Client, receiver: Receiver, is_new: bool
) -> None:
    world.signing = is_new
    answer = admin.post(HOOKS, json={"url": receiver.url, "signing_token": SIGNING_TOKEN, **ALL_EVENTS}).json()
    assert answer.get("signing_token_present") is (True if is_new else None)
    assert "signing_token" not in answer
    # The library checks the time as well, so the signature must be of now.
    world.clock = wall_clock
    world.create_issue("alice", title="x")
    delivery = receiver.wait_for(lambda d: d.action == "open")
    if is_new:
        assert delivery.headers["webhook-id"] == delivery.headers["Idempotency-Key"]
        Webhook(SIGNING_TOKEN).verify(delivery.raw, {k.lower(): v for k, v in delivery.headers.items()})
    else:
        assert not {"webhook-id", "webhook-signature", "webhook-timestamp"} & {k.lower() for k in delivery.headers}


@pytest.mark.parametrize(
    ("change", "kept"),
    [({"url": "{url}/new"}, False), ({"url": "{url}/new", "token": "t"}, True), ({"name": "n"}, True)],
    ids=["new address", "new address with token", "name only"],
)
def test_a_new_address_without_a_token_erases_the_token(
    hooked: World, admin: httpx.Client, receiver: Receiver, change: dict[str, str], kept: bool
) -> None:
    body = {name: value.format(url=receiver.url) for name, value in change.items()}
    assert admin.put(f"{HOOKS}/1", json=body).status_code == 200
    hooked.create_issue("alice", title="x")
    delivery = receiver.wait_for(lambda d: d.action == "open")
    assert ("X-Gitlab-Token" in delivery.headers) is kept


def test_hooks_are_for_maintainers(client_of: Clients, hooked: World) -> None:
    for path in (HOOKS, f"{HOOKS}/1", f"{HOOKS}/1/events"):
        assert client_of("erin").get(path).status_code == 403
    assert client_of("erin").post(HOOKS, json={"url": "http://x"}).status_code == 403


@pytest.mark.parametrize(
    ("body", "status"),
    [({}, 400), ({"url": "ftp://x"}, 422), ({"url": "http://127.0.0.1:9"}, 201)],
    ids=["no address", "odd address", "good"],
)
def test_a_hook_needs_an_address(admin: httpx.Client, body: Any, status: int) -> None:
    assert admin.post(HOOKS, json=body).status_code == status


def test_a_new_hook_listens_to_pushes_only(admin: httpx.Client) -> None:
    made = admin.post(HOOKS, json={"url": "http://127.0.0.1:9"}).json()
    assert [name for name, value in made.items() if name.endswith("_events") and value] == ["push_events"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(200, "successful"), (302, "successful"), (404, "client_failure"), (503, "server_failure")],
)
def test_the_log_keeps_each_attempt_with_its_outcome(
    hooked: World, admin: httpx.Client, receiver: Receiver, status: int, kind: str
) -> None:
    receiver.status = status
    hooked.create_issue("alice", title="x")
    settled(hooked)
    for wanted in (kind, str(status)):
        (row,) = admin.get(f"{HOOKS}/1/events", params={"status": wanted}).json()
        assert (row["trigger"], row["response_status"]) == ("issue_hooks", str(status))
        assert row["request_headers"]["X-Gitlab-Token"] == "[REDACTED]"
        assert row["request_data"]["object_attributes"]["iid"] == 1
    others = {"successful", "client_failure", "server_failure"} - {kind}
    assert [admin.get(f"{HOOKS}/1/events", params={"status": other}).json() for other in others] == [[], []]


def test_the_log_forgets_after_seven_days_and_gives_twenty_a_page(
    hooked: World, admin: httpx.Client, clock: FakeClock
) -> None:
    for _ in range(21):
        hooked.create_issue("alice", title="x")
    settled(hooked)
    page = admin.get(f"{HOOKS}/1/events", params={"per_page": 100})
    assert (len(page.json()), page.headers["X-Total"]) == (20, "21")
    clock.advance(days=7, seconds=1)
    assert admin.get(f"{HOOKS}/1/events").json() == []


def test_nobody_listening_is_logged_as_an_internal_error_and_never_tried_again(
    world: World, admin: httpx.Client
) -> None:
    world.add_hook("root", "http://127.0.0.1:9/nobody", **ALL_EVENTS)
    world.create_issue("alice", title="x")
    settled(world)
    (row,) = admin.get(f"{HOOKS}/1/events").json()
    assert row["response_status"] == "internal error"


def test_a_resend_keeps_only_the_idempotency_key(hooked: World, admin: httpx.Client, receiver: Receiver) -> None:
    hooked.create_issue("alice", title="x")
    settled(hooked)
    log_id = admin.get(f"{HOOKS}/1/events").json()[0]["id"]
    answer = admin.post(f"{HOOKS}/1/events/{log_id}/resend")
    assert (answer.status_code, answer.json()) == (201, {"response_status": 200})
    first, second = receiver.deliveries
    assert first.raw == second.raw
    same = {name for name in first.headers if first.headers[name] == second.headers[name]}
    assert "Idempotency-Key" in same
    assert not {"X-Gitlab-Webhook-Uuid", "X-Gitlab-Event-Uuid"} & same
    assert admin.post(f"{HOOKS}/1/events/99/resend").status_code == 404
    admin.put(f"{HOOKS}/1", json={"url": receiver.url + "/new"})
    assert admin.post(f"{HOOKS}/1/events/{log_id}/resend").status_code == 422


def test_a_test_sends_the_newest_real_thing_unmarked(hooked: World, admin: httpx.Client, receiver: Receiver) -> None:
    assert admin.post(f"{HOOKS}/1/test/issues_events").status_code == 422
    for title in ("old", "new"):
        hooked.create_issue("alice", title=title)
    hooked.add_note("alice", 1, "words")
    settled(hooked)
    receiver.deliveries.clear()
    assert admin.post(f"{HOOKS}/1/test/issues_events").json() == {"message": "201 Created"}
    assert admin.post(f"{HOOKS}/1/test/note_events").status_code == 201
    issue, note = receiver.deliveries
    assert (issue.action, issue.body["object_attributes"]["title"], issue.body["changes"]) == ("open", "new", {})
    assert issue.body["user"]["username"] == "root"
    assert (note.action, note.body["object_attributes"]["note"]) == ("create", "words")


def test_tests_are_limited_to_five_a_minute(hooked: World, admin: httpx.Client) -> None:
    hooked.create_issue("alice", title="x")
    statuses = [admin.post(f"{HOOKS}/1/test/issues_events").status_code for _ in range(6)]
    assert statuses == [201] * 5 + [429]


def failed(world: World, times: int) -> None:
    for _ in range(times):
        world.update_issue("alice", 1, add_labels=["a"])
        settled(world)


def test_a_failing_hook_is_paused_skips_events_and_recovers(
    hooked: World, admin: httpx.Client, receiver: Receiver, clock: FakeClock
) -> None:
    hooked.auto_disable = True
    hooked.create_issue("alice", title="x")
    settled(hooked)
    receiver.status = 500
    failed(hooked, 3)
    assert admin.get(f"{HOOKS}/1").json()["alert_status"] == "executable"
    failed(hooked, 1)
    paused = admin.get(f"{HOOKS}/1").json()
    assert (paused["alert_status"], paused["disabled_until"]) == ("temporarily_disabled", "2026-11-22T18:01:00.123Z")
    attempts = len(receiver.deliveries)
    failed(hooked, 1)
    assert len(receiver.deliveries) == attempts, "an event while disabled is neither sent nor queued"
    clock.advance(minutes=1)
    failed(hooked, 1)
    assert admin.get(f"{HOOKS}/1").json()["disabled_until"] == "2026-11-22T18:03:00.123Z"
    receiver.status = 200
    admin.post(f"{HOOKS}/1/test/issues_events")
    healed = admin.get(f"{HOOKS}/1").json()
    assert (healed["alert_status"], healed["disabled_until"]) == ("executable", None)


def test_the_pause_is_a_day_at_most_and_the_fortieth_failure_ends_it(
    hooked: World, admin: httpx.Client, receiver: Receiver, clock: FakeClock
) -> None:
    hooked.auto_disable = True
    hooked.create_issue("alice", title="x")
    settled(hooked)
    receiver.status = 500
    hook = hooked.hooks[1]
    hook.failures = 38
    failed(hooked, 1)
    assert admin.get(f"{HOOKS}/1").json()["disabled_until"] == "2026-11-23T18:00:00.123Z"
    clock.advance(days=1)
    failed(hooked, 1)
    clock.advance(days=2)
    assert admin.get(f"{HOOKS}/1").json()["alert_status"] == "disabled"


def test_a_self_managed_gitlab_never_disables(hooked: World, admin: httpx.Client, receiver: Receiver) -> None:
    hooked.create_issue("alice", title="x")
    receiver.status = 500
    failed(hooked, 6)
    assert admin.get(f"{HOOKS}/1").json()["alert_status"] == "executable"


def test_an_echoed_event_uuid_blocks_the_same_hook(hooked: World, bot: httpx.Client, receiver: Receiver) -> None:
    hooked.create_issue("alice", title="x")
    event_uuid = receiver.wait_for(lambda d: d.action == "open").headers["X-Gitlab-Event-Uuid"]
    bot.put("projects/2/issues/1", json={"add_labels": "a"}, headers={"X-Gitlab-Event-UUID": event_uuid})
    settled(hooked)
    assert len(receiver.deliveries) == 1
    bot.put("projects/2/issues/1", json={"add_labels": "b"})
    receiver.wait_for(lambda d: d.action == "update")


def test_deliveries_are_shuffled_on_demand(world: World, receiver: Receiver) -> None:
    world.shuffle, world.hook_delay_s = random.Random(7), 0.02
    world.add_hook("root", receiver.url, **ALL_EVENTS)
    made = [world.create_issue("alice", title=str(number)).iid for number in range(8)]
    settled(world)
    arrived = [d.body["object_attributes"]["iid"] for d in receiver.deliveries]
    assert sorted(arrived) == made
    assert arrived != made


def test_a_mute_world_tells_nothing_and_keeps_no_trace(hooked: World, receiver: Receiver) -> None:
    hooked.is_mute = True
    hooked.create_issue("alice", title="x")
    settled(hooked)
    assert (receiver.deliveries, hooked.hook_logs) == ([], {})


def test_deliveries_name_the_address_of_the_sandbox(server: SandboxServer, hooked: World, receiver: Receiver) -> None:
    hooked.create_issue("alice", title="x")
    delivery = receiver.wait_for(lambda d: d.action == "open")
    assert delivery.headers["X-Gitlab-Instance"] == server.url
    assert delivery.body["object_attributes"]["url"] == f"{server.url}/ps/ps-plan/-/issues/1"
