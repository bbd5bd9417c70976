"""The bot's own part behind what a person wrote; what the person left open is closed first, so that ours is live.

An open fence, comment or `<details>` would swallow everything behind it, our marker and table included.
"""

from __future__ import annotations

import re
from functools import cache
from html.parser import HTMLParser
from typing import Final

from markdown_it import MarkdownIt

from app.markdown_blocks import block_parser
from app.text import Safe, find_markers

_PROBE: Final = "psplan-probe-c8a1"
_MAX_TAGS: Final = 200
LONGEST_READ_CHARS: Final = 50_000
"""A longer text is not worth its reading, which takes seconds: our part goes in front of it."""
_VOID: Final = frozenset({"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "wbr"})
_RAW_TAGS: Final = ("script", "pre", "style", "textarea")
_RAW_ENDS: Final = ("\n-->", "\n?>", "\n]]>", "\n>")
_FORMATTING: Final = frozenset(
    {"a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u"}
)
_QUOTE_FENCE: Final = re.compile(r" {0,3}(>{3,})[ \t]*")


def append_own_part(person_text: str, own: Safe) -> str:
    """The person's text, what closes it where needed, and our part; all markers of ours are found in the result."""
    text = person_text.replace("\r", "").rstrip()
    if not text:
        return own
    if len(text) > LONGEST_READ_CHARS:
        return f"{own.rstrip()}\n\n{text}"
    closed = text + _block_end(text)
    closed += _quote_end(closed)
    closed += _tags_end(closed)
    whole = f"{closed}\n\n{own}"
    wanted = find_markers(own)
    if not wanted or find_markers(whole)[-len(wanted) :] == wanted:
        return whole
    # Nothing closes what is open here. In front of it our part is live, and the person's text still is as it was.
    return f"{own.rstrip()}\n\n{text}"


def _block_end(text: str) -> str:
    """What closes an open fence or raw HTML block; nothing when none is open."""
    fences = (f"\n{char * _longest_run(text, char)}" for char in "`~")
    # Markdown ends such an element at the end tag of any of the four, HTML only at its own: the latest is tried first.
    latest = sorted(_RAW_TAGS, key=lambda tag: -text.lower().rfind(f"<{tag}"))
    ends = ["", *fences, *_RAW_ENDS[:1], *(f"\n</{tag}>" for tag in latest), *_RAW_ENDS[1:]]
    return next((end for end in ends if _is_live_behind(text + end)), "")


def _longest_run(text: str, char: str) -> int:
    return max(3, *map(len, re.findall(f"{char}+", text))) if char in text else 3


def _is_live_behind(text: str) -> bool:
    """Whether a paragraph written behind the text would stand at the top level."""
    *_, before, inline, _close = [None, None, None, *block_parser().parse(f"{text}\n\n{_PROBE}")]
    return before is not None and before.type == "paragraph_open" and before.level == 0 and inline.content == _PROBE


def _quote_end(text: str) -> str:
    """What closes GitLab's own quotation between two lines `>>>`, which may stay open to the end."""
    coded: set[int] = set()
    for token in block_parser().parse(text):
        if token.type in {"fence", "code_block", "html_block"} and token.map:
            coded.update(range(*token.map))
    still_open: list[str] = []
    for number, line in enumerate(text.split("\n")):
        if number not in coded and (match := _QUOTE_FENCE.fullmatch(line)):
            if match.group(1) in still_open:
                del still_open[still_open.index(match.group(1)) :]
            else:
                still_open.append(match.group(1))
    return "".join(f"\n\n{fence}" for fence in reversed(still_open))


def _tags_end(text: str) -> str:
    """The end tags of HTML elements that are still open."""
    reader = _OpenTags()
    reader.feed(_renderer().render(text))
    reader.close()
    ends = "".join(f"</{tag}>" for tag in reversed(reader.open[-_MAX_TAGS:]))
    return f"\n\n{ends}" if ends else ""


class _OpenTags(HTMLParser):
    """Which elements of a piece of HTML are open at its end, outermost first."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Remember it; `attrs` do not matter."""
        del attrs
        if tag not in _VOID and re.fullmatch(r"[a-z][a-z0-9-]*", tag):
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<details/>` opens an element all the same: HTML knows no such short form."""
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Forget it and all that it encloses, except formatting: HTML opens `<b>` again behind the paragraph's end."""
        if tag in self.open:
            last = len(self.open) - 1 - self.open[::-1].index(tag)
            self.open[last:] = [inner for inner in self.open[last + 1 :] if inner in _FORMATTING]


@cache
def _renderer() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])
