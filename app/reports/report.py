"""A report is one registered function: it makes the rows of a table, from which page, plot and CSV file follow."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal

from app.reports.material import Material

Cell = str | int | Decimal | float | None


@dataclass(frozen=True, slots=True)
class Bars:
    """How to draw a table: a bar for each row, of these columns, stacked where there are several. `unit` is for
    words."""

    columns: tuple[int, ...]
    unit: str = ""
    marks: int | None = None
    """A column whose value is a mark on the bar: the 90th percentile on a median."""


@dataclass(frozen=True, slots=True)
class Report:
    """One report as it came out. The first column names the row."""

    name: str
    title: str
    says: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    plot: Bars


Make = Callable[[Material], Iterator[tuple[Cell, ...]]]


@dataclass(frozen=True, slots=True)
class _Registered:
    title: str
    says: str
    columns: tuple[str, ...]
    plot: Bars
    make: Make


_REPORTS: dict[str, _Registered] = {}


def report(name: str, title: str, says: str, *, columns: tuple[str, ...], plot: Bars) -> Callable[[Make], Make]:
    """Register the decorated function: what it yields are the rows."""

    def register(make: Make) -> Make:
        _REPORTS[name] = _Registered(title, says, columns, plot, make)
        return make

    return register


def names() -> tuple[str, ...]:
    """All reports, in the order of the page."""
    return tuple(_REPORTS)


def made(name: str, material: Material) -> Report:
    """One report. Raises KeyError where there is none of that name."""
    known = _REPORTS[name]
    columns = tuple(each.replace("{currency}", material.methodology.money.currency) for each in known.columns)
    return Report(name, known.title, known.says, columns, tuple(known.make(material)), known.plot)
