"""A stand-in for Slack: channels, threads, people, the web API's answers, an incoming webhook, and pressed buttons.

It answers as Slack documents it: 200 with `ok: false` for what is refused, 429 with `Retry-After` beyond the limits.
What it cannot do it refuses, instead of saying yes to everything.
"""

from __future__ import annotations

import hashlib
import hmac
import itertools
import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import httpx

SECTION_CHARS: Final = 3000
MOST_BLOCKS: Final = 50
TOKEN: Final = "xoxb-of-the-sandbox"
SIGNING_SECRET: Final = "signing-secret-of-the-sandbox"
SCOPES: Final = (
    "chat:write,chat:write.public,channels:history,groups:history,channels:read,groups:read,users:read,users:read.email"
)


@dataclass(slots=True)
class SlackPerson:
    """A user of the workspace."""

    id: str
    name: str
    email: str
    deleted: bool = False
    is_stranger: bool = False


@dataclass(slots=True)
class SlackPost:
    """A message; `edits` counts how often it was changed."""

    channel: str
    ts: str
    body: dict[str, Any]
    thread_ts: str | None = None
    edits: int = 0

    @property
    def text(self) -> str:
        """All that a person would read."""
        lines = [block["text"]["text"] for block in self.body.get("blocks") or () if block["type"] == "section"]
        return "\n".join(lines) or str(self.body.get("text", ""))

    @property
    def buttons(self) -> dict[str, dict[str, Any]]:
        """Action id → button."""
        rows = (block["elements"] for block in self.body.get("blocks") or () if block["type"] == "actions")
        return {each["action_id"]: each for row in rows for each in row}


@dataclass(slots=True)
class SlackTrouble:
    """What goes wrong at the next call of a method (`*`: of any): a refusal, a status, or an answer that gets lost.

    `after`: it is done all the same.
    """

    method: str
    error: str | None = None
    status: int = 200
    retry_after: int | None = None
    after: bool = False
    times: int = 1


