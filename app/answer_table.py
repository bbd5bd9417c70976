"""Tables in a description that people answer in: written by the bot, read back, and merged without losing a word.

Such a table has a column Answer and a column Key. Behind each the bot leaves a comment that lists its rows, with a
digest of every answer it wrote itself: so it knows its own words from a person's even after it forgot everything else.
Cells are compared by what a reader sees, because GitLab's rich text editor writes the same table in other characters.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Final

from markdown_it import MarkdownIt

from app.markdown_blocks import top_blocks
from app.markers import Safe

TODO: Final = Safe("to-do")
REQUIRED_TODO: Final = Safe("**to-do**")
_OWN_TODOS: Final = frozenset({TODO, REQUIRED_TODO})
_TODOS: Final = frozenset({"", TODO, "todo", "to do"})
_ANSWER: Final = frozenset({"answer", "answers", "customer response", "response"})
_KEY: Final = "key"
_MEMORY: Final = re.compile(r"<!-- psplan-answers((?: [a-z0-9_]+(?::[0-9a-f]{8})?)*) -->")
_SEPARATOR: Final = re.compile(r"(?<!\\)\|")


@dataclass(frozen=True, slots=True)
class Row:
    """One row as it stands; `line` is its source."""

    cells: tuple[str, ...]
    line: str


@dataclass(frozen=True, slots=True)
class AnswerTable:
    """A table with the lines around it; `answer` and `key` are the columns of that name."""

    before: tuple[str, ...]
    header: tuple[str, ...]
    delimiter: str
    rows: tuple[Row, ...]
    after: tuple[str, ...]
    answer: int
    key: int

    def key_of(self, row: Row) -> str:
        """The key of a row as read; empty for a row without one."""
        return readable(row.cells[self.key])

    def answer_of(self, row: Row) -> str:
        """The answer of a row as read, to-do or not."""
        return readable(row.cells[self.answer])


def written(header: Sequence[str], rows: Mapping[str, tuple[Safe, ...]]) -> Safe:
    """A table of the bot's own, rows by key, with its memory behind it; the last column is the key's."""
    lines = [_line(header), _line(["---"] * len(header)), *(_line(row) for row in rows.values())]
    answer = next(index for index, name in enumerate(header) if name.lower() in _ANSWER)
    said = {key: digest(row[answer]) for key, row in rows.items()}
    return Safe("\n".join([*lines, "", _memory_line(said)]))


def tables(markdown: str) -> Iterator[AnswerTable]:
    """Every table at the top level that has an answer and a key column."""
    if "|" not in markdown:
        return
    lines = markdown.replace("\r", "").split("\n")
    for block in top_blocks("\n".join(lines)):
        if block.kind == "table_open":
            first, last = block.first, block.last
            header = tuple(_cells(lines[first]))
            names = [readable(cell).lower() for cell in header]
            answer = next((index for index, name in enumerate(names) if name in _ANSWER), None)
            if answer is None or _KEY not in names:
                continue
            shape = AnswerTable(
                before=tuple(lines[:first]),
                header=header,
                delimiter=lines[first + 1],
                rows=(),
                after=tuple(lines[last:]),
                answer=answer,
                key=names.index(_KEY),
            )
            yield replace(shape, rows=tuple(_row(line, shape) for line in lines[first + 2 : last] if line.strip()))


def with_answers(markdown: str, answers: Mapping[str, Safe]) -> str:
    """The text with these answers in its tables, by key, whatever stood there; keys that have no row change nothing.

    They count as a person's answers, which a revision keeps: the memory of what the bot wrote itself stays as it was.
    """
    if not answers:
        return markdown
    lines = markdown.replace("\r", "").split("\n")
    left = dict(answers)
    for table in tables("\n".join(lines)):
        first = len(table.before) + 2
        for number, line in enumerate(lines[first : len(lines) - len(table.after)], start=first):
            if not line.strip():
                continue
            row = _row(line, table)
            if (answer := left.pop(table.key_of(row), None)) is not None:
                cells = [*row.cells[: table.answer], answer, *row.cells[table.answer + 1 :]]
                lines[number] = _line(cells)
    return "\n".join(lines)


def answers_in(markdown: str) -> dict[str, str]:
    """What stands in the answer cells of all tables, by key, as read; nothing where nobody has answered."""
    found: dict[str, str] = {}
    for table in tables(markdown):
        for row in table.rows:
            if key := table.key_of(row):
                found.setdefault(key, "" if is_todo(row.cells[table.answer]) else table.answer_of(row))
    return found


def is_todo(cell: str) -> bool:
    """True where nobody has answered yet."""
    return readable(cell).casefold() in _TODOS


def digest(cell: str) -> str | None:
    """What the memory keeps of an answer; nothing for to-do."""
    if cell in _OWN_TODOS:
        return None
    text = readable(cell)
    return None if text.casefold() in _TODOS else hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:8]


@dataclass(frozen=True, slots=True)
class Merged:
    """A merged table as text, and the keys where a person's answer stands against another one of the submission."""

    text: str
    kept: tuple[str, ...]


