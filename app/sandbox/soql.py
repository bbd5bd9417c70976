"""The part of SOQL that the stand-in Salesforce understands; the rest it calls malformed, as Salesforce would a typo.

SELECT paths FROM object [WHERE path op literal [AND …]] [ORDER BY path [ASC|DESC], …] [LIMIT n]
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

_TOKEN: Final = re.compile(
    r"""\s*(?:
    '(?P<text>(?:[^'\\\n\r]|\\u[0-9A-Fa-f]{4}|\\[nNrRtTbBfF"'\\])*)'
    |(?P<moment>\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d))
    |(?P<day>\d{4}-\d\d-\d\d)
    |(?P<number>-?\d+(?:\.\d+)?)
    |(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
    |(?P<sign>!=|>=|<=|[=<>,])
    )""",
    re.VERBOSE,
)
_ESCAPE: Final = re.compile(r"\\(?:u([0-9A-Fa-f]{4})|(.))", re.DOTALL)
_CONTROL: Final = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}
_WORDS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}


class Malformed(Exception):
    """Not a query."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A field's path, a sign, and what it is compared with."""

    path: str
    sign: str
    value: Any


@dataclass(frozen=True, slots=True)
class Query:
    """A query, read. `order`: paths, and whether each falls."""

    fields: tuple[str, ...]
    kind: str
    where: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    limit: int | None = None


def parse(text: str) -> Query:
    """The query. Raises Malformed."""
    return _Reader(_tokens(text)).query()


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = list[tuple[str, str]](), 0
    while place < len(text.rstrip()):
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise Malformed(f"unexpected token at {place}")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found


class _Reader:
    """Goes through the tokens once."""

    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens = [*tokens, ("end", "")]
        self._place = 0

    def query(self) -> Query:
        self._want("select")
        fields = self._names()
        self._want("from")
        kind = self._take("name")
        where = self._conditions() if self._has("where") else ()
        order = self._order() if self._has("order") else ()
        limit = int(self._take("number")) if self._has("limit") else None
        self._take("end")
        return Query(fields, kind, where, order, limit)

    def _names(self) -> tuple[str, ...]:
        names = [self._take("name")]
        while self._has(","):
            names.append(self._take("name"))
        return tuple(names)

    def _conditions(self) -> tuple[Condition, ...]:
        found = [self._condition()]
        while self._has("and"):
            found.append(self._condition())
        return tuple(found)

    def _condition(self) -> Condition:
        path, sign = self._take("name"), self._take("sign")
        if sign == ",":
            raise Malformed("unexpected token: ','")
        return Condition(path, sign, self._literal())

    def _order(self) -> tuple[tuple[str, bool], ...]:
        self._want("by")
        found = list[tuple[str, bool]]()
        while not found or self._has(","):
            path = self._take("name")
            found.append((path, self._has("desc") or (self._has("asc") and False)))
        return tuple(found)

    def _literal(self) -> Any:
        kind, word = self._tokens[self._place]
        self._place += 1
        match kind:
            case "text":
                return _ESCAPE.sub(lambda m: chr(int(m[1], 16)) if m[1] else _CONTROL.get(m[2].lower(), m[2]), word)
            case "moment":
                return datetime.fromisoformat(word)
            case "day":
                return date.fromisoformat(word)
            case "number":
                return Decimal(word)
            case "name" if word.lower() in _WORDS:
                return _WORDS[word.lower()]
        raise Malformed(f"unexpected token: {word!r}")

    def _has(self, word: str) -> bool:
        kind, found = self._tokens[self._place]
        is_it = kind in {"name", "sign"} and found.lower() == word
        self._place += is_it
        return is_it

    def _want(self, word: str) -> None:
        if not self._has(word):
            raise Malformed(f"expecting {word.upper()}, found {self._tokens[self._place][1]!r}")

    def _take(self, kind: str) -> str:
        found, word = self._tokens[self._place]
        if found != kind:
            raise Malformed(f"unexpected token: {word!r}")
        self._place += 1
        return word
