"""Salesforce's query language as far as it is written here: names are checked, values are quoted, all in one place."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

from app.errors import Permanent

MOST_CHARS: Final = 4000
"""Of a value: Salesforce compares no longer text."""

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")
_PATH: Final = re.compile(rf"{_NAME.pattern}(?:\.{_NAME.pattern}){{0,5}}")
_ESCAPES: Final = {"\\": r"\\", "'": r"\'", '"': r"\"", "\n": r"\n", "\r": r"\r", "\t": r"\t", "\b": r"\b", "\f": r"\f"}
_ESCAPED: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\\\\'\"]")


def api_name(given: str) -> str:
    """The name of an object or a field, if it is one. Raises Permanent."""
    if not _NAME.fullmatch(given):
        raise Permanent(f"{given[:80]!r} is no API name of Salesforce's")
    return given


def field_path(given: str) -> str:
    """A field, or one of a parent as in `Account.Name`. Raises Permanent."""
    if not _PATH.fullmatch(given):
        raise Permanent(f"{given[:80]!r} is no field of Salesforce's")
    return given


def quoted(value: str) -> str:
    """Any text as one literal. Raises Permanent for what cannot be one; the text is not told."""
    if len(value) > MOST_CHARS:
        raise Permanent("a text is too long to be looked for in Salesforce")
    try:
        value.encode()
    except UnicodeEncodeError as fault:
        raise Permanent("a text that is no Unicode cannot be looked for in Salesforce") from fault
    return "'" + _ESCAPED.sub(lambda found: _ESCAPES.get(found[0]) or f"\\u{ord(found[0]):04x}", value) + "'"


def moment(at: datetime) -> str:
    """A moment as a literal, to the second, no later than it was."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def equal(field: str, value: str | bool) -> str:
    """The condition that a field has this value."""
    literal = quoted(value) if isinstance(value, str) else "true" if value else "false"
    return f"{field_path(field)} = {literal}"


def filled(field: str) -> str:
    """The condition that a field holds something."""
    return f"{field_path(field)} != null"


def select(kind: str, fields: Sequence[str], *, where: Sequence[str], order: Sequence[str] = (), limit: int) -> str:
    """A query; each field once, as Salesforce wants it. `where`: conditions that must all hold."""
    named = {path.lower(): field_path(path) for path in ("Id", "SystemModstamp", *fields)}
    words = [f"SELECT {', '.join(named.values())} FROM {api_name(kind)}"]  # noqa: S608  (each part is checked)
    words += [f"WHERE {' AND '.join(where)}"] if where else []
    words += [f"ORDER BY {', '.join(map(field_path, order))}"] if order else []
    return " ".join([*words, f"LIMIT {limit:d}"])
