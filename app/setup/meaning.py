"""What a label that stands in the project was meant to be: the bot's own reading, and any other case (pure)."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.spelling import plain


@dataclass(frozen=True, slots=True)
class Meant:
    """Another label than the one that stands there (None: no label at all), and why.

    `is_sure`: it is listed, or the same letters; else it is only like it, and a person has to say.
    """

    name: str | None
    why: str
    is_sure: bool


def meant_by(name: str, methodology: Methodology) -> Meant | None:
    """What a label should be; None where it is right, or nobody's business but the people's."""
    if name in methodology.labels or _is_of_a_family(name, methodology):
        return None
    listed = methodology.spellings.get(name)
    if listed is not None:
        return Meant(listed.means, listed.why, is_sure=True)
    readings = (methodology.spellers[kind].read(name).name for kind in IssueKind)
    likely = next((found for found in readings if found != name), name)
    if likely is None:
        return Meant(None, "retired", is_sure=True)
    if likely != name:
        return Meant(likely, "other spelling", is_sure=plain(likely) == plain(name))
    folded = next((known for known in methodology.labels if known.casefold() == name.casefold()), None)
    return None if folded is None else Meant(folded, "other case", is_sure=True)


def _is_of_a_family(name: str, methodology: Methodology) -> bool:
    for family, rules in methodology.label_families.items():
        before, _, behind = family.partition("*")
        value = name.removeprefix(before).removesuffix(behind)
        if name == before + value + behind and re.fullmatch(rules.pattern, value):
            return True
    return False
