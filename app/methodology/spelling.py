"""How a label should be written: aliases and retired names by the file, other writing in our scopes by likeness.

`proposal::sow-wip` is read as `proposal::SOW_WIP` without being listed, and so is `proposal::SOW_WPI`. What decides
something (a yes or no at a gate, an end) is never guessed: `TA::Not-Approved` is no yes. A label in no scope of the
process is nobody's business but the people's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

LIKE_ENOUGH: Final = 0.81
"""Share of equal letters behind the scope from which a name is taken for a misspelled one of the process."""
DENIALS: Final = ("no", "un", "dis")
"""In a value and not in the name it is like, or the other way round: it is not taken for that name."""
MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a label means: the right name (None: no label at all); `is_ours`: the process sets it and takes it off."""

    name: str | None
    is_ours: bool = True
    is_known: bool = True


class Speller:
    """Reads the labels of one kind of issue. `ours`: the labels that the process manages there.

    `exact`: those of them that decide something (what is said at a gate, an end): never guessed, so that no word is put
    into anybody's mouth. `families`: `close_qtr::*` → what its value has to match.
    """

    def __init__(
        self,
        ours: tuple[str, ...],
        spellings: Mapping[str, str | None],
        *,
        exact: frozenset[str] = frozenset(),
        families: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        self.ours = ours
        self._exact = exact
        self._spellings = spellings
        self._families = {
            _squeezed(family.rpartition("::")[0]): (family, re.compile(form)) for family, form in families.items()
        }
        self._by_scope: dict[str, dict[str, str]] = {}
        self._listed: dict[tuple[str, str], str | None] = {}
        for name in ours:
            if (scope := scope_of(name)) is not None:
                self._by_scope.setdefault(scope, {})[plain(_value(name))] = name
        for name, means in [*spellings.items(), *((name, name) for name in ours)]:
            if (scope := scope_of(name)) is not None:
                self._listed[scope, _squeezed(_value(name))] = means
        self._remembered: dict[str, Reading] = {name: Reading(name) for name in ours}

    def read(self, label: str) -> Reading:
        """What a label on such an issue stands for."""
        found = self._remembered.get(label)
        if found is None:
            found = self._read(label)
            if len(self._remembered) < MOST_REMEMBERED:
                self._remembered[label] = found
        return found

    def _read(self, label: str) -> Reading:
        scope = scope_of(label) or ""
        beside = self._by_scope.get(scope)
        listed = (scope, _squeezed(_value(label)))
        if label in self._spellings or (beside is not None and listed in self._listed):
            means = self._spellings[label] if label in self._spellings else self._listed[listed]
            is_ours = means in self.ours or (means is None and beside is not None)
            return Reading(means if is_ours else label, is_ours=is_ours)
        if beside is None or "::" not in label:  # `proposal: deck sent` is a label of the people's own
            return Reading(self._of_family(label), is_ours=False)
        likely = self._guess(plain(_value(label)), beside)
        return Reading(likely) if likely else Reading(label, is_known=False)

    def _guess(self, value: str, beside: Mapping[str, str]) -> str | None:
        """The label that a value is most like, if it can be meant without harm."""
        near = difflib.get_close_matches(value, beside, n=1, cutoff=LIKE_ENOUGH)
        likely = beside[near[0]] if near else None
        if likely is None or likely in self._exact or _denials(value) != _denials(near[0]):
            return None
        return likely

    def _of_family(self, label: str) -> str:
        """`closeqtr::Q327` as the family writes it: `close_qtr::Q327`."""
        head, separator, value = label.rpartition("::")
        family, form = self._families.get(_squeezed(head), (None, None))
        if not separator or family is None or form is None or not form.fullmatch(value):
            return label
        return family.replace("*", value)


def scope_of(label: str) -> str | None:
    """What stands before the last `::`, which is what GitLab keeps exclusive; a single colon counts as a slip."""
    head, separator, _ = label.rpartition("::")
    if not separator:
        head, separator, _ = label.rpartition(":")
    return head.casefold() if separator else None


def _value(label: str) -> str:
    """What stands behind the scope: of the whole, names that share a long scope would all be alike."""
    return label.rpartition("::" if "::" in label else ":")[2]


def _squeezed(words: str) -> str:
    """Without what people write now so, now otherwise: two that are the same then are the same word."""
    return re.sub(r"[-_:\s]", "", words.casefold())


def plain(words: str) -> str:
    """Letters and digits only, to be compared by likeness."""
    return re.sub(r"[^a-z0-9]", "", words.casefold())


def _denials(value: str) -> list[int]:
    """How often a value may deny something: `Unstaffed` is as like `Staffed` as a slip of the pen, and the opposite."""
    return [value.count(each) for each in DENIALS]
