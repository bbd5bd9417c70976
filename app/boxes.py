"""Boxes that people ticked in the bot's own lists: the checklist of the stages and the list of the readiness.

Only inside those parts: the same line in a customer's words is nothing but words.
"""

from __future__ import annotations

import re
from typing import Final

from app.answer_table import readable
from app.markers import sections
from app.methodology.model import Methodology

_TICKED: Final = re.compile(r"[ \t]*[-*+] \[[xX]\] +(.*)")


def ticked(description: str, methodology: Methodology) -> frozenset[str]:
    """The ticked boxes as `stage.step` and `readiness.item`."""
    parts = sections(description)
    found: set[str] = set()
    if (checklist := parts.get("checklist")) is not None:
        steps = {
            readable(words): f"{stage}.{step}"
            for stage, held in methodology.stages.items()
            for step, words in held.steps.items()
        }
        found |= {steps[words] for words in _ticked(checklist.body) if words in steps}
    if (readiness := parts.get("readiness")) is not None:
        items = {readable(item.title): f"readiness.{key}" for key, item in methodology.readiness.items()}
        lines = _ticked(readiness.body)
        found |= {box for title, box in items.items() if any(_begins(line, title) for line in lines)}
    return frozenset(found)


def _ticked(body: str) -> list[str]:
    matches = (_TICKED.fullmatch(line.rstrip()) for line in body.split("\n"))
    return [readable(match[1]) for match in matches if match]


def _begins(line: str, title: str) -> bool:
    """Behind the title stands the owner's role in brackets."""
    return line == title or line.startswith(f"{title} (")