class SlackWorld:
    """The workspace. All of it may be used from any thread."""

    def __init__(
        self, *, token: str = TOKEN, signing_secret: str = SIGNING_SECRET, clock: Callable[[], float] = time.time
    ) -> None:
        self.token = token
        self.clock = clock
        self.interactivity_url = ""
        """Where presses go, once the bot has an address."""
        self.signing_secret = signing_secret
        self.scopes = SCOPES
        self.lock = threading.RLock()
        self.people: dict[str, SlackPerson] = {}
        self.channels: dict[str, str] = {}
        self.outside: set[str] = set()
        """Channels that the bot has not been invited to."""
        self.posts: list[SlackPost] = []
        self.whispers: list[dict[str, Any]] = []
        self.webhook_posts: list[dict[str, Any]] = []
        self.troubles: list[SlackTrouble] = []
        self.calls: list[str] = []
        self._numbers = itertools.count(1)

    # -- what a test or a demo prepares

    def add_person(self, name: str, email: str | None = None, *, ident: str | None = None) -> SlackPerson:
        """Somebody in the workspace."""
        with self.lock:
            person = SlackPerson(ident or f"U{len(self.people) + 1:04d}AAA", name, email or f"{name}@example.com")
            self.people[person.id] = person
            return person

    def add_channel(self, name: str) -> str:
        """A channel that the bot is in; its id."""
        with self.lock:
            self.channels[name] = f"C{len(self.channels) + 1:04d}AAA"
            return self.channels[name]

    def trouble(self, method: str, **what: Any) -> None:
        """Let the next call of a method go wrong."""
        with self.lock:
            self.troubles.append(SlackTrouble(method, **what))

    # -- what a test asks

    def in_channel(self, name: str) -> list[SlackPost]:
        """What stands in a channel, threads included, in order."""
        with self.lock:
            ident = self.channels.get(name)
            return [post for post in self.posts if post.channel == ident]

    def count_in(self, place: str | None) -> int:
        """How many messages stand in a channel, or in what a person is told alone."""
        with self.lock:
            return sum(post.channel == place for post in self.posts)

    def find(self, place: str, ts: str) -> SlackPost | None:
        """A message by its channel and number."""
        with self.lock:
            return next((post for post in self.posts if (post.channel, post.ts) == (place, ts)), None)

    def user_called(self, name: str) -> str | None:
        """The id of whoever has this name."""
        with self.lock:
            return next((each.id for each in self.people.values() if each.name == name), None)

    def place_of(self, user: str | None) -> str | None:
        """Where somebody is told something alone."""
        return None if user is None else f"D{user[1:]}"

    def name_of(self, place: str) -> str:
        """How a channel is called; the id of what is none."""
        with self.lock:
            return next((name for name, ident in self.channels.items() if ident == place), place)

    def state(self) -> int:
        """Another number after everything that can be seen."""
        with self.lock:
            return len(self.posts) + sum(post.edits for post in self.posts) + len(self.whispers)

    def count(self, method: str) -> int:
        """How often a method was called."""
        with self.lock:
            return self.calls.count(method)

    # -- the web API

    def answer(self, method: str, token: str, words: dict[str, Any]) -> tuple[int, dict[str, str], dict[str, Any]]:
        """Status, headers and body."""
        with self.lock:
            self.calls.append(method)
            trouble = self._take_trouble(method)
            if trouble is not None and not trouble.after:
                return self._troubled(trouble)
            headers = {"x-oauth-scopes": self.scopes}
            if token != self.token:
                return 200, {}, {"ok": False, "error": "invalid_auth" if token else "not_authed"}
            if method not in _METHODS:
                return 200, headers, {"ok": False, "error": "unknown_method"}
            told = _METHODS[method](self)(words)
            if trouble is not None:
                return self._troubled(trouble)
            return 200, headers, told if "ok" in told else {"ok": True, **told}

    def webhook(self, words: dict[str, Any]) -> tuple[int, str]:
        """What an incoming webhook answers: a word, and no JSON."""
        with self.lock:
            self.calls.append("webhook")
            trouble = self._take_trouble("webhook")
            if trouble is not None and not trouble.after:
                return trouble.status, trouble.error or ""
            if (wrong := _wrong(words)) is not None:
                return 400, wrong
            self.webhook_posts.append(words)
            return (200, "ok") if trouble is None else (trouble.status, "")

    def _take_trouble(self, method: str) -> SlackTrouble | None:
        for trouble in self.troubles:
            if trouble.method in {method, "*"}:
                trouble.times -= 1
                if trouble.times <= 0:
                    self.troubles.remove(trouble)
                return trouble
        return None

    def _troubled(self, trouble: SlackTrouble) -> tuple[int, dict[str, str], dict[str, Any]]:
        headers = {} if trouble.retry_after is None else {"Retry-After": str(trouble.retry_after)}
        return trouble.status, headers, {"ok": False, "error": trouble.error or "internal_error"}

    def _channel(self, given: Any) -> str | None:
        """Of a channel by its id or name; of a user by their id, where the bot tells somebody alone."""
        name = str(given).removeprefix("#")
        if name in self.people:
            return self.place_of(name)
        return name if name in self.channels.values() else self.channels.get(name)

    def _post(self, words: dict[str, Any]) -> dict[str, Any]:
        channel = self._channel(words.get("channel"))
        if channel is None:
            return _no("channel_not_found")
        if (wrong := _wrong(words)) is not None:
            return _no(wrong)
        ts = f"{int(self.clock())}.{next(self._numbers):06d}"
        said: dict[str, Any] = {name: words[name] for name in ("text", "blocks", "metadata") if name in words}
        self.posts.append(SlackPost(channel, ts, said, words.get("thread_ts")))
        return {"channel": channel, "ts": ts, "message": self._shown(self.posts[-1], with_metadata=False)}

    def _update(self, words: dict[str, Any]) -> dict[str, Any]:
        channel = words.get("channel")
        if channel not in self.channels.values():  # by its id only
            return _no("channel_not_found")
        if (wrong := _wrong(words)) is not None:
            return _no(wrong)
        for post in self.posts:
            if (post.channel, post.ts) == (channel, words.get("ts")):
                post.body = {**post.body, **{n: words[n] for n in ("text", "blocks", "metadata") if n in words}}
                post.edits += 1
                return {"channel": channel, "ts": post.ts, "text": post.body.get("text", "")}
        return _no("message_not_found")

    def _whisper(self, words: dict[str, Any]) -> dict[str, Any]:
        if self._channel(words.get("channel")) is None:
            return _no("channel_not_found")
        if words.get("user") not in self.people:
            return _no("user_not_in_channel")
        self.whispers.append(words)
        return {"message_ts": f"{int(self.clock())}.{next(self._numbers):06d}"}

    def _history(self, words: dict[str, Any]) -> dict[str, Any]:
        return self._listed(words, lambda post: post.thread_ts is None)

    def _replies(self, words: dict[str, Any]) -> dict[str, Any]:
        return self._listed(words, lambda post: words.get("ts") in {post.thread_ts, post.ts})

    def _listed(self, words: dict[str, Any], is_meant: Callable[[SlackPost], bool]) -> dict[str, Any]:
        if "history" not in self.scopes:
            return {**_no("missing_scope"), "needed": "channels:history", "provided": self.scopes}
        channel = words.get("channel")
        if channel not in self.channels.values():
            return _no("channel_not_found")
        oldest = float(words.get("oldest") or 0)
        found = [post for post in self.posts if post.channel == channel and is_meant(post) and float(post.ts) > oldest]
        has_metadata = str(words.get("include_all_metadata")).lower() == "true"
        return {"messages": [self._shown(post, with_metadata=has_metadata) for post in reversed(found)]}

    def _shown(self, post: SlackPost, *, with_metadata: bool) -> dict[str, Any]:
        held = {name: value for name, value in post.body.items() if with_metadata or name != "metadata"}
        thread = {} if post.thread_ts is None else {"thread_ts": post.thread_ts}
        return {"type": "message", "ts": post.ts, "bot_id": "B0001AAA", **thread, **held}

    def _by_email(self, words: dict[str, Any]) -> dict[str, Any]:
        for person in self.people.values():
            if person.email.lower() == str(words.get("email")).lower():
                return {"user": _person(person)}
        return _no("users_not_found")

    def _info(self, words: dict[str, Any]) -> dict[str, Any]:
        person = self.people.get(str(words.get("user")))
        return _no("user_not_found") if person is None else {"user": _person(person)}

    def _auth(self, _: dict[str, Any]) -> dict[str, Any]:
        return {
            "team": "Sandbox",
            "team_id": "T0001AAA",
            "user": "ps-plan",
            "user_id": "U0000BOT",
            "bot_id": "B0001AAA",
        }

    def _list(self, _: dict[str, Any]) -> dict[str, Any]:
        """Of private channels it sees those that it is in."""
        return {
            "channels": [
                {"id": ident, "name": name, "is_member": name not in self.outside, "is_private": False}
                for name, ident in self.channels.items()
            ]
        }

    # -- what people do

    def press(self, post: SlackPost, action_id: str, user: str, *, reason: str | None = None) -> bytes:
        """The body that Slack sends when somebody presses a button."""
        button = post.buttons[action_id]
        with self.lock:
            number = next(self._numbers)
        field = {"type": "plain_text_input", "value": reason}
        payload = {
            "type": "block_actions",
            "user": {"id": user, "username": user.lower(), "team_id": "T0001AAA"},
            "api_app_id": "A0001AAA",
            "team": {"id": "T0001AAA", "domain": "sandbox"},
            "container": {
                "type": "message",
                "message_ts": post.ts,
                "channel_id": post.channel,
                "is_ephemeral": False,
                **({} if post.thread_ts is None else {"thread_ts": post.thread_ts}),
            },
            "trigger_id": f"{number}.{int(self.clock())}.sandbox",
            "channel": {"id": post.channel, "name": "channel"},
            "state": {"values": {"psplan_reason": {"psplan_reason": field}}},
            "response_url": "https://hooks.slack.com/actions/T0001AAA/1/x",
            "actions": [
                {
                    "action_id": action_id,
                    "block_id": "b",
                    "type": "button",
                    "text": button["text"],
                    **({"value": button["value"]} if "value" in button else {}),
                    "action_ts": f"{self.clock():.6f}",
                }
            ],
        }
        return urlencode({"payload": json.dumps(payload)}).encode()

    def signed(self, body: bytes, *, at: float | None = None, secret: str | None = None) -> dict[str, str]:
        """The headers that Slack sends with a body."""
        moment = str(int(self.clock() if at is None else at))
        base = b"v0:" + moment.encode() + b":" + body
        digest = hmac.new((secret or self.signing_secret).encode(), base, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/x-www-form-urlencoded",
            "X-Slack-Request-Timestamp": moment,
            "X-Slack-Signature": f"v0={digest}",
        }

    def deliver(self, url: str, body: bytes) -> int:
        """Send a press to an interactivity address, as Slack does: three seconds, once."""
        return httpx.post(url, content=body, headers=self.signed(body), timeout=3.0).status_code


