"""How commands print for people: columns that stand below each other, and colour on a terminal alone."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TextIO

import click

COLOURS: Final[Mapping[str, str]] = {
    "ok": "green",
    "+": "green",
    "warning": "yellow",
    "~": "yellow",
    "broken": "red",
    "failed": "red",
    "-": "red",
}
"""The colour of a word in the first column; others have none."""
GAP: Final = "  "
ARROW: Final = "  → "
"""Before what mends it."""


def columns(rows: Iterable[Sequence[str]], stream: TextIO = sys.stdout) -> str:
    """Rows of equally many cells, each column as wide as its widest cell; the last one takes what it needs."""
    table = [tuple(row) for row in rows]
    widths = [max(map(len, cells)) for cells in zip(*table, strict=True)]
    return "".join(_line(row, widths, stream) for row in table)


def _line(row: Sequence[str], widths: Sequence[int], stream: TextIO) -> str:
    cells = [cell.ljust(width) for cell, width in zip(row, widths, strict=True)]
    cells[0] = paint(cells[0], COLOURS.get(row[0]), stream)
    return GAP.join(cells).rstrip() + "\n"


def paint(words: str, colour: str | None, stream: TextIO) -> str:
    """In colour where somebody sees it and has not said no (NO_COLOR, TERM=dumb)."""
    is_wanted = stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    return click.style(words, fg=colour) if colour is not None and is_wanted else words


def number(count: int, noun: str) -> str:
    """`1 change`, `2 changes`."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
