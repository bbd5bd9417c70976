"""Clocks that a file inherits and whose states, gates or fields it has taken away: they go with them, without a word.

Whoever takes a state out of the process should not have to know every clock that ran by it. A clock that the file
itself names is held to its names like all else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any, Final

_MOMENTS: Final = ("from", "until")


def let_go(content: dict[str, Any], own: Collection[str]) -> None:
    """Take away the moments, and clocks, that lead nowhere any more. `own`: clocks that the file itself names."""
    clocks = content.get("clocks")
    if not isinstance(clocks, dict):
        return
    is_there = _known(content)
    for name in [name for name in clocks if name not in own and isinstance(clocks[name], dict)]:
        clock = clocks[name] = dict(clocks[name])
        for side in _MOMENTS:
            if isinstance(clock.get(side), list):
                clock[side] = [each for each in clock[side] if is_there(each)]
        then = clock.get("then")
        if not clock.get("from") or (isinstance(then, dict) and not is_there({"entered": then.get("to")})):
            del clocks[name]


def _known(content: Mapping[str, Any]) -> Callable[[Any], bool]:
    tracks = _named(content, "tracks")
    states = {f"{track}.{state}" for track, rules in tracks.items() for state in _named(rules, "states")}
    known: dict[str, Collection[str]] = {
        "entered": states,
        "left": states,
        "asked": _named(content, "gates"),
        "judged": _named(content, "gates"),
        "filled": _named(content, "intake_fields"),
    }
    return lambda moment: (
        not isinstance(moment, dict) or all(moment[kind] in names for kind, names in known.items() if kind in moment)
    )


def _named(content: Any, key: str) -> Mapping[str, Any]:
    found = content.get(key) if isinstance(content, Mapping) else None
    return found if isinstance(found, Mapping) else {}
