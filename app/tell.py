"""How far long work is: who does it tells, and who watches may show it."""

from __future__ import annotations

from collections.abc import Callable

Tell = Callable[[str, int, int], None]
"""What is being done, how much of it is done, and how much there is."""


def unheard(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""
