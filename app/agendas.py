"""The agendas of meetings: files that PS people edit, checked at the start, filled when one is proposed.

They are plain text, because that is all a calendar shows. What is filled in is foreign, and stays on one line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final

from app.layers import one_of
from app.methodology.model import Methodology
from app.templates import EDITORS_HELP, MAX_FILE_BYTES, PLACEHOLDER, TemplateFaults, default_template_folder

PLACES: Final = (
    *("meeting", "when", "minutes", "customer", "services", "requester", "em"),
    *("proposed_by", "invited", "issue"),
)
"""What a placeholder may name, besides the keys of intake fields."""
NOT_KNOWN: Final = "to-do"

Agenda = str
"""The text with its placeholders."""


def load_agendas(folder: Path, methodology: Methodology) -> Mapping[str, Agenda]:
    """File → agenda, for each meeting of the methodology. Raises TemplateFaults.

    A folder of a team's own need not have all: what is not in it is taken from those that ship.
    """
    faults: list[str] = []
    found: dict[str, Agenda] = {}
    for name in dict.fromkeys(rules.agenda for rules in methodology.meetings.values()):
        own = folder / name
        try:
            found[name] = _read(own if own.exists() else default_template_folder() / name, own, methodology)
        except TemplateFaults as fault:
            faults.extend(fault.faults)
    if faults:
        raise TemplateFaults(tuple(faults))
    return MappingProxyType(found)


def fill_agenda(agenda: Agenda, values: Mapping[str, str]) -> str:
    """The text with what is known in place of its placeholders, each value on one line."""
    return PLACEHOLDER.sub(lambda match: " ".join(values.get(match[1], "").split()) or NOT_KNOWN, agenda)


def _read(path: Path, wanted: Path, methodology: Methodology) -> Agenda:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TemplateFaults((f"{wanted}: cannot be read: {error.strerror}",)) from None
    if len(raw) > MAX_FILE_BYTES:
        raise TemplateFaults((f"{path}: is larger than {MAX_FILE_BYTES:,} bytes",))
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    except UnicodeDecodeError:
        raise TemplateFaults((f"{path}: is not UTF-8 text",)) from None
    # help for editors gives way to as many empty lines, so that line numbers stay true
    text = EDITORS_HELP.sub(lambda match: "\n" * match.group().count("\n"), text)
    if faults := [f"{path}:{line}: {problem}" for line, problem in _problems(text, methodology)]:
        raise TemplateFaults(tuple(faults))
    return text.strip("\n") + "\n"


def _problems(text: str, methodology: Methodology) -> Iterator[tuple[int, str]]:
    allowed = [*PLACES, *methodology.intake_fields]
    for number, line in enumerate(text.split("\n"), start=1):
        for name in re.findall(PLACEHOLDER, line):
            if name not in allowed:
                yield number, f"no placeholder is called {name!r}; {one_of(allowed, near=name)}"
        rest = PLACEHOLDER.sub("", line)
        if "{{" in rest or "}}" in rest:
            yield number, "a placeholder looks like {{ customer }}"
