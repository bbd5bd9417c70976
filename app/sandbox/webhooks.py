"""Webhooks of the sandbox: who is told about an event, how it is signed, and how GitLab keeps account of it.

As in GitLab a delivery is tried once and never again by itself; order is not promised; a disabled hook is skipped
without a trace; `X-Gitlab-Webhook-Uuid` is new for every attempt and only `Idempotency-Key` survives a resend.
"""

from __future__ import annotations

import base64
import hmac
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from hashlib import sha256
from typing import Any, Unpack

import orjson

from app.sandbox.clockwork import words
from app.sandbox.dispatch import Outcome, Parcel, Postman
from app.sandbox.hook_shapes import Json, issue_event, note_event
from app.sandbox.records import AccessLevel, Hook, HookLog, User
from app.sandbox.refusals import Refused, bad_request, not_found
from app.sandbox.state import Switches, WorldState

EVENT_NAMES = words("""
    push_events tag_push_events merge_requests_events repository_update_events issues_events
    confidential_issues_events note_events confidential_note_events pipeline_events wiki_page_events
    deployment_events feature_flag_events job_events releases_events milestone_events emoji_events
    resource_access_token_events vulnerability_events
""")
HEADER_OF = {
    "issues_events": "Issue Hook",
    "confidential_issues_events": "Confidential Issue Hook",
    "note_events": "Note Hook",
    "confidential_note_events": "Confidential Note Hook",
    "emoji_events": "Emoji Hook",
}
TRIGGER_OF = {name: header.lower().replace(" hook", "_hooks").replace(" ", "_") for name, header in HEADER_OF.items()}
KEPT_FOR = timedelta(days=7)
FIRST_DISABLING_FAILURE = 4
LAST_FAILURE = 40
LONGEST_PAUSE = timedelta(hours=24)
SCHEMES = ("http://", "https://")

_cause: ContextVar[str | None] = ContextVar("sandbox_event_uuid", default=None)


@contextmanager
def caused_by(event_uuid: str | None) -> Iterator[None]:
    """Mark what happens within as the consequence of a webhook, as `X-Gitlab-Event-UUID` on a request does."""
    token = _cause.set(event_uuid)
    try:
        yield
    finally:
        _cause.reset(token)


