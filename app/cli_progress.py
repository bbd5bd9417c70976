"""Long work as a bar on the terminal; where stderr is a pipe or a file nothing is written."""

from __future__ import annotations

import shutil
import sys
from contextlib import ExitStack
from types import TracebackType
from typing import Final, Self

import click

ERASED: Final = "\033[1A\033[2K"
"""One line up, and gone: a bar that has come to its end makes room for what came of it."""
WIDTH: Final = 24
AROUND: Final = len("  []    00:00:00") + 1
"""What a line holds beside words, bar and numbers; and one more: some terminals wrap when the last place is taken."""


class Progress:
    """A context manager that is told how far the work is; each kind of work has a bar of its own."""

    def __init__(self) -> None:
        self._is_seen = sys.stderr.isatty()
        self._what = ""
        self._done = 0
        self._shown = ExitStack()
        self._bar: click._termui_impl.ProgressBar[int] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.clear()

    def clear(self) -> None:
        """Make room for what came of it; the next that is told begins a new bar."""
        self._shown.close()
        self._bar = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """So much of it is done; implements tell.Tell."""
        if not self._is_seen or total <= 0:
            return
        if what != self._what or done < self._done or self._bar is None:
            self.clear()
            self._shown.callback(sys.stderr.write, ERASED)
            made = click.progressbar(
                length=total, label=_fitting(what, total), file=sys.stderr, show_pos=True, width=WIDTH
            )
            self._bar = self._shown.enter_context(made)
            self._what, self._done = what, 0
        self._bar.update(done - self._done)
        self._done = done


def _fitting(what: str, total: int) -> str:
    """As much of it as leaves the bar on one line: one that wraps is written anew below itself at each step."""
    room = shutil.get_terminal_size().columns - WIDTH - AROUND - len(f"{total}/{total}")
    return what if len(what) <= room else what[: max(0, room - 1)] + "…"
