"""The calculator's door: what is taken in, what is refused, and in which words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks.webhooks import Webhook

from tests.harness import KEY, Stage, spoken, stage, submission

BEARER = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}


@pytest.fixture(scope="module")
def on(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("door"), calculator_origins=["https://calculator.example.com"]) as running:
        yield running


def post(on: Stage, body: bytes | dict[str, Any], headers: dict[str, str] | None = None) -> httpx.Response:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return on.client.post(f"{on.url}/webhooks/calculator", content=content, headers=headers or BEARER)


def test_a_bearer_is_as_good_as_a_signature(on: Stage) -> None:
    answer = post(on, submission())
    assert answer.status_code == 202
    assert set(answer.json()) == {"submission_id", "status_url"}
    assert answer.json()["status_url"].startswith("http://")


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        pytest.param({"Content-Type": "application/json"}, submission(), 401, id="nothing that proves who it is"),
        pytest.param({**BEARER, "Authorization": "Bearer whsec_bm9wZQ=="}, submission(), 401, id="a key that is none"),
        pytest.param({**BEARER, "Content-Type": "text/plain"}, submission(), 415, id="text"),
        pytest.param({"Authorization": f"Bearer {KEY}"}, submission(), 415, id="no content type"),
        pytest.param(BEARER, b"{not json", 400, id="broken JSON"),
        pytest.param(BEARER, b"", 400, id="nothing at all"),
        pytest.param(BEARER, b"\xff\xfe{}", 400, id="not UTF-8"),
        pytest.param(BEARER, b"[" * 100_000, 400, id="a hundred thousand brackets"),
        pytest.param(BEARER, b'{"a":' * 2000 + b"1" + b"}" * 2000, 400, id="two thousand levels"),
        pytest.param(BEARER, b'{"customer_name": "' + b"x" * 1024 * 1024 + b'"}', 413, id="more than a mebibyte"),
        pytest.param(BEARER, b"[]", 422, id="a list"),
        pytest.param(BEARER, b"{}", 422, id="an empty form"),
        pytest.param(BEARER, submission(requester_email="nobody"), 422, id="an address that is none"),
    ],
)
def test_bad_input_is_refused_as_a_problem(
    headers: dict[str, str], body: bytes | dict[str, Any], status: int, on: Stage
) -> None:
    assert on.quiet()
    answer = post(on, body, headers)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    held = answer.json()
    assert held["status"] == status
    assert held["title"]
    assert on.metric("psplan_deliveries_waiting") == 0, "what is refused reaches no inbox"


def test_every_fault_is_named_by_its_field(on: Stage) -> None:
    wrong = submission(customer_name="", services=["migration_scm", "teleport"], training=[{"attendees": -1}])
    answer = post(on, wrong)
    named = {each["field"] for each in answer.json()["errors"]}
    assert {"customer_name", "services.1", "training.0.attendees"} <= named


def test_a_refusal_for_authenticity_says_nothing_about_why(on: Stage) -> None:
    unsigned = post(on, submission(), {"Content-Type": "application/json"})
    wrong = post(on, submission(), {**BEARER, "Authorization": "Bearer whsec_bm9wZQ=="})
    assert unsigned.json() == wrong.json()


def test_the_same_message_twice_is_one_delivery_with_one_answer(on: Stage) -> None:
    body = submission()
    first = post(on, body, {**BEARER, "Idempotency-Key": "once"})
    second = post(on, body, {**BEARER, "Idempotency-Key": "once"})
    assert (first.status_code, first.json()) == (second.status_code, second.json())


def test_a_key_used_for_other_content_is_refused_not_swallowed(on: Stage) -> None:
    body = submission()
    assert post(on, body, {**BEARER, "webhook-id": "used"}).status_code == 202
    answer = post(on, {**body, "goals": "other"}, {**BEARER, "webhook-id": "used"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "Idempotency-Key"


def test_without_a_key_content_that_comes_back_after_a_change_is_a_change(on: Stage) -> None:
    body = submission()
    changed = {**body, "goals": "other"}
    for each in (body, body, changed, body):
        status = post(on, each).json()["status_url"]
        while on.client.get(status).json()["state"] not in {"done", "failed"}:
            pass
    notes = spoken(on.world)
    assert len([n for n in notes if body["submission_id"] in n]) == 2, "to the other content, and back"


def test_a_signature_over_another_body_is_refused(on: Stage) -> None:
    body = json.dumps(submission()).encode()
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "m",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(KEY).sign("m", now, body.decode()),
    }
    assert post(on, body, headers).status_code == 202
    assert post(on, body.replace(b"Acme", b"Evil"), headers).status_code == 401


def test_the_status_is_for_the_token_and_the_key_only(on: Stage) -> None:
    receipt = post(on, submission()).json()
    address, _, token = receipt["status_url"].partition("?token=")
    assert on.client.get(receipt["status_url"]).status_code == 200
    assert on.client.get(address, headers=BEARER).status_code == 200
    for refused in (address, f"{address}?token={token[:-1]}", f"{address}?token="):
        assert on.client.get(refused).status_code == 404
    other = post(on, submission()).json()["status_url"].partition("?token=")[0]
    assert on.client.get(f"{other}?token={token}").status_code == 404, "a token opens its own submission only"
    unknown = f"{on.url}/submissions/7f1c0a52-0000-4a3b-8a67-2f0f3f6f8f11"
    assert on.client.get(unknown, headers=BEARER).status_code == 404


def test_a_browser_of_the_calculator_may_submit_and_another_may_not(on: Stage) -> None:
    ask = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    allowed = on.client.options(
        f"{on.url}/webhooks/calculator", headers={**ask, "Origin": "https://calculator.example.com"}
    )
    refused = on.client.options(f"{on.url}/webhooks/calculator", headers={**ask, "Origin": "https://evil.example.com"})
    assert allowed.headers["access-control-allow-origin"] == "https://calculator.example.com"
    assert "access-control-allow-origin" not in refused.headers


def test_the_schema_and_the_documentation_are_published(on: Stage) -> None:
    schema = on.client.get(f"{on.url}/schemas/submission.json").json()
    required = {"submission_id", "customer_name", "requester_gitlab_username", "requester_email"}
    assert set(schema["required"]) == required
    described = on.client.get(f"{on.url}/openapi.json").json()
    assert {"/webhooks/calculator", "/webhooks/gitlab", "/submissions/{submission_id}"} <= set(described["paths"])
    assert on.client.get(f"{on.url}/docs").status_code == 200


def test_without_a_key_the_door_is_closed(tmp_path_factory: pytest.TempPathFactory) -> None:
    with stage(tmp_path_factory.mktemp("closed"), calculator_keys=[]) as closed:
        assert post(closed, submission()).status_code == 404