class Webhooks(WorldState):
    """The world's hooks, their deliveries and the log of them.

    `is_mute` drops every event without a trace, like an outage of GitLab's background jobs.
    """

    def __init__(self, **switches: Unpack[Switches]) -> None:
        super().__init__(**switches)
        self.postman = Postman()
        self.is_mute = False
        self._chains: dict[str, set[int]] = {}

    # Configuration

    def add_hook(self, who: User | str, url: str, **settings: Any) -> Hook:
        """Make a project hook (Maintainer); settings are the toggles, `token`, `signing_token`, `name` and the like.

        A signing token is taken only while `signing` is on (GitLab 19.0); older versions ignore it without a word.
        """
        with self.lock:
            self.demand(who, AccessLevel.MAINTAINER)
            _check_url(url)
            hook = Hook(self.next_id("hook"), url, self.clock())
            # push_events is the only toggle that is on by itself.
            hook.events = dict.fromkeys(EVENT_NAMES, False) | {"push_events": True}
            self._apply(hook, settings)
            self.hooks[hook.id] = hook
            return hook

    def edit_hook(self, who: User | str, number: int, **settings: Any) -> Hook:
        """Change a hook (Maintainer); a new `url` without a `token` erases the token."""
        with self.lock:
            hook = self.hook(who, number)
            url = settings.pop("url", None)
            if url is not None and url != hook.url:
                _check_url(url)
                hook.url, hook.token = url, None
            self._apply(hook, settings)
            return hook

    def remove_hook(self, who: User | str, number: int) -> None:
        """Delete a hook (Maintainer)."""
        with self.lock:
            del self.hooks[self.hook(who, number).id]

    def hook(self, who: User | str, number: int) -> Hook:
        """A hook by its id (Maintainer); 404 if there is none."""
        self.demand(who, AccessLevel.MAINTAINER)
        if number not in self.hooks:
            raise not_found()
        return self.hooks[number]

    def _apply(self, hook: Hook, settings: Mapping[str, Any]) -> None:
        for name, value in settings.items():
            if name in hook.events:
                hook.events[name] = bool(value)
            elif name in {"name", "description", "token", "custom_webhook_template"}:
                setattr(hook, name, value)
            elif name == "enable_ssl_verification":
                hook.enable_ssl_verification = bool(value)
            elif name == "signing_token" and self.signing:
                if value:
                    signing_key(value)
                hook.signing_token = value or None

    # Health

    def alert_status(self, hook: Hook) -> str:
        """`executable`, `temporarily_disabled` or `disabled`."""
        if not self.auto_disable:
            return "executable"
        if hook.failures >= LAST_FAILURE:
            return "disabled"
        paused = hook.disabled_until is not None and hook.disabled_until > self.clock()
        return "temporarily_disabled" if paused else "executable"

    def _note_health(self, hook: Hook, *, is_success: bool) -> None:
        if is_success:
            hook.failures, hook.disabled_until = 0, None
            return
        hook.failures += 1
        if self.auto_disable and hook.failures >= FIRST_DISABLING_FAILURE:
            pause = timedelta(minutes=2 ** (hook.failures - FIRST_DISABLING_FAILURE))
            hook.disabled_until = self.clock() + min(pause, LONGEST_PAUSE)

    # Delivery

    def fire(self, event: str, make_body: Callable[[], Json]) -> None:
        """Send an event to every hook that wants it and is executable."""
        wanting = [hook for hook in self.hooks.values() if hook.events.get(event) and not self.is_mute]
        if not wanting:
            return
        raw, cause = orjson.dumps(make_body()), _cause.get()
        for hook in wanting:
            if self.alert_status(hook) != "executable" or self._is_recursion(hook, cause):
                continue
            self._send(hook, event, raw, key=self.new_uuid(), cause=cause, delay_s=self._delay_s())

    def _delay_s(self) -> float:
        return self.hook_delay_s * (self.shuffle.uniform(0.2, 5.0) if self.shuffle else 1.0)

    def _is_recursion(self, hook: Hook, cause: str | None) -> bool:
        return cause is not None and hook.id in self._chains.setdefault(cause, set())

    def _send(
        self, hook: Hook, event: str, raw: bytes, *, key: str, cause: str | None, delay_s: float
    ) -> Future[Outcome]:
        event_uuid = cause or self.new_uuid()
        self._chains.setdefault(event_uuid, set()).add(hook.id)

        def make() -> Parcel:
            with self.lock:
                return Parcel(hook.url, self._headers(hook, event, raw, key=key, event_uuid=event_uuid), raw)

        def done(parcel: Parcel, outcome: Outcome) -> None:
            with self.lock:
                self._note_health(hook, is_success=outcome.is_success)
                self._write_log(hook, event, parcel, outcome, key=key)

        return self.postman.send(make, delay_s=delay_s, done=done)

    def _headers(self, hook: Hook, event: str, raw: bytes, *, key: str, event_uuid: str) -> dict[str, str]:
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"GitLab/{self.version}",
            "Idempotency-Key": key,
            "X-Gitlab-Event": HEADER_OF[event],
            "X-Gitlab-Webhook-Uuid": self.new_uuid(),
            "X-Gitlab-Instance": self.base_url,
            "X-Gitlab-Event-Uuid": event_uuid,
            "Accept-Encoding": "gzip;q=1.0,deflate;q=0.6,identity;q=0.3",
            "Accept": "*/*",
            "Connection": "close",
        }
        if hook.token:
            headers["X-Gitlab-Token"] = hook.token
        if hook.signing_token and self.signing:
            stamp = str(int(self.clock().timestamp()))
            headers["webhook-id"] = key
            headers["webhook-timestamp"] = stamp
            headers["webhook-signature"] = signature(hook.signing_token, key=key, stamp=stamp, raw=raw)
        return headers

    def _write_log(self, hook: Hook, event: str, parcel: Parcel, outcome: Outcome, *, key: str) -> None:
        entry = HookLog(
            id=self.next_id("hook_log"),
            hook_id=hook.id,
            trigger=TRIGGER_OF[event],
            url=parcel.url,
            request_headers=parcel.headers | ({"X-Gitlab-Token": "[REDACTED]"} if hook.token else {}),
            request_body=parcel.body,
            idempotency_key=key,
            created_at=self.clock(),
            response_status=outcome.status,
            response_headers=outcome.headers,
            response_body=outcome.body,
            duration_s=outcome.duration_s,
            error=outcome.error,
        )
        self.hook_logs[entry.id] = entry

    def deliveries_idle(self, timeout_s: float = 10.0) -> bool:
        """Wait until no delivery is on its way; False if that took longer than `timeout_s` seconds."""
        return self.postman.wait_idle(timeout_s)

    def close(self) -> None:
        """Drop the deliveries on their way and end the delivery thread."""
        self.postman.close()

    # Log, test, resend

    def hook_log(self, who: User | str, number: int) -> list[HookLog]:
        """The attempts of the last seven days, newest first (Maintainer)."""
        with self.lock:
            hook, oldest = self.hook(who, number), self.clock() - KEPT_FOR
            entries = [entry for entry in self.hook_logs.values() if entry.hook_id == hook.id]
            return [entry for entry in reversed(entries) if entry.created_at >= oldest]

    def test_hook(self, who: User | str, number: int, trigger: str) -> Future[Outcome]:
        """Send the newest real issue as `open`, or the newest note as `create` (Maintainer); 422 if there is none."""
        with self.lock:
            user = self.demand(who, AccessLevel.MAINTAINER)
            hook = self.hook(user, number)
            if trigger not in HEADER_OF:
                raise bad_request(f"trigger {trigger} is not available in the sandbox")
            raw = orjson.dumps(self._sample(user, trigger))
            return self._send(hook, trigger, raw, key=self.new_uuid(), cause=None, delay_s=0.0)

    def _sample(self, user: User, trigger: str) -> Json:
        if "note" in trigger:
            if not self.notes:
                raise Refused(422, {"message": "Ensure the project has notes."})
            return note_event(self, self.notes[max(self.notes)], action="create")
        if not self.issues:
            raise Refused(422, {"message": "Ensure the project has issues."})
        newest = self.issues[max(self.issues)]
        # Nothing marks a test delivery; it looks like a new issue without changes.
        return issue_event(self, newest, user=user, action="open", changes={}, is_test=True)

    def resend(self, who: User | str, number: int, log_id: int) -> Future[Outcome]:
        """Send a logged delivery again with its old `Idempotency-Key` (Maintainer); 422 once the URL has changed."""
        with self.lock:
            hook = self.hook(who, number)
            entry = self.hook_logs.get(log_id)
            if entry is None or entry.hook_id != hook.id:
                raise not_found()
            if entry.url != hook.url:
                reason = "The hook URL has changed. Unable to resend this event."
                raise Refused(422, {"message": reason})
            event = next(name for name, trigger in TRIGGER_OF.items() if trigger == entry.trigger)
            raw = entry.request_body
            return self._send(hook, event, raw, key=entry.idempotency_key, cause=None, delay_s=0.0)


def signing_key(signing_token: str) -> bytes:
    """The bytes behind `whsec_`; 422 when they are not 32 bytes in base64."""
    try:
        key = base64.b64decode(signing_token.removeprefix("whsec_"), validate=True)
    except ValueError:
        key = b""
    if not signing_token.startswith("whsec_") or len(key) != 32:
        raise Refused(422, {"error": "Signing token is invalid"})
    return key


def signature(signing_token: str, *, key: str, stamp: str, raw: bytes) -> str:
    """The Standard Webhooks signature of a delivery: `v1,` and a base64 HMAC over id, time and body."""
    digest = hmac.new(signing_key(signing_token), f"{key}.{stamp}.".encode() + raw, sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"


def _check_url(url: str) -> None:
    if not url.startswith(SCHEMES):
        raise Refused(422, {"error": "Invalid url given"})
