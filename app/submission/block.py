"""The submission that a person wrote into an issue by hand: a fenced block `psplan-submission` with JSON or YAML.

The YAML read here is the part of YAML that JSON can say. Anchors, aliases and tags are refused (a few lines of aliases
unfold to gigabytes), and only null, true, false and whole numbers are anything but text: so `17.10` stays "17.10", a
date stays as written and a customer named No is not turned into false.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import yaml

from app.submission.fault import WHOLE, Fault, SubmissionFaults
from app.submission.parse import MAX_DEPTH

INFO = "psplan-submission"
MAX_BLOCK_BYTES = 64 * 1024

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_CONSTANTS = {"": None, "~": None, "null": None, "true": True, "false": False}
_WHOLE_NUMBER = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")


def submission_block(markdown: str) -> str | None:
    """The text of the first fenced block `psplan-submission` that stands at the top level of the Markdown, or None."""
    if INFO not in markdown:
        return None
    # Late, because only issues opened by hand ever come here.
    from markdown_it import MarkdownIt

    parser = MarkdownIt("commonmark")
    parser.core.ruler.enableOnly(["normalize", "block"])
    for token in parser.parse(markdown):
        if token.type == "fence" and token.level == 0 and token.info.split()[:1] == [INFO]:
            return token.content
    return None


def parse_block(text: str) -> object:
    """The decoded content of a block; raises SubmissionFaults when it is no JSON or YAML, too big or too clever."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BLOCK_BYTES:
        raise _refusal(f"the block is larger than {MAX_BLOCK_BYTES // 1024} KiB")
    if text.lstrip().startswith("{"):
        try:
            return json.loads(text, object_pairs_hook=_object)
        except (ValueError, RecursionError):
            # A JSON that is slightly off (a trailing comma, a comment) is often good YAML; if not, YAML names the line.
            pass
    return _from_yaml(text)


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    named = dict(pairs)
    if len(named) != len(pairs):
        raise ValueError("a name occurs twice")
    return named


def _refusal(problem: str) -> SubmissionFaults:
    return SubmissionFaults((Fault(WHOLE, problem),))


def _from_yaml(text: str) -> object:
    try:
        return _build(yaml.parse(text, Loader=_Loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f", line {mark.line + 1} of the block" if mark is not None else ""
        raise _refusal(f"the block is neither JSON nor YAML: {error.problem or 'it cannot be read'}{where}") from None
    except (yaml.YAMLError, UnicodeError):
        raise _refusal("the block contains characters that neither JSON nor YAML allows") from None


def _build(events: Iterable[Any]) -> object:
    """Plain values from YAML events, on a stack of our own: no depth of nesting can exhaust Python's."""
    documents: list[object] = []
    open_nodes: list[list[object] | _Mapping] = []
    for event in events:
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise _refusal(f"anchors and aliases (& and *) are not allowed here{_line(event)}")
        if getattr(event, "tag", None) not in (None, "!"):
            raise _refusal(f"tags (!) are not allowed here{_line(event)}")
        if isinstance(event, (yaml.SequenceStartEvent, yaml.MappingStartEvent)):
            open_nodes.append(_Mapping() if isinstance(event, yaml.MappingStartEvent) else [])
            if len(open_nodes) > MAX_DEPTH:
                raise _refusal(f"the block is nested more than {MAX_DEPTH} levels deep")
            continue
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif isinstance(event, (yaml.SequenceEndEvent, yaml.MappingEndEvent)):
            closed = open_nodes.pop()
            value = closed.entries if isinstance(closed, _Mapping) else closed
        else:
            continue
        holder = open_nodes[-1] if open_nodes else documents
        if isinstance(holder, _Mapping):
            holder.put(value, event)
        else:
            holder.append(value)
    if len(documents) > 1:
        raise _refusal("the block holds more than one YAML document (---)")
    return documents[0] if documents else None


class _Mapping:
    """A YAML mapping that is being filled: names and values come in turn."""

    def __init__(self) -> None:
        self.entries: dict[str, object] = {}
        self._name: str | None = None

    def put(self, value: object, event: Any) -> None:
        if self._name is not None:
            self.entries[self._name], self._name = value, None
            return
        if not isinstance(event, yaml.ScalarEvent):
            raise _refusal(f"a field name must be plain text{_line(event)}")
        if event.value in self.entries:
            raise _refusal(f"a field occurs twice{_line(event)}")
        self._name = event.value


def _scalar(event: Any) -> object:
    if event.style is not None and event.style != "":
        return event.value
    if event.value.lower() in _CONSTANTS:
        return _CONSTANTS[event.value.lower()]
    return int(event.value) if _WHOLE_NUMBER.fullmatch(event.value) else event.value


def _line(event: Any) -> str:
    return f" (line {event.start_mark.line + 1} of the block)"
