"""The questions of a description that nobody has answered: table cells that hold `to-do`, found and written over.

What GitLab's rich text editor is to a table there, this is here: one cell is replaced, nothing else in the description
is touched. A question is known by its words, so the table may change while somebody is answering.
"""

from __future__ import annotations

import re
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it.token import Token

from app.sandbox.page_markdown import is_open_answer, parse

_SEPARATOR: Final = re.compile(r"(?<!\\)\|")
_UNTOLD: Final = frozenset({"", "key"})


@dataclass(frozen=True, slots=True)
class OpenAnswer:
    """A cell that waits for an answer: where it is, what is asked, and what else its row tells."""

    key: str
    line: int
    column: int
    question: str
    hints: tuple[tuple[str, str], ...]
    is_required: bool


def open_answers(text: str) -> list[OpenAnswer]:
    """The cells of the tables of a description that still hold `to-do`, from top to bottom."""
    seen: Counter[str] = Counter()
    found = []
    for line, header, cells in _rows(parse(text)):
        for column, cell in enumerate(cells):
            if not column or not is_open_answer(cell.content):
                continue
            question = _readable(cells[0])
            key = f"{zlib.crc32(question.encode()):08x}"
            seen[key] += 1
            named = zip(header, map(_readable, cells), strict=False)
            others = [pair for place, pair in enumerate(named) if place not in (0, column)]
            hints = tuple((name, words) for name, words in others if words and name.lower() not in _UNTOLD)
            key = key if seen[key] == 1 else f"{key}-{seen[key]}"
            found.append(OpenAnswer(key, line, column, question, hints, "**" in cells[0].content))
    return found


def answered(text: str, given: Mapping[str, str]) -> str:
    """The description with answers, by key, in place of `to-do`; unknown keys are ignored."""
    lines = text.split("\n")
    for place in open_answers(text):
        if place.key not in given:
            continue
        parts = _SEPARATOR.split(lines[place.line])
        # A row may begin with a `|`; then there is an empty part before the first cell.
        index = place.column + (not parts[0].strip())
        if index < len(parts):
            parts[index] = f" {_as_cell(given[place.key])} "
            lines[place.line] = "|".join(parts)
    return "\n".join(lines)


def _as_cell(words: str) -> str:
    return " ".join(words.split()).replace("\\|", "&#124;").replace("|", "\\|")


def _rows(tokens: Sequence[Token]) -> Iterator[tuple[int, list[str], list[Token]]]:
    """Line, header and cells of every body row of every table at the top level."""
    header: list[str] = []
    cells: list[Token] = []
    line = -1
    for place, token in enumerate(tokens):
        if token.type == "thead_open":
            header = []
        elif token.type == "th_open":
            header.append(_readable(tokens[place + 1]))
        elif token.type == "tbody_open" and token.map:
            # Rows carry no line number; each is one line.
            line = token.map[0] - 1
        elif token.type == "tr_open":
            line, cells = line + 1, []
        elif token.type == "td_open":
            cells.append(tokens[place + 1])
        elif token.type == "tr_close" and cells and token.level == 2:
            yield line, header, cells


def _readable(cell: Token) -> str:
    """The words of a cell without Markdown."""
    kinds = {"text", "text_special", "code_inline"}
    return "".join(child.content for child in cell.children or () if child.type in kinds).strip()
