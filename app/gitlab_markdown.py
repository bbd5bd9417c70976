"""What GitLab reads into Markdown besides CommonMark, as far as it decides what is code, a quotation or a footnote."""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock

_FRONT_MATTER: Final = re.compile(r"\A\s*^(---|;;;|\+\+\+)[ ]*\S*\n.*?^\1[ ]*(?:\n|\Z)", re.MULTILINE | re.DOTALL)


def without_front_matter(text: str) -> str:
    """Front matter is shown as code. Its lines are blanked, not cut, so that line numbers stay true."""
    return _FRONT_MATTER.sub(lambda match: "\n" * match[0].count("\n"), text)


@cache
def gitlab_parser() -> MarkdownIt:
    """A parser that knows GitLab's `>>>` quotations and footnotes."""
    markdown = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    may_interrupt: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("blockquote", "multiline_quote", _multiline_quote, may_interrupt)
    markdown.block.ruler.before("reference", "footnote", _footnote, may_interrupt)
    return markdown


def _multiline_quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """GitLab's `>>>` block: everything up to a line with at least as many `>` is a quotation."""
    opening = re.fullmatch(r"(>{3,})[ \t]*", _line(state, start))
    if opening is None or state.is_code_block(start):
        return False
    if not silent:
        closing = re.compile(rf">{{{len(opening[1])},}}[ \t]*")
        behind = next((line + 1 for line in range(start + 1, end) if closing.fullmatch(_line(state, line))), end)
        _skip_as(state, "multiline_quote", start, behind)
    return True


def _footnote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """`[^1]: words` with the lines that continue it; CommonMark alone would take it for a link definition."""
    if not re.match(r"\[\^[^\]\s]+\]:", _line(state, start)) or state.is_code_block(start):
        return False
    if not silent:
        interrupts = state.md.block.ruler.getRules("paragraph")
        behind = start + 1
        while (
            behind < end
            and not state.isEmpty(behind)
            and not any(rule(state, behind, end, True) for rule in interrupts)
        ):
            behind += 1
        _skip_as(state, "footnote", start, behind)
    return True


def _line(state: StateBlock, line: int) -> str:
    return state.src[state.bMarks[line] + state.tShift[line] : state.eMarks[line]]


def _skip_as(state: StateBlock, kind: str, start: int, behind: int) -> None:
    token = state.push(kind, "", 0)
    token.map = [start, behind]
    state.line = behind
