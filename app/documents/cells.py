"""Cells of the workbooks that are written here: numbers, formulas, and text that stays text."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any, Final

from openpyxl.styles import Alignment, Font, PatternFill
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from app.documents.estimate import Estimate
from app.text import one_line

MOST_CHARS: Final = 2_000
_HEAD: Final = PatternFill("solid", fgColor="E8E6F4")
INPUT: Final = PatternFill("solid", fgColor="FFF9E5")
_FACE: Final = "Calibri"
BOLD = Font(name=_FACE, bold=True)
QUIET = Font(name=_FACE, color="737278", size=8)
BIG = Font(name=_FACE, bold=True, size=16)
_WRAPPED: Final = Alignment(wrap_text=True, vertical="top")
HOURS: Final = "#,##0.0;-#,##0.0;"
"""Nothing is shown as nothing."""
PERCENT: Final = "0.0%"


class Formula(str):
    """Text that a cell counts by. All other text is text, whatever it begins with."""

    __slots__ = ()


def head(sheet: Worksheet, row: int, heads: Iterable[str]) -> None:
    """A row of headings."""
    for number, text in enumerate(heads, 1):
        write(sheet, row, number, text, font=BOLD, fill=_HEAD, wraps=True)


def widths(sheet: Worksheet, *widths: int) -> None:
    """Of the first columns, in characters."""
    for number, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(number)].width = width


def money(estimate: Estimate) -> str:
    """How an amount is shown; nothing is shown as nothing."""
    return f'#,##0.00 "{estimate.currency}";-#,##0.00 "{estimate.currency}";'


def write(
    sheet: Worksheet,
    row: int,
    column: int,
    value: Any,
    *,
    shape: str | None = None,
    font: Font | None = None,
    fill: PatternFill | None = None,
    wraps: bool = False,
) -> None:
    """What a customer's name begins with makes no formula of it."""
    cell = sheet.cell(row, column)
    if isinstance(value, str) and not isinstance(value, Formula):
        cell.value = one_line(value, MOST_CHARS)
        cell.data_type = "s"
    elif isinstance(value, Decimal | str):
        cell.value = value
    for name, given in (("number_format", shape), ("font", font), ("fill", fill)):
        if given is not None:
            setattr(cell, name, given)
    if wraps:
        cell.alignment = _WRAPPED
