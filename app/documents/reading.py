"""An uploaded workbook → the estimate in it, counted anew by us; whatever else somebody uploads is refused in words.

Nothing of a file is believed: neither how large it says its parts are, nor the results that its formulas last had.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from io import BytesIO
from typing import Any, Final
from xml.etree.ElementTree import ParseError
from zipfile import BadZipFile, ZipFile

from openpyxl import DEFUSEDXML, load_workbook
from openpyxl.utils.exceptions import InvalidFileException

from app.catalogue.equations import LARGEST
from app.catalogue.soundness import MOST_ROLES
from app.documents.estimate import CENT, Estimate, Line, Rate
from app.documents.layout import (
    ABOUT_CATALOGUE,
    ABOUT_CURRENCY,
    ABOUT_ENGAGEMENT,
    ABOUT_FORM,
    ABOUT_TEMPLATE,
    ACTIVITY_COLUMN,
    EDUCATION,
    FIRST_ROW,
    KEY_COLUMN,
    KIND_COLUMN,
    MOST_LINES,
    OWN_KEY,
    PRICE_ROW,
    ROLE_ROW,
    ROLES_FROM,
    SHARE_ROW,
    TEMPLATE,
    TITLE_ROW,
    Columns,
    Sheet,
)
from app.submission.choices import EstimateType
from app.text import one_line
from app.uploads import MOST_BYTES

MOST_UNPACKED: Final = 12 * 1024 * 1024
MOST_PARTS: Final = 300
MOST_TAGS: Final = 60_000
"""In one part: openpyxl makes some objects of each, whatever is asked of it. An estimate has a tenth of that."""
MOST_TITLE_CHARS: Final = 300
MOST_HOURS: Final = Decimal(100_000)
CHUNK: Final = 64 * 1024
_UNREADABLE: Final = (
    *(BadZipFile, InvalidFileException, ParseError, zlib.error, OSError, EOFError, SyntaxError),
    *(KeyError, ValueError, TypeError, AttributeError, IndexError, AssertionError, RecursionError),
)
"""What openpyxl raises, at some depth, about a file that is none of Excel's."""


class NotThis(ValueError):
    """The file is not taken; the text says why, and what to do, in one or two sentences without anything foreign."""


@dataclass(frozen=True, slots=True)
class Read:
    """What a workbook says. `engagement`: the one that it was made for. `shown`: the total that its formulas last had,
    where it was kept."""

    estimate: Estimate
    engagement: str
    shown: Decimal | None


def read_workbook(content: bytes) -> Read:
    """Raises NotThis. Memory and time are bounded by the limits above."""
    if not DEFUSEDXML:
        raise RuntimeError("defusedxml is missing: no workbook is read without it")
    _demand_harmless(content)
    try:
        return _read(_Cells(content))
    except NotThis:
        raise
    except _UNREADABLE as fault:
        raise NotThis("It cannot be read as an Excel workbook. Please save it as .xlsx and upload it again.") from fault


