"""What went wrong in reviews and must not go wrong again: each a short story with its end."""

from __future__ import annotations

import json
import socket
import sqlite3
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.engine import retry
from app.ingress import body as body_of_request
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.people import token_of
from app.sandbox.world import World
from app.store import database
from tests.harness import HOOK_TOKEN, KEY, Stage, spoken, stage, submission, until


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "SCHEDULE_S", (0.05,) * 9)


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def comments(on: Stage) -> list[str]:
    return spoken(on.world)


def open_by_hand(on: Stage, block: str) -> int:
    answer = httpx.post(
        f"{on.world.base_url}/api/v4/projects/2/issues",
        json={"title": "By hand", "description": f"```psplan-submission\n{block}\n```"},
        headers={"PRIVATE-TOKEN": token_of("alice")},
    )
    return int(answer.json()["iid"])


def edit(on: Stage, iid: int, old: str, new: str) -> None:
    text = on.world.issue(iid).description or ""
    assert old in text
    on.world.update_issue("alice", iid, description=text.replace(old, new))


def settled(on: Stage, body: dict[str, Any]) -> dict[str, Any]:
    outcome = on.submit(body)
    on.quiet()
    return outcome


def fail(on: Stage, method: str, path: str, status: int = 403, **more: Any) -> None:
    on.world.faults.add(Fault(method, path, FaultKind.STATUS, status=status, user="ps-bot", **more))


def test_another_id_in_an_adopted_block_moves_nothing_to_and_fro(on: Stage) -> None:
    iid = open_by_hand(on, "customer_name: Hand GmbH")
    assert on.quiet()
    reads = on.world.count("GET", "/issues/")
    edit(
        on,
        iid,
        "customer_name: Hand GmbH\n",
        f"customer_name: Hand AG\nsubmission_id: {submission()['submission_id']}\n",
    )
    assert on.quiet()
    assert on.world.count("GET", "/issues/") - reads < 10
    assert "`Hand AG`" in (on.world.issue(iid).description or "")
    assert len(on.world.issues) == 2


def test_a_close_date_that_passes_hurts_no_stored_engagement(tmp_path: Path) -> None:
    now = [datetime(2030, 5, 1, 23, 59, tzinfo=UTC).timestamp()]
    from app.background import BackgroundServer
    from app.main import Service, create_app
    from app.sandbox.server import SandboxServer
    from tests.harness import settings_for

    with SandboxServer(World()) as sandbox, httpx.Client(timeout=10) as client:
        settings = settings_for(tmp_path, sandbox.url)
        app = create_app(settings, service=Service(settings, clock=lambda: now[0]))
        with BackgroundServer(app) as service:
            on = Stage(sandbox.world, service.url, client)
            headers = {"Authorization": f"Bearer {KEY}"}
            body = submission(close_date="2030-05-01")
            answer = client.post(f"{on.url}/webhooks/calculator", json=body, headers=headers)
            assert answer.status_code == 202
            assert until(lambda: client.get(answer.json()["status_url"]).json()["state"] == "done")
            now[0] += timedelta(days=30).total_seconds()
            later = client.post(
                f"{on.url}/webhooks/calculator", json={**body, "close_date": "2030-07-01"}, headers=headers
            )
            assert until(lambda: client.get(later.json()["status_url"]).json()["state"] == "done")


def test_a_doubt_is_not_forgotten_because_the_next_send_failed_for_certain(on: Stage) -> None:
    on.world.faults.add(Fault("POST", r"/issues$", FaultKind.CUT_BEFORE))
    fail(on, "POST", r"/issues$", 409, times=2)
    assert settled(on, submission())["state"] == "done"
    seen = ["look" if "search=" in each.path else each.method for each in on.world.requests]
    sends = [place for place, what in enumerate(seen) if what == "POST"]
    first, *again, _intake, _link, _note, _other_note = sends
    assert first < again[0]
    assert len(again) == 3
    assert all(seen[place - 1] == "look" for place in again), "each send after a doubt is preceded by a look"


