"""A vendor's limits per minute, kept by us: whoever would go beyond one waits before the request, not after a 429.

GitLab counts in windows of a minute. What was called within the last sixty seconds never exceeds the limit here, so
no window of GitLab's does, wherever it begins; and a service that was at rest has the whole limit at once.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping

from app.clock import Timer
from app.errors import Held

WINDOW_S = 60.0


class Quotas:
    """One quota for each kind that has a limit; shared by all worker threads."""

    def __init__(
        self, per_minute: Mapping[str, int], timer: Timer, tell: Callable[[str, float], None] = lambda *_: None
    ) -> None:
        """`tell` hears of each wait: the kind, and the seconds."""
        self._tell = tell
        self._quotas = {kind: Quota(most, timer) for kind, most in per_minute.items() if most > 0}

    def take(self, kind: str) -> None:
        """Count one call; raise Held where it has to wait, which costs no attempt and no request."""
        quota = self._quotas.get(kind)
        wait_s = 0.0 if quota is None else quota.take()
        if wait_s > 0:
            self._tell(kind, wait_s)
            raise Held(f"the {kind} calls of this minute are used up", after_s=wait_s)


class Quota:
    """So many calls within any sixty seconds."""

    def __init__(self, most: int, timer: Timer) -> None:
        self._most = most
        self._timer = timer
        self._lock = threading.Lock()
        self._calls: deque[float] = deque()
        self._appointed_until = 0.0

    def take(self) -> float:
        """Zero, and the call is counted; or the seconds to wait.

        Those who are turned away together are told to come back one after the other, at the pace of the limit: each
        return costs a commit, and only the first ones would get through.
        """
        with self._lock:
            now = self._timer()
            self._forget(now)
            if len(self._calls) < self._most:
                self._calls.append(now)
                return 0.0
            free_at = self._calls[0] + WINDOW_S
            self._appointed_until = max(free_at, self._appointed_until + WINDOW_S / self._most)
            return self._appointed_until - now

    def _forget(self, now: float) -> None:
        """Drop what is older than the window."""
        while self._calls and self._calls[0] <= now - WINDOW_S:
            self._calls.popleft()
