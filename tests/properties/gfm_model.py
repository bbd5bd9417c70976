"""A second opinion on what GitLab would make of a text, written without looking at app/text.py.

markdown-it reads the text as CommonMark with tables, plus the forms of GitLab that win over code spans: maths in
dollars or in dollars and backticks, and wiki links. Whatever is left outside code is then searched for everything that
GitLab turns into something live. Where GitLab's own pattern is narrow, the one here is wider.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token

REFERENCES = {
    "mention": r"@[A-Za-z0-9_]",
    "issue": r"#\d",
    "merge request": r"!\d",
    "epic": r"&\d",
    "snippet": r"\$\d",
    "alert": r"\^alert",
    "label": r"~[\"\w]",
    "milestone": r"%[\"\w]",
    "iteration": r"\*iteration:",
    "bracketed reference": r"\[[a-z_]+:",
    "commit": r"(?<![0-9A-Za-z])[0-9a-fA-F]{7,40}(?![0-9A-Za-z])",
    "tracker key": r"(?<![A-Za-z0-9])(?:[A-Za-z][A-Za-z0-9_]*-\d|CU-\w|T\d)",
    "address": r"[A-Za-z]://|(?i:www\.\w|mailto:\w)",
    "emoji": r":[\w+-]+:",
    "wiki link": r"\[\[",
}
_LIVE = re.compile("|".join(f"(?P<{name.replace(' ', '_')}>{pattern})" for name, pattern in REFERENCES.items()))

# A title is read with a minimum of Markdown, so a tag, a link or an entity has to be looked for as well.
_LIVE_IN_TITLE = re.compile(rf"{_LIVE.pattern}|(?P<html><[A-Za-z/!?])|(?P<entity>&#?\w+;)|(?P<link>\]\(|\]\[)")


@dataclass(frozen=True, slots=True)
class Reading:
    """What a text shows to a reader and what in it is more than words."""

    shown: str
    live: tuple[str, ...]
    html: tuple[str, ...]
    links: tuple[str, ...]


def read(text: str) -> Reading:
    """Read a description or note."""
    shown: list[str] = []
    plain: list[str] = []
    live: list[str] = []
    html: list[str] = []
    links: list[str] = []
    for token in _leaves(_parser().parse(text.replace("\r", ""))):
        kind = token.type
        if kind in {"code_inline", "code_block", "fence"}:
            shown.append(token.content)
            plain.append("\0")
        elif kind == "text":
            shown.append(token.content)
            plain.append(token.content)
        elif kind == "escaped":
            # GitLab sets such a character apart, which keeps it from starting a reference.
            shown.append(token.content)
            plain.append(f"\0{token.content}\0" if token.content in "$%#&@!~^:" else token.content)
        elif kind in {"softbreak", "hardbreak"}:
            plain.append("\n")
        elif kind in {"html_block", "html_inline"}:
            html.append(token.content)
            plain.append("\0")
        elif kind == "link_open":
            links.append(str(token.attrs["href"]))
        elif kind in {"image", "maths", "wiki_link"}:
            live.append(f"{kind}: {token.content}")
        elif token.block:
            plain.append("\n\0\n")
    live.extend(_references("".join(plain), _LIVE))
    return Reading("".join(shown), tuple(live), tuple(html), tuple(links))


def live_in_title(title: str) -> list[str]:
    """What GitLab would act on in an issue title."""
    return list(_references(title, _LIVE_IN_TITLE))


def _references(text: str, pattern: re.Pattern[str]) -> Iterator[str]:
    for match in pattern.finditer(text):
        yield f"{match.lastgroup}: {text[match.start() : match.start() + 40]!r}"


def _leaves(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        if token.type == "inline":
            yield from token.children or ()
        else:
            yield token


@cache
def _parser() -> MarkdownIt:
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    # An entity is as live as the character itself; an escaped character is told apart from both.
    markdown.inline.ruler.before("escape", "escaped", _escaped)
    markdown.inline.ruler.before("escaped", "maths", _maths)
    markdown.inline.ruler.before("link", "wiki_link", _wiki_link)
    return markdown


def _escaped(state: StateInline, silent: bool) -> bool:
    match = _ESCAPED.match(state.src, state.pos)
    return match is not None and _push(state, "escaped", match[1], match.end(), silent=silent)


def _maths(state: StateInline, silent: bool) -> bool:
    match = _MATHS.match(state.src, state.pos)
    return match is not None and _push(state, "maths", match[0], match.end(), silent=silent)


def _wiki_link(state: StateInline, silent: bool) -> bool:
    match = _WIKI_LINK.match(state.src, state.pos)
    return match is not None and _push(state, "wiki_link", match[0], match.end(), silent=silent)


_ESCAPED = re.compile(r"\\([!-/:-@\[-`{-~])")
_MATHS = re.compile(r"\$`(?s:.*?)`\$|(?P<run>\$\$?)(?![\s$])(?s:(?:\\.|[^\\$])*?)(?<!\s)(?P=run)(?![\d$])")
_WIKI_LINK = re.compile(r"\[\[[^\[\]\n]+\]\]")


def _push(state: StateInline, kind: str, content: str, end: int, *, silent: bool) -> bool:
    if not silent:
        token = state.push(kind, "", 0)
        token.content = content
    state.pos = end
    return True
