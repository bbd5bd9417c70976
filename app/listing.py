"""Rows that were read of a list which may be longer than what is read at once, and whether it was."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from typing import Self, TypeVar

T = TypeVar("T")


class Listing(list[T]):
    """The rows that were read, in the order of the list; `is_cut`: there are more."""

    def __init__(self, rows: Iterable[T] = (), *, is_cut: bool = False) -> None:
        super().__init__(rows)
        self.is_cut = is_cut

    @classmethod
    def at_most(cls, rows: Iterable[T], most: int) -> Self:
        """The first rows; one more is asked for, to see whether there is one."""
        read = list(islice(rows, most + 1))
        return cls(read[:most], is_cut=len(read) > most)
