"""Slack's web API and incoming webhooks over httpx: one request per operation, no retry of its own, no redirects.

Slack answers 200 to nearly everything: what went wrong stands in `error`. Its limits are kept here (about a message a
second in each channel) and its Retry-After is obeyed by whoever would meet the same one. So few calls run at once that
a slow Slack keeps no worker from GitLab.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Any, Final

import httpx
import orjson

from app.adapters.limits import Gates
from app.adapters.slack_pace import Pace
from app.adapters.vendor import Vendor
from app.adapters.watch import OK
from app.clock import Timer
from app.errors import Absent, Held, Permanent, Retry, VendorDown
from app.metrics import Metrics
from app.ports import ChatChannel, Posted, SoughtPost
from app.slack_blocks import EVENT_TYPE
from app.tracing import span

TIMEOUT_S: Final = 10.0
MOST_BYTES: Final = 8 * 1024 * 1024
MOST_AT_ONCE: Final = 2
BUSY_WAIT_S: Final = 0.5
RETRY_AFTER_S: Final = 30.0
MOST_PAGES: Final = 10
PER_PAGE: Final = 200

_WRITING: Final = ("chat.", "webhook")
"""What the methods that say something begin with; the others only read."""
_UNWELL: Final = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})
"""Slack's own trouble; what was asked for may have been done."""
_TOKEN: Final = frozenset({"invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive"})
"""The token may be in rotation: whatever was asked for is tried again until the schedule gives up."""
_LATER: Final = frozenset({"missing_scope", "not_in_channel", "accesslimited", "access_denied"})
"""Of a message: an operator can mend it by a scope or an invitation."""
_GONE: Final = frozenset({"message_not_found", "cant_update_message", "edit_window_closed"})
_MAY_NOT_READ: Final = _LATER | {"channel_not_found", "is_archived", "thread_not_found", "method_not_supported"}
_NOBODY: Final = frozenset({"users_not_found", "user_not_found", "user_not_visible"})
_SOUGHT: Final = _GONE | _NOBODY
"""Answers that were looked for, as GitLab's 404 is."""
_WORD: Final = re.compile(r"[a-z_]{1,40}")
"""What may become a label of a metric: a word of Slack's, not whatever somebody in its place sends."""


class _Refused(Permanent):
    """`ok: false`, with Slack's word for it."""

    def __init__(self, method: str, word: str) -> None:
        super().__init__(f"Slack answered {word!r} to {method}")
        self.word = word


class SlackCall:
    """One request on its way. `outcome`: what is told of it when it has ended."""

    def __init__(self, verb: str, gates: Gates) -> None:
        self.verb = verb
        self.outcome = "network"
        self._gates = gates

    def asked_to_wait(self, answer: httpx.Response) -> Retry:
        """Slack's Retry-After, which everybody obeys who would meet the same."""
        self.outcome = "429"
        told = answer.headers.get("retry-after", "")
        wait_s = float(told) if told.isascii() and told.isdigit() else RETRY_AFTER_S
        self._gates.close(self.verb, wait_s)
        return Retry(f"Slack asked to wait with {self.verb}", after_s=wait_s)


class SlackRestraint:
    """What all calls of Slack share: the breaker, the waits that it asked for, and how many run at once."""

    def __init__(self, timer: Timer, metrics: Metrics) -> None:
        self.gates = Gates(timer, vendor="Slack")
        self.pace = Pace(timer)
        self.room = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.vendor = Vendor("Slack", "slack", timer, metrics, credential="the token")

    @contextmanager
    def call(self, verb: str) -> Iterator[SlackCall]:
        """Around one request. Raises Held where it has to wait, which costs no attempt and is no call."""
        if not self.room.acquire(blocking=False):
            raise Held("other messages to Slack are on their way", after_s=BUSY_WAIT_S)
        try:
            with span(f"slack {verb}"), self.vendor.breaker.call():
                self.gates.check(verb)
                call, began_at = SlackCall(verb, self.gates), monotonic()
                try:
                    yield call
                finally:
                    told = verb if verb.startswith(_WRITING) else f"GET {verb}"
                    self.vendor.watch.ended(told, call.outcome, {}, began_at=began_at)
                    if call.outcome not in {"network", "unreadable"}:
                        self.vendor.answered(is_refused=call.outcome in _TOKEN)
        finally:
            self.room.release()


