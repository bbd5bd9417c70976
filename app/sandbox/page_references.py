"""Mentions, references, addresses and emoji in a plain text, as links and chips.

As in GitLab they are live in every text outside of code and links; what names nobody and nothing stays as it was typed.
Everything that leaves this file is HTML and escaped.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from markupsafe import Markup, escape

from app.sandbox.state import PROJECT_PATH

EMOJI: Final[Mapping[str, str]] = {
    "thumbsup": "👍",
    "thumbsdown": "👎",
    "eyes": "👀",
    "tada": "🎉",
    "heart": "❤️",
    "rocket": "🚀",
    "white_check_mark": "✅",
    "x": "❌",
    "no_entry": "⛔",
    "no_entry_sign": "🚫",
    "warning": "⚠️",
    "question": "❓",
    "hourglass": "⌛",
    "hourglass_flowing_sand": "⏳",
    "thinking": "🤔",
    "confused": "😕",
    "smile": "😄",
    "slight_smile": "🙂",
    "bulb": "💡",
    "robot": "🤖",
    "+1": "👍",
    "-1": "👎",
}
ISSUES_PATH: Final = f"/{PROJECT_PATH}/-/issues"
_UNSEEN_COLOR: Final = "#8a8f98"


@dataclass(frozen=True, slots=True)
class LabelChip:
    """A label as it is shown: a scoped one has two halves, `scope` and `value` (else `scope` is empty)."""

    title: str
    color: str
    description: str = ""

    @property
    def scope(self) -> str:
        """What stands before the last `::`."""
        return self.title.rpartition("::")[0]

    @property
    def value(self) -> str:
        """What stands behind the last `::`, or all of it."""
        return self.title.rpartition("::")[2]

    @property
    def ink(self) -> str:
        """Black or white, whichever is easier to read on the colour (WCAG relative luminance)."""
        code = self.color.removeprefix("#")
        pairs = [digit * 2 for digit in code] if len(code) == 3 else [code[i : i + 2] for i in (0, 2, 4)]
        parts = [int(pair, 16) / 255 for pair in pairs]
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        luminance = 0.2126 * red + 0.7152 * green + 0.0722 * blue
        return "#111" if luminance > 0.2 else "#fff"

    def __html__(self) -> str:
        """The chip as HTML; templates print a chip by naming it."""
        style = Markup('style="--chip:{};--chip-ink:{}"').format(self.color, self.ink)
        tip = Markup(' title="{}"').format(self.description) if self.description else ""
        if not self.scope:
            return Markup('<span class="chip" {}{}>{}</span>').format(style, tip, self.title)
        halves = Markup("<b>{}</b><i>{}</i>").format(self.scope, self.value)
        # The name is spelled out for readers who cannot see the two halves.
        return Markup('<span class="chip scoped" {}{} role="img" aria-label="{}">{}</span>').format(
            style, tip, self.title, halves
        )


@dataclass(frozen=True, slots=True)
class IssueMention:
    """What a reference to an issue tells of it."""

    title: str
    is_open: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What a text may refer to, as far as its reader `me` may know of it; `people` maps to name and duty."""

    me: str
    base_url: str
    people: Mapping[str, str]
    issues: Mapping[int, IssueMention]
    labels: Mapping[str, LabelChip]


_LIVE: Final = re.compile(
    rf"""
      (?P<url>https?://[^\s<>"]+)
    | (?<![\w/@.-])@(?P<person>[A-Za-z0-9_](?:[\w.-]*[A-Za-z0-9_-])?)
    | (?<![\w&/])(?:{re.escape(PROJECT_PATH)})?\#(?P<issue>[1-9]\d{{0,8}})(?P<more>\+s?)?(?!\w)
    | ~(?:"(?P<quoted>[^"\n]+)"|(?P<label>[^\s"~,;()\[\]]+))
    | (?<!\w):(?P<emoji>[a-z0-9_+-]+):
    """,
    re.VERBOSE,
)
_SENTENCE_END: Final = ".,:;!?'\")]}"


def linked(text: str, known: Known) -> str:
    """The text as HTML, with what it refers to made visible."""
    parts: list[str] = []
    done = 0
    for match in _LIVE.finditer(text):
        if match.start() < done:
            continue
        shown, end = _shown(match, known)
        if shown:
            parts += [str(escape(text[done : match.start()])), shown]
            done = end
    return "".join(parts) + str(escape(text[done:]))


def _shown(match: re.Match[str], known: Known) -> tuple[str, int]:
    """The HTML for a match and where in the text it ends; nothing for what names nothing."""
    if match["url"]:
        return _address(match, known)
    if match["person"]:
        return mention(match["person"], known), match.end()
    if match["issue"]:
        return reference(int(match["issue"]), known, with_title=bool(match["more"])), match.end()
    if match["emoji"]:
        return EMOJI.get(match["emoji"], ""), match.end()
    if match["quoted"]:
        return _label(match["quoted"], known), match.end()
    title = match["label"].rstrip(_SENTENCE_END)
    return _label(title, known), match.start("label") + len(title)


def _address(match: re.Match[str], known: Known) -> tuple[str, int]:
    url = match["url"].rstrip(_SENTENCE_END)
    if match["url"][len(url) :].startswith(")") and url.count("(") > url.count(")"):
        url += ")"
    iid = issue_of(url, known)
    if iid is not None:
        return reference(iid, known), match.start() + len(url)
    return Markup('<a href="{}" rel="nofollow noreferrer noopener">{}</a>').format(url, url), match.start() + len(url)


def issue_of(url: str, known: Known) -> int | None:
    """The number of the issue that a full address points to; GitLab shows such an address as `#1`."""
    number = url.removeprefix(f"{known.base_url}{ISSUES_PATH}/")
    is_number = number.isascii() and number.isdigit() and len(number) < 10
    return int(number) if is_number and int(number) in known.issues else None


def mention(username: str, known: Known) -> str:
    """`@name` of an existing person; nothing otherwise."""
    if username not in known.people:
        return ""
    kind = "mention me" if username == known.me else "mention"
    return Markup('<a class="{}" href="/#{}" title="{}">@{}</a>').format(
        kind, f"person-{username}", known.people[username], username
    )


def reference(iid: int, known: Known, *, with_title: bool = False) -> str:
    """`#1`, linked to an issue the reader may see; nothing otherwise."""
    issue = known.issues.get(iid)
    if issue is None:
        return ""
    words = f"{issue.title} (#{iid})" if with_title else f"#{iid}"
    kind = "reference" if issue.is_open else "reference closed"
    state = "" if issue.is_open else " (closed)"
    return Markup('<a class="{}" href="{}/{}" title="{}{}">{}</a>').format(
        kind, ISSUES_PATH, iid, issue.title, state, words
    )


def _label(title: str, known: Known) -> str:
    chip = known.labels.get(title)
    return chip.__html__() if chip else ""


def chip(title: str, color: str | None = None, description: str | None = None) -> LabelChip:
    """A chip for a label; one that does not exist (yet, or any more) is grey."""
    return LabelChip(title, color or _UNSEEN_COLOR, description or "")
