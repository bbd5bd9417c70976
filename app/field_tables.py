"""The reference of a team's own files as Markdown: every block with its fields, from the models that read it.

What a field means is the docstring that stands below it in the model, so that reference and code are one text.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from enum import StrEnum
from functools import cache
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin, get_type_hints

from app.catalogue import model as catalogue
from app.methodology import meetings, parts, process, salesforce, telling, timing
from app.methodology.parts import Block

_NAMED: Final[Mapping[Any, str]] = {
    parts.Plain: "words",
    parts.Username: "user name",
    parts.GroupPath: "group's path",
    parts.LabelName: "label",
    parts.Colour: "`#RRGGBB`",
    parts.Host: "host",
    parts.Key: "name",
    parts.FieldPath: "field of the submission",
    process.StepRef: "`place.name`",
    process.Currency: "currency",
    process.Emoji: "emoji's name",
    process.CommandName: "command",
    telling.ChannelName: "channel",
    telling.SlackUser: "Slack's id of a user",
    telling.EmailPattern: "pattern of an e-mail",
    meetings.MeetingWord: "word",
    salesforce.FieldName: "API name of a field",
    salesforce.ApiName: "API name",
    salesforce.Template: "text with placeholders",
    meetings.AgendaFile: "file's name",
    meetings.Address: "e-mail address",
    meetings.AddressPattern: "e-mail address with `{username}`",
    catalogue.Code: "currency",
    catalogue.Price: "amount",
    catalogue.Sku: "catalogue number",
    catalogue.EquationText: "equation",
    catalogue.Wording: "sentences",
    str: "text",
    int: "number",
    float: "number",
    date: "day",
    timing.TimeOfDay: "`HH:MM`",
    Decimal: "number",
    bool: "`true` or `false`",
    Any: "anything",
    NoneType: "`null`",
}
"""The kinds of value, in words; whatever is built of them is told by its parts."""


def reference(file: type[Block]) -> str:
    """A table for each block, the file itself first, then its parts in the order in which they are met."""
    return "\n".join(_section(block, file) for block in _blocks(file, []))


def _blocks(block: type[Block], seen: list[type[Block]]) -> list[type[Block]]:
    if block not in seen:
        seen.append(block)
        for hint in _hints(block).values():
            for part in _parts_of(hint):
                if inspect.isclass(part) and issubclass(part, Block):
                    _blocks(part, seen)
    return seen


def _parts_of(hint: Any) -> Iterator[Any]:
    yield hint
    for part in get_args(hint):
        yield from _parts_of(part)


def _hints(block: type[Block]) -> dict[str, Any]:
    hints = get_type_hints(block, include_extras=True)
    return {name: hints[name] for name in block.model_fields}


def _section(block: type[Block], file: type[Block]) -> str:
    said = inspect.getdoc(block) or ""
    rows = ["| field | takes | if left out | meaning |", "| --- | --- | --- | --- |"]
    rows += [f"| {' | '.join(_row(block, name, hint))} |" for name, hint in _hints(block).items()]
    title = "The file" if block is file else block.__name__
    return f"### {title}\n\n{said}\n\n" + "\n".join(rows) + "\n"


def _row(block: type[Block], name: str, hint: Any) -> tuple[str, str, str, str]:
    held = block.model_fields[name]
    default = "**required**" if held.is_required() else _value(held.get_default(call_default_factory=True))
    return f"`{held.alias or name}`", _takes(hint), default, _meanings(block).get(name) or _meaning_of(hint)


def _meaning_of(hint: Any) -> str:
    """Of a field with nothing below it: what the block is that it takes."""
    blocks = (part for part in _parts_of(hint) if inspect.isclass(part) and issubclass(part, Block))
    return next((inspect.cleandoc(block.__doc__ or "").partition("\n")[0] for block in blocks), "")


def _value(value: Any) -> str:
    if value is None or value in ((), {}) or isinstance(value, Block):
        return ""
    if isinstance(value, tuple):
        return ", ".join(f"`{each}`" for each in value)
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def _takes(hint: Any) -> str:
    if (named := _NAMED.get(hint)) is not None:
        return named
    if inspect.isclass(hint) and issubclass(hint, StrEnum):
        return ", ".join(f"`{each.value}`" for each in hint)
    if inspect.isclass(hint) and issubclass(hint, Block):
        return f"[{hint.__name__}](#{hint.__name__.lower()})"
    origin, inner = get_origin(hint), [each for each in get_args(hint) if each is not Ellipsis]
    if origin is Annotated:
        return _takes(inner[0])
    if origin is Literal:
        return ", ".join(f"`{each}`" for each in inner)
    if origin is tuple:
        return f"list of {_takes(inner[0])}"
    if origin in (UnionType, Union):
        return " or ".join(_takes(each) for each in inner)
    return f"{_takes(inner[0])} → {_takes(inner[1])}"


def _meanings(block: type[Block]) -> dict[str, str]:
    """Field → what stands below it, in the block and in those that it extends."""
    own = [each for each in block.__mro__ if issubclass(each, Block) and each is not Block]
    return {name: words for each in reversed(own) for name, words in _docstrings(each.__module__, each.__name__)}


@cache
def _docstrings(module: str, name: str) -> tuple[tuple[str, str], ...]:
    source = Path(str(sys.modules[module].__file__)).read_text(encoding="utf-8")
    (block,) = (each for each in ast.parse(source).body if isinstance(each, ast.ClassDef) and each.name == name)
    found = []
    for field, below in zip(block.body, block.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            words = below.value.value if isinstance(below, ast.Expr) and isinstance(below.value, ast.Constant) else None
            if isinstance(words, str):
                found.append((field.target.id, " ".join(words.split())))
    return tuple(found)
