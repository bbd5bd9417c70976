"""What every part of a methodology file is made of: frozen blocks, plain words, names of labels, people and fields.

Words that end up in an issue are one line of plain prose: none can break a table, mention anybody or start a reference.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

_LIVE = re.compile(r"(?<!\w)[@#!~%&^*_:]\w|[|`<\[\]\\$]|\*\*|~~|://|(?i:www\.)")
_HOST = re.compile(r"(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z]{2,}")


def _wrong(problem: str) -> PydanticCustomError:
    return PydanticCustomError("methodology", "{problem}", {"problem": problem})


def _plain(words: str) -> str:
    if not words.isprintable():
        raise _wrong("must be a single line")
    if found := _LIVE.search(words):
        raise _wrong(f"must be plain words: {found.group()!r} would be live in an issue")
    return words


def _label(name: str) -> str:
    if "," in name or not name.isprintable() or name != name.strip():
        raise _wrong("must be a label name: one line, no comma (GitLab splits there), no blank at either end")
    return name


def _host(name: str) -> str:
    if not _HOST.fullmatch(name):
        raise _wrong("must be a host name in lower case, such as salesforce.com")
    return name


def zone(name: str) -> str:
    """A time zone that exists."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise _wrong("must be a time zone, such as UTC or Europe/Berlin") from None
    return name


def pattern(text: str) -> str:
    """A regular expression that can be used."""
    try:
        re.compile(text)
    except re.error as error:
        raise _wrong(f"must be a regular expression: {error}") from None
    return text


Plain = Annotated[str, StringConstraints(min_length=1, max_length=300), AfterValidator(_plain)]
Username = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.][A-Za-z0-9_.-]{0,254}$")]
GroupPath = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]+(?:/[A-Za-z0-9_.-]+)*$", max_length=255)]
LabelName = Annotated[str, StringConstraints(min_length=1, max_length=255), AfterValidator(_label)]
Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")]
Host = Annotated[str, AfterValidator(_host)]
Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
FieldPath = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_*]+(?:\.[a-z0-9_*]+)*$", max_length=120)]
Condition = Mapping[FieldPath, Annotated[tuple[str, ...], Field(min_length=1)]]


class Block(BaseModel):
    """A block of the file: frozen, and a name it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, defer_build=True)


class IssueKind(StrEnum):
    """The issues a label can stand on."""

    SCOPING = "scoping"
    INTAKE = "intake"
