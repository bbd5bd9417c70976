"""The estimate as a workbook whose formulas live: who changes an hour sees the totals. Equal ones are equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from openpyxl import Workbook
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from app.documents.cells import BIG, BOLD, HOURS, INPUT, PERCENT, QUIET, Formula, head, money, widths, write
from app.documents.estimate import Estimate, Line, Missing, Rough
from app.documents.fixed_zip import fixed
from app.documents.layout import (
    ABOUT_CATALOGUE,
    ABOUT_CURRENCY,
    ABOUT_ENGAGEMENT,
    ABOUT_FORM,
    ABOUT_TEMPLATE,
    ACTIVITY_COLUMN,
    CONSULTING,
    EDUCATION,
    FIRST_ROW,
    KEY_COLUMN,
    KIND_COLUMN,
    OWN_KEY,
    PRICE_ROW,
    ROLE_ROW,
    ROLES_FROM,
    ROOM,
    SHARE_ROW,
    TEMPLATE,
    TITLE_ROW,
    Columns,
    Sheet,
)

FILE_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheets:
    """What a workbook tells besides its numbers. `facts`: title, value and where it is from. `wordings`: by heading."""

    customer: str
    engagement: str
    billing: str
    version: int = 1
    """That the estimate will have when this goes on record."""
    rough: Rough | None = None
    missing: Sequence[tuple[str, Missing]] = ()
    facts: Sequence[tuple[str, str, str]] = ()
    wordings: Mapping[str, Sequence[str]]


def as_workbook(estimate: Estimate, told: Sheets) -> bytes:
    """The file."""
    book = Workbook()
    summary = book.active
    assert isinstance(summary, Worksheet)  # noqa: S101
    summary.title = Sheet.SUMMARY
    sheets = {Sheet.SUMMARY: summary} | {name: book.create_sheet(name) for name in list(Sheet)[1:]}
    at = _Places(estimate)
    _activities(sheets[Sheet.ACTIVITIES], estimate, at)
    _roles(sheets[Sheet.ROLES], estimate, at)
    _cost(sheets[Sheet.COST], estimate, at)
    _customer(sheets[Sheet.CUSTOMER], estimate, told, at)
    _assumptions(sheets[Sheet.ASSUMPTIONS], told)
    _about(sheets[Sheet.ABOUT], estimate, told)
    _summary(summary, estimate, told, at)
    for sheet in sheets.values():
        sheet.sheet_view.showGridLines = False
        sheet.page_setup.orientation, sheet.page_setup.fitToHeight = "landscape", 0
        sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheets[Sheet.ABOUT].sheet_state = "hidden"
    book.properties.creator = "PS Plan Bot"
    written = BytesIO()
    book.save(written)
    return fixed(written.getvalue())


class _Places:
    """Where the formulas of one workbook point."""

    def __init__(self, estimate: Estimate) -> None:
        self.roles = list(estimate.rates)
        self.columns = Columns(len(self.roles))
        self.rows = range(FIRST_ROW, FIRST_ROW + len(estimate.lines) + ROOM)
        self.last = self.rows[-1]

    def column(self, letter: str) -> str:
        """A column of the activities, over all of their rows."""
        return f"{Sheet.ACTIVITIES}!${letter}${FIRST_ROW}:${letter}${self.last}"

    def role(self, key: str) -> str:
        """The column of a role."""
        return get_column_letter(ROLES_FROM + self.roles.index(key))


def _activities(sheet: Worksheet, estimate: Estimate, at: _Places) -> None:
    _title(sheet, "Activities", "Yellow cells are there to be changed; lines of your own go below the last one.")
    columns = at.columns
    heads = ["", "Activity", "Kind", *(rate.title for rate in estimate.rates.values())]
    heads += ["Hours", "Item", "Quantity", "Price of one", "Price"]
    head(sheet, TITLE_ROW, heads)
    for number, (key, rate) in enumerate(estimate.rates.items(), ROLES_FROM):
        write(sheet, ROLE_ROW, number, key, font=QUIET)
        write(sheet, PRICE_ROW, number, rate.price, shape=money(estimate), fill=INPUT)
    write(sheet, PRICE_ROW, ACTIVITY_COLUMN, "Price of an hour", font=BOLD)
    for row, line in zip(at.rows, [*estimate.lines, *[None] * ROOM], strict=True):
        _line(sheet, row, line, estimate, at)
    sheet.column_dimensions["A"].hidden = True
    sheet.column_dimensions["B"].width, sheet.column_dimensions["C"].width = 48, 12
    for number in range(ROLES_FROM, columns.numbers["price"] + 1):
        sheet.column_dimensions[get_column_letter(number)].width = 15
    sheet.row_dimensions[TITLE_ROW].height = 32
    sheet.freeze_panes = f"C{FIRST_ROW}"


def _line(sheet: Worksheet, row: int, line: Line | None, estimate: Estimate, at: _Places) -> None:
    columns = at.columns
    if line is not None:
        write(sheet, row, KEY_COLUMN, line.key or OWN_KEY, font=QUIET)
        write(sheet, row, ACTIVITY_COLUMN, line.title)
        write(sheet, row, KIND_COLUMN, EDUCATION if line.is_education else CONSULTING)
        if line.sku is not None:
            write(sheet, row, columns.numbers["sku"], line.sku)
    for number, key in enumerate(at.roles, ROLES_FROM):
        hours = None if line is None else line.hours.get(key)
        write(sheet, row, number, hours, shape=HOURS, fill=INPUT)
    write(sheet, row, columns.numbers["hours"], Formula(f"=SUM({columns.first}{row}:{columns.last}{row})"), shape=HOURS)
    for name, value in (("quantity", line and line.quantity), ("unit_price", line and line.unit_price)):
        shape = money(estimate) if name == "unit_price" else "#,##0.##"
        write(sheet, row, columns.numbers[name], value, shape=shape, fill=INPUT)
    by_hours = (
        f"SUMPRODUCT({columns.first}{row}:{columns.last}{row},{columns.first}${PRICE_ROW}:{columns.last}${PRICE_ROW})"
    )
    pieces = f"{columns.quantity}{row}*{columns.unit_price}{row}"
    price = Formula(f"=ROUND(IF(ISNUMBER({columns.unit_price}{row}),{pieces},{by_hours}),2)")
    write(sheet, row, columns.numbers["price"], price, shape=money(estimate))


def _roles(sheet: Worksheet, estimate: Estimate, at: _Places) -> None:
    _title(sheet, "Roles and effort", "Counted from the activities.")
    head(sheet, TITLE_ROW, ["Role", "Hours", "Days of 8 hours", "Price of an hour"])
    for row, (key, rate) in enumerate(estimate.rates.items(), TITLE_ROW + 1):
        letter = at.role(key)
        write(sheet, row, 1, rate.title)
        write(sheet, row, 2, Formula(f"=SUM({at.column(letter)})"), shape=HOURS)
        write(sheet, row, 3, Formula(f"=B{row}/8"), shape=HOURS)
        write(sheet, row, 4, Formula(f"={Sheet.ACTIVITIES}!{letter}{PRICE_ROW}"), shape=money(estimate))
    end = TITLE_ROW + len(estimate.rates)
    write(sheet, end + 1, 1, "All", font=BOLD)
    write(sheet, end + 1, 2, Formula(f"=SUM(B{TITLE_ROW + 1}:B{end})"), shape=HOURS, font=BOLD)
    widths(sheet, 36, 14, 16, 18)


def _cost(sheet: Worksheet, estimate: Estimate, at: _Places) -> None:
    """Its roles stand in the columns in which they stand on the sheet of activities."""
    _title(sheet, "Cost and margin", "INTERNAL: never for the customer.")
    head(
        sheet,
        TITLE_ROW,
        ["", "Activity", "", *(rate.title for rate in estimate.rates.values()), "Cost", "Price", "Margin"],
    )
    write(sheet, PRICE_ROW, ACTIVITY_COLUMN, "Cost of an hour", font=BOLD)
    for number, rate in enumerate(estimate.rates.values(), ROLES_FROM):
        write(sheet, PRICE_ROW, number, rate.cost, shape=money(estimate), fill=INPUT)
    columns, after = at.columns, ROLES_FROM + len(at.roles)
    cost, price = get_column_letter(after), get_column_letter(after + 1)
    for row in at.rows:
        there, rates = (
            f"{Sheet.ACTIVITIES}!{columns.first}{row}:{columns.last}{row}",
            f"{columns.first}${PRICE_ROW}:{columns.last}${PRICE_ROW}",
        )
        write(sheet, row, ACTIVITY_COLUMN, Formula(f'={Sheet.ACTIVITIES}!B{row}&""'))
        write(sheet, row, after, Formula(f"=ROUND(SUMPRODUCT({there},{rates}),2)"), shape=money(estimate))
        write(sheet, row, after + 1, Formula(f"={Sheet.ACTIVITIES}!{columns.price}{row}"), shape=money(estimate))
        write(
            sheet,
            row,
            after + 2,
            Formula(f'=IF({price}{row}=0,"",({price}{row}-{cost}{row})/{price}{row})'),
            shape=PERCENT,
        )
    end = at.last + 1
    write(sheet, end, ACTIVITY_COLUMN, "All, with what is put on top", font=BOLD)
    write(sheet, end, after, Formula(f"=SUM({cost}{FIRST_ROW}:{cost}{at.last})"), shape=money(estimate), font=BOLD)
    write(sheet, end, after + 1, Formula(f"={Sheet.SUMMARY}!B{_TOTAL_ROW}"), shape=money(estimate), font=BOLD)
    write(
        sheet,
        end,
        after + 2,
        Formula(f'=IF({price}{end}=0,"",({price}{end}-{cost}{end})/{price}{end})'),
        shape=PERCENT,
        font=BOLD,
    )
    widths(sheet, 4, 48, 4, *[15] * (len(at.roles) + 3))
    sheet.freeze_panes = f"C{FIRST_ROW}"
    sheet.sheet_properties.tabColor = "DD2B0E"


def _customer(sheet: Worksheet, estimate: Estimate, told: Sheets, at: _Places) -> None:
    _title(
        sheet,
        f"Estimate for {told.customer}",
        f"Professional Services; prices in {estimate.currency}, without taxes and travel.",
    )
    head(sheet, TITLE_ROW, ["Activity", "Hours", "Price"])
    row = TITLE_ROW
    for number, line in zip(at.rows, estimate.lines, strict=False):
        row += 1
        write(sheet, row, 1, Formula(f'={Sheet.ACTIVITIES}!B{number}&""'))
        if line.unit_price is None:
            write(sheet, row, 2, Formula(f"={Sheet.ACTIVITIES}!{at.columns.hours}{number}"), shape=HOURS)
        write(sheet, row, 3, Formula(f"={Sheet.ACTIVITIES}!{at.columns.price}{number}"), shape=money(estimate))
    rest = Formula(f"={Sheet.SUMMARY}!B{_TOTAL_ROW}-SUM(C{TITLE_ROW + 1}:C{row})")
    write(sheet, row + 1, 1, "For what cannot be foreseen, and further lines")
    write(sheet, row + 1, 3, rest, shape=money(estimate))
    write(sheet, row + 2, 1, "Total", font=BOLD)
    write(sheet, row + 2, 3, Formula(f"={Sheet.SUMMARY}!B{_TOTAL_ROW}"), shape=money(estimate), font=BOLD)
    widths(sheet, 64, 12, 18)
    sheet.sheet_properties.tabColor = "108548"


def _assumptions(sheet: Worksheet, told: Sheets) -> None:
    _title(sheet, "Assumptions", "What the estimate rests on.")
    head(sheet, TITLE_ROW, ["What is known", "Value", "From"])
    row = TITLE_ROW
    for facts in told.facts:
        row += 1
        for number, text in enumerate(facts, 1):
            write(sheet, row, number, text, wraps=True)
    for heading, sentences in told.wordings.items():
        if sentences:
            row += 2
            write(sheet, row, 1, heading, font=BOLD)
        for sentence in sentences:
            row += 1
            write(sheet, row, 1, sentence, wraps=True)
    widths(sheet, 80, 24, 48)


def _about(sheet: Worksheet, estimate: Estimate, told: Sheets) -> None:
    held = {
        ABOUT_TEMPLATE: TEMPLATE,
        ABOUT_CATALOGUE: estimate.catalogue,
        ABOUT_ENGAGEMENT: told.engagement,
        ABOUT_CURRENCY: estimate.currency,
        ABOUT_FORM: estimate.form.value,
    }
    for row, (name, value) in enumerate(held.items(), 1):
        write(sheet, row, 1, name)
        write(sheet, row, 2, value)


_CONSULTING_ROW, _ON_TOP_ROW, _EDUCATION_ROW, _TOTAL_ROW, _HOURS_ROW = 9, 10, 11, 12, 14


def _summary(sheet: Worksheet, estimate: Estimate, told: Sheets, at: _Places) -> None:
    write(sheet, 1, 1, told.customer, font=BIG)
    for row, (name, text) in enumerate(
        [
            ("Engagement", told.engagement),
            ("Billed by", told.billing),
            ("Currency", estimate.currency),
            ("Catalogue", estimate.catalogue),
            ("Draft", f"of version {told.version}, {estimate.digest}"),
        ],
        3,
    ):
        write(sheet, row, 1, name)
        write(sheet, row, 2, text)
    head(sheet, 8, ["", estimate.currency])
    price, kind, unit = (at.column(letter) for letter in (at.columns.price, "C", at.columns.unit_price))
    by_hours = f'SUMPRODUCT(({kind}<>"{EDUCATION}")*NOT(ISNUMBER({unit}))*{price})'
    counted = {
        _CONSULTING_ROW: ("Consulting", Formula(f'=SUM({price})-SUMIF({kind},"{EDUCATION}",{price})')),
        _ON_TOP_ROW: ("For what cannot be foreseen", Formula(f"=ROUND({by_hours}*B{SHARE_ROW},2)")),
        _EDUCATION_ROW: ("Education", Formula(f'=SUMIF({kind},"{EDUCATION}",{price})')),
        _TOTAL_ROW: ("Total", Formula(f"=B{_CONSULTING_ROW}+B{_ON_TOP_ROW}+B{_EDUCATION_ROW}")),
    }
    for row, (name, formula) in counted.items():
        font = BOLD if row == _TOTAL_ROW else None
        write(sheet, row, 1, name, font=font)
        write(sheet, row, 2, formula, shape=money(estimate), font=font)
    write(sheet, _HOURS_ROW, 1, "Hours")
    write(sheet, _HOURS_ROW, 2, Formula(f"=SUM({at.column(at.columns.hours)})"), shape=HOURS)
    write(sheet, SHARE_ROW, 1, "Put on top of consulting by hours")
    write(sheet, SHARE_ROW, 2, estimate.contingency, shape=PERCENT, fill=INPUT)
    row = SHARE_ROW + 2
    if told.rough is not None:
        write(sheet, row, 1, f"Rough order of magnitude: {told.rough.title}")
        write(sheet, row, 2, rough_in_words(told.rough))
        row += 2
    if told.missing:
        head(sheet, row, ["Not answered yet, and what it might change", "Total at least", "Total at most"])
        for title, missing in told.missing:
            row += 1
            write(sheet, row, 1, title)
            write(sheet, row, 2, missing.least, shape=money(estimate))
            write(sheet, row, 3, missing.most, shape=money(estimate))
    widths(sheet, 56, 40, 18)


def rough_in_words(rough: Rough) -> str:
    """`30,000 to 40,000 USD`."""
    if rough.least is None or rough.most is None:
        return "above the table: the EM prices it"
    return f"{rough.least:,.0f} to {rough.most:,.0f} {rough.currency}"


def _title(sheet: Worksheet, text: str, below: str) -> None:
    column = ACTIVITY_COLUMN if sheet.title in {Sheet.ACTIVITIES, Sheet.COST} else 1
    write(sheet, 1, column, text, font=BIG)
    write(sheet, 2, column, below)
