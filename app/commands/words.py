"""The words behind a command: quoted ones, people, dates, money, addresses. Only what can be read in one way is taken.

Each reader takes a word and says, where it cannot, what it should have been: UserError, in words for the thread.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Final

from app.blocks.words import together
from app.errors import UserError
from app.text import code_span, own

MOST_MONEY: Final = Decimal(10) ** 12

_QUOTES: Final = {'"': '"', "“": "”", "„": "“", "«": "»"}
_SYMBOLS: Final = {"€": "EUR", "£": "GBP", "₹": "INR"}
_SCALES: Final = {"": 1, "k": 1_000, "m": 1_000_000, "mn": 1_000_000, "mio": 1_000_000}
_AMOUNT: Final = re.compile(r"(?P<number>\d[\d.,'’]*)(?P<scale>k|mn|mio|m)?", re.IGNORECASE | re.ASCII)
_PLAIN: Final = re.compile(r"\d+(?:\.\d+)?")
_COMMAS: Final = re.compile(r"[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_APOSTROPHES: Final = re.compile(r"[1-9]\d{0,2}(?:['’]\d{3})+(?:\.\d+)?")
_DOTS: Final = re.compile(r"\d{1,3}(?:\.\d{3})+,\d+|\d{1,3}(?:\.\d{3}){2,}")
_ISO_DAY: Final = re.compile(r"(\d{4})[-/](\d{1,2})[-/](\d{1,2})")
_MONTHS: Final = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH: Final = (
    r"(jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?"
    r"|nov(?:ember)?|dec(?:ember)?)\.?"
)
_DAY_FIRST: Final = re.compile(rf"(\d{{1,2}})(?:st|nd|rd|th)?\.? {_MONTH},? (\d{{4}})", re.IGNORECASE | re.ASCII)
_MONTH_FIRST: Final = re.compile(rf"{_MONTH} (\d{{1,2}})(?:st|nd|rd|th)?,? (\d{{4}})", re.IGNORECASE | re.ASCII)
_USERNAME: Final = re.compile(r"@?([A-Za-z0-9_.](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-])?)[,;:]?")
_URL: Final = re.compile(r"https?://[^\s<>\"'`|\\]{1,1990}", re.IGNORECASE | re.ASCII)
_LINK: Final = re.compile(r"\[[^\]]*\]\((?P<url>[^)\s]+)\)")


@dataclass(frozen=True, slots=True)
class Money:
    """An amount in a currency (three capital letters)."""

    amount: Decimal
    currency: str


@dataclass(slots=True)
class Words:
    """What stands behind a verb, read from the left. Blanks of every kind separate; quotation marks keep together."""

    text: str
    _left: str = field(init=False)

    def __post_init__(self) -> None:
        self._left = _blanks(self.text)

    def __bool__(self) -> bool:
        return bool(self._left)

    def peek(self) -> str | None:
        """The next word, which stays."""
        return self._split()[0]

    def word(self) -> str | None:
        """The next word."""
        word, self._left = self._split()
        return word

    def rest(self, *, limit_chars: int = 1_000) -> str | None:
        """All that is left, without quotation marks around the whole; None where nothing is."""
        words, self._left = self._left, ""
        if len(words) > 1 and _QUOTES.get(words[0]) == words[-1] and words[0] not in words[1:-1]:
            words = words[1:-1].strip()
        return words[:limit_chars] or None

    def end(self) -> None:
        """Nothing more may follow. Raises UserError."""
        if self._left:
            raise UserError(together(own("I do not know what to make of "), code_span(self._left), own(".")))

    def take(self, allowed: Collection[str]) -> str | None:
        """The next word if it is one of these, in lower case; else it stays."""
        word = self.peek()
        if word is None or word.lower() not in allowed:
            return None
        self.word()
        return word.lower()

    def money(self, *, main_currency: str) -> Money:
        """An amount with its currency, in either order: `62000 USD`, `62,000.00 usd`, `€55k`, `$ 1.5m`.

        A `$` alone is the main currency. Raises UserError, also for what could be read in two ways (`62.000`).
        """
        first = self.word() or ""
        alone = _currency(first, main_currency)
        amount, currency = _without_currency(first, main_currency) if alone is None else (self.word() or "", alone)
        if not amount:
            raise UserError(own("The amount is missing, such as `62000 USD`."))
        if currency is None:
            if (scale := self.peek()) is not None and scale.lower() in _SCALES:
                amount += self.word() or ""
            following = self.word()
            currency = None if following is None else _currency(following, main_currency)
            if currency is None:
                said = own("") if following is None else together(own(", not "), code_span(following))
                wanted = own("Behind the amount I need the currency, such as `USD` or `EUR`")
                raise UserError(together(wanted, said, own(".")))
        return Money(_amount(amount), currency)

    def day(self) -> date | None:
        """A day, if one stands here: `2026-12-01`, `1 Dec 2026`, `December 1, 2026`; else the words stay.

        Raises UserError for a day that the calendar does not have.
        """
        for pattern, order in ((_ISO_DAY, "ymd"), (_DAY_FIRST, "dmy"), (_MONTH_FIRST, "mdy")):
            match = pattern.match(self._left)
            if match is None or self._left[match.end() : match.end() + 1] not in {"", " ", ",", ".", ";", ":"}:
                continue
            part = dict(zip(order, match.groups(), strict=True))
            month = part["m"] if part["m"].isdigit() else _MONTHS.index(part["m"][:3].lower()) + 1
            try:
                found = date(int(part["y"]), int(month), int(part["d"]))
            except ValueError:
                raise UserError(together(own("The calendar has no "), code_span(match[0]), own("."))) from None
            self._left = self._left[match.end() :].lstrip(" ,.;:")
            return found
        return None

    def needed_day(self) -> date:
        """A day that has to be there. Raises UserError, also for what could be read in two ways (`01/02/2026`)."""
        found = self.day()
        if found is not None:
            return found
        said = self.rest()
        known = (
            own("The day is missing")
            if said is None
            else together(own("I cannot tell which day is meant by "), code_span(said))
        )
        raise UserError(together(known, own(". Please write it as `2026-12-01`.")))

    def user(self) -> str:
        """A user name, with or without `@`. Raises UserError."""
        word = self.word()
        match = None if word is None else _USERNAME.fullmatch(word)
        if match is None:
            said = own("The person is missing") if word is None else together(code_span(word), own(" is no user name"))
            raise UserError(together(said, own(": write it as `@name`.")))
        return match[1]

    def url(self) -> str | None:
        """An address, if one stands here; also in `<…>` and as a Markdown link."""
        word = self.peek()
        link = _LINK.match(self._left)
        if link is not None:
            url, rest = link["url"], self._left[link.end() :].strip()
        elif word is not None:
            url, rest = word.removeprefix("<").removesuffix(">"), self._split()[1]
        else:
            return None
        if not _URL.fullmatch(url):
            return None
        self._left = rest
        return url

    def needed_url(self) -> str:
        """An address that has to be there. Raises UserError."""
        url = self.url()
        if url is None:
            word = self.peek()
            said = own("The address is missing") if word is None else together(code_span(word), own(" is no address"))
            raise UserError(together(said, own(": it begins with `https://`.")))
        return url

    def _split(self) -> tuple[str | None, str]:
        if not self._left:
            return None, ""
        closing = _QUOTES.get(self._left[0])
        end = self._left.find(closing, 1) if closing is not None else -1
        if end > 0:
            return self._left[1:end].strip(), self._left[end + 1 :].lstrip()
        word, _, rest = self._left.partition(" ")
        return word, rest.lstrip()


def _blanks(text: str) -> str:
    return " ".join(text.split())


def _currency(word: str, main_currency: str) -> str | None:
    word = word.rstrip(".,;")
    if word == "$":
        return main_currency
    if word in _SYMBOLS:
        return _SYMBOLS[word]
    return word.upper() if re.fullmatch(r"[A-Za-z]{3}", word) and word.lower() not in _SCALES else None


def _without_currency(word: str, main_currency: str) -> tuple[str, str | None]:
    """`€55k` and `55k€` and `62000USD` as amount and currency."""
    match = re.fullmatch(r"(?P<before>[$€£₹]|[A-Za-z]{3})?(?P<amount>\d.*?)(?P<behind>[$€£₹]|[A-Za-z]{3})?", word)
    if match is None or (match["before"] and match["behind"]):
        return word, None
    sign = match["before"] or match["behind"]
    if sign is None or (currency := _currency(sign, main_currency)) is None:
        return word, None
    return match["amount"], currency


def _amount(word: str) -> Decimal:
    """Raises UserError."""
    if word.startswith(("-", "−")):
        raise UserError(together(own("An amount is more than nothing, and "), code_span(word), own(" is less.")))
    match = _AMOUNT.fullmatch(word)
    number = None if match is None else _number(match["number"])
    if match is None or number is None:
        plainly = own(" as one amount only. Please write it plainly, such as `62000` or `62,000.50`.")
        raise UserError(together(own("I cannot read "), code_span(word), plainly))
    amount = number * _SCALES[(match["scale"] or "").lower()]
    if not amount:
        raise UserError(together(own("An amount is more than nothing, and "), code_span(word), own(" is nothing.")))
    if amount > MOST_MONEY:
        raise UserError(together(code_span(word), own(" is more than I believe.")))
    return amount


def _number(text: str) -> Decimal | None:
    """A number that can be read in one way only; `62.000` is sixty-two to some and sixty-two thousand to others."""
    if re.fullmatch(r"\d{1,3}\.\d{3}", text):
        return None
    if _PLAIN.fullmatch(text):
        return Decimal(text)
    if _COMMAS.fullmatch(text):
        return Decimal(text.replace(",", ""))
    if _APOSTROPHES.fullmatch(text):
        return Decimal(re.sub(r"['’]", "", text))
    if _DOTS.fullmatch(text):
        return Decimal(text.replace(".", "").replace(",", "."))
    return None
