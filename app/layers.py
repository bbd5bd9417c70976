"""YAML files that people keep, one laid over the other; what is wrong with them is told by file and line, all at once.

Named entries are merged by name, lists and single values are replaced, a named entry set to null is taken away, and a
new entry stands behind the one that it follows in its own file.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.constructor import SafeConstructor

MAX_FILE_BYTES = 4 * 1024 * 1024

Where = tuple[str | int, ...]
Found = Iterator[tuple[Where, str]]
"""What a check finds: places of a file, and what is wrong there."""
M = TypeVar("M", bound=BaseModel)

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class FileFaults(ValueError):
    """The file cannot be used; `faults` are sentences that begin with file and line."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = tuple(sorted(faults, key=_line_number))
        super().__init__("\n".join(self.faults))


def _line_number(fault: str) -> int:
    found = re.search(r":(\d+): ", fault)
    return int(found.group(1)) if found else 0


@dataclass(slots=True)
class Tree:
    """Plain values of one file, and where each of them stands."""

    content: dict[str, Any]
    lines: dict[Where, str]
    faults: list[str] = field(default_factory=list)


def layers(path: Path, default: Path) -> tuple[Tree, Tree]:
    """What a file extends (nothing, for a file that stands alone), and the file. Raises FileFaults."""
    tree = read_tree(path, name=default.name if path == default else str(path))
    base = tree.content.pop("extends", None)
    if base == "default":
        return read_tree(default, name=default.name), tree
    if base is not None:
        tree.faults.append(f"{line_of(tree, ('extends',))}: extends: allowed: default")
    return tree, Tree(content={}, lines={(): tree.lines[()]})


