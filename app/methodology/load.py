"""A methodology file → Methodology; what is wrong with the file is told by file and line, all of it at once.

`extends: default` lays a file over the one that ships: named entries are merged by name, lists and single values are
replaced, and a named entry set to null is taken away; a new entry stands behind the one that it follows in its own file
(a state's place is its place on the way). Between the two lies what the chosen options of switches change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from yaml.constructor import SafeConstructor

from app.methodology.everywhere import spread
from app.methodology.let_go import let_go
from app.methodology.model import Methodology
from app.methodology.names import Found, dangling, one_of
from app.methodology.names_of_time import untimely
from app.methodology.soundness import unheld, unsound
from app.methodology.telling_names import without_what_is_gone

DEFAULT = Path(__file__).with_name("default.yaml")
MAX_FILE_BYTES = 4 * 1024 * 1024

_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_Where = tuple[str | int, ...]


class MethodologyFaults(ValueError):
    """The file cannot be used; `faults` are sentences that begin with file and line."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        self.faults = tuple(sorted(faults, key=_line_number))
        super().__init__("\n".join(self.faults))


def _line_number(fault: str) -> int:
    found = re.search(r":(\d+): ", fault)
    return int(found.group(1)) if found else 0


@dataclass(slots=True)
class _Tree:
    """Plain values of one file, and where each of them stands."""

    content: dict[str, Any]
    lines: dict[_Where, str]
    faults: list[str] = field(default_factory=list)


Look = Callable[[Methodology], Found]
"""A check: places of the file and what is wrong there."""


def load_methodology(path: Path | None = None, *, look: Look = lambda _: iter(())) -> Methodology:
    """The methodology of a file, or the one that ships. Raises MethodologyFaults.

    `look`: a check of what only the caller knows, such as which commands there are.
    """
    return _shipped() if path is None else _checked(_complete(*_layers(path)), look)


def check_methodology(
    path: Path | None = None, *, look: Look = lambda _: iter(())
) -> tuple[Methodology, tuple[str, ...]]:
    """The same, with every option of every switch tried alone; and warnings that begin with file and line.

    Raises MethodologyFaults, also for an option that is not chosen: otherwise it would fail on the day it is.
    """
    base, own = _layers(path or DEFAULT)
    tree = _complete(base, own)
    methodology = _checked(tree, look)
    faults: list[str] = []
    for name, switch in methodology.switches.items():
        for option in switch.options:
            try:
                _checked(_complete(base, own, choice=(name, option)))
            except MethodologyFaults as found:
                faults += [_within(fault, f"with switches.{name}.is: {option}") for fault in found.faults]
    if faults:
        raise MethodologyFaults(tuple(faults))
    return methodology, tuple(_told(tree, unheld(methodology)))


def dump_methodology(methodology: Methodology) -> str:
    """The methodology as YAML that `load_methodology` reads back to the same process.

    What a chosen option changes is in it already; read back, it must not beat the entries that beat it.
    """
    content = methodology.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    for switch in content["switches"].values():
        switch["options"][switch["is"]].pop("changes", None)
    return yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=120)


@cache
def _shipped() -> Methodology:
    return _checked(_complete(*_layers(DEFAULT)))


def _layers(path: Path) -> tuple[_Tree, _Tree]:
    """What the file extends (nothing, for a file that stands alone), and the file."""
    tree = _read(path, name=DEFAULT.name if path == DEFAULT else str(path))
    base = tree.content.pop("extends", None)
    if base == "default":
        return _read(DEFAULT, name=DEFAULT.name), tree
    if base is not None:
        tree.faults.append(f"{_line(tree, ('extends',))}: extends: allowed: default")
    return tree, _Tree(content={}, lines={(): tree.lines[()]})


def _complete(base: _Tree, own: _Tree, *, choice: tuple[str, str] | None = None) -> _Tree:
    """What the file says in the end: the base, what chosen options change, and the file's own entries over both."""
    found = base
    for changes in _chosen(_laid_over(base, own), choice=choice):
        found = _laid_over(found, changes)
    found = _laid_over(found, own)
    if base.content:
        let_go(found.content, own.content.get("clocks") or ())
    spread(found.content)
    return replace(found, content=without_what_is_gone(found.content, own.content))


def _within(fault: str, place: str) -> str:
    where, _, rest = fault.partition(": ")
    return f"{where}: {place}: {rest}"


def _told(tree: _Tree, found: Found) -> Iterator[str]:
    for where, problem in found:
        yield f"{_line(tree, where)}: {_dotted(where)}: {problem}"


