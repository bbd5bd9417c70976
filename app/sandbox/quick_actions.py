"""Which lines of a text GitLab would take for quick actions, and the text it would keep without them.

A model of GitLab's extractor (18.9). Three things surprise:

* A known name is cut from the text even where it is not allowed or makes no sense (`/merge` in an issue).
* The text is rendered first; only top-level paragraphs that show a line starting with `/` are searched, but the search
  then goes over the paragraph's source lines. So a backslash before the `/` makes it inert, `<details>` does not.
* Only LF ends a line. Every CR is deleted beforehand, so it neither ends a line nor hides a command.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from markdown_it.token import Token

from app.gitlab_markdown import gitlab_parser, without_front_matter
from app.quick_action_names import CANONICAL, KNOWN_NAMES

# These two do nothing to the issue: GitLab writes the drawing behind the argument and keeps the line.
_DRAWINGS: Final = {"shrug": r"¯\＿(ツ)＿/¯", "tableflip": "(╯°□°)╯︵ ┻━┻"}


@dataclass(frozen=True, slots=True)
class QuickAction:
    """One command line: its canonical name and what stood behind it, trimmed."""

    name: str
    argument: str


@dataclass(frozen=True, slots=True)
class Extraction:
    """The text that GitLab stores and the commands it took out, in order."""

    text: str
    commands: tuple[QuickAction, ...]


def extract(text: str) -> Extraction:
    """Split a description or note the way GitLab does before it is stored; `text` of the answer never contains a CR."""
    content = text.replace("\r", "")
    lines = re.findall(r"[^\n]*\n|[^\n]+", content)
    commands: list[QuickAction] = []

    def take(match: re.Match[str]) -> str:
        if match["name"] is None:
            return match[0]
        action = QuickAction(CANONICAL[match["name"].lower()], (match["argument"] or "").strip())
        commands.append(action)
        if action.name in _DRAWINGS:
            return f"{action.argument} {_DRAWINGS[action.name]}".lstrip() + "\n" * match[0].endswith("\n")
        return ""

    if re.search(r"^/[a-z]", content, re.MULTILINE | re.IGNORECASE):
        for first, end in _candidate_paragraphs(content):
            # GitLab searches the blank line behind the paragraph too, so it disappears with a command on the last line.
            stop = end + 1 if lines[end : end + 1] == ["\n"] else end
            paragraph = _LINE_OF_INTEREST.sub(take, "".join(lines[first:stop]))
            lines[first:stop] = [paragraph] + [""] * (stop - first - 1)
    return Extraction("".join(lines).rstrip(" \t\n\v\f\0"), tuple(commands))


# Inline code and a small HTML block match first and are passed over; unlike Markdown, backticks pair one by one here.
_LINE_OF_INTEREST: Final = re.compile(
    r"(?s:`.+?`)"
    r"|^<[^>]+?>\n(?s:.+?)\n</[^>]+?>$"
    r"|^/(?P<name>(?i:" + "|".join(sorted(KNOWN_NAMES, key=len, reverse=True)) + r"))"
    r"(?:[ ](?P<argument>[^\n]*))?"
    r"(?:[ \t\f\v\n]*\n|$)",
    re.MULTILINE,
)


def _candidate_paragraphs(content: str) -> Iterator[tuple[int, int]]:
    """First line and line behind the last, of every top-level paragraph that shows a line starting with `/`."""
    masked = without_front_matter(content)
    tokens = gitlab_parser().parse(masked)
    for opening, inline in pairwise(tokens):
        if opening.type == "paragraph_open" and opening.level == 0 and opening.map:
            shown = "".join(_shown(child) for child in inline.children or ())
            if re.search(r"^/", shown, re.MULTILINE):
                yield opening.map[0], opening.map[1]


def _shown(token: Token) -> str:
    if token.type in {"softbreak", "hardbreak"}:
        return "\n"
    return token.content if token.type in {"text", "text_special", "code_inline"} else ""
