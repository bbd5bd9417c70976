"""What changes in an issue that exists: the bot's own parts follow the submission, the words of people stay.

A part that nobody touched is written anew. A table that people answered in is merged row by row. Any other part that
people edited stays as it is, and is named, so that the comment on the revision can say so. Text outside the bot's parts
is never touched. Doing it twice is the same as doing it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from app import answer_table, text
from app.own_part import append_own_part
from app.submission import Change, Submission, flatten
from app.text import Safe, Section, own

__all__ = ["Revised", "append_own_part", "read_answers", "revise", "revision_note"]

MAX_CHANGES: Final = 40
_LONG_CHARS: Final = 80
_PART_NAMES: Final = {
    "welcome": "the welcome",
    "summary": "the part *At a glance*",
    "warnings": "the part *Please check*",
    "background": "the part *In their own words*",
    "also_submitted": "the part *Also submitted*",
    "classes": "the table of classes",
    "order": "the table of the order",
    "checklist": "the checklist",
    "readiness": "the list *Ready for scheduling*",
    "ssot": "the question table",
    "intake_fields": "the table of what scheduling needs to know",
}


@dataclass(frozen=True, slots=True)
class Revised:
    """The new description. `kept`: parts (`summary`) and answers (`ssot/users_current`) that stay a person's."""

    description: str
    kept: tuple[str, ...]


def revise(description: str, *, new: str, old: Submission | None = None) -> Revised:
    """Bring the bot's parts of a description up to date with `new`, the description as it would be written today.

    `old` is the submission that the present text was written for. It is asked only where a table has lost its memory of
    what the bot wrote. A part that a person deleted stays away.
    """
    said_before = frozenset(flatten(old).values()) if old is not None else frozenset()
    kept: list[str] = []
    for name, fresh in text.sections(new).items():
        present = text.sections(description).get(name)
        if present is None or present.body == fresh.body:
            continue
        if present.is_untouched:
            description = _with_body(description, present, fresh, fresh.body)
        elif (merged := answer_table.merge(present.body, fresh.body, said_before=said_before)) is not None:
            written = _with_body(description, present, fresh, merged.text)
            if name in text.sections(written):
                description = written
                kept += [f"{name}/{key}" for key in merged.kept]
            else:
                kept.append(name)
        elif present.digest != fresh.digest:
            kept.append(name)
    return Revised(description, tuple(kept))


def read_answers(description: str) -> dict[str, str]:
    """Answers by key from every table of the description that has an answer and a key column; to-do is no answer."""
    return {key: answer for key, answer in answer_table.answers_in(description).items() if answer}


def revision_note(changes: Sequence[Change], kept: Sequence[str], marker: Safe) -> Safe:
    """The one comment on a revision: what changed, and what was left as people wrote it."""
    parts: list[str] = [marker, "", *_told(changes)]
    if kept:
        parts += [own(""), own("I did not change what people wrote. Please see whether it still fits:"), own("")]
        parts += list(_kept_lines(kept))
    return Safe("\n".join(parts))


def _with_body(description: str, present: Section, fresh: Section, body: str) -> str:
    """The part with another body, but with the digest of what the bot alone would have written.

    So a merged part still counts as touched: the next revision merges again and does not overwrite people's answers.
    """
    begin = text.section(fresh.name, Safe(fresh.body)).split("\n", 1)[0]
    end = f"<!-- psplan:end {fresh.name} -->"
    whole = "\n\n".join(part for part in (begin, body.strip("\n"), end) if part)
    return description[: present.start] + whole + description[present.end :]


def _told(changes: Sequence[Change]) -> Iterator[Safe]:
    shown = [change for change in changes if change.field != "submission_id"]
    if not shown:
        yield own("The request was sent again. Nothing in it changed that would show here.")
        return
    yield own("The request was sent again with changes. I have brought the issues up to date:")
    yield own("")
    for change in shown[:MAX_CHANGES]:
        yield Safe(f"- {text.code_span(change.field, limit_chars=100)}: {_from_to(change)}")
    if len(shown) > MAX_CHANGES:
        yield own(f"- and {len(shown) - MAX_CHANGES:,} more fields")


def _from_to(change: Change) -> Safe:
    if change.before is None and change.after is not None:
        return Safe(f"now {_short(change.after)}") if _is_short(change.after) else own("added")
    if change.after is None:
        return own("taken out")
    if _is_short(change.before or "") and _is_short(change.after):
        return Safe(f"{_short(change.before or '')} → {_short(change.after)}")
    return own("changed")


def _is_short(value: str) -> bool:
    return len(value) <= _LONG_CHARS and "\n" not in value


def _short(value: str) -> Safe:
    return text.code_span(value, limit_chars=_LONG_CHARS)


def _kept_lines(kept: Sequence[str]) -> Iterator[Safe]:
    for entry in dict.fromkeys(kept):
        part, _, key = entry.partition("/")
        name = own(_PART_NAMES.get(part, "a part of the description"))
        yield Safe(f"- the answer to {text.code_span(key)} in {name}") if key else Safe(f"- {name}")
