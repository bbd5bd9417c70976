"""The rounds of a benchmark, as a bar on the terminal."""

from __future__ import annotations

from collections.abc import Iterator

from app.cli_progress import Progress


def counted(rounds: int, what: str) -> Iterator[int]:
    """Their numbers, from 0."""
    with Progress() as progress:
        for number in range(rounds):
            progress(what, number, rounds)
            yield number
