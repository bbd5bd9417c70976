"""A report as horizontal bars, in per cent of the width there is: so they fit a desk and a phone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.pages.words import cell
from app.reports import Cell, Report

WHOLE: Final = 100.0
"""Per cent: the longest bar, or mark."""
MOST_VALUES: Final = 2


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a bar: where it begins, how long it is, which series it belongs to, and what it says."""

    x: float
    width: float
    series: int
    words: str


@dataclass(frozen=True, slots=True)
class Bar:
    """A row of the picture; `mark` is where its mark is."""

    label: str
    parts: Sequence[Part]
    mark: float | None
    value: str


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture: its bars and the names of its series (one: no legend is needed)."""

    bars: Sequence[Bar]
    series: Sequence[str]


def plot(report: Report) -> Plot | None:
    """How to draw a report; None where there is nothing to draw."""
    if not any(_number(row[column]) for row in report.rows for column in report.plot.columns):
        return None
    longest = max(max(_length(row, report), _mark(row, report) or 0.0) for row in report.rows)
    scale = WHOLE / longest
    series = [report.columns[column] for column in report.plot.columns]
    return Plot(
        bars=[_bar(row, report, scale) for row in report.rows],
        series=series if len(series) > 1 else [],
    )


def _bar(row: Sequence[Cell], report: Report, scale: float) -> Bar:
    parts, x = [], 0.0
    for series, column in enumerate(report.plot.columns):
        width = _number(row[column]) * scale
        if width:
            parts.append(Part(round(x, 1), round(width, 1), series, f"{report.columns[column]}: {cell(row[column])}"))
        x += width
    mark = _mark(row, report)
    return Bar(
        label=str(row[0]),
        parts=parts,
        mark=None if mark is None else round(mark * scale, 1),
        value=_value(row, report),
    )


def _value(row: Sequence[Cell], report: Report) -> str:
    """What stands behind a bar: its values; of many parts their sum; and what the mark is at."""
    unit = f" {report.plot.unit}" if report.plot.unit else ""
    known = [row[column] for column in report.plot.columns if row[column] is not None]
    if not known:
        return "–"
    shown = [cell(each) for each in known] if len(known) <= MOST_VALUES else [cell(int(_length(row, report)))]
    told = " + ".join(f"{each}{unit}" for each in shown)
    return told if report.plot.marks is None else f"{told}, 90 % in {cell(row[report.plot.marks])}{unit}"


def _length(row: Sequence[Cell], report: Report) -> float:
    return sum(_number(row[column]) for column in report.plot.columns)


def _mark(row: Sequence[Cell], report: Report) -> float | None:
    value = None if report.plot.marks is None else row[report.plot.marks]
    return None if value is None else _number(value)


def _number(value: Cell) -> float:
    return float(value) if isinstance(value, int | float | Decimal) else 0.0
