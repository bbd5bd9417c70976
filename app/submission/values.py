"""The kinds of value a submission field may hold, each with a message that tells the sender how to put it right.

Numbers and dates are stricter than pydantic's own: `true` is no count, `20261130` is no date, and a version must be
text, because 17.10 written as a number is 17.1.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, WithJsonSchema
from pydantic_core import PydanticCustomError

MAX_TEXT_CHARS = 10_000
MAX_LINE_CHARS = 200
MAX_URL_CHARS = 2_000
MAX_COUNT = 1_000_000
MAX_LIST = 50

SALESFORCE_HOSTS = ("salesforce.com", "force.com")

_USERNAME = re.compile(r"[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}")
_VERSION = re.compile(r"\d{1,3}\.\d{1,3}(?:\.\d{1,3})?(?:[-+.][0-9A-Za-z.+-]{1,40})?")
_SALESFORCE_ID = re.compile(r"(?<![A-Za-z0-9])(?=[A-Za-z]*[0-9])[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?(?![A-Za-z0-9])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_INVISIBLE_LETTERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")


def _wrong(problem: str) -> PydanticCustomError:
    """The error every validator here raises; pydantic shows its message as it stands."""
    return PydanticCustomError("submission", "{problem}", {"problem": problem})


def is_visible(text: str) -> bool:
    """True when at least one character of the text can be seen."""
    return any(unicodedata.category(char)[0] not in "ZC" and char not in _INVISIBLE_LETTERS for char in text)


def is_blank(value: object) -> bool:
    """True for what a form sends when nothing was entered: null, or a text without a word."""
    return value is None or (isinstance(value, str) and not value.strip())


def _one_line(value: str) -> str:
    if any(unicodedata.category(char) in {"Cc", "Zl", "Zp"} for char in value):
        raise _wrong("must be a single line without control characters")
    if not is_visible(value):
        raise _wrong("must contain at least one visible character")
    return value


def _clean_username(value: object) -> object:
    return value.strip().removeprefix("@") if isinstance(value, str) else value


def _username(value: str) -> str:
    if not _USERNAME.fullmatch(value) or value.endswith((".", ".git", ".atom")):
        raise _wrong("must be a GitLab user name: letters, digits, '_', '-' and '.', such as jane.doe")
    return value


def email(value: str) -> str:
    """An e-mail address of the right form."""
    # Imported here because it costs 50 ms, which only a running service should pay.
    from email_validator import EmailNotValidError, validate_email

    try:
        # `.test` is let in: it is what trial runs of a calculator use. Whether the domain exists is not looked up.
        validate_email(value, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise _wrong("must be an e-mail address, such as jane@example.com") from None
    return value


def _https_url(value: str) -> str:
    if _https_host(value) is None:
        raise _wrong(
            "must be a web address that begins with https:// and holds no password, such as https://example.com/folder"
        )
    return value


def _https_host(value: str) -> str | None:
    """The host of a plain https address, or None for anything else."""
    if any(not char.isprintable() or char.isspace() for char in value) or "\\" in value:
        return None
    try:
        parts = urlsplit(value)
        host, _port = parts.hostname, parts.port
    except ValueError:
        return None
    if parts.scheme != "https" or not host or parts.username is not None or parts.password is not None:
        return None
    return host.rstrip(".")


def salesforce_id(value: str) -> str | None:
    """The 15 or 18 character record id in a Salesforce address, or the bare id itself; None when there is none."""
    if _SALESFORCE_ID.fullmatch(value):
        return value
    host = _https_host(value)
    if host is None or not any(host == known or host.endswith("." + known) for known in SALESFORCE_HOSTS):
        return None
    parts = urlsplit(value)
    found = _SALESFORCE_ID.search(f"{parts.path} {parts.query} {parts.fragment}")
    return found.group() if found else None


def _opportunity(value: str) -> str:
    if salesforce_id(value) is None:
        raise _wrong(
            "must be a Salesforce record id (15 or 18 characters) or its https address on salesforce.com or force.com, "
            "such as https://example.my.salesforce.com/006Aa00000AbCdE"
        )
    return value


def _version(value: object) -> object:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        raise _wrong('must be text in quotes, such as "17.10": as a number it would turn into 17.1')
    return value


def _version_text(value: str) -> str:
    if not _VERSION.fullmatch(value):
        raise _wrong('must be a version number, such as "17.4" or "16.11.2"')
    return value


def _whole_number(value: object) -> object:
    if isinstance(value, str):
        value = value.strip()
        if not re.fullmatch(r"[+-]?[0-9]{1,12}", value):
            raise _wrong("must be a whole number, written with digits only")
        return int(value)
    if (
        isinstance(value, bool)
        or not isinstance(value, (int, float))
        or (isinstance(value, float) and not value.is_integer())
    ):
        raise _wrong("must be a whole number, written with digits only")
    return value


def _amount(value: object) -> object:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        if isinstance(value, Decimal):
            return value
        raise _wrong("must be a number, such as 62000 or 62000.50")
    # A float is read by its shortest text, so that 0.1 stays 0.1.
    return str(value).strip()


def _plain_decimal(value: Decimal) -> Decimal:
    """62000.00 and 62000 are one amount, so that neither the digest nor a list of changes tells them apart."""
    return value.quantize(Decimal(1)) if value == value.to_integral_value() else value.normalize()


def _day(value: object) -> object:
    if type(value) is date:
        return value
    if not isinstance(value, str) or not _DAY.fullmatch(value.strip()):
        raise _wrong("must be a date written YYYY-MM-DD, such as 2026-11-30")
    try:
        return date.fromisoformat(value.strip())
    except ValueError:
        raise _wrong("must be a day that exists, written YYYY-MM-DD") from None


def _without_repeats(values: tuple[Any, ...]) -> tuple[Any, ...]:
    return tuple(dict.fromkeys(values))


def _as_list(value: object) -> object:
    """A single text where a list of them is expected is a list of one: forms send it so."""
    return [value] if isinstance(value, str) else value


def _few(value: object) -> object:
    """Checked before the entries are: a fault for each of a quarter of a million takes seconds."""
    if isinstance(value, (list, tuple)) and len(value) > MAX_LIST:
        raise _wrong(f"must have at most {MAX_LIST} entries")
    return value


def currency_checker(codes: frozenset[str]) -> Callable[[str], str]:
    """A validator for a currency code of the given list."""

    def check(value: str) -> str:
        if value not in codes:
            raise _wrong("must be a three-letter ISO 4217 currency code, such as USD or EUR")
        return value

    return check


Line = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_LINE_CHARS), AfterValidator(_one_line)
]
Text = Annotated[str, StringConstraints(max_length=MAX_TEXT_CHARS)]
Username = Annotated[
    str,
    BeforeValidator(_clean_username),
    StringConstraints(min_length=1, max_length=255),
    AfterValidator(_username),
]
Email = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=3, max_length=254),
    AfterValidator(email),
    Field(json_schema_extra={"format": "email"}),
]
HttpsUrl = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_URL_CHARS),
    AfterValidator(_https_url),
    Field(json_schema_extra={"format": "uri"}),
]
Opportunity = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_URL_CHARS), AfterValidator(_opportunity)
]
Version = Annotated[
    str,
    BeforeValidator(_version),
    StringConstraints(strip_whitespace=True, min_length=1, max_length=60),
    AfterValidator(_version_text),
]
Count = Annotated[int, BeforeValidator(_whole_number), Field(ge=0, le=MAX_COUNT)]
Positive = Annotated[int, BeforeValidator(_whole_number), Field(ge=1, le=100_000)]
Day = Annotated[date, BeforeValidator(_day), WithJsonSchema({"type": "string", "format": "date"})]
Dates = Annotated[
    tuple[Line, ...],
    Field(max_length=MAX_LIST),
    BeforeValidator(_as_list),
    BeforeValidator(_few),
    WithJsonSchema({"type": "array", "items": {"type": "string", "maxLength": MAX_LINE_CHARS}, "maxItems": MAX_LIST}),
]
Distinct = AfterValidator(_without_repeats)
AsList = BeforeValidator(_as_list)
Few = BeforeValidator(_few)
Amount = Annotated[
    Decimal,
    BeforeValidator(_amount),
    Field(ge=0, max_digits=15, decimal_places=4, allow_inf_nan=False),
    AfterValidator(_plain_decimal),
]
