"""How values read on a page: times, ages, sums of money, names of roles."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from app.events import kind_in_words

MINUTE_S: Final = 60
HOUR_S: Final = 3_600
DAY_S: Final = 86_400


def moment(seconds: float) -> str:
    """A moment, to the minute."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def iso(seconds: float) -> str:
    """A moment as a `time` element has it."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")


def span(seconds: float) -> str:
    """A length of time in its largest unit: `5 min`, `3 h`, `12 d`."""
    if seconds < HOUR_S:
        return f"{max(0, int(seconds // MINUTE_S))} min"
    if seconds < 2 * DAY_S:
        return f"{int(seconds // HOUR_S)} h"
    return f"{int(seconds // DAY_S)} d"


def money(amount: Decimal | str | None, currency: str | None = None) -> str:
    """An amount with its currency, cents only where there are any."""
    if amount is None:
        return ""
    value = Decimal(amount)
    digits = f"{value:,.0f}" if value == value.to_integral_value() else f"{value:,.2f}"
    return f"{digits} {currency or ''}".strip()


def number_of(url: str | None) -> str:
    """`#12` of an issue's address."""
    return "" if url is None else f"#{url.rstrip('/').rpartition('/')[2]}"


def cell(value: object) -> str:
    """A value in a table; what is not known is a dash."""
    if value is None:
        return "–"
    if isinstance(value, float):
        return f"{value:,.1f}"
    return f"{value:,}" if isinstance(value, int | Decimal) else str(value)


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "moment": moment,
    "iso": iso,
    "span": span,
    "money": money,
    "number_of": number_of,
    "cell": cell,
    "kind": kind_in_words,
}
