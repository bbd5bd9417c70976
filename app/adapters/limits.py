"""A vendor's Retry-After, obeyed by everybody who would meet the same limit and by nobody else."""

from __future__ import annotations

import threading

from app.clock import Timer
from app.errors import Held

EVERYTHING = "api"


class Gates:
    """One gate per kind of limit (issues, notes, search, …); `api` is the gate of all calls."""

    def __init__(self, timer: Timer) -> None:
        self._timer = timer
        self._lock = threading.Lock()
        self._closed_until: dict[str, float] = {}

    def check(self, bucket: str) -> None:
        """Raise Held with the remaining wait while the gate is closed; costs no attempt and no request."""
        with self._lock:
            until = max(self._closed_until.get(bucket, 0.0), self._closed_until.get(EVERYTHING, 0.0))
        remaining = until - self._timer()
        if remaining > 0:
            raise Held(f"GitLab asked to wait with {bucket} calls", after_s=remaining)

    def close(self, bucket: str, wait_s: float) -> None:
        """Close the gate for a while; a longer wait stands."""
        with self._lock:
            self._closed_until[bucket] = max(self._closed_until.get(bucket, 0.0), self._timer() + wait_s)
