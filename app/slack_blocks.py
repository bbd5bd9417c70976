"""A message in Slack's own JSON: blocks, the text that notifications show, and the metadata that it is found again by.

Nothing is parsed that we have not written: no bare names (`link_names`, `parse`), no addresses (`verbatim`), and
nothing is shown of what stands behind a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import orjson

from app.chat_message import ChatMessage, Choice
from app.slack_text import MOST_BLOCKS, SlackSafe, fitting, is_address

EVENT_TYPE: Final = "psplan_post"
APPROVE, REJECT, OPEN = "psplan_approve", "psplan_reject", "psplan_open"
REASON: Final = "psplan_reason"
MOST_REASON_CHARS: Final = 1000
MOST_TEXT_CHARS: Final = 3000


def as_slack_has_it(message: ChatMessage, lines: Sequence[SlackSafe], *, key: str) -> dict[str, Any]:
    """Arguments of `chat.postMessage` and `chat.update` but for where it goes. `key`: what it is found again by."""
    return {
        "text": fitting(SlackSafe("\n".join(lines)), limit_chars=MOST_TEXT_CHARS),
        "blocks": _blocks(message, lines),
        "metadata": {"event_type": EVENT_TYPE, "event_payload": {"key": key}},
        "unfurl_links": False,
        "unfurl_media": False,
    }


def as_webhook_has_it(message: ChatMessage, lines: Sequence[SlackSafe]) -> dict[str, Any]:
    """Body for an incoming webhook: announcements only, so no buttons that would decide."""
    bare = ChatMessage(message.lines, url=message.url)
    told = as_slack_has_it(bare, lines, key="")
    return {name: told[name] for name in ("text", "blocks", "unfurl_links", "unfurl_media")}


def _blocks(message: ChatMessage, lines: Sequence[SlackSafe]) -> list[dict[str, Any]]:
    buttons = [*_choices(message.choice), *_opening(message.url)]
    below = _reason(message.choice) + ([{"type": "actions", "elements": buttons}] if buttons else [])
    return [*map(_section, lines[: MOST_BLOCKS - len(below)]), *below]


def _section(line: SlackSafe) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": line or " ", "verbatim": True}}


def _reason(choice: Choice | None) -> list[dict[str, Any]]:
    """Where the reason of a no is written: a no needs one, a yes does not."""
    if choice is None:
        return []
    field = {"type": "plain_text_input", "action_id": REASON, "max_length": MOST_REASON_CHARS}
    label = _plain("Reason, if you send it back")
    return [{"type": "input", "block_id": REASON, "optional": True, "label": label, "element": field}]


def _choices(choice: Choice | None) -> list[dict[str, Any]]:
    if choice is None:
        return []
    value = orjson.dumps([choice.engagement, choice.gate, choice.version, choice.digest]).decode()
    return [
        {"type": "button", "action_id": APPROVE, "style": "primary", "text": _plain("Approve"), "value": value},
        {"type": "button", "action_id": REJECT, "style": "danger", "text": _plain("Reject"), "value": value},
    ]


def _opening(url: str | None) -> list[dict[str, Any]]:
    if url is None or not is_address(url):
        return []
    return [{"type": "button", "action_id": OPEN, "text": _plain("Open"), "url": url}]


def _plain(text: str) -> dict[str, Any]:
    return {"type": "plain_text", "text": text}
