"""The block structure of a Markdown text, found once for each text: a turn asks several times about a description."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Final

from markdown_it import MarkdownIt

MOST_REMEMBERED: Final = 64
LONGEST_REMEMBERED: Final = 64 * 1024
"""Characters; GitLab allows a million, and those are parsed again rather than kept."""


@dataclass(frozen=True, slots=True)
class Block:
    """A block at the top level: the name of its token, its lines (from 0; the last one excluded), and its own text."""

    kind: str
    first: int
    last: int
    content: str


def top_blocks(text: str) -> tuple[Block, ...]:
    """Every block at the top level, in order; lines are told apart by LF alone."""
    return _remembered(text) if len(text) <= LONGEST_REMEMBERED else _parsed(text)


@cache
def block_parser() -> MarkdownIt:
    """Block structure is all that is asked, and inline parsing is most of the time."""
    markdown = MarkdownIt("commonmark").enable("table")
    markdown.core.ruler.enableOnly(["normalize", "block"])
    return markdown


def _parsed(text: str) -> tuple[Block, ...]:
    tokens = block_parser().parse(text)
    return tuple(
        Block(token.type, token.map[0], token.map[1], token.content)
        for token in tokens
        if token.level == 0 and token.map and token.nesting >= 0
    )


_remembered = lru_cache(MOST_REMEMBERED)(_parsed)