def merge(present: str, fresh: str, *, said_before: Collection[str] = ()) -> Merged | None:
    """Bring a table that people wrote in up to date with a fresh one of the bot.

    A cell that is neither to-do nor the bot's own words stays. So does a row that a person added, and a row with a
    person's answer whose question is gone; a row that a person removed stays away. `said_before`: answers of the former
    submission, for a table whose memory was lost. None when either text holds no such table.
    """
    now, new = next(tables(present), None), next(tables(fresh), None)
    if now is None or new is None:
        return None
    return _Merge(now, new, _memory(present), said_before).run()


class _Merge:
    """One merge: the table as it stands, the fresh one, and what the bot remembers to have written."""

    def __init__(
        self, now: AnswerTable, new: AnswerTable, memory: Mapping[str, str | None] | None, said: Collection[str]
    ) -> None:
        self.now, self.new, self.memory, self.said = now, new, memory, said
        self.present = {now.key_of(row): row for row in reversed(now.rows)}
        self.fresh = {new.key_of(row): row for row in new.rows}
        self.kept: list[str] = []
        self.remembered: dict[str, str | None] = {}

    def run(self) -> Merged:
        """The merged text."""
        lines: list[str] = []
        followers = self._followers()
        lines += followers.pop(None, [])
        for key, row in self.fresh.items():
            if (old := self.present.get(key)) is not None:
                lines.append(self._merged_row(key, old, row))
            elif self.memory is None or key not in self.memory:
                lines.append(self._new_row(row))
                self.remembered[key] = digest(row.cells[self.new.answer])
            else:
                self.remembered[key] = None  # a person took the row out: it stays out
            lines += followers.pop(key, [])
        table = [_line(self.now.header), self.now.delimiter, *lines]
        text = [*self.now.before, *table, "", _memory_line(self.remembered), *self._behind()]
        return Merged("\n".join(text), tuple(self.kept))

    def _followers(self) -> dict[str | None, list[str]]:
        """Rows of people, by the row of the bot that they stand behind."""
        found: dict[str | None, list[str]] = {}
        anchor: str | None = None
        seen: set[str] = set()
        for row in self.now.rows:
            key = self.now.key_of(row)
            if key in self.fresh and key not in seen:
                anchor = key
                seen.add(key)
            elif key in seen or self._is_of_a_person(key, row):
                found.setdefault(anchor, []).append(row.line)
        return found

    def _is_of_a_person(self, key: str, row: Row) -> bool:
        if self.memory is None or key not in self.memory:
            return True
        return not self._is_own(key, row.cells[self.now.answer])

    def _is_own(self, key: str, cell: str) -> bool:
        """True for to-do and for an answer that the bot wrote."""
        found = digest(cell)
        if found is None or self.memory is not None:
            return found is None or (self.memory or {}).get(key) == found
        return readable(cell) in self.said

    def _merged_row(self, key: str, old: Row, row: Row) -> str:
        """The person's cells where there are any, else the fresh ones, in the columns as they stand now."""
        fresh = dict(zip(map(_name, self.new.header), row.cells, strict=True))
        cells = list(old.cells)
        for index, name in enumerate(map(_name, self.now.header)):
            if index == self.now.answer:
                answer = row.cells[self.new.answer]
                if self._is_own(key, old.cells[index]):
                    cells[index] = answer
                    self.remembered[key] = digest(answer)
                else:
                    self.remembered[key] = None
                    if digest(answer) not in (None, digest(old.cells[index])):
                        self.kept.append(key)
            elif name in fresh and readable(fresh[name]) == readable(old.cells[index]):
                cells[index] = fresh[name]
        return old.line if tuple(cells) == old.cells else _line(cells)

    def _new_row(self, row: Row) -> str:
        fresh = dict(zip(map(_name, self.new.header), row.cells, strict=True))
        fresh[_name(self.now.header[self.now.answer])] = row.cells[self.new.answer]
        return _line([fresh.get(_name(column), "") for column in self.now.header])

    def _behind(self) -> list[str]:
        """What people wrote behind the table, without the memory."""
        lines = [line for line in self.now.after if not _MEMORY.fullmatch(line.strip())]
        words = "\n".join(lines).strip("\n")
        return ["", words] if words else []


