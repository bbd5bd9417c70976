"""A track as a Mermaid state diagram.

Colon, semicolon, hash and percent sign mean something in Mermaid, so only plain characters get into a text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.methodology.model import Methodology
from app.methodology.process import Gate, Kind, Pull, Track, Weight

_NOT_PLAIN = re.compile(r"[^\w ,.()/'+-]|-{2,}")


def diagrams(methodology: Methodology) -> str:
    """All tracks, each in a Mermaid block of Markdown."""
    blocks = [f"```mermaid\n{diagram(name, methodology)}```\n" for name in methodology.tracks]
    return "\n".join(blocks)


def diagram(track_name: str, methodology: Methodology) -> str:
    """One track: what is needed, and what happens by itself, stands on the arrows."""
    track = methodology.tracks[track_name]
    lines = ["stateDiagram-v2", f'    state "{_plain(track.title, track_name)}, under way" as {track_name} {{']
    lines += [f"        [*] --> {_id(track_name, track.start)}"]
    under_way = _under_way(track)
    lines += [f"        {line}" for name in under_way for line in _box(track_name, name, methodology)]
    arrows = _arrows(track_name, methodology)
    inner = {_id(track_name, name) for name in under_way}
    lines += [f"        {_arrow(ends, words)}" for ends, words in arrows.items() if inner.issuperset(ends)]
    lines += ["    }"]
    outside = [name for name in track.states if name not in under_way]
    lines += [f"    {line}" for name in outside for line in _box(track_name, name, methodology)]
    lines += [f"    {_arrow(ends, words)}" for ends, words in arrows.items() if not inner.issuperset(ends)]
    lines += [f"    {_id(track_name, name)} --> [*]" for name in outside if track.states[name].is_end]
    return "\n".join(lines) + "\n"


_Ends = tuple[str, str]


def _arrows(track_name: str, methodology: Methodology) -> dict[_Ends, list[str]]:
    """From and to → the words on it, in the order in which they are to be drawn."""
    track = methodology.tracks[track_name]
    found: dict[_Ends, list[str]] = {}
    for before, after in zip(track.path, track.path[1:], strict=False):
        needed = [gate.title for gate in _gates_before(track_name, after, Weight.BLOCK, methodology)]
        ends = (_id(track_name, before), _id(track_name, after))
        found[ends] = [f"needs {' and '.join(needed)}"] if needed else []
    for name, state in track.states.items():
        for back in state.back:
            found.setdefault((_id(track_name, name), _id(track_name, back)), []).append("back")
        if state.kind is Kind.HOLD:
            found[(track_name, _id(track_name, name))] = ["hold"]
            found[(_id(track_name, name), track_name)] = ["resume where it was"]
        elif state.kind in {Kind.LOST, Kind.CANCELLED}:
            found[(track_name, _id(track_name, name))] = [state.kind.value]
    for begin, to, why in _by_itself(track_name, methodology):
        found.setdefault((_id(track_name, begin) if begin else track_name, _id(track_name, to)), []).append(why)
    return found


def _by_itself(track_name: str, methodology: Methodology) -> Iterator[tuple[str | None, str, str]]:
    """Moves that nobody makes by hand: from (None: wherever it is under way), to, and why."""
    track = methodology.tracks[track_name]
    for move in methodology.automatic.values():
        if move.track == track_name:
            for name in _from(move.only_from, track):
                yield name, move.to, f"by itself, {move.why}"
    for other in methodology.tracks.values():
        for state in other.states.values():
            why = f"by itself, {other.title} is {state.title}"
            yield from _pulled(state.on_enter.pull, track_name, track, why)
    for start in methodology.starts.values():
        yield from _pulled(start.pull, track_name, track, f"by itself, {start.why}")


def _pulled(pulls: tuple[Pull, ...], track_name: str, track: Track, why: str) -> Iterator[tuple[str | None, str, str]]:
    for pull in pulls:
        if pull.track == track_name:
            for name in _from(pull.only_from, track) if pull.only_from else (None,):
                yield name, pull.to, why


def _from(names: tuple[str, ...], track: Track) -> Iterator[str | None]:
    """The states an arrow begins in: one arrow for all, where it begins in every state under way."""
    under_way = _under_way(track)
    everywhere = set(names).issuperset(under_way)
    if everywhere:
        yield None
    yield from (name for name in names if not (everywhere and name in under_way))


def _under_way(track: Track) -> tuple[str, ...]:
    return tuple(name for name, state in track.states.items() if state.kind is Kind.STEP)


def _box(track_name: str, name: str, methodology: Methodology) -> Iterator[str]:
    state = methodology.tracks[track_name].states[name]
    yield f'state "{_plain(state.title, name)}" as {_id(track_name, name)}'
    advised = [gate.title for gate in _gates_before(track_name, name, Weight.WARN, methodology)]
    if advised:
        yield f"note right of {_id(track_name, name)}"
        yield "    Warned about when missing"
        yield from (f"    • {_plain(title, 'a gate')}" for title in advised)
        yield "end note"


def _gates_before(track_name: str, name: str, weight: Weight, methodology: Methodology) -> Iterator[Gate]:
    for gate in methodology.gates.values():
        if (gate.track, gate.before, gate.weight) == (track_name, name, weight):
            yield gate


def _arrow(ends: _Ends, words: list[str]) -> str:
    text = _plain(" / ".join(dict.fromkeys(words)), "")
    return f"{ends[0]} --> {ends[1]}" + (f" : {text}" if text else "")


def _id(track_name: str, name: str) -> str:
    return f"{track_name}__{name}"


def _plain(words: str, otherwise: str) -> str:
    plain = " ".join(_NOT_PLAIN.sub(" ", words).split())
    # these two words end a note wherever they stand
    return re.sub(r"(?i)end note", "end of note", plain) or otherwise
