"""A comment → the command lines in it: `/ps verb …`, or `@bot verb …`. No I/O, and it never raises.

A line counts where GitLab would read a quick action of its own: it begins a line of a plain paragraph. Never in code,
quotations, lists, headings, tables, HTML or the text of a link: there people write about commands. What Markdown makes
of a text is asked of a parser: every line that could be a command gets a word in place of its prefix, and it is one
where that word comes out as plain text at the beginning of a line.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from markdown_it.token import Token

from app.gitlab_markdown import gitlab_parser, without_front_matter

MOST_CHARS: Final = 100_000
"""What stands behind that in a comment is not read: GitLab takes a million characters."""
MOST_COMMANDS: Final = 20
"""So many commands of one comment are carried out."""

_STEM: Final = "psplanprobe"


@dataclass(frozen=True, slots=True)
class Line:
    """One command as it was written. `verb` is in lower case; `rest` is all behind it; `source` is the whole line.

    `digest` is the same for the same words, whatever their case and blanks; `is_addressed`: it began with a mention.
    """

    verb: str
    rest: str
    source: str
    digest: str
    is_addressed: bool = False


def command_lines(text: str, *, prefix: str, bot: str) -> tuple[Line, ...]:
    """The commands of a comment, in order. `prefix`: such as `/ps`; `bot`: the user name that may stand for it."""
    begins = re.compile(rf"[ \t]*(?:(?P<prefix>{re.escape(prefix)})|@{re.escape(bot)}[,:]?)(?=\s|$)", re.IGNORECASE)
    lines = text[:MOST_CHARS].replace("\r\n", "\n").replace("\r", "\n").split("\n")
    found = {number: match for number, line in enumerate(lines) if (match := begins.match(line))}
    if not found:
        return ()
    live = _live(lines, {number: match.end() for number, match in found.items()})
    read = (_line(lines[number], found[number]) for number in sorted(live))
    return tuple(_numbered(read))


def _line(line: str, match: re.Match[str]) -> Line:
    source = " ".join(line.split())
    verb, _, rest = line[match.end() :].strip().partition(" ")
    verb, tab, more = verb.partition("\t")
    words = f"{more}{' ' if tab else ''}{rest}".strip()
    return Line(verb.lower().rstrip(".,:;!"), words, source, "", is_addressed=match["prefix"] is None)


def _numbered(lines: Iterable[Line]) -> Iterator[Line]:
    """Each with its digest: the second of two equal lines is another command, but the same one after an edit."""
    times: Counter[str] = Counter()
    for line in lines:
        said = " ".join(f"{line.verb} {line.rest}".split())
        key = said if '"' in said else said.casefold()
        times[key] += 1
        digest = hashlib.sha256(f"{times[key]}:{key}".encode("utf-8", "surrogatepass")).hexdigest()[:16]
        yield Line(line.verb, line.rest, line.source, digest, line.is_addressed)


def _live(lines: Sequence[str], ends: dict[int, int]) -> set[int]:
    """The numbers of the lines that begin as plain text."""
    stem = _STEM
    while any(stem in line for line in lines):
        stem += "x"
    probed = list(lines)
    for number, end in ends.items():
        line = lines[number]
        indent = line[: len(line) - len(line.lstrip(" \t"))]  # four blanks make code of it
        probed[number] = f"{indent}{stem}{number}z{line[end:]}"
    tokens = gitlab_parser().parse(without_front_matter("\n".join(probed)))
    probe = re.compile(rf"{stem}(\d+)z")
    return {int(match[1]) for begin in _beginnings(tokens) if (match := probe.match(begin))}


def _beginnings(tokens: Sequence[Token]) -> Iterator[str]:
    """The plain text at the beginning of each line of each paragraph that stands by itself."""
    for place, token in enumerate(tokens):
        if token.type == "inline" and token.level == 1 and tokens[place - 1].type == "paragraph_open":
            is_begin, links = True, 0
            for leaf in token.children or ():
                if is_begin and links == 0 and leaf.type == "text" and leaf.content:
                    yield leaf.content.lstrip()
                links += leaf.nesting if leaf.type.startswith("link_") else 0
                is_begin = leaf.type in {"softbreak", "hardbreak"} or (
                    is_begin and not leaf.content and not leaf.nesting
                )
