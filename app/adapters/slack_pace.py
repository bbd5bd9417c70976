"""About one message a second in each channel, which is what Slack takes; a few at once after a rest."""

from __future__ import annotations

import threading
from typing import Final

from app.clock import Timer
from app.errors import Held

BURST: Final = 3
PER_S: Final = 1.0
MOST_CHANNELS: Final = 10_000


class Pace:
    """Of each channel how much was said lately; shared by all workers."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._due: dict[str, float] = {}
        """Channel → when all that was said would have been said, at one message a second."""

    def take(self, channel: str) -> None:
        """Count one message; raise Held where it has to wait, which costs no attempt and no request."""
        with self._lock:
            now = self._timer()
            if len(self._due) >= MOST_CHANNELS:
                self._due = {name: due for name, due in self._due.items() if due > now}
            due = max(self._due.get(channel, now), now)
            wait_s = due - now - (BURST - 1) / PER_S
            if wait_s > 0:
                raise Held("a channel of Slack takes one message a second", after_s=wait_s)
            self._due[channel] = due + 1 / PER_S
