"""The stand-in Slack answers as Slack's documentation says, and the adapter understands it, method by method."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from app.adapters.slack import SlackBot, SlackRestraint, SlackWebhook
from app.background import BackgroundServer
from app.errors import Absent, Held, Permanent, Retry, VendorDown
from app.metrics import Metrics
from app.ports import Posted
from app.sandbox.slack import SIGNING_SECRET, TOKEN, SlackWorld
from app.sandbox.slack_routes import create_slack_app
from app.verify import SlackSecrets
from tests.slack_stage import MAIN, workspace

TEXT = {"text": "hello", "metadata": {"event_type": "psplan_post", "event_payload": {"key": "e/root"}}}
LONG = {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x" * 3001}}]}
MANY = {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "x"}}] * 51}


@dataclass
class Bench:
    """The stand-in, a plain client of it, and our adapter."""

    world: SlackWorld
    url: str
    bot: SlackBot
    seconds: list[float]
    restraint: SlackRestraint
    metrics: Metrics

    def ask(self, method: str, token: str = TOKEN, **words: Any) -> httpx.Response:
        """As anybody would."""
        return httpx.post(f"{self.url}/api/{method}", json=words, headers={"Authorization": f"Bearer {token}"})


@pytest.fixture
def bench() -> Iterator[Bench]:
    world, seconds = workspace(), [0.0]
    with BackgroundServer(create_slack_app(world)) as server:
        restraint = SlackRestraint(lambda: seconds[0], metrics := Metrics())
        bot = SlackBot(url=f"{server.url}/api", token=lambda: TOKEN, restraint=restraint)
        yield Bench(world, server.url, bot, seconds, restraint, metrics)


@pytest.mark.parametrize(
    ("method", "token", "words", "error"),
    [
        ("chat.postMessage", "xoxb-other", {"channel": MAIN, "text": "x"}, "invalid_auth"),
        ("chat.postMessage", TOKEN, {"channel": "nowhere", "text": "x"}, "channel_not_found"),
        ("chat.postMessage", TOKEN, {"channel": MAIN}, "no_text"),
        ("chat.postMessage", TOKEN, {"channel": MAIN, "text": "x" * 40_001}, "msg_too_long"),
        ("chat.postMessage", TOKEN, {"channel": MAIN, **LONG}, "invalid_blocks"),
        ("chat.postMessage", TOKEN, {"channel": MAIN, **MANY}, "invalid_blocks"),
        ("chat.update", TOKEN, {"channel": MAIN, "ts": "1.1", "text": "x"}, "channel_not_found"),
        ("chat.update", TOKEN, {"channel": "C0001AAA", "ts": "1.1", "text": "x"}, "message_not_found"),
        ("users.lookupByEmail", TOKEN, {"email": "nobody@example.com"}, "users_not_found"),
        ("users.info", TOKEN, {"user": "U0999ZZZ"}, "user_not_found"),
        ("chat.shout", TOKEN, {}, "unknown_method"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_it_refuses_is_a_200_that_says_so(
    method: str, token: str, words: dict[str, Any], error: str, bench: Bench
) -> None:
    answer = bench.ask(method, token, **words)
    assert answer.status_code == 200
    assert answer.json() == {"ok": False, "error": error}


def test_a_message_has_a_channel_by_its_id_and_a_number(bench: Bench) -> None:
    told = bench.ask("chat.postMessage", channel=MAIN, **TEXT).json()
    assert told["ok"] is True
    assert told["channel"] == bench.world.channels[MAIN]
    seconds, _, rest = told["ts"].partition(".")
    assert seconds.isdigit()
    assert len(rest) == 6
    assert "metadata" not in told["message"]


def test_the_scopes_of_the_token_stand_in_a_header(bench: Bench) -> None:
    assert bench.ask("auth.test").headers["x-oauth-scopes"] == bench.world.scopes


def test_the_adapter_says_finds_changes_and_answers(bench: Bench) -> None:
    root = bench.bot.post(MAIN, TEXT, thread=None)
    assert root == Posted(bench.world.channels[MAIN], bench.world.posts[0].ts)
    assert root.place is not None
    assert root.ts is not None
    below = bench.bot.post(MAIN, {**TEXT, "metadata": _marked("e/below")}, thread=root.ts)
    assert bench.world.posts[1].thread_ts == root.ts
    assert bench.bot.seek(MAIN, "e/root", thread=None, since=0).found == root
    assert bench.bot.seek(MAIN, "e/below", thread=root.ts, since=0).found == below
    assert bench.bot.seek(MAIN, "e/below", thread=None, since=0).found is None, "it stands in a thread"
    bench.bot.update(root.place, root.ts, {"text": "good bye"})
    assert bench.world.posts[0].text == "good bye"
    bench.bot.whisper(root.place, next(iter(bench.world.people)), "only you", thread=None)
    assert [each["text"] for each in bench.world.whispers] == ["only you"]


def _marked(key: str) -> dict[str, Any]:
    return {"event_type": "psplan_post", "event_payload": {"key": key}}


def test_a_message_of_somebody_else_with_our_mark_is_not_ours(bench: Bench) -> None:
    bench.bot.post(MAIN, TEXT, thread=None)
    bench.world.posts[0].body["bot_id"] = "B0666EVIL"
    assert bench.bot.seek(MAIN, "e/root", thread=None, since=0).found is None


def test_without_the_scope_to_read_nothing_is_sure(bench: Bench) -> None:
    bench.world.scopes = "chat:write"
    assert bench.bot.seek(MAIN, "e/root", thread=None, since=0).is_sure is False


def test_people_are_found_by_e_mail_and_by_number(bench: Bench) -> None:
    erin = next(each for each in bench.world.people.values() if each.name == "erin")
    assert bench.bot.user_of(erin.email.upper()) == erin.id
    assert bench.bot.user_of("nobody@example.com") is None
    assert bench.bot.email_of(erin.id) == erin.email
    assert bench.bot.email_of("U0999ZZZ") is None


def test_channels_say_whether_the_bot_is_in_them(bench: Bench) -> None:
    bench.world.outside.add(MAIN)
    found = bench.bot.channels()
    assert set(found) == set(bench.world.channels)
    assert found[MAIN].is_member is False


@pytest.mark.parametrize(
    ("trouble", "raised", "counted_as"),
    [
        ({"status": 500}, VendorDown, "500"),
        ({"error": "internal_error"}, VendorDown, "internal_error"),
        ({"error": "ratelimited", "status": 429, "retry_after": 7}, Retry, "429"),
        ({"error": "ratelimited"}, Retry, "429"),
        ({"error": "token_revoked"}, Retry, "token_revoked"),
        ({"error": "not_in_channel"}, Retry, "not_in_channel"),
        ({"error": "channel_not_found"}, Permanent, "channel_not_found"),
        ({"error": "restricted_action"}, Permanent, "restricted_action"),
        ({"error": "Of <another> kind"}, Permanent, "refused"),
    ],
    ids=lambda value: str(value) if isinstance(value, dict) else "",
)
def test_a_refusal_is_sorted_by_whether_it_may_pass_and_counted_by_slacks_word(
    trouble: dict[str, Any], raised: type[Exception], counted_as: str, bench: Bench
) -> None:
    bench.world.trouble("chat.postMessage", **trouble)
    with pytest.raises(raised):
        bench.bot.post(MAIN, TEXT, thread=None)
    assert calls_of(bench, "chat.postMessage") == {counted_as: 1}


def test_what_was_not_sent_is_no_call_and_whom_slack_does_not_know_is_no_failure(bench: Bench) -> None:
    bench.restraint.gates.close("chat.postMessage", 60)
    with pytest.raises(Held):
        bench.bot.post(MAIN, TEXT, thread=None)
    assert calls_of(bench, "chat.postMessage") == {}
    assert bench.bot.user_of("nobody@example.com") is None
    assert calls_of(bench, "GET users.lookupByEmail") == {"404": 1}, "as GitLab's: it was looked for"


def test_a_token_that_is_not_taken_is_said_until_one_is(bench: Bench) -> None:
    assert bench.restraint.vendor.trouble() is None
    bench.world.trouble("chat.postMessage", error="token_revoked")
    with pytest.raises(Retry):
        bench.bot.post(MAIN, TEXT, thread=None)
    assert "does not take the token" in (bench.restraint.vendor.trouble() or "")
    bench.bot.post(MAIN, TEXT, thread=None)
    assert bench.restraint.vendor.trouble() is None


def calls_of(bench: Bench, verb: str) -> dict[str, float]:
    """Of one method, by what came of them."""
    counted = (sample for family in bench.metrics.calls.collect() for sample in family.samples)
    return {
        each.labels["outcome"]: each.value
        for each in counted
        if each.name.endswith("_total") and (each.labels["vendor"], each.labels["verb"]) == ("slack", verb)
    }


def test_a_wait_that_slack_asks_for_is_kept_for_that_method_and_no_longer(bench: Bench) -> None:
    bench.world.trouble("chat.postMessage", error="ratelimited", status=429, retry_after=7)
    with pytest.raises(Retry) as caught:
        bench.bot.post(MAIN, TEXT, thread=None)
    assert caught.value.after_s == 7
    with pytest.raises(Held):
        bench.bot.post(MAIN, TEXT, thread=None)
    assert bench.world.count("chat.postMessage") == 1, "it was not asked again"
    assert bench.bot.channels(), "another method may be asked"
    bench.seconds[0] += 8
    assert bench.bot.post(MAIN, TEXT, thread=None).ts is not None


def test_a_message_that_was_deleted_is_gone(bench: Bench) -> None:
    with pytest.raises(Absent):
        bench.bot.update(bench.world.channels[MAIN], "1.1", {"text": "x"})


def test_an_incoming_webhook_answers_in_a_word(bench: Bench) -> None:
    url = f"{bench.url}/services/T/B/x"
    assert httpx.post(url, json={"text": "x"}).text == "ok"
    refused = httpx.post(url, json={})
    assert (refused.status_code, refused.text) == (400, "no_text")
    hook = SlackWebhook(url=lambda: url, restraint=SlackRestraint(lambda: 0.0, Metrics()))
    hook.post("", {"text": "y"}, thread=None)
    assert [each["text"] for each in bench.world.webhook_posts] == ["x", "y"]
    with pytest.raises(Permanent):
        hook.post("", {}, thread=None)


Spoil = Callable[[dict[str, str], bytes], tuple[dict[str, str], bytes]]


@pytest.mark.parametrize(
    ("spoil", "at", "is_ours"),
    [
        pytest.param(lambda headers, body: (headers, body), 1_000_000, True, id="as Slack signs it"),
        pytest.param(lambda headers, body: (headers, body), 1_000_299, True, id="nearly five minutes old"),
        pytest.param(lambda headers, body: (headers, body), 1_000_301, False, id="more than five minutes old"),
        pytest.param(lambda headers, body: (headers, body), 999_699, False, id="from the future"),
        pytest.param(lambda headers, body: (headers, body + b" "), 1_000_000, False, id="another body"),
        pytest.param(
            lambda headers, body: ({**headers, "X-Slack-Request-Timestamp": "1000001"}, body),
            1_000_000,
            False,
            id="another moment",
        ),
        pytest.param(
            lambda headers, body: ({**headers, "X-Slack-Signature": "v1=00"}, body), 1_000_000, False, id="another form"
        ),
        pytest.param(
            lambda headers, body: ({k: v for k, v in headers.items() if "Signature" not in k}, body),
            1_000_000,
            False,
            id="unsigned",
        ),
    ],
)
def test_its_signature_is_what_we_verify(spoil: Spoil, at: int, *, is_ours: bool, bench: Bench) -> None:
    headers, body = spoil(bench.world.signed(b"payload=x", at=1_000_000), b"payload=x")
    lower = {name.lower(): value for name, value in headers.items()}
    secrets = SlackSecrets([SecretStr("an older one"), SecretStr(SIGNING_SECRET)])
    assert secrets.vouch(lower, body, now=at) is is_ours


def test_the_example_of_slacks_documentation_verifies() -> None:
    body = (
        b"token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name="
        b"foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2F"
        b"hooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015."
        b"47445629121.803a0bc887a14d10d2c447fce8b6703c"
    )
    headers = {
        "x-slack-request-timestamp": "1531420618",
        "x-slack-signature": "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503",
    }
    secrets = SlackSecrets([SecretStr("8f742231b10e8888abcd99yyyzzz85a5")])
    assert secrets.vouch(headers, body, now=1_531_420_620)
