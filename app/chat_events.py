"""Deliveries about the chat → events: the bot's own, which are JSON, and what Slack sends when a button is pressed.

Slack's is a form that begins with `payload=`: it can never be read as one of the bot's own. What is not understood is
no event: Slack's payloads grow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final
from urllib.parse import parse_qs

import orjson

from app.slack_blocks import APPROVE, MOST_REASON_CHARS, REASON, REJECT

ANNOUNCEMENT, PRESS, WHISPER = "psplan_announcement", "psplan_press", "psplan_whisper"
"""Kinds of the bot's own deliveries about the chat."""
FORM: Final = b"payload="
_VERDICTS: Final = {APPROVE: "approve", REJECT: "reject"}


@dataclass(frozen=True, slots=True)
class Announced:
    """Something is to be told in one channel of the chat (a key of the methodology), by the names of its occasions.

    `number`: of the decision that it follows from, so that the same may be told again later.
    """

    noun: ClassVar[str] = "announcement"
    engagement: str
    channel: str
    occasions: tuple[str, ...]
    number: int


@dataclass(frozen=True, slots=True)
class ButtonPressed:
    """Somebody pressed a button in the chat: whom Slack calls `user`, at a gate and to a version of its document.

    `verdict`: `approve` or `reject`, None for a button that decides nothing. `place`, `ts`, `thread`: the message.
    `is_stranger`: the person belongs to another workspace.
    """

    noun: ClassVar[str] = "button in the chat"
    verdict: str | None
    user: str
    at: float
    place: str
    ts: str
    thread: str | None = None
    engagement: str = ""
    gate: str = ""
    version: int = 0
    digest: str = ""
    reason: str | None = None
    is_stranger: bool = False


@dataclass(frozen=True, slots=True)
class PressHeard:
    """A pressed button whose presser is known as a user of GitLab (`by`): a command at a gate, said elsewhere."""

    noun: ClassVar[str] = "word from the chat"
    by: str
    press: ButtonPressed


@dataclass(frozen=True, slots=True)
class Whispered:
    """Something is to be told to one person in the chat, because of what they pressed."""

    noun: ClassVar[str] = "answer in the chat"
    key: str
    place: str
    user: str
    thread: str | None
    line: tuple[str, ...]


ChatEvent = Announced | ButtonPressed | PressHeard | Whispered


def read_chat_event(body: bytes) -> ChatEvent | None:
    """The event in a delivery about the chat; None where it is nothing that this bot knows of."""
    try:
        if body.startswith(FORM):
            return _pressed(read_form(body))
        return _own(orjson.loads(body))
    except (KeyError, IndexError, TypeError, ValueError, AttributeError):
        return None


def read_form(body: bytes) -> Any:
    """The JSON in the field `payload` of a form. Raises ValueError where there is none."""
    (payload,) = parse_qs(body.decode("utf-8"), strict_parsing=True, max_num_fields=10)["payload"]
    return orjson.loads(payload)


def press_body(press: ButtonPressed, by: str) -> dict[str, Any]:
    """What `PressHeard` is read from."""
    return {"object_kind": PRESS, "by": by, "press": asdict(press)}


def _own(payload: Mapping[str, Any]) -> ChatEvent | None:
    kind = payload.get("object_kind")
    if kind == ANNOUNCEMENT:
        return Announced(payload["engagement"], payload["channel"], tuple(payload["occasions"]), int(payload["number"]))
    if kind == PRESS:
        return PressHeard(payload["by"], ButtonPressed(**payload["press"]))
    if kind == WHISPER:
        return Whispered(payload["key"], payload["place"], payload["user"], payload["thread"], tuple(payload["line"]))
    return None


def _pressed(payload: Mapping[str, Any]) -> ButtonPressed | None:
    if payload.get("type") != "block_actions":
        return None
    action, user = payload["actions"][0], payload["user"]
    container = payload.get("container") or {}
    team = (payload.get("team") or {}).get("id")
    seen = ButtonPressed(
        verdict=_VERDICTS.get(action["action_id"]),
        user=str(user["id"]),
        at=float(action["action_ts"]),
        place=str(container.get("channel_id") or payload["channel"]["id"]),
        ts=str(container.get("message_ts") or ""),
        thread=container.get("thread_ts"),
        reason=_reason(payload),
        is_stranger=None not in {team, user.get("team_id")} and user["team_id"] != team,
    )
    if seen.verdict is None:
        return seen
    engagement, gate, version, digest = orjson.loads(action["value"])
    return ButtonPressed(**{**asdict(seen), **_about(engagement, gate, version, digest)})


def _about(engagement: Any, gate: Any, version: Any, digest: Any) -> dict[str, Any]:
    return {"engagement": str(engagement), "gate": str(gate), "version": int(version), "digest": str(digest)}


def _reason(payload: Mapping[str, Any]) -> str | None:
    """What was written into the field for it; as one line, as behind a command."""
    fields = ((payload.get("state") or {}).get("values") or {}).get(REASON) or {}
    said = " ".join(str((fields.get(REASON) or {}).get("value") or "").split())
    return said[:MOST_REASON_CHARS] or None
