"""Boards: which are missing, which columns they lack, and which stand in another order than the track (pure).

Columns of people's own stay where they are among ours; only ours are moved.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.project import Board
from app.setup.changes import AddList, Change, CreateBoard, Difference, MoveList
from app.setup.desired import WantedBoard


def board_difference(wanted: Sequence[WantedBoard], found: Sequence[Board]) -> Difference:
    """Columns that are added stand at the end first; the moves count with that."""
    by_name = {board.name: board for board in reversed(found)}
    changes: list[Change] = []
    for board in wanted:
        held = by_name.get(board.name)
        if held is None:
            changes.append(CreateBoard(board.name))
        before = [] if held is None else [each.label for each in held.lists]
        lacking = [label for label in board.lists if label not in before]
        changes += [AddList(board.name, label) for label in lacking]
        changes += _moves(board, [*before, *lacking])
    columns = sum(len(board.lists) for board in wanted)
    names = " and ".join(f"“{board.name}”" for board in wanted)
    return Difference(tuple(changes), is_as_it_should_be=f"{names}: {columns} columns in the order of the tracks")


def _moves(board: WantedBoard, columns: Sequence[str | None]) -> Iterator[MoveList]:
    """From left to right: one of ours that belongs here is fetched, one that does not goes to the end."""
    now = list(columns)
    ours = iter(board.lists)
    target = [next(ours) if label in board.lists else label for label in columns]
    last = len(now) - 1
    for place, label in enumerate(target):
        while now[place] != label:  # at most once for each of ours: what goes to the end does not come back
            mover = label if label in board.lists else now[place]
            to = place if mover == label else last
            now.remove(mover)
            now.insert(to, mover)
            yield MoveList(board.name, str(mover), to)
