"""How a label should be written: aliases and retired names by the file, other writing in our scopes by likeness.

`proposal::sow-wip` is read as `proposal::SOW_WIP` without being listed. A label in no scope of the process is nobody's
business but the people's.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

LIKE_ENOUGH: Final = 0.81
"""Share of equal letters behind the scope from which a name is taken for a misspelled one of the process."""
MOST_REMEMBERED: Final = 10_000


@dataclass(frozen=True, slots=True)
class Reading:
    """What a label means: the right name (None: no label at all); `is_ours`: the process sets it and takes it off."""

    name: str | None
    is_ours: bool = True
    is_known: bool = True


class Speller:
    """Reads the labels of one kind of issue. `ours`: the labels that the process manages there."""

    def __init__(self, ours: tuple[str, ...], spellings: Mapping[str, str | None]) -> None:
        self.ours = ours
        self._spellings = spellings
        self._by_scope: dict[str, dict[str, str]] = {}
        for name in ours:
            if (scope := scope_of(name)) is not None:
                self._by_scope.setdefault(scope, {})[_plain_value(name)] = name
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
        beside = self._by_scope.get(scope_of(label) or "")
        if label in self._spellings:
            means = self._spellings[label]
            is_ours = means in self.ours or (means is None and beside is not None)
            return Reading(means if is_ours else label, is_ours=is_ours)
        if beside is None:
            return Reading(label, is_ours=False)
        near = difflib.get_close_matches(_plain_value(label), beside, n=1, cutoff=LIKE_ENOUGH)
        likely = beside.get(_plain_value(label)) or (beside[near[0]] if near else None)
        return Reading(likely) if likely else Reading(label, is_known=False)


def scope_of(label: str) -> str | None:
    """What stands before the last `::`, which is what GitLab keeps exclusive; a single colon counts as a slip."""
    head, separator, _ = label.rpartition("::")
    if not separator:
        head, separator, _ = label.rpartition(":")
    return head.casefold() if separator else None


def _plain_value(label: str) -> str:
    """The letters and digits behind the scope: of the whole, names that share a long scope would all be alike."""
    return re.sub(r"[^a-z0-9]", "", label.casefold().rpartition(":")[2])