def test_a_creation_that_outlasts_our_patience_is_looked_for_before_it_is_repeated(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("POST", r"/issues$", FaultKind.PERFORM_THEN_HANG, seconds=1.0))
    world.faults.add(Fault("POST", r"/issues$", FaultKind.LATE, status=504, seconds=0.2, skip=1))
    with stage(tmp_path, world, gitlab_timeout_s=0.4) as on:
        assert settled(on, submission())["state"] == "done"
        assert len(world.issues) == 2


def test_a_revision_that_was_parked_is_carried_out_when_it_comes_again(on: Stage) -> None:
    body = submission()
    settled(on, body)
    changed = {**body, "customer_name": "Acme Europe SE", "services": ["migration_scm", "security"]}
    fail(on, "PUT", r"/issues/1$")
    assert settled(on, changed)["state"] == "failed"
    assert settled(on, changed)["state"] == "done"
    issue = on.world.issue(1)
    assert issue.title == "Acme Europe SE - Scope Engagement and Write SOW"
    assert "Service: Security" in on.world.label_titles(issue)
    assert len(comments(on)) == 1


def test_an_adoption_that_was_parked_is_carried_out_at_the_next_event(on: Stage) -> None:
    fail(on, "PUT", r"/issues/1$")
    iid = open_by_hand(on, "customer_name: Hand GmbH")
    assert on.quiet()
    assert len(on.world.issues) == 1
    on.world.update_issue("alice", iid, title="Once more")
    assert on.quiet()
    assert len(on.world.issues) == 2
    assert "Services Calculator" in on.world.label_titles(on.world.issue(iid))


def test_what_is_tried_again_keeps_the_order_of_its_new_decision(on: Stage) -> None:
    body = submission(commercial_form="sku")
    fail(on, "POST", r"/issues$")
    assert settled(on, body)["state"] == "failed"
    outcome = settled(on, {**body, "commercial_form": "custom"})
    assert outcome["state"] == "done"
    assert outcome["scoping_issue"]["iid"] < outcome["intake_issue"]["iid"]


def test_an_event_that_is_moved_into_a_lane_waits_for_what_is_half_done(on: Stage) -> None:
    body = submission()
    fail(on, "GET", r"/issues/1$", 503, times=3)
    open_by_hand(on, json.dumps(body))
    fail(on, "POST", r"/links$", 503, times=2)
    on.submit(body)
    on.quiet()
    scoping = [i for i in on.world.issues.values() if "psplan:begin ssot" in (i.description or "")]
    assert len(scoping) == 1


def test_a_locked_database_parks_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    monkeypatch.setattr("app.engine.embedded.TURN_FAILED_WAIT_S", 0.2)
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("POST", r"/issues$", FaultKind.PERFORM_THEN_HANG, seconds=0.5))
    with stage(tmp_path, world) as on:
        receipt = on.send(submission())
        assert until(lambda: world.count("POST", r"/issues$") == 1)
        intruder = sqlite3.connect(tmp_path / "psplan.sqlite3", isolation_level=None)
        intruder.execute("BEGIN IMMEDIATE")
        threading.Event().wait(1.0)
        intruder.execute("ROLLBACK")
        intruder.close()
        assert on.follow(receipt)["state"] == "done"
        assert len(world.issues) == 2


def test_work_that_becomes_public_sector_becomes_confidential(on: Stage) -> None:
    body = submission()
    settled(on, body)
    settled(on, {**body, "pubsec_us": True})
    assert all(issue.confidential for issue in on.world.issues.values())


def test_what_must_be_confidential_and_is_not_is_loud(on: Stage) -> None:
    body = submission()
    settled(on, body)
    on.world.set_level("ps-bot", on.world.level("ps-bot").__class__.GUEST)
    outcome = settled(on, {**body, "pubsec_us": True})
    assert outcome["state"] == "failed"


