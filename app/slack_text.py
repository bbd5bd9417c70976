"""The one door for text that goes to Slack: whatever a stranger wrote is inert there, whatever is live is made here.

Slack gives a meaning to `<…>` (mentions of people, of everybody in a channel, links with words of their own), and to
`* _ ~` and backticks at the edges of words. So `&`, `<` and `>` become entities, in this order, and the signs of
formatting become others that look like them. What Slack would do with bare names and addresses by itself is switched
off where a message is built (app/slack_blocks.py).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final, NewType

from app.text import one_line

SlackSafe = NewType("SlackSafe", str)
"""Text that does in Slack what we want it to do, and nothing else."""

SECTION_CHARS: Final = 3000
MOST_BLOCKS: Final = 50
"""Slack refuses longer sections, and messages of more blocks."""
NOTHING: Final = SlackSafe("—")

_USER: Final = re.compile(r"[UW][A-Z0-9]{2,20}")
_ADDRESS: Final = re.compile(r"https?://[A-Za-z0-9.\-:\[\]]+(?:[/?#][\x21-\x7e]*)?")
_LOOK_ALIKES: Final = str.maketrans({"*": "∗", "~": "∼", "`": "ˋ"})
_AT_AN_EDGE: Final = re.compile(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
_EMOJI: Final = re.compile(r":(?=[\w+'-]+:)")
_WHOLE: Final = re.compile(r"<[^<>]*>|&(?:amp|lt|gt);|.", re.DOTALL)


def foreign(text: str, *, limit_chars: int = 200) -> SlackSafe:
    """A foreign value inside a line of ours; a dash for a blank one. Never at the beginning of a line."""
    words = one_line(text, limit_chars).translate(_LOOK_ALIKES)
    words = _EMOJI.sub("꞉", _AT_AN_EDGE.sub("ˍ", words))
    return SlackSafe(_escaped(words)) if words.strip() else NOTHING


def words(text: str) -> SlackSafe:
    """Words of the methodology, which are plain already: they may hold an `&`."""
    return SlackSafe(_escaped(text))


def own(text: str) -> SlackSafe:
    """Our own words, formatting included. ValueError for what would be live in Slack, or is half an entity."""
    if re.search(r"[<>&]", text):
        raise ValueError(f"not our own plain words: {text[:80]!r}")
    return SlackSafe(text)


def mention(user: str) -> SlackSafe:
    """A live mention of a user by Slack's own id; ValueError for what is none."""
    if not _USER.fullmatch(user):
        raise ValueError(f"not an id of a Slack user: {user!r}")
    return SlackSafe(f"<@{user}>")


def link(url: str, label: SlackSafe) -> SlackSafe:
    """A link with our own words on it; the words alone where the address is none that can stand there."""
    if not is_address(url) or re.search(r"[<>|]", label):
        return label
    return SlackSafe(f"<{_escaped(url)}|{label}>")


def is_address(url: str) -> bool:
    """Whether it can be the address of a link: nothing in it ends the link or begins its words."""
    return len(url) <= 2000 and bool(_ADDRESS.fullmatch(url)) and not set(url) & set("<>|")


def together(*parts: SlackSafe) -> SlackSafe:
    """Parts, one behind the other."""
    return SlackSafe("".join(parts))


def joined(parts: Iterable[SlackSafe], between: SlackSafe) -> SlackSafe:
    """Parts, with something between them."""
    return SlackSafe(between.join(parts))


def fitting(text: SlackSafe, *, limit_chars: int = SECTION_CHARS) -> SlackSafe:
    """At most so many characters, an ellipsis at the end of what was cut; no entity and no link is torn apart."""
    if len(text) <= limit_chars:
        return text
    kept, room = [], limit_chars - 1
    for piece in _WHOLE.findall(text):
        if len(piece) > room:
            break
        kept.append(piece)
        room -= len(piece)
    return SlackSafe("".join(kept).rstrip() + "…")


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
