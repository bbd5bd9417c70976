"""An automatic move without `from` is made from every state of its track that is no end.

So a rule that the file inherits goes along with whatever states the file has.
"""

from __future__ import annotations

from typing import Any

from app.methodology.process import ENDS


def spread(content: dict[str, Any]) -> None:
    """Write the states out. What is wrong with the file is left for others to say."""
    moves = content.get("automatic")
    if not isinstance(moves, dict):
        return
    for name, move in moves.items():
        if isinstance(move, dict) and "from" not in move and (states := _states(content, move)):
            moves[name] = {**move, "from": states}


def _states(content: dict[str, Any], move: dict[str, Any]) -> list[str]:
    tracks = content.get("tracks")
    track = tracks.get(move.get("track")) if isinstance(tracks, dict) else None
    states = track.get("states") if isinstance(track, dict) else None
    if not isinstance(states, dict):
        return []
    return [name for name, state in states.items() if isinstance(state, dict) and state.get("kind") not in ENDS]
