"""Salesforce's record ids: 15 characters whose case matters, and three more that tell the case to who ignores it."""

from __future__ import annotations

import re
from typing import Final

_ID: Final = re.compile(r"[A-Za-z0-9]{15}(?:[A-Za-z0-9]{3})?")
_SUFFIX: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


def full_id(ident: str) -> str:
    """The id of 18 characters. Raises ValueError for what is none, also where the last three do not fit the others."""
    if not _ID.fullmatch(ident):
        raise ValueError("not a record id of 15 or 18 characters")
    full = ident[:15] + "".join(_SUFFIX[_capitals(ident[start : start + 5])] for start in (0, 5, 10))
    if len(ident) == 18 and ident != full:
        raise ValueError("a record id whose last three characters do not fit the others")
    return full


def _capitals(part: str) -> int:
    """A bit for each capital letter, the first one lowest."""
    return sum(1 << place for place, letter in enumerate(part) if "A" <= letter <= "Z")
