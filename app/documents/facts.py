"""What people answered → facts that equations can use; what cannot be read as one is told, and assumed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

from app.catalogue.equations import Value
from app.catalogue.model import Catalogue, Fact, FactKind

_NUMBER: Final = re.compile(
    r"(?P<digits>\d{1,3}(?:[,.'\u00a0\u202f ]\d{3})+(?![\d])|\d+(?:[.,]\d+)?)\s*"
    r"(?P<unit>k\b|thousand\b|million\b|tb\b)?",
    re.IGNORECASE,
)
_WORDS: Final = {
    word: Decimal(number)
    for number, word in enumerate(
        "zero one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905  (reads so)
    )
}
_WORD: Final = re.compile(rf"\b({'|'.join(_WORDS)})\b", re.IGNORECASE)
_TIMES: Final = {"k": 1_000, "thousand": 1_000, "million": 1_000_000, "tb": 1_000}
_NO: Final = re.compile(r"(?:no|not|none|never|nothing|without|nil|n/a|0|-)\b|-$", re.IGNORECASE)
_YES: Final = re.compile(r"(?:y|yes|yeah|true|needed|required|wanted|must)\b", re.IGNORECASE)
_NOT: Final = re.compile(r"\b(?:no|not|none|never|nothing|without|nil|n/a|n|nope|false)\b|^[-0]$", re.IGNORECASE)
_YEAR: Final = re.compile(r"(?:19|20)\d\d")
_NOT_KNOWN: Final = re.compile(
    r"(?:to[- ]do|tbd|tbc|\?+|unknown|unclear|open|not (?:yet )?(?:known|sure|clear|decided).*|to be .*)[.!]?",
    re.IGNORECASE,
)
_ENTRIES: Final = re.compile(r"[,;\n]|\band\b", re.IGNORECASE)
MOST_CHARS: Final = 2_000
MOST: Final = Decimal(1_000_000)
"""Of anything in one engagement."""


@dataclass(frozen=True, slots=True)
class Known:
    """A fact of an engagement. `answer`: what somebody wrote; None: nobody did, or it says nothing of it."""

    key: str
    value: Value
    answer: str | None

    @property
    def is_assumed(self) -> bool:
        """Whether nobody has said it."""
        return self.answer is None


def read_facts(answers: Mapping[str, str], catalogue: Catalogue) -> dict[str, Known]:
    """Every fact of the catalogue, from answers by question key."""
    return {key: _known(key, fact, answers) for key, fact in catalogue.facts.items()}


def _known(key: str, fact: Fact, answers: Mapping[str, str]) -> Known:
    for question in fact.answered_by:
        text = answers.get(question, "").strip()[:MOST_CHARS]
        value = None if not text else read_value(text, fact)
        if value is not None:
            return Known(key, value, text)
    return Known(key, fact.assume, None)


def read_value(text: str, fact: Fact) -> Value | None:
    """What an answer says of a fact; None: nothing."""
    if _NOT_KNOWN.fullmatch(text.strip()):
        return None
    match fact.kind:
        case FactKind.YES_NO:
            return _YES.match(text.strip()) is not None or _NOT.search(text) is None
        case FactKind.CHOICE:
            padded = f" {text.lower()} "
            return next((name for name, words in fact.choices.items() if any(w.lower() in padded for w in words)), None)
        case FactKind.COUNT:
            return Decimal(0) if _NO.match(text.strip()) else Decimal(_entries(text))
    numbers = _numbers(text) or [_WORDS[word.lower()] for word in _WORD.findall(text)]
    if not numbers:
        return Decimal(0) if _NO.match(text.strip()) else None
    return min(sum(numbers, Decimal(0)) if fact.kind is FactKind.SUM else numbers[0], MOST)


def _entries(text: str) -> int:
    return sum(1 for each in _ENTRIES.split(text) if each.strip())


def _numbers(text: str) -> list[Decimal]:
    """Each number; a comma, point, quote or blank before three digits parts thousands."""
    found, matches = [], list(_NUMBER.finditer(text))
    counts = [match for match in matches if match["unit"] or not _YEAR.fullmatch(match["digits"])]
    for match in counts or matches:  # a year beside other numbers counts nothing
        digits = match["digits"]
        if re.fullmatch(r"\d{1,3}(?:[,.'\u00a0\u202f ]\d{3})+", digits):
            digits = re.sub(r"\D", "", digits)
        found.append(Decimal(digits.replace(",", ".")) * _TIMES.get((match["unit"] or "").lower(), 1))
    return found
