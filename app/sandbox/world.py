"""The world of the sandbox: one GitLab instance in memory, as REST, pages and tests see it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Unpack

from app.sandbox.faults import Faults, Request, count
from app.sandbox.repository import Repository
from app.sandbox.state import Switches


class World(Repository):
    """A whole sandbox GitLab; see the classes below it for what can be done with issues, notes, labels and hooks.

    `requests` is the log of REST requests, `faults` holds the mishaps on order. `on_request` is called twice for each
    request: on arrival (status None) and, when the work is done, just before the answer leaves.
    """

    def __init__(self, **switches: Unpack[Switches]) -> None:
        super().__init__(**switches)
        self.requests: list[Request] = []
        self.faults = Faults()
        self.on_request: Callable[[Request], None] | None = None
        self.busy_paths: set[str] = set()

    def count(self, method: str, path_regex: str) -> int:
        """How many requests of this method (`*`: any) came for a path (with query) that the pattern is found in."""
        with self.lock:
            return count(self.requests, method, path_regex)

    def reset(self) -> None:
        """Forget issues, labels, logs, requests and faults; people, tokens and hooks stay, numbers go on."""
        with self.lock:
            self._forget()
            self.requests.clear()
            self.faults.clear()