class SlackBot:
    """A bot with a token. Implements ports.Chat."""

    def __init__(
        self, *, url: str, token: Callable[[], str], restraint: SlackRestraint, timeout_s: float = TIMEOUT_S
    ) -> None:
        """`url`: of the API, without the method; no request goes anywhere else."""
        self._url = url.rstrip("/")
        self._token = token
        self._restraint = restraint
        self._client = _client(timeout_s)
        self._lock = threading.Lock()
        self._places: dict[str, str] = {}
        self._own_bot: str | None = None

    def post(self, channel: str, content: Mapping[str, Any], *, thread: str | None) -> Posted:
        """chat.postMessage."""
        self._restraint.pace.take(channel)
        where = {"channel": channel, **({} if thread is None else {"thread_ts": thread})}
        answer, _ = self._call("chat.postMessage", json={**content, **where}, writes=True)
        posted = Posted(_text(answer, "channel"), _text(answer, "ts"))
        if posted.place is not None:
            with self._lock:
                self._places[channel] = posted.place
        return posted

    def update(self, place: str, ts: str, content: Mapping[str, Any]) -> None:
        """chat.update."""
        self._restraint.pace.take(place)
        said = {name: value for name, value in content.items() if not name.startswith("unfurl")}
        try:
            self._call("chat.update", json={**said, "channel": place, "ts": ts})
        except _Refused as fault:
            if fault.word in _GONE:
                raise Absent(fault.reason) from fault
            raise

    def whisper(self, place: str, user: str, text: str, *, thread: str | None) -> None:
        """chat.postEphemeral."""
        where = {"channel": place, "user": user, **({} if thread is None else {"thread_ts": thread})}
        self._call("chat.postEphemeral", json={"text": text, **where})

    def seek(self, channel: str, mark: str, *, thread: str | None, since: float) -> SoughtPost:
        """conversations.replies of a thread, or conversations.history, by the metadata that our messages carry."""
        try:
            place = self._place(channel)
            if place is None:
                return SoughtPost(None, is_sure=False)
            own_bot = self._own()
            method = "conversations.history" if thread is None else "conversations.replies"
            words = {"channel": place, "oldest": f"{since:.6f}", "include_all_metadata": "true"}
            words |= {} if thread is None else {"ts": thread}
            for message in self._rows(method, "messages", words):
                if _has_mark(message, mark) and own_bot in {None, message.get("bot_id")}:
                    return SoughtPost(Posted(place, str(message["ts"])), is_sure=True)
        except _Refused as fault:
            if fault.word in _MAY_NOT_READ:
                return SoughtPost(None, is_sure=False)
            raise
        return SoughtPost(None, is_sure=True)

    def user_of(self, email: str) -> str | None:
        """users.lookupByEmail."""
        try:
            answer, _ = self._call("users.lookupByEmail", data={"email": email})
        except _Refused as fault:
            if fault.word in _NOBODY:
                return None
            raise
        user = answer.get("user")
        return None if not isinstance(user, dict) or user.get("deleted") else _text(user, "id")

    def email_of(self, user: str) -> str | None:
        """users.info."""
        try:
            answer, _ = self._call("users.info", data={"user": user})
        except _Refused as fault:
            if fault.word in _NOBODY | _LATER:
                return None
            raise
        found = answer.get("user")
        if not isinstance(found, dict):
            return None
        foreign = ("deleted", "is_bot", "is_restricted", "is_ultra_restricted", "is_stranger")
        profile = found.get("profile")
        is_ours = isinstance(profile, dict) and not any(found.get(each) for each in foreign)
        return _text(profile, "email") if is_ours and isinstance(profile, dict) else None

    def whoami(self) -> tuple[Mapping[str, Any], frozenset[str]]:
        """auth.test, and the scopes of the token."""
        answer, headers = self._call("auth.test", data={})
        return answer, frozenset(each.strip() for each in headers.get("x-oauth-scopes", "").split(",") if each.strip())

    def channels(self) -> Mapping[str, ChatChannel]:
        """conversations.list: the channels that the bot sees, by name; ten pages at most."""
        words = {"types": "public_channel,private_channel", "exclude_archived": "true"}
        return {
            str(row["name"]): ChatChannel(str(row["id"]), bool(row.get("is_member")), bool(row.get("is_private")))
            for row in self._rows("conversations.list", "channels", words)
        }

    def _own(self) -> str | None:
        if self._own_bot is None:
            self._own_bot = _text(self.whoami()[0], "bot_id")
        return self._own_bot

    def _place(self, channel: str) -> str | None:
        if channel[:1].isupper():
            return channel
        with self._lock:
            known = self._places.get(channel)
        if known is None:
            found = self.channels().get(channel)
            known = None if found is None else found.id
            if known is not None:
                with self._lock:
                    self._places[channel] = known
        return known

    def _rows(self, method: str, name: str, words: Mapping[str, str]) -> Iterator[dict[str, Any]]:
        cursor = ""
        for _ in range(MOST_PAGES):
            more = {"cursor": cursor} if cursor else {}
            answer, _ = self._call(method, data={**words, "limit": str(PER_PAGE), **more})
            yield from (row for row in answer.get(name) or () if isinstance(row, dict))
            cursor = (answer.get("response_metadata") or {}).get("next_cursor") or ""
            if not cursor:
                return

    def _call(
        self, method: str, *, json: Any = None, data: Mapping[str, str] | None = None, writes: bool = False
    ) -> tuple[dict[str, Any], Mapping[str, str]]:
        headers = {"Authorization": f"Bearer {self._token()}"}
        content = None
        if json is not None:
            content = orjson.dumps(json)
            headers["Content-Type"] = "application/json; charset=utf-8"
        with self._restraint.call(method) as call:
            url = f"{self._url}/{method}"
            answer = _send(self._client, url, call, writes, headers, content=content, data=data)
            return _sorted(call, answer, writes=writes), answer.headers


