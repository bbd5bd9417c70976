"""Long work on a terminal is a bar that goes when it is done; in a pipe it is nothing."""

from __future__ import annotations

import io
import re
import sys

import pytest

from app.cli_lines import columns, paint
from app.cli_progress import ERASED, Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def shown(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(sys, "stderr", stream)
    with Progress() as progress:
        for number in range(1, 4):
            progress("reading issues", number, 3)
        progress("looking", 1, 2)
    return stream.getvalue()


def test_a_terminal_shows_how_far_each_work_is(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = shown(Terminal(), monkeypatch)
    for words in ("reading issues", "1/3", "3/3", "looking", "1/2"):
        assert words in seen
    assert seen.count(ERASED) == 2
    assert seen.endswith(ERASED)


@pytest.mark.parametrize("columns_of_terminal", [80, 60, 200])
def test_a_bar_stays_on_its_line(columns_of_terminal: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", seen := Terminal())
    monkeypatch.setenv("COLUMNS", str(columns_of_terminal))
    with Progress() as progress:
        for number in range(0, 5_001, 1_000):
            progress("taking proposal::Ready For Approval off issues of the project", number, 5_000)
    lines = [re.sub(r"\033\[\??\d+\w", "", line) for line in re.split(r"[\r\n]", seen.getvalue())]
    assert any("5000/5000" in line for line in lines)
    assert max(map(len, lines)) < columns_of_terminal
    assert ("taking proposal::Ready For Approval off issues of the project" in seen.getvalue()) is (
        columns_of_terminal == 200
    )


def test_a_pipe_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert shown(io.StringIO(), monkeypatch) == ""


@pytest.mark.parametrize(
    ("stream", "variable", "is_coloured"),
    [
        (Terminal(), None, True),
        (Terminal(), ("NO_COLOR", "1"), False),
        (Terminal(), ("TERM", "dumb"), False),
        (io.StringIO(), None, False),
    ],
    ids=["a terminal", "NO_COLOR", "a dumb terminal", "a pipe"],
)
def test_colour_is_for_who_wants_it(
    stream: io.StringIO, variable: tuple[str, str] | None, is_coloured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    if variable is not None:
        monkeypatch.setenv(*variable)
    assert ("\033[" in paint("broken", "red", stream)) is is_coloured
    assert ("\033[" in columns([("broken", "x"), ("ok", "y")], stream)) is is_coloured


def test_colour_does_not_shift_columns(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    rows = [("ok", "a", "first"), ("not configured", "longer", "second")]
    plain = columns(rows, io.StringIO())
    assert [line.index(word) for line, word in zip(plain.splitlines(), ("first", "second"), strict=True)] == [24, 24]
    coloured = columns(rows, Terminal())
    assert coloured.replace("\033[32m", "").replace("\033[0m", "") == plain
