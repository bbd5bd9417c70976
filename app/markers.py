"""The bot's own marks inside a description or note: single markers, and sections that it may rewrite later.

Both are HTML comments that stand alone on a line, so a reader never sees them. Three rules surprise:

* A mark counts only where Markdown makes it a block of its own. Inside a fence, a code span, a quotation or a list it
  is just text, so foreign words that went through `app.text` cannot forge one.
* A section remembers a digest of what the bot wrote. A body that no longer fits it was edited by a person.
* GitLab deletes every CR and trailing white space, so digests are taken over text without them.
"""

import hashlib
import re
from collections import Counter
from dataclasses import dataclass
from typing import Final, NewType

from app.markdown_blocks import top_blocks

Safe = NewType("Safe", str)
"""Markdown that may be written into a GitLab description or note."""

_KIND: Final = r"[a-z][a-z0-9_-]{0,63}"
_IDENT: Final = r"[A-Za-z0-9](?:[A-Za-z0-9._:/]|-(?!-)){0,199}"
_MARKER: Final = re.compile(rf"<!-- psplan:({_KIND}):({_IDENT}) -->")
_BEGIN: Final = re.compile(rf"<!-- psplan:begin ({_KIND}) ([0-9a-f]{{12}}) -->")
_END: Final = re.compile(rf"<!-- psplan:end ({_KIND}) -->")
_ANY: Final = "<!-- psplan:"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a text is (`scoping`, `intake`, a note's purpose) and whose."""

    kind: str
    ident: str


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a description that belongs to the bot; `start` and `end` are offsets of the whole, marks included."""

    name: str
    body: str
    digest: str
    start: int
    end: int

    @property
    def is_untouched(self) -> bool:
        """Whether the body is still what the bot wrote there; a person changed it otherwise."""
        return _digest(self.body) == self.digest


def marker(kind: str, ident: str) -> Safe:
    """An invisible line to find an issue or note again, on a line of its own; ValueError for other than plain names."""
    if not re.fullmatch(_KIND, kind) or not re.fullmatch(_IDENT, ident):
        raise ValueError(f"a marker takes plain names, not {kind!r} and {ident!r}")
    return Safe(f"{_ANY}{kind}:{ident} -->")


def find_markers(text: str) -> list[Marker]:
    """The live markers of a text, in order."""
    matches = (_MARKER.fullmatch(line) for _, line in _lone_comments(text))
    return [Marker(match[1], match[2]) for match in matches if match]


def section(name: str, body: Safe) -> Safe:
    """A part of a description that the bot may rewrite later, on lines of its own.

    ValueError for a name that is not plain, and for a body that would not be found again: it leaves a fence or comment
    open, or has section marks of its own.
    """
    if not re.fullmatch(_KIND, name):
        raise ValueError(f"a section takes a plain name, not {name!r}")
    words = without_outer_blanks(body.replace("\r", ""))
    digest = _digest(words)
    whole = "\n\n".join(part for part in (f"{_ANY}begin {name} {digest} -->", words, f"{_ANY}end {name} -->") if part)
    if not _is_table(words) and sections(whole).get(name) != Section(name, words, digest, 0, len(whole)):
        raise ValueError(f"the body of section {name!r} leaves something open or has section marks of its own")
    return Safe(whole + "\n")


def _is_table(words: str) -> bool:
    """Whether every line begins with a bar: such lines open no block that a blank line does not end.

    Our largest parts are tables, and reading one as Markdown takes longer than writing it.
    """
    return all(line.startswith("|") for line in words.split("\n"))


def sections(description: str) -> dict[str, Section]:
    """The bot's parts of a description by name; a part whose marks are nested, doubled or missing is nobody's."""
    comments = _lone_comments(description)
    begins = [(number, match) for number, line in comments if (match := _BEGIN.fullmatch(line))]
    ends = {number: match[1] for number, line in comments if (match := _END.fullmatch(line))}
    counted = Counter(match[1] for _, match in begins) + Counter(ends.values())
    marks = sorted([number for number, _ in begins] + list(ends))
    lines = description.split("\n")
    found = {}
    for first, match in begins:
        name, digest = match[1], match[2]
        last = next((number for number in marks if number > first), -1)
        if ends.get(last) == name and counted[name] == 2:
            start = sum(len(line) + 1 for line in lines[:first])
            end = start + len("\n".join(lines[first : last + 1]))
            body = without_outer_blanks("\n".join(lines[first + 1 : last]).replace("\r", ""))
            found[name] = Section(name, body, digest, start, end)
    return found


def replace_section(description: str, name: str, body: Safe) -> str:
    """The description with a new body in one of the bot's parts, all else as it was; KeyError if there is none."""
    old = sections(description)[name]
    return description[: old.start] + section(name, body).rstrip("\n") + description[old.end :]


def without_outer_blanks(text: str) -> str:
    """The text without blank lines around it; the first line keeps its indentation."""
    first = re.match(r"(?:[ \t]*\n)*", text)
    return text[first.end() if first else 0 :].rstrip()


def _lone_comments(text: str) -> list[tuple[int, str]]:
    """Line number and text of each of our comments that is a top-level block of its own, starting in column 1."""
    if _ANY not in text:
        return []
    found = []
    for block in top_blocks(text.replace("\r", "")):
        if block.kind == "html_block" and block.content.startswith(_ANY):
            line, _, more = block.content.rstrip().partition("\n")
            if not more:
                found.append((block.first, line.rstrip()))
    return found


def _digest(body: str) -> str:
    return hashlib.sha256(_normalised(body).encode("utf-8", "surrogatepass")).hexdigest()[:12]


def _normalised(body: str) -> str:
    return without_outer_blanks("\n".join(line.rstrip() for line in body.replace("\r", "").split("\n")))