def _no(error: str) -> dict[str, Any]:
    return {"ok": False, "error": error}


def _wrong(words: dict[str, Any]) -> str | None:
    """What Slack would not take."""
    blocks = words.get("blocks") or []
    if not blocks and not words.get("text"):
        return "no_text"
    if len(str(words.get("text", ""))) > 40_000:
        return "msg_too_long"
    if len(blocks) > MOST_BLOCKS or any(not _is_block(block) for block in blocks):
        return "invalid_blocks"
    return None


def _is_block(block: dict[str, Any]) -> bool:
    match block.get("type"):
        case "section":
            return 0 < len(block["text"]["text"]) <= SECTION_CHARS
        case "actions":
            buttons = block["elements"]
            ids = [each["action_id"] for each in buttons]
            is_small = all(len(each.get("value", "")) <= 2000 and len(each["text"]["text"]) <= 75 for each in buttons)
            return 0 < len(buttons) <= 25 and is_small and len(set(ids)) == len(ids)
        case "input":
            return bool(block["label"]["text"]) and block["element"]["type"] == "plain_text_input"
    return False


def _person(person: SlackPerson) -> dict[str, Any]:
    flags = {"deleted": person.deleted, "is_bot": False, "is_stranger": person.is_stranger}
    return {"id": person.id, "team_id": "T0001AAA", "name": person.name, "profile": {"email": person.email}, **flags}


_METHODS: Final[dict[str, Callable[[SlackWorld], Callable[[dict[str, Any]], dict[str, Any]]]]] = {
    "chat.postMessage": lambda world: world._post,
    "chat.update": lambda world: world._update,
    "chat.postEphemeral": lambda world: world._whisper,
    "conversations.history": lambda world: world._history,
    "conversations.replies": lambda world: world._replies,
    "conversations.list": lambda world: world._list,
    "users.lookupByEmail": lambda world: world._by_email,
    "users.info": lambda world: world._info,
    "auth.test": lambda world: world._auth,
}