def _checked(tree: _Tree, own_look: Look = lambda _: iter(())) -> Methodology:
    if tree.faults:
        raise MethodologyFaults(tuple(tree.faults))
    try:
        methodology = Methodology.model_validate(tree.content)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        raise MethodologyFaults(tuple(_fault(tree, detail) for detail in details)) from None
    for look in (dangling, untimely, unsound, own_look):
        if found := tuple(_told(tree, look(methodology))):
            raise MethodologyFaults(found)
    return methodology


def _read(path: Path, *, name: str) -> _Tree:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise MethodologyFaults((f"{name}: cannot be read: {error.strerror}",)) from None
    if len(raw) > MAX_FILE_BYTES:
        raise MethodologyFaults((f"{name}: is larger than {MAX_FILE_BYTES // 1024 // 1024} MiB",))
    try:
        root = yaml.compose(raw.decode("utf-8"), Loader=_Loader)
    except UnicodeDecodeError:
        raise MethodologyFaults((f"{name}: is not UTF-8 text",)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark is not None else 1
        raise MethodologyFaults((f"{name}:{line}: is not YAML: {error.problem}",)) from None
    except (yaml.YAMLError, RecursionError):
        raise MethodologyFaults((f"{name}: is not YAML",)) from None
    if not isinstance(root, yaml.MappingNode):
        raise MethodologyFaults((f"{name}:1: must hold named entries, such as `extends: default`",))
    tree = _Tree(content={}, lines={(): f"{name}:1"})
    try:
        tree.content = _plain(root, where=(), name=name, tree=tree, constructor=SafeConstructor())
    except RecursionError:  # an alias inside what it stands for
        raise MethodologyFaults((f"{name}:1: holds itself, or is too deep",)) from None
    return tree


def _plain(node: Any, *, where: _Where, name: str, tree: _Tree, constructor: SafeConstructor) -> Any:
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
            tree.faults.append(f"{here}: {_dotted(where)}: a name must be plain text")
            continue
        if key in content:
            tree.faults.append(f"{here}: {_dotted((*where, key))}: stands twice")
            continue
        tree.lines[(*where, key)] = here
        content[key] = _plain(value_node, where=(*where, key), name=name, tree=tree, constructor=constructor)
    return content


def _scalar(node: Any, *, where: _Where, tree: _Tree, constructor: SafeConstructor) -> Any:
    try:
        return constructor.construct_object(node)
    except (yaml.YAMLError, ValueError):
        tree.faults.append(f"{_line(tree, where)}: {_dotted(where)}: cannot be read as YAML; put it in quotes")
        return None


def _laid_over(base: _Tree, own: _Tree) -> _Tree:
    lines = dict(base.lines)
    for where in _lists((), own.content):
        # a list replaces a list: lines of the old entries would point into the wrong file
        lines = {known: line for known, line in lines.items() if known[: len(where)] != where}
    return _Tree(
        content=_merged(base.content, own.content), lines=lines | own.lines, faults=[*base.faults, *own.faults]
    )


def _chosen(tree: _Tree, *, choice: tuple[str, str] | None) -> Iterator[_Tree]:
    """What the chosen option of each switch changes; a switch of another form is left to the model to refuse."""
    switches = tree.content.get("switches")
    for name, switch in (switches if isinstance(switches, dict) else {}).items():
        option = switch.get("is") if isinstance(switch, dict) else None
        if choice is not None and choice[0] == name:
            option = choice[1]
        options = switch.get("options") if isinstance(switch, dict) else None
        held = options.get(option) if isinstance(options, dict) and isinstance(option, str) else None
        changes = held.get("changes") if isinstance(held, dict) else None
        if isinstance(changes, dict):
            place = ("switches", name, "options", option, "changes")
            depth = len(place)
            inside = {where[depth:]: line for where, line in tree.lines.items() if where[:depth] == place}
            # faults of the whole file stay with the file
            yield _Tree(content=changes, lines={where: line for where, line in inside.items() if where})


def _lists(where: _Where, content: Any) -> Iterator[_Where]:
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


def _line(tree: _Tree, where: _Where) -> str:
    """File and line of the value, or of the nearest thing around it."""
    while where not in tree.lines:
        where = where[:-1]
    return tree.lines[where]


def _fault(tree: _Tree, detail: ErrorDetails) -> str:
    where = tuple(part for part in detail["loc"] if part != "[key]")
    return f"{_line(tree, where)}: {_dotted(where)}: {_problem(where, detail)}"


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


def _problem(where: _Where, detail: ErrorDetails) -> str:
    if detail["type"] == "extra_forbidden":
        return "is not known here; " + one_of(_names_at(Methodology, where[:-1]), near=str(where[-1]))
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


def _dotted(where: _Where) -> str:
    return ".".join(map(str, where)) or "the file"
