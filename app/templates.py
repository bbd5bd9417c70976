"""The Markdown files that PS people edit: read, checked, and cut into text and placeholders.

`{{ name }}` alone on its line is a block: a part of the bot's own, which it keeps up to date on a revision. Inside a
line it is filled once, when the issue is made. Everything else is the team's own text and is never touched again.
Comments that begin `<!-- template:` help editors and do not reach the issue.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from app.text import Safe, own

MAX_FILE_BYTES = 100_000


class TemplateKind(StrEnum):
    """The templates there are; each is a file of that name with `.md`."""

    SCOPING = "scoping"
    INTAKE = "intake"
    INTAKE_ONLY = "intake-only"


@dataclass(frozen=True, slots=True)
class Inline:
    """A placeholder inside a line."""

    name: str


@dataclass(frozen=True, slots=True)
class Block:
    """A placeholder that stands alone: a part of the bot's own."""

    name: str


Piece = Safe | Inline | Block


@dataclass(frozen=True, slots=True)
class Templates:
    """The pieces of each template, in order."""

    pieces: Mapping[TemplateKind, tuple[Piece, ...]]


class TemplateFaults(ValueError):
    """A template cannot be used; `faults` are sentences that begin with file and line."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = faults
        super().__init__("\n".join(faults))


INLINE: Mapping[TemplateKind, tuple[str, ...]] = MappingProxyType(
    {
        TemplateKind.SCOPING: ("customer", "requester", "em", "services", "segment", "due_date"),
        TemplateKind.INTAKE: ("customer", "requester", "em", "services", "segment", "scoping_issue"),
        TemplateKind.INTAKE_ONLY: ("customer", "requester", "em", "services", "segment", "due_date"),
    }
)
BLOCKS: Mapping[TemplateKind, tuple[str, ...]] = MappingProxyType(
    {
        TemplateKind.SCOPING: (
            *("welcome", "summary", "warnings", "ssot", "classes", "order"),
            *("background", "also_submitted", "checklist"),
        ),
        TemplateKind.INTAKE: ("intake_fields", "classes", "readiness"),
        TemplateKind.INTAKE_ONLY: (
            *("welcome", "summary", "warnings", "intake_fields", "classes", "order"),
            *("background", "also_submitted", "readiness"),
        ),
    }
)
OBLIGATORY: Mapping[TemplateKind, tuple[str, ...]] = MappingProxyType(
    {
        TemplateKind.SCOPING: (
            *("welcome", "summary", "warnings", "ssot", "classes"),
            *("order", "background", "also_submitted"),
        ),
        TemplateKind.INTAKE: ("intake_fields",),
        TemplateKind.INTAKE_ONLY: (
            *("welcome", "summary", "warnings", "intake_fields", "classes"),
            *("order", "background", "also_submitted"),
        ),
    }
)
"""Without these, something submitted would be shown nowhere, or nobody would be told what to do."""

PLACEHOLDER = re.compile(r"\{\{[ \t]*([a-z_]+)[ \t]*\}\}")
EDITORS_HELP = re.compile(r"<!-- template:.*?-->[ \t]*\n?", re.DOTALL)


def default_template_folder() -> Path:
    """The templates that ship: inside an installed wheel, or beside `app/` in a checkout."""
    here = Path(__file__).parent
    packed = here / "issue_templates"
    return packed if packed.is_dir() else here.parent / "issue_templates"


def load_templates(folder: Path) -> Templates:
    """Read and check all templates of a folder. Raises TemplateFaults."""
    faults: list[str] = []
    pieces: dict[TemplateKind, tuple[Piece, ...]] = {}
    for kind in TemplateKind:
        path = folder / f"{kind.value}.md"
        try:
            pieces[kind] = _read(path, kind)
        except TemplateFaults as found:
            faults.extend(found.faults)
    if faults:
        raise TemplateFaults(tuple(faults))
    return Templates(MappingProxyType(pieces))


def _read(path: Path, kind: TemplateKind) -> tuple[Piece, ...]:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise TemplateFaults((f"{path}: cannot be read: {error.strerror}",)) from None
    if len(raw) > MAX_FILE_BYTES:
        raise TemplateFaults((f"{path}: is larger than {MAX_FILE_BYTES:,} bytes",))
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    except UnicodeDecodeError:
        raise TemplateFaults((f"{path}: is not UTF-8 text",)) from None
    # Help for editors gives way to as many empty lines, so that line numbers stay true until the text is cut.
    text = EDITORS_HELP.sub(lambda match: "\0" * match.group().count("\n"), text)
    if faults := [f"{path}:{line}: {problem}" for line, problem in _problems(text, kind)]:
        raise TemplateFaults(tuple(faults))
    return tuple(_pieces(text, kind))


def _problems(text: str, kind: TemplateKind) -> Iterator[tuple[int, str]]:
    """What is wrong, by line."""
    seen: set[str] = set()
    for number, line in _numbered(text):
        if line.startswith("/"):
            yield number, "a line that begins with / would be run by GitLab as a quick action"
        if "<!-- psplan" in line:
            yield number, "the marks `<!-- psplan` are the bot's own"
        for match in PLACEHOLDER.finditer(line):
            if problem := _placeholder_problem(match.group(1), line.rstrip() == match.group(), kind, seen):
                yield number, problem
        if "{{" in PLACEHOLDER.sub("", line) or "}}" in PLACEHOLDER.sub("", line):
            yield number, "a placeholder looks like {{ customer }}"
    for name in OBLIGATORY[kind]:
        if name not in seen:
            yield 1, f"lacks the obligatory {{{{ {name} }}}} on a line of its own"
    yield from _open_ends(text)


def _placeholder_problem(name: str, stands_alone: bool, kind: TemplateKind, seen: set[str]) -> str | None:
    allowed = (*BLOCKS[kind], *INLINE[kind])
    if name not in allowed:
        likely = difflib.get_close_matches(name, allowed, n=1)
        hint = f"did you mean {likely[0]!r}? " if likely else ""
        blocks, inline = ", ".join(BLOCKS[kind]), ", ".join(INLINE[kind])
        return f"no placeholder is called {name!r}; {hint}alone on a line: {blocks}; inside a line: {inline}"
    if name in BLOCKS[kind]:
        if not stands_alone:
            return f"{{{{ {name} }}}} must stand alone on its line"
        if name in seen:
            return f"{{{{ {name} }}}} stands twice"
        seen.add(name)
    return None


def _open_ends(text: str) -> Iterator[tuple[int, str]]:
    """Text that would swallow what the bot writes behind it: an open fence, comment, tag or backtick."""
    start = 0
    for match in [*PLACEHOLDER.finditer(text), None]:
        end = len(text) if match is None else match.start()
        try:
            own(_without_gaps(text[start:end]))
        except ValueError:
            line = 1 + sum("\n" in char or char == "\0" for char in text[:end])
            yield line, "the text before this leaves something open: a fence, a comment, a tag or a backtick"
        start = end if match is None else match.end()


def _pieces(text: str, kind: TemplateKind) -> Iterator[Piece]:
    text = _without_gaps(text).strip("\n") + "\n"
    start = 0
    for match in PLACEHOLDER.finditer(text):
        name = match.group(1)
        if before := text[start : match.start()]:
            yield own(before)
        yield Block(name) if name in BLOCKS[kind] else Inline(name)
        start = match.end()
    if rest := text[start:]:
        yield own(rest)


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    number = 1
    for line in text.split("\n"):
        gap = line.count("\0")
        number += gap
        yield number, line.replace("\0", "")
        number += 1


def _without_gaps(text: str) -> str:
    return text.replace("\0", "")