def read_tree(path: Path, *, name: str) -> Tree:
    """A file. Raises FileFaults where it holds no names at all."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise FileFaults((f"{name}: cannot be read: {error.strerror}",)) from None
    if len(raw) > MAX_FILE_BYTES:
        raise FileFaults((f"{name}: is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB",))
    try:
        root = yaml.compose(raw.decode("utf-8"), Loader=_Loader)
    except UnicodeDecodeError:
        raise FileFaults((f"{name}: is not UTF-8 text",)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise FileFaults((f"{name}:{line}: is not YAML: {error.problem}",)) from None
    except (yaml.YAMLError, RecursionError):
        raise FileFaults((f"{name}: is not YAML",)) from None
    if not isinstance(root, yaml.MappingNode):
        raise FileFaults((f"{name}:1: must hold named entries, such as `extends: default`",))
    tree = Tree(content={}, lines={(): f"{name}:1"})
    try:
        tree.content = _plain(root, where=(), name=name, tree=tree, constructor=SafeConstructor())
    except RecursionError:  # an alias inside what it stands for
        raise FileFaults((f"{name}:1: holds itself, or is too deep",)) from None
    return tree


def _plain(node: Any, *, where: Where, name: str, tree: Tree, constructor: SafeConstructor) -> Any:
    """Plain values of a YAML node; remembers the line of each."""
    tree.lines.setdefault(where, f"{name}:{node.start_mark.line + 1}")
    if isinstance(node, yaml.SequenceNode):
        return [
            _plain(inner, where=(*where, index), name=name, tree=tree, constructor=constructor)
            for index, inner in enumerate(node.value)
        ]
    if not isinstance(node, yaml.MappingNode):
        return _scalar(node, where=where, tree=tree, constructor=constructor)
    content: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = key_node.value
        here = f"{name}:{key_node.start_mark.line + 1}"
        if not isinstance(key, str):
            tree.faults.append(f"{here}: {dotted(where)}: a name must be plain text")
            continue
        if key in content:
            tree.faults.append(f"{here}: {dotted((*where, key))}: stands twice")
            continue
        tree.lines[(*where, key)] = here
        content[key] = _plain(value_node, where=(*where, key), name=name, tree=tree, constructor=constructor)
    return content


def _scalar(node: Any, *, where: Where, tree: Tree, constructor: SafeConstructor) -> Any:
    try:
        return constructor.construct_object(node)
    except (yaml.YAMLError, ValueError):
        tree.faults.append(f"{line_of(tree, where)}: {dotted(where)}: cannot be read as YAML; put it in quotes")
        return None


def laid_over(base: Tree, own: Tree) -> Tree:
    """A file over another."""
    lines = dict(base.lines)
    for where in _lists((), own.content):
        # a list replaces a list: lines of the old entries would point into the wrong file
        lines = {known: line for known, line in lines.items() if known[: len(where)] != where}
    return Tree(content=_merged(base.content, own.content), lines=lines | own.lines, faults=[*base.faults, *own.faults])


def _lists(where: Where, content: Any) -> Iterator[Where]:
    if isinstance(content, list):
        yield where
    elif isinstance(content, dict):
        for name, inner in content.items():
            yield from _lists((*where, name), inner)


def _merged(base: Any, own: Any) -> Any:
    if not isinstance(base, dict) or not isinstance(own, dict):
        return own
    merged, before = dict(base), None
    for name, value in own.items():
        if value is None and isinstance(base.get(name), dict):
            merged.pop(name)
            continue
        if name in merged:
            merged[name] = _merged(merged[name], value)
        else:
            merged = _placed(merged, name, _merged(None, value), behind=before)
        before = name
    return merged


def _placed(content: dict[str, Any], name: str, value: Any, *, behind: str | None) -> dict[str, Any]:
    """With a new entry behind the one that it follows in its own file; at the end where it follows none."""
    names = list(content)
    place = len(names) if behind is None else names.index(behind) + 1
    names.insert(place, name)
    return {each: value if each == name else content[each] for each in names}


def line_of(tree: Tree, where: Where) -> str:
    """File and line of the value, or of the nearest thing around it."""
    while where not in tree.lines:
        where = where[:-1]
    return tree.lines[where]


def _fault(tree: Tree, detail: ErrorDetails, model: type[BaseModel]) -> str:
    where = tuple(part for part in detail["loc"] if part != "[key]")
    return f"{line_of(tree, where)}: {dotted(where)}: {_problem(where, detail, model)}"


_PROBLEMS = {
    "missing": "is missing",
    "enum": "is not known here; allowed: {expected}",
    "string_type": "must be text; put it in quotes",
    "string_pattern_mismatch": "does not have the right form; it must fit {pattern}",
    "tuple_type": "must be a list, such as [a, b]",
    "mapping_type": "must hold named entries",
    "dict_type": "must hold named entries",
    "model_type": "must hold named entries",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
}


def _problem(where: Where, detail: ErrorDetails, model: type[BaseModel]) -> str:
    if detail["type"] == "extra_forbidden":
        return "is not known here; " + one_of(_names_at(model, where[:-1]), near=str(where[-1]))
    words = _PROBLEMS.get(detail["type"], detail["msg"])
    context = {name: str(value).replace("'", "").replace(" or ", ", ") for name, value in detail.get("ctx", {}).items()}
    return words.format(**context) if detail["type"] in _PROBLEMS else words


def _names_at(model: Any, where: Iterable[str | int]) -> Iterator[str]:
    """The names allowed at a place of the file, from the model."""
    for part in where:
        model = _inside(_bare(model), part)
    model = _bare(model)
    if isinstance(model, type) and issubclass(model, BaseModel):
        for name, known in model.model_fields.items():
            yield known.alias or name


def _inside(model: Any, part: str | int) -> Any:
    if isinstance(model, type) and issubclass(model, BaseModel):
        by_name = {known.alias or name: known.annotation for name, known in model.model_fields.items()}
        return by_name.get(str(part))
    arguments = get_args(model)
    return arguments[-1] if get_origin(model) is Mapping and arguments else (arguments or (None,))[0]


def _bare(model: Any) -> Any:
    while get_origin(model) in (Annotated, Union):
        model = get_args(model)[0]
    return model


def validated(tree: Tree, model: type[M]) -> M:
    """What the file says, as a model. Raises FileFaults."""
    if tree.faults:
        raise FileFaults(tuple(tree.faults))
    try:
        return model.model_validate(tree.content)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise FileFaults(tuple(_fault(tree, detail, model) for detail in details)) from None


def one_of(names: Iterable[str], *, near: str) -> str:
    """The allowed names, as the end of a message: the likely one first, and at most a dozen of a long list."""
    allowed = [str(name) for name in names]
    more = f" and {len(allowed) - 12} more" if len(allowed) > 12 else ""
    likely = difflib.get_close_matches(near, allowed, n=1)
    hint = f"did you mean {likely[0]!r}? " if likely else ""
    return f"{hint}allowed: {', '.join(allowed[:12])}{more}"


def dotted(where: Where) -> str:
    """A place of a file as people name it."""
    return ".".join(map(str, where)) or "the file"


def told(tree: Tree, found: Found) -> Iterator[str]:
    """What a check found, as sentences that begin with file and line."""
    for where, problem in found:
        yield f"{line_of(tree, where)}: {dotted(where)}: {problem}"
