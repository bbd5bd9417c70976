"""Every secret that others hold is rotated without a refusal: the new one beside the old, the sender, the old one away.

Settings are read at the start, so each step is a restart on the same database.
"""

from __future__ import annotations

import base64
import json
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from standardwebhooks.webhooks import Webhook

from app.sandbox.world import World
from tests.harness import KEY, Stage, stage, submission

OLD, NEW = (f"whsec_{base64.b64encode(word * 4).decode()}" for word in (b"old-key-", b"new-key-"))
Send = Callable[[Stage, str], int]


def signed(body: str, key: str) -> dict[str, str]:
    ident, now = str(uuid.uuid4()), datetime.now(UTC)
    return {
        "Content-Type": "application/json",
        "webhook-id": ident,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign(ident, now, body),
    }


def with_token(on: Stage, secret: str) -> int:
    headers = {"Content-Type": "application/json", "X-Gitlab-Token": secret, "Idempotency-Key": str(uuid.uuid4())}
    return on.client.post(f"{on.url}/webhooks/gitlab", content=b'{"object_kind": "comet"}', headers=headers).status_code


def with_signature(on: Stage, secret: str) -> int:
    body = '{"object_kind": "comet"}'
    return on.client.post(f"{on.url}/webhooks/gitlab", content=body, headers=signed(body, secret)).status_code


def as_calculator(on: Stage, secret: str) -> int:
    body = json.dumps(submission())
    return on.client.post(f"{on.url}/webhooks/calculator", content=body, headers=signed(body, secret)).status_code


def as_bearer(on: Stage, secret: str) -> int:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {secret}"}
    return on.client.post(f"{on.url}/webhooks/calculator", json=submission(), headers=headers).status_code


DRILLS: dict[str, tuple[str, Send]] = {
    "the webhook's token": ("webhook_tokens", with_token),
    "the webhook's signing key": ("webhook_signing_keys", with_signature),
    "the calculator's key, signing": ("calculator_keys", as_calculator),
    "the calculator's key, as bearer": ("calculator_keys", as_bearer),
}


@pytest.mark.parametrize("drill", DRILLS)
def test_nothing_is_refused_on_the_way_and_the_old_one_afterwards(drill: str, tmp_path: Path) -> None:
    setting, send = DRILLS[drill]
    steps: list[tuple[list[str], dict[str, int]]] = [
        ([OLD], {OLD: 202, NEW: 401}),
        ([OLD, NEW], {OLD: 202, NEW: 202}),
        ([NEW, OLD], {OLD: 202, NEW: 202}),
        ([NEW], {OLD: 401, NEW: 202}),
    ]
    world = World(hook_delay_s=0.0)
    for live, answers in steps:
        with stage(tmp_path, world, **{setting: live}) as on:
            assert {secret: send(on, secret) for secret in (OLD, NEW) for _ in range(3)} == answers


def test_what_was_signed_with_the_old_record_key_holds_until_that_key_is_gone(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path, world, record_keys=[OLD]) as on:
        before = on.send(submission())
        assert on.follow(before)["state"] == "done"
    path = before.status_url.partition("/submissions")[2]
    for live, expected in (([OLD, NEW], 200), ([NEW, OLD], 200), ([NEW], 404)):
        with stage(tmp_path, world, record_keys=live) as on:
            assert on.client.get(f"{on.url}/submissions{path}").status_code == expected
            after = on.send(submission())
            assert on.client.get(after.status_url).status_code == 200, "what is signed now is good now"
            assert on.follow(after)["state"] == "done"


def test_a_signature_that_is_there_must_be_right_even_beside_a_right_token(tmp_path: Path) -> None:
    with stage(tmp_path, webhook_tokens=["old-token"], webhook_signing_keys=[NEW]) as on:
        body = '{"object_kind": "comet"}'
        for key, expected in ((NEW, 202), (OLD, 401)):
            headers = {**signed(body, key), "X-Gitlab-Token": "old-token"}
            assert on.client.post(f"{on.url}/webhooks/gitlab", content=body, headers=headers).status_code == expected
        assert with_token(on, "old-token") == 202, "from the token to the first signing key: GitLab may send either"
        assert as_calculator(on, KEY) == 202
