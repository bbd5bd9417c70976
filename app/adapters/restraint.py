"""What all adapters of GitLab share, whatever token they use: limits per minute, its waits and the breaker."""

from __future__ import annotations

from collections.abc import Mapping

from app.adapters.limits import Gates
from app.adapters.quota import Quotas
from app.adapters.vendor import Vendor
from app.clock import Timer
from app.metrics import Metrics


class Restraint:
    """The restraint towards GitLab.

    All of it is counted by a timer: a clock that is set back by an hour would keep everybody away for an hour.
    """

    def __init__(self, per_minute: Mapping[str, int], timer: Timer, metrics: Metrics) -> None:
        self.timer = timer
        self.vendor = Vendor("GitLab", "gitlab", timer, metrics, credential="a token (401)")
        self.quotas = Quotas(
            per_minute, timer, lambda kind, wait_s: metrics.limit_wait.labels("gitlab", kind).observe(wait_s)
        )
        self._gates: dict[str, Gates] = {}

    def gates(self, token: str) -> Gates:
        """What GitLab said to whoever has this token, through whichever adapter: it counts by user."""
        return self._gates.setdefault(token, Gates(self.timer))
