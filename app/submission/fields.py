"""Dotted names of submission fields (`migration.users`, `training.*.course`): which exist, and what they hold.

`*` stands for every entry of a list. Inside the objects that hold answers by question key, any name exists.
"""

from __future__ import annotations

import types
from collections.abc import Iterator
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from app.submission.compare import shown
from app.submission.model import Submission


def has_field(path: str) -> bool:
    """True when the submission model knows the field of this dotted name."""
    known: Any = Submission
    for part in path.split("."):
        known = _step(_bare(known), part)
        if known is None:
            return False
    return True


def content_of(submission: Submission) -> dict[str, Any]:
    """The submission as decoded JSON, only what was given."""
    return submission.model_dump(mode="json", exclude_none=True, exclude_defaults=True)


def values_at(content: object, path: str) -> tuple[str, ...]:
    """What the content of a submission holds at a dotted name, as texts; empty when nothing was given there."""
    found = [content]
    for part in path.split("."):
        found = [inner for value in found for inner in _inside(value, part)]
    return tuple(text for value in found for text in _texts(value) if text)


def _bare(annotation: Any) -> Any:
    """The annotation without Annotated and without `| None`."""
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, types.UnionType):
        [only] = [choice for choice in get_args(annotation) if choice is not type(None)]
        return _bare(only)
    return annotation


def _step(known: Any, part: str) -> Any:
    if isinstance(known, type) and issubclass(known, BaseModel):
        field = known.model_fields.get(part)
        return None if field is None else field.annotation
    if get_origin(known) is tuple and part == "*":
        return get_args(known)[0]
    return Any if get_origin(known) is dict or known is Any else None


def _inside(value: object, part: str) -> Iterator[object]:
    if part == "*" and isinstance(value, list):
        yield from value
    elif isinstance(value, dict) and part in value:
        yield value[part]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, dict):
        parts = ((name, ", ".join(_texts(inner))) for name, inner in value.items())
        yield ", ".join(f"{name.replace('_', ' ')}: {text}" for name, text in parts if text)
    else:
        yield shown(value)
