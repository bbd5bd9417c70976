"""A methodology file → Methodology; what is wrong with the file is told by file and line, all of it at once.

`extends: default` lays a file over the one that ships: named entries are merged by name, lists and single values are
replaced, and a named entry set to null is taken away; a new entry stands behind the one that it follows in its own file
(a state's place is its place on the way). Between the two lies what the chosen options of switches change.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import yaml

from app.layers import FileFaults, Found, Tree, laid_over, layers, told, validated
from app.methodology.everywhere import spread
from app.methodology.let_go import let_go
from app.methodology.model import Methodology
from app.methodology.names import dangling
from app.methodology.names_of_time import untimely
from app.methodology.soundness import unheld, unsound
from app.methodology.telling_names import without_what_is_gone

DEFAULT = Path(__file__).with_name("default.yaml")

Look = Callable[[Methodology], Found]
"""A check: places of the file and what is wrong there."""


def load_methodology(path: Path | None = None, *, look: Look = lambda _: iter(())) -> Methodology:
    """The methodology of a file, or the one that ships. Raises FileFaults.

    `look`: a check of what only the caller knows, such as which commands there are.
    """
    return _shipped() if path is None else _checked(_complete(*layers(path, DEFAULT)), look)


def check_methodology(
    path: Path | None = None, *, look: Look = lambda _: iter(())
) -> tuple[Methodology, tuple[str, ...]]:
    """The same, with every option of every switch tried alone; and warnings that begin with file and line.

    Raises FileFaults, also for an option that is not chosen: otherwise it would fail on the day it is.
    """
    base, own = layers(path or DEFAULT, DEFAULT)
    tree = _complete(base, own)
    methodology = _checked(tree, look)
    faults: list[str] = []
    for name, switch in methodology.switches.items():
        for option in switch.options:
            try:
                _checked(_complete(base, own, choice=(name, option)))
            except FileFaults as found:
                faults += [_within(fault, f"with switches.{name}.is: {option}") for fault in found.faults]
    if faults:
        raise FileFaults(tuple(faults))
    return methodology, tuple(told(tree, unheld(methodology)))


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
    return _checked(_complete(*layers(DEFAULT, DEFAULT)))


def _complete(base: Tree, own: Tree, *, choice: tuple[str, str] | None = None) -> Tree:
    """What the file says in the end: the base, what chosen options change, and the file's own entries over both."""
    found = base
    for changes in _chosen(laid_over(base, own), choice=choice):
        found = laid_over(found, changes)
    found = laid_over(found, own)
    if base.content:
        let_go(found.content, own.content.get("clocks") or ())
    spread(found.content)
    return replace(found, content=without_what_is_gone(found.content, own.content))


def _within(fault: str, place: str) -> str:
    where, _, rest = fault.partition(": ")
    return f"{where}: {place}: {rest}"


def _checked(tree: Tree, own_look: Look = lambda _: iter(())) -> Methodology:
    methodology = validated(tree, Methodology)
    for look in (dangling, untimely, unsound, own_look):
        if found := tuple(told(tree, look(methodology))):
            raise FileFaults(found)
    return methodology


def _chosen(tree: Tree, *, choice: tuple[str, str] | None) -> Iterator[Tree]:
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
            yield Tree(content=changes, lines={where: line for where, line in inside.items() if where})
