"""A submission as flat, readable fields; what changed between two; and the digest that tells whether anything did."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from app.submission.model import Submission


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs between two submissions; None stands for "not given"."""

    field: str
    before: str | None
    after: str | None


def content_digest(submission: Submission) -> str:
    """SHA-256 (hex) of everything the submission says, whatever the order of its keys and whatever its id."""
    content = submission.model_dump(mode="json", exclude={"submission_id"}, exclude_none=True)
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), ensure_ascii=True, default=str)
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def flatten(submission: Submission) -> dict[str, str]:
    """Dotted field name → text to show, for every field that was given, unknown ones included.

    A list of plain values is one entry; a list of objects is numbered (`training.0.course`). A field that holds its
    default counts as not given: a submission that was stored and read again must not differ from itself.
    """
    return flatten_value(submission.model_dump(mode="json", exclude_none=True, exclude_defaults=True))


def flatten_value(content: dict[str, Any]) -> dict[str, str]:
    """The same for any decoded JSON object."""
    return {".".join(path): text for path, text in _leaves((), content)}


def changes(old: Submission, new: Submission) -> tuple[Change, ...]:
    """What the new submission says differently, in the order of the fields."""
    before, after = flatten(old), flatten(new)
    return tuple(
        Change(field=name, before=before.get(name), after=after.get(name))
        for name in dict.fromkeys([*after, *before])
        if before.get(name) != after.get(name)
    )


def _leaves(path: tuple[str, ...], value: object) -> Iterator[tuple[tuple[str, ...], str]]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves((*path, str(name)), inner)
    elif isinstance(value, (list, tuple)):
        if any(isinstance(inner, (dict, list, tuple)) for inner in value):
            for index, inner in enumerate(value):
                yield from _leaves((*path, str(index)), inner)
        elif value:
            yield path, ", ".join(shown(inner) for inner in value)
    elif value is not None and (text := shown(value)):
        yield path, text


def shown(value: object) -> str:
    """A plain JSON value as people read it; nothing for null."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return "" if value is None else str(value)