def readable(cell: str) -> str:
    """What a reader sees of a cell: no marks of Markdown, one space between words."""
    if not _MARKED.search(cell):
        return " ".join(cell.split())
    if plain := _ONE_SPAN.fullmatch(cell):  # as the bot writes it
        return " ".join(plain[1].split())
    [inline] = _inline_parser().parseInline(cell)
    words = []
    for token in inline.children or ():
        if token.type in {"text", "code_inline", "text_special", "image"}:
            words.append(token.content)
        elif token.type in {"softbreak", "hardbreak"} or token.content.lower().startswith("<br"):
            words.append(" ")
    return " ".join("".join(words).split())


_ONE_SPAN: Final = re.compile(r"`([^`]+)`")
_MARKED: Final = re.compile(r"[\\`*_~&<\[!]")


def _name(column: str) -> str:
    return readable(column).casefold()


def _cells(line: str) -> list[str]:
    """The cells of a row. A `|` right behind a backslash does not separate, in GitLab's parser as in this one."""
    text = line.strip().removeprefix("|")
    if text.endswith("|") and not text.endswith("\\|"):
        text = text[:-1]
    return [cell.strip() for cell in _SEPARATOR.split(text)]


def _row(line: str, shape: AnswerTable) -> Row:
    """A row with as many cells as the header. Too many: somebody wrote a `|` into the answer, so it is escaped."""
    cells, width = _cells(line), len(shape.header)
    extra = len(cells) - width
    if extra > 0 and shape.answer < shape.key:
        answer = r" \| ".join(cells[shape.answer : shape.answer + extra + 1])
        cells = [*cells[: shape.answer], answer, *cells[shape.answer + extra + 1 :]]
        return Row(tuple(cells), _line(cells))
    return Row(tuple((cells + [""] * width)[:width]), line)


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _memory_line(said: Mapping[str, str | None]) -> str:
    rows = (f" {key}:{known}" if known else f" {key}" for key, known in said.items())
    return f"<!-- psplan-answers{''.join(rows)} -->"


def _memory(body: str) -> dict[str, str | None] | None:
    found = next((match for line in body.split("\n") if (match := _MEMORY.fullmatch(line.strip()))), None)
    if found is None:
        return None
    entries = (entry.partition(":") for entry in found.group(1).split())
    return {key: known or None for key, _, known in entries}


@cache
def _inline_parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable("strikethrough")