class SlackWebhook:
    """An incoming webhook: one channel, which its address stands for. Implements ports.Chat as far as it can."""

    def __init__(self, *, url: Callable[[], str], restraint: SlackRestraint) -> None:
        self._url = url
        self._restraint = restraint
        self._client = _client()

    def post(self, channel: str, content: Mapping[str, Any], *, thread: str | None) -> Posted:  # noqa: ARG002
        """Say it in the channel of the webhook."""
        self._restraint.pace.take("webhook")
        with self._restraint.call("webhook") as call:
            headers = {"Content-Type": "application/json; charset=utf-8"}
            body = orjson.dumps(content)
            answer = _send(self._client, self._url(), call, True, headers, content=body)
            if answer.status_code != 200 or answer.text.strip() != "ok":
                raise Permanent(f"Slack's webhook answered {answer.status_code} {answer.text[:60]!r}")
            call.outcome = OK
        return Posted(None, None)

    def update(self, place: str, ts: str, content: Mapping[str, Any]) -> None:  # noqa: ARG002
        """Nobody can."""
        raise Permanent("an incoming webhook changes no message")

    def whisper(self, place: str, user: str, text: str, *, thread: str | None) -> None:  # noqa: ARG002
        """Nobody can."""
        raise Permanent("an incoming webhook tells nobody alone")

    def seek(self, channel: str, mark: str, *, thread: str | None, since: float) -> SoughtPost:  # noqa: ARG002
        """Nobody can."""
        return SoughtPost(None, is_sure=False)

    def user_of(self, email: str) -> str | None:  # noqa: ARG002
        """Nobody is known but by the map."""
        return None

    def email_of(self, user: str) -> str | None:  # noqa: ARG002
        """Nobody is known but by the map."""
        return None


def _client(timeout_s: float = TIMEOUT_S) -> httpx.Client:
    return httpx.Client(timeout=timeout_s, follow_redirects=False)


def _send(
    client: httpx.Client,
    url: str,
    call: SlackCall,
    writes: bool,
    headers: Mapping[str, str],
    **body: Any,
) -> httpx.Response:
    """The answer, whatever it says, unless it is one that says to come again. No address in what is raised."""
    try:
        with client.stream("POST", url, headers=dict(headers), **body) as answer:
            read = bytearray()
            for chunk in answer.iter_bytes():
                read += chunk
                if len(read) > MOST_BYTES:
                    raise Permanent(f"Slack's answer to {call.verb} is too large")
            whole = httpx.Response(answer.status_code, headers=_plain_headers(answer), content=bytes(read))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
        raise VendorDown(f"Slack cannot be reached ({type(fault).__name__})") from fault
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        raise VendorDown(f"Slack did not answer ({type(fault).__name__})", in_doubt=writes) from fault
    call.outcome = str(whole.status_code)
    if whole.status_code == 429:
        raise call.asked_to_wait(whole)
    if whole.status_code >= 500:
        raise VendorDown(f"Slack answered {whole.status_code} to {call.verb}", in_doubt=writes)
    return whole


def _plain_headers(answer: httpx.Response) -> dict[str, str]:
    """Without what told how the body was packed: it is unpacked."""
    return {k: v for k, v in answer.headers.items() if k not in {"content-encoding", "content-length"}}


def _sorted(call: SlackCall, answer: httpx.Response, *, writes: bool) -> dict[str, Any]:
    """What Slack says, if it says yes."""
    method = call.verb
    try:
        told = orjson.loads(answer.content)
    except orjson.JSONDecodeError:
        told = None
    if not isinstance(told, dict) or "ok" not in told:
        call.outcome = "unreadable"
        raise VendorDown(f"what answered {answer.status_code} to {method} is not Slack", in_doubt=writes)
    if told["ok"] is True:
        call.outcome = OK
        return told
    word = str(told.get("error", "nothing"))[:80]
    if word in {"ratelimited", "rate_limited", "message_limit_exceeded"}:
        raise call.asked_to_wait(answer)
    call.outcome = "404" if word in _SOUGHT else word if _WORD.fullmatch(word) else "refused"
    if word in _UNWELL:
        raise VendorDown(f"Slack answered {word!r} to {method}", in_doubt=writes)
    if word in _TOKEN or (word in _LATER and method.startswith("chat.")):
        raise Retry(f"Slack answered {word!r} to {method}")
    raise _Refused(method, word)


def _has_mark(message: Mapping[str, Any], mark: str) -> bool:
    held = message.get("metadata")
    if not isinstance(held, dict) or held.get("event_type") != EVENT_TYPE:
        return False
    payload = held.get("event_payload")
    return isinstance(payload, dict) and payload.get("key") == mark


def _text(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) and value else None