def _demand_harmless(content: bytes) -> None:
    if len(content) > MOST_BYTES:
        raise NotThis(f"It is larger than {MOST_BYTES // 1024 // 1024} MiB. An estimate is a tenth of that.")
    try:
        with ZipFile(BytesIO(content)) as archive:
            _demand_plain([name.lower() for name in archive.namelist()])
            _demand_small(archive)
    except NotThis:
        raise
    except (BadZipFile, zlib.error, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as fault:
        raise NotThis(
            "It is no .xlsx workbook. Please upload the workbook that I attached, as you changed it."
        ) from fault


def _demand_plain(names: Sequence[str]) -> None:
    if len(names) > MOST_PARTS:
        raise NotThis("It holds more parts than any estimate.")
    if any("vbaproject" in name or "/activex/" in name for name in names):
        raise NotThis("It holds macros. Please save it as .xlsx without macros.")
    if any("externallink" in name or "/embeddings/" in name for name in names):
        raise NotThis("It is linked to other files. Please break the links (Data, Edit Links) and upload it again.")


def _demand_small(archive: ZipFile) -> None:
    """By unpacking: what an archive says of its sizes proves nothing."""
    left = MOST_UNPACKED
    for entry in archive.infolist():
        with archive.open(entry) as part:
            tags = 0
            while chunk := part.read(CHUNK):
                left -= len(chunk)
                tags += chunk.count(b"<") if entry.filename.endswith((".xml", ".rels")) else 0
                if left < 0 or tags > MOST_TAGS:
                    raise NotThis("Unpacked, it is larger than any estimate.")


class _Cells:
    """What the cells of a workbook say, by sheet, within bounds; of a formula what it last came to."""

    def __init__(self, content: bytes) -> None:
        self._results = _rows(content, is_result=True)
        self._written = _rows(content, is_result=False)

    def at(self, sheet: Sheet, row: int, column: int) -> Any:
        found = _cell(self._results[sheet], row, column)
        written = _cell(self._written[sheet], row, column)
        if found is None and isinstance(written, str) and written.startswith("="):
            raise NotThis(
                f"{sheet.value}, row {row}: a formula without its result. Please open the file, save it again."
            )
        return found

    def text(self, sheet: Sheet, row: int, column: int) -> str:
        found = self.at(sheet, row, column)
        return "" if found is None else one_line(str(found), MOST_TITLE_CHARS)

    def shown(self, sheet: Sheet, row: int, column: int) -> Any:
        """The last result, if there is any."""
        return _cell(self._results[sheet], row, column)


def _rows(content: bytes, *, is_result: bool) -> Mapping[Sheet, list[tuple[Any, ...]]]:
    book = load_workbook(BytesIO(content), read_only=True, data_only=is_result, keep_links=False)
    found: dict[Sheet, list[tuple[Any, ...]]] = {}
    for name in (Sheet.ACTIVITIES, Sheet.COST, Sheet.SUMMARY, Sheet.ABOUT):
        if name not in book.sheetnames:
            raise NotThis(f"Its sheet {name.value} is missing. Please begin with the workbook that I attached.")
        bounds = {"max_row": FIRST_ROW + MOST_LINES + 1, "max_col": ROLES_FROM + MOST_ROLES + 6}
        found[name] = list(book[name].iter_rows(min_row=1, values_only=True, **bounds))
    return found


def _cell(rows: list[tuple[Any, ...]], row: int, column: int) -> Any:
    cells = rows[row - 1] if row <= len(rows) else ()
    return cells[column - 1] if column <= len(cells) else None


def _read(cells: _Cells) -> Read:
    about = {cells.text(Sheet.ABOUT, row, 1): cells.text(Sheet.ABOUT, row, 2) for row in range(1, 12)}
    if about.get(ABOUT_TEMPLATE) != TEMPLATE:
        raise NotThis("It was made from another template than I know. Please begin with a new draft.")
    roles = _roles(cells)
    rates = {
        key: Rate(
            title=cells.text(Sheet.ACTIVITIES, TITLE_ROW, column) or key,
            price=_number(cells.at(Sheet.ACTIVITIES, PRICE_ROW, column), f"the price of an hour ({key})"),
            cost=_number(cells.at(Sheet.COST, PRICE_ROW, column), f"the cost of an hour ({key})"),
        )
        for key, column in roles.items()
    }
    share = _number(cells.at(Sheet.SUMMARY, SHARE_ROW, 2), "what is put on top", most=Decimal(1))
    lines = tuple(_lines(cells, roles))
    if not lines:
        raise NotThis("It holds no activity with hours or a quantity.")
    try:
        form = EstimateType(about.get(ABOUT_FORM, ""))
    except ValueError:
        raise NotThis("It does not say how it is billed. Please begin with the workbook that I attached.") from None
    estimate = Estimate(
        catalogue=about.get(ABOUT_CATALOGUE, "")[:30],
        currency=about.get(ABOUT_CURRENCY, "")[:3],
        form=form,
        rates=rates,
        lines=lines,
        contingency=share,
    )
    if not estimate.currency.isalpha() or not estimate.currency.isupper():
        raise NotThis("It does not say its currency. Please begin with the workbook that I attached.")
    return Read(estimate, about.get(ABOUT_ENGAGEMENT, ""), _shown(cells))


def _roles(cells: _Cells) -> Mapping[str, int]:
    found: dict[str, int] = {}
    for column in range(ROLES_FROM, ROLES_FROM + MOST_ROLES):
        key = cells.text(Sheet.ACTIVITIES, ROLE_ROW, column)
        if not key:
            break
        if not key.isidentifier() or not key.isascii() or key in found or len(key) > 60:
            raise NotThis(
                "The small names above the roles were changed. Please begin with the workbook that I attached."
            )
        found[key] = column
    if not found:
        raise NotThis("The small names above the roles are missing. Please begin with the workbook that I attached.")
    return found


def _lines(cells: _Cells, roles: Mapping[str, int]) -> Iterator[Line]:
    columns = Columns(len(roles)).numbers
    seen: set[str] = set()
    for row in range(FIRST_ROW, FIRST_ROW + MOST_LINES + 1):
        title = cells.text(Sheet.ACTIVITIES, row, ACTIVITY_COLUMN)
        hours = {
            role: _number(cells.at(Sheet.ACTIVITIES, row, column), f"row {row}, {role}", most=MOST_HOURS)
            for role, column in roles.items()
        }
        hours = {role: each for role, raw in hours.items() if (each := _quarters(raw)) > 0}
        sku = cells.text(Sheet.ACTIVITIES, row, columns["sku"]) or None
        quantity = _optional(cells.at(Sheet.ACTIVITIES, row, columns["quantity"]), f"row {row}, quantity")
        price = _optional(cells.at(Sheet.ACTIVITIES, row, columns["unit_price"]), f"row {row}, price of one")
        if not hours and not quantity:
            continue
        if row == FIRST_ROW + MOST_LINES:
            raise NotThis(f"It has more than {MOST_LINES} lines. Please put some of them together.")
        if not title:
            raise NotThis(f"Row {row} has hours or a quantity, and no name of an activity.")
        if (price is None) != (quantity is None):
            raise NotThis(f"Row {row} has a quantity or a price of one, and not both.")
        key = cells.text(Sheet.ACTIVITIES, row, KEY_COLUMN)
        known = key if key and key != OWN_KEY and key not in seen else None
        seen.add(key)
        kind = cells.text(Sheet.ACTIVITIES, row, KIND_COLUMN)
        yield Line(known, title, hours, sku, quantity, price, kind == EDUCATION)


def _optional(value: Any, what: str) -> Decimal | None:
    return None if value is None or value == "" else _number(value, what).quantize(CENT)


def _quarters(hours: Decimal) -> Decimal:
    return (hours * 4).to_integral_value(ROUND_HALF_UP) / 4


def _number(value: Any, what: str, *, most: Decimal = LARGEST) -> Decimal:
    """Of a cell that holds one, or nothing. Raises NotThis."""
    if value is None or value == "":
        return Decimal(0)
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise NotThis(f"A number is expected here: {what}.")
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise NotThis(f"A number is expected here: {what}.") from None
    if not found.is_finite() or found < 0 or found > most:
        raise NotThis(f"A number between 0 and {most:,f} is expected here: {what}.")
    return found


def _shown(cells: _Cells) -> Decimal | None:
    """The total that the workbook's own program last counted."""
    for row in range(1, SHARE_ROW):
        if cells.text(Sheet.SUMMARY, row, 1) == "Total":
            found = cells.shown(Sheet.SUMMARY, row, 2)
            is_number = isinstance(found, int | float) and not isinstance(found, bool)
            return Decimal(str(found)).quantize(CENT) if is_number else None
    return None
