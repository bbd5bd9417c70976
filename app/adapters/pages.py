"""The newest rows of a list that GitLab gives oldest first, in pages, and without a filter for what is new.

A list of one page costs one request. A longer one is read from its end backwards, until a row is met that is known.
GitLab does not count lists of more than 10,000 rows; the last page is then searched for by doubling and halving.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from app.listing import Listing

Row = dict[str, Any]

PER_PAGE = 100
MOST_PAGES = 20
"""So many pages are read at most; of a longer history the oldest part is left out."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page; nothing is next on the last one and beyond it, `total_pages` is None where GitLab did not count."""

    rows: Sequence[Row]
    has_next: bool
    total_pages: int | None


ReadPage = Callable[[int], Page]
"""Reads the page of this number, counted from 1."""


def newest_rows(read: ReadPage, *, after: int) -> Listing[Row]:
    """The rows with an `id` above `after`, ascending; at most those of the last MOST_PAGES pages.

    A page may hold fewer rows than asked for, even none: GitLab takes out what the bot may not see after it has paged.
    """
    # the search for the last page may have read what is wanted afterwards
    read = cache(read)
    first = read(1)
    if not first.has_next:
        return Listing(_ascending(first.rows, after))
    last = first.total_pages or _last_page(read)
    found: list[Row] = []
    is_cut = last > MOST_PAGES
    for number in range(last, max(last - MOST_PAGES, 0), -1):
        rows = read(number).rows
        found += rows
        if any(row["id"] <= after for row in rows):
            is_cut = False
            break
    return Listing(_ascending(found, after), is_cut=is_cut)


def _last_page(read: ReadPage) -> int:
    """The lowest page that has no next one; page 1 is known to have one."""
    low, high = 1, 2
    while read(high).has_next:
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        if read(middle).has_next:
            low = middle
        else:
            high = middle
    return high


def _ascending(rows: Sequence[Row], after: int) -> list[Row]:
    """Sorted, and each once: a row can move to the next page between two requests."""
    fresh = {row["id"]: row for row in rows if row["id"] > after}
    return [fresh[number] for number in sorted(fresh)]