def test_a_hook_address_with_a_slash_at_its_end_is_no_redirect(on: Stage) -> None:
    headers = {"X-Gitlab-Token": HOOK_TOKEN, "Content-Type": "application/json"}
    assert on.client.post(f"{on.url}/webhooks/gitlab/", content=b"{}", headers=headers).status_code == 202
    assert on.client.post(f"{on.url}/webhooks/calculator/", content=b"{}").status_code == 404


@pytest.mark.parametrize("path", ["/webhooks/gitlab", "/webhooks/calculator"])
def test_a_sender_that_sends_no_body_is_not_waited_for(path: str, on: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_of_request, "READ_TIMEOUT_S", 0.2)
    host, port = on.url.removeprefix("http://").split(":")
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: {HOOK_TOKEN}\r\nAuthorization: Bearer {KEY}\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"{head}Content-Type: application/json\r\nContent-Length: 100\r\n\r\n".encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize("path", ["/webhooks/gitlab", "/webhooks/calculator"])
def test_a_stranger_is_refused_before_the_body_comes(path: str, on: Stage) -> None:
    host, port = on.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n".encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 401 ")


def test_a_retry_after_of_nothing_is_no_hot_loop(on: Stage) -> None:
    fail(on, "POST", r"/issues$", 429, retry_after_s=0, times=1000)
    on.send(submission())
    assert until(lambda: on.world.count("POST", "/issues$") >= 1)
    threading.Event().wait(1.5)
    assert on.world.count("POST", "/issues$") <= 3


def test_the_author_of_an_adopted_issue_stays_known(on: Stage) -> None:
    iid = open_by_hand(on, "customer_name: Hand GmbH")
    assert on.quiet()
    edit(on, iid, "customer_name: Hand GmbH\n", "customer_name: Hand AG\n")
    assert on.quiet()
    assert "@alice, thank you" in (on.world.issue(iid).description or "")
    assert on.world.count("GET", r"/users\?") == 0


def test_an_order_that_becomes_custom_says_so_and_mentions_its_requester_once(on: Stage) -> None:
    body = submission(commercial_form="sku")
    settled(on, body)
    settled(on, {**body, "commercial_form": "custom"})
    texts = [issue.description or "" for issue in on.world.issues.values()]
    assert sum(text.count("@alice") for text in texts) == 1
    assert not any("no scoping issue" in text for text in texts)


def test_a_block_for_an_order_without_scoping_is_taken_with_what_it_says(on: Stage) -> None:
    body = submission(commercial_form="sku")
    settled(on, body)
    iid = open_by_hand(on, json.dumps({**body, "commercial_form": "custom", "customer_name": "Acme Custom AG"}))
    assert on.quiet()
    assert "`Acme Custom AG`" in (on.world.issue(iid).description or "")
    assert len(on.world.issues) == 2
    assert len(comments(on)) == 1


def test_events_of_other_projects_are_not_ours(on: Stage) -> None:
    foreign = {
        "object_kind": "issue",
        "project": {"id": 99, "path_with_namespace": "other/project"},
        "user": {"id": 5, "username": "x"},
        "object_attributes": {"iid": 1, "author_id": 5, "description": "```psplan-submission\ncustomer_name: X\n```"},
    }
    headers = {"X-Gitlab-Token": HOOK_TOKEN, "Content-Type": "application/json"}
    assert on.client.post(f"{on.url}/webhooks/gitlab", json=foreign, headers=headers).status_code == 202
    assert on.quiet()
    assert on.world.count("*", "/issues/1") == 0
    assert on.metric("psplan_deliveries_dead") == 0


def test_an_issue_that_was_deleted_does_not_hold_up_the_other(on: Stage) -> None:
    body = submission()
    outcome = settled(on, body)
    on.world.delete_issue("root", outcome["intake_issue"]["iid"])
    settled(on, {**body, "customer_name": "Acme Europe SE"})
    assert on.world.issue(outcome["scoping_issue"]["iid"]).title.startswith("Acme Europe SE")
