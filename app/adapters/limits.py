"""A vendor's Retry-After, obeyed by everybody who would meet the same limit and by nobody else."""

from __future__ import annotations

import threading

from app.clock import Timer
from app.errors import Held

EVERYTHING = "api"
LONGEST_WAIT_S = 3600.0
"""Then it is asked again, and says so again: a slip in one answer must not shut everything up until a restart."""


class Gates:
    """One gate per kind of limit (issues, notes, search, …); `api` is the gate of all calls."""

    def __init__(self, timer: Timer, *, vendor: str = "GitLab") -> None:
        self._vendor = vendor
        self._timer = timer
        self._lock = threading.Lock()
        self._closed_until: dict[str, float] = {}

    def check(self, bucket: str) -> None:
        """Raise Held with the remaining wait while the gate is closed; costs no attempt and no request."""
        with self._lock:
            until = max(self._closed_until.get(bucket, 0.0), self._closed_until.get(EVERYTHING, 0.0))
        remaining = until - self._timer()
        if remaining > 0:
            raise Held(f"{self._vendor} asked to wait with {bucket} calls", after_s=remaining)

    def close(self, bucket: str, wait_s: float) -> None:
        """Close the gate for a while, an hour at most; a longer wait stands."""
        with self._lock:
            until = self._timer() + min(wait_s, LONGEST_WAIT_S)
            self._closed_until[bucket] = max(self._closed_until.get(bucket, 0.0), until)
