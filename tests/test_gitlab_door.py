"""GitLab's door: whatever is authentic and JSON is acknowledged, and nothing else."""

from __future__ import annotations

import base64
import json
import socket
import sqlite3
import uuid
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from tests.harness import HOOK_TOKEN, Stage, stage, submission, until

SIGNING_KEY = "whsec_" + base64.b64encode(b"signing-key" * 3).decode()
CAPTURES = sorted((Path(__file__).parent / "fixtures" / "captures" / "hooks").glob("*.json"))
GOOD = {"Content-Type": "application/json", "X-Gitlab-Token": HOOK_TOKEN, "X-Gitlab-Event": "Issue Hook"}


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("door"), webhook_signing_keys=[SIGNING_KEY]) as running:
        yield running


def post(on: Stage, body: bytes, headers: dict[str, str]) -> httpx.Response:
    return on.client.post(f"{on.url}/webhooks/gitlab", content=body, headers=headers)


@pytest.mark.parametrize("capture", CAPTURES, ids=lambda path: path.stem)
def test_everything_that_a_real_gitlab_sent_is_acknowledged_without_a_body(capture: Path, on: Stage) -> None:
    sent = json.loads(capture.read_text())
    kept = {name: value for name, value in sent["headers"].items() if name.startswith(("X-Gitlab", "Idempotency"))}
    answer = post(on, json.dumps(sent["body"]).encode(), {**kept, **GOOD, "Idempotency-Key": str(uuid.uuid4())})
    assert (answer.status_code, answer.content) == (202, b"")
    assert on.quiet()
    assert on.metric("psplan_deliveries_dead") == 0


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b"[]",
        b"null",
        b"17",
        b'{"object_kind": "comet"}',
        b'{"object_kind": "issue"}',
        b'{"object_kind": "note", "issue": {}}',
        b'{"object_kind": "issue", "object_attributes": {"iid": "7"}, "user": []}',
    ],
)
def test_json_that_makes_no_sense_is_acknowledged_too(body: bytes, on: Stage) -> None:
    assert post(on, body, {**GOOD, "Idempotency-Key": str(uuid.uuid4())}).status_code == 202
    assert on.quiet()
    assert on.metric("psplan_deliveries_dead") == 0


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        pytest.param({**GOOD, "X-Gitlab-Token": "wrong"}, b"{}", 401, id="a wrong token"),
        pytest.param({"Content-Type": "application/json"}, b"{}", 401, id="no token"),
        pytest.param({**GOOD, "Content-Type": "application/x-www-form-urlencoded"}, b"a=b", 415, id="a form"),
        pytest.param(GOOD, b"{", 400, id="broken JSON"),
        pytest.param(GOOD, b"[" * 50_000, 400, id="fifty thousand brackets"),
    ],
)
def test_what_is_not_authentic_or_not_json_is_refused(
    headers: dict[str, str], body: bytes, status: int, on: Stage
) -> None:
    assert post(on, body, headers).status_code == status


def test_a_length_above_gitlabs_limit_is_refused_before_it_is_sent(on: Stage) -> None:
    host, port = on.url.removeprefix("http://").split(":")
    head = f"POST /webhooks/gitlab HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: {HOOK_TOKEN}\r\n"
    with socket.create_connection((host, int(port)), timeout=5) as raw:
        raw.sendall(f"{head}Content-Type: application/json\r\nContent-Length: {26 * 1024 * 1024}\r\n\r\n{{".encode())
        assert raw.recv(1000).startswith(b"HTTP/1.1 413 ")


def test_a_signed_delivery_needs_no_token(on: Stage) -> None:
    body, now = b'{"object_kind": "issue"}', datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "gl-1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SIGNING_KEY).sign("gl-1", now, body.decode()),
    }
    assert post(on, body, headers).status_code == 202
    assert post(on, body + b" ", headers).status_code == 401


def test_a_delivery_that_comes_twice_is_one(on: Stage) -> None:
    before = on.metric('psplan_deliveries_repeated_total{source="gitlab"}')
    headers = {**GOOD, "Idempotency-Key": str(uuid.uuid4())}
    bodies = [post(on, b'{"object_kind": "issue"}', headers).status_code for _ in range(3)]
    assert bodies == [202, 202, 202]
    assert on.metric('psplan_deliveries_repeated_total{source="gitlab"}') == before + 2


def test_without_gitlabs_key_the_content_tells_a_repetition(on: Stage) -> None:
    body = json.dumps({"object_kind": "issue", "x": str(uuid.uuid4())}).encode()
    before = on.metric('psplan_deliveries_repeated_total{source="gitlab"}')
    for _ in range(2):
        assert post(on, body, GOOD).status_code == 202
    assert on.metric('psplan_deliveries_repeated_total{source="gitlab"}') == before + 1


def test_the_bots_own_writes_come_back_and_cause_nothing(on: Stage) -> None:
    assert on.submit(submission())["state"] == "done"
    assert on.quiet()
    writes = on.writes()
    assert on.world.deliveries_idle(10)
    assert on.writes() == writes


def test_a_persons_comment_and_label_reach_the_bot(on: Stage) -> None:
    iid = on.submit(submission())["scoping_issue"]["iid"]
    assert on.quiet()
    before = on.metric('psplan_deliveries_accepted_total{source="gitlab"}')
    on.world.add_note("erin", iid, body="On it.")
    on.world.update_issue("erin", iid, add_labels=["EM_Status::ToDo"])
    assert until(lambda: on.metric('psplan_deliveries_accepted_total{source="gitlab"}') == before + 2)


def test_methods_and_paths_that_are_not_there_are_problems(on: Stage) -> None:
    assert on.client.get(f"{on.url}/webhooks/gitlab").status_code == 405
    answer: Any = on.client.get(f"{on.url}/nothing/here")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


@pytest.mark.parametrize("levels", [65, 5_000])
def test_json_that_is_nested_too_deep_is_acknowledged_and_not_worked_on(levels: int, on: Stage) -> None:
    assert on.quiet()
    before = on.metric('psplan_deliveries_accepted_total{source="gitlab"}')
    body = b'{"object_kind": "issue", "object_attributes": ' + b"[" * levels + b"]" * levels + b"}"
    assert post(on, body, {**GOOD, "Idempotency-Key": str(uuid.uuid4())}).status_code == 202
    assert on.metric('psplan_deliveries_accepted_total{source="gitlab"}') == before + 1
    assert on.waiting() == 0
    assert on.metric("psplan_deliveries_dead") == 0


def test_the_list_of_deliveries_says_why_deep_json_was_ignored(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        assert post(on, b"[" * 65 + b"]" * 65, GOOD).status_code == 202
        with closing(sqlite3.connect(tmp_path / "psplan.sqlite3")) as database:
            rows = database.execute("select state, reason, body from deliveries").fetchall()
    assert rows == [("ignored", "nested more than 64 levels deep", None)]
