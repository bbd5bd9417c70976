"""Who may post: every way in, and every way that looks like one."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import SecretStr
from standardwebhooks.webhooks import Webhook

from app.verify import GitLabSecrets, Keyring

OLD = "whsec_" + base64.b64encode(b"o" * 32).decode()
NEW = "whsec_" + base64.b64encode(b"n" * 32).decode()
STRANGE = "whsec_" + base64.b64encode(b"s" * 32).decode()
BODY = '{"customer_name": "Müller"}'.encode()


def signed(key: str, body: bytes = BODY, *, age: timedelta = timedelta(0), ident: str = "msg_1") -> dict[str, str]:
    then = datetime.now(UTC) - age
    return {
        "webhook-id": ident,
        "webhook-timestamp": str(int(then.timestamp())),
        "webhook-signature": Webhook(key).sign(ident, then, body.decode()),
    }


def ring(*keys: str) -> Keyring:
    return Keyring([SecretStr(key) for key in keys])


@pytest.mark.parametrize(
    ("make_headers", "body", "passes"),
    [
        pytest.param(lambda: signed(OLD), BODY, True, id="signed by the old key"),
        pytest.param(lambda: signed(NEW), BODY, True, id="signed by the new key"),
        pytest.param(lambda: signed(STRANGE), BODY, False, id="signed by a stranger"),
        pytest.param(lambda: signed(NEW), BODY + b" ", False, id="one byte more"),
        pytest.param(lambda: signed(NEW, age=timedelta(minutes=6)), BODY, False, id="six minutes old"),
        pytest.param(lambda: signed(NEW, age=timedelta(minutes=-6)), BODY, False, id="six minutes ahead"),
        pytest.param(lambda: {**signed(NEW), "webhook-id": "msg_2"}, BODY, False, id="another id"),
        pytest.param(lambda: {**signed(NEW), "webhook-timestamp": "soon"}, BODY, False, id="a time that is none"),
        pytest.param(lambda: {**signed(NEW), "webhook-timestamp": "1e400"}, BODY, False, id="a time out of range"),
        pytest.param(
            lambda: {**signed(NEW), "webhook-timestamp": "nan"}, BODY, False, id="a time that is not a number"
        ),
        pytest.param(lambda: {**signed(NEW), "webhook-signature": "v1"}, BODY, False, id="a signature without a comma"),
        pytest.param(
            lambda: {**signed(NEW), "webhook-signature": "v1,!!!"}, BODY, False, id="a signature that is no base64"
        ),
        pytest.param(
            lambda: {**signed(NEW), "webhook-signature": "v1,a,b"}, BODY, False, id="a signature with two commas"
        ),
        pytest.param(lambda: {**signed(NEW), "webhook-signature": ""}, BODY, False, id="an empty signature"),
        pytest.param(dict, BODY, False, id="nothing"),
        pytest.param(lambda: signed(NEW), b"\xff\xfe", False, id="a body that is no text"),
    ],
)
def test_a_signature_passes_only_if_it_is_fresh_and_by_a_live_key(
    make_headers: Callable[[], dict[str, str]], body: bytes, passes: bool
) -> None:
    assert ring(OLD, NEW).signed(make_headers(), body) is passes


def test_of_a_list_of_signatures_one_good_one_is_enough() -> None:
    good = signed(NEW)
    listed = signed(STRANGE)["webhook-signature"] + " " + good["webhook-signature"]
    assert ring(NEW).signed({**good, "webhook-signature": listed}, BODY)


def test_rotation_refuses_nothing_at_any_step() -> None:
    for live, sender in [((OLD,), OLD), ((OLD, NEW), OLD), ((OLD, NEW), NEW), ((NEW,), NEW)]:
        assert ring(*live).signed(signed(sender), BODY)


@pytest.mark.parametrize(
    ("header", "passes"),
    [
        (f"Bearer {NEW}", True),
        (f"bearer {NEW}", True),
        (f"Bearer {NEW.removeprefix('whsec_')}", False),
        (f"Bearer {STRANGE}", False),
        (f"Basic {NEW}", False),
        (NEW, False),
        ("Bearer ", False),
        ("Bearer \udce4", False),
        ("", False),
    ],
)
def test_a_bearer_is_the_whole_key(header: str, passes: bool) -> None:
    assert ring(OLD, NEW).bears({"authorization": header}) is passes


TOKENS = [SecretStr("token-a"), SecretStr("token-b")]


@pytest.mark.parametrize(
    ("make_headers", "passes"),
    [
        pytest.param(lambda: {"x-gitlab-token": "token-a"}, True, id="the first token"),
        pytest.param(lambda: {"x-gitlab-token": "token-b"}, True, id="the second token"),
        pytest.param(lambda: {"x-gitlab-token": "token-c"}, False, id="a wrong token"),
        pytest.param(lambda: {"x-gitlab-token": ""}, False, id="an empty token"),
        pytest.param(dict, False, id="no token"),
        pytest.param(lambda: signed(NEW), True, id="a signature alone"),
        pytest.param(
            lambda: {**signed(STRANGE), "x-gitlab-token": "token-a"},
            False,
            id="a bad signature is not saved by a token",
        ),
    ],
)
def test_gitlab_is_known_by_token_or_signature(make_headers: Callable[[], dict[str, str]], passes: bool) -> None:
    assert GitLabSecrets(TOKENS, [SecretStr(NEW)]).vouch(make_headers(), BODY) is passes


def test_without_signing_keys_a_signature_is_not_looked_at() -> None:
    secrets = GitLabSecrets(TOKENS, [])
    assert secrets.vouch({**signed(STRANGE), "x-gitlab-token": "token-a"}, BODY)
    assert not secrets.vouch(signed(NEW), BODY)
