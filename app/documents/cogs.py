"""The cost sheet (COGS) of an estimate as a workbook of its own: never part of what a customer gets."""

from __future__ import annotations

from decimal import Decimal
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from app.documents.cells import BIG, BOLD, HOURS, INPUT, PERCENT, Formula, head, money, widths, write
from app.documents.estimate import Estimate
from app.documents.fixed_zip import fixed

_FIRST: Final = 6


def as_cost_sheet(estimate: Estimate, *, customer: str, version: int, target: Decimal) -> bytes:
    """Hours, costs and margin by role. `target`: the margin that is wanted, between 0 and 1."""
    book = Workbook()
    sheet = book.active
    assert isinstance(sheet, Worksheet)  # noqa: S101
    sheet.title = "COGS"
    write(sheet, 1, 1, f"Cost sheet: {customer}", font=BIG)
    write(sheet, 2, 1, f"INTERNAL. From version {version} of the estimate; catalogue {estimate.catalogue}.")
    head(sheet, _FIRST - 1, ["Role", "Hours", "Cost of an hour", "Cost"])
    shape, row = money(estimate), _FIRST
    for role, rate in estimate.rates.items():
        write(sheet, row, 1, rate.title)
        write(sheet, row, 2, estimate.hours_of(role), shape=HOURS)
        write(sheet, row, 3, rate.cost, shape=shape, fill=INPUT)
        write(sheet, row, 4, Formula(f"=ROUND(B{row}*C{row},2)"), shape=shape)
        row += 1
    write(sheet, row, 1, "Cost", font=BOLD)
    write(sheet, row, 2, Formula(f"=SUM(B{_FIRST}:B{row - 1})"), shape=HOURS)
    write(sheet, row, 4, Formula(f"=SUM(D{_FIRST}:D{row - 1})"), shape=shape, font=BOLD)
    write(sheet, row + 1, 1, "Price")
    write(sheet, row + 1, 4, estimate.total, shape=shape)
    write(sheet, row + 2, 1, "Margin", font=BOLD)
    write(sheet, row + 2, 4, Formula(f'=IF(D{row + 1}=0,"",(D{row + 1}-D{row})/D{row + 1})'), shape=PERCENT, font=BOLD)
    write(sheet, row + 3, 1, "Wanted")
    write(sheet, row + 3, 4, target, shape=PERCENT)
    widths(sheet, 44, 14, 20, 20)
    book.properties.creator = "PS Plan Bot"
    written = BytesIO()
    book.save(written)
    return fixed(written.getvalue())
