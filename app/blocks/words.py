"""Safe parts put together: typed so that no plain text slips in between."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from app.text import Safe, own


def together(*parts: Safe) -> Safe:
    """Safe parts in a row."""
    return Safe("".join(parts))


def lines(*parts: Safe) -> Safe:
    """Safe parts on lines of their own."""
    return Safe("\n".join(parts))


def table(header: Sequence[str], rows: Iterable[Sequence[Safe]]) -> Iterator[Safe]:
    """The lines of a table."""
    yield own(f"| {' | '.join(header)} |")
    yield own(f"|{' --- |' * len(header)}")
    for row in rows:
        yield together(own("| "), joined(row, own(" | ")), own(" |"))


def joined(parts: Iterable[Safe], between: Safe) -> Safe:
    """Safe parts with something between them."""
    return Safe(between.join(parts))
