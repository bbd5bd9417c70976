"""What all adapters of one vendor share, whatever token they use: limits per minute and the breaker."""

from __future__ import annotations

from collections.abc import Mapping

import structlog

from app.adapters.breaker import LONGEST_WAIT_S, Breaker, Change, State
from app.adapters.limits import Gates
from app.adapters.quota import Quotas
from app.clock import Timer
from app.metrics import Metrics

log = structlog.get_logger()


class Restraint:
    """The restraint towards GitLab; each change of the breaker is one line of the log and a metric.

    All of it is counted by a timer: a clock that is set back by an hour would keep everybody away for an hour.
    """

    def __init__(self, per_minute: Mapping[str, int], timer: Timer, metrics: Metrics) -> None:
        self.timer = timer
        self.quotas = Quotas(
            per_minute, timer, lambda kind, wait_s: metrics.limit_wait.labels("gitlab", kind).observe(wait_s)
        )
        self.breaker = Breaker("GitLab", timer, self._tell)
        self._open = metrics.vendor_open.labels("gitlab")
        self._gates: dict[str, Gates] = {}
        self._refused: set[object] = set()

    def gates(self, token: str) -> Gates:
        """What GitLab said to whoever has this token, through whichever adapter: it counts by user."""
        return self._gates.setdefault(token, Gates(self.timer))

    def answered(self, adapter: object, *, is_refused: bool) -> None:
        """GitLab answered an adapter; whether it did not take its token."""
        if is_refused:
            self._refused.add(adapter)
        else:
            self._refused.discard(adapter)

    def trouble(self) -> str | None:
        """Why GitLab is not asked now, or does not do as it is asked, in words for an operator."""
        if self.breaker.state is State.CLOSED:
            if not self._refused:
                return None
            return "GitLab does not take a token (401): `psplan doctor` says which one; what needs it waits"
        least = f"it is tried again at least every {LONGEST_WAIT_S:.0f} s"
        return f"GitLab does not answer; {least}, and what comes in waits until then"

    def _tell(self, change: Change) -> None:
        self._open.set(change.state is not State.CLOSED)
        if change.state is State.OPEN:
            log.warning("vendor.opened", vendor="gitlab", wait_s=change.wait_s)
        else:
            log.info("vendor.closed" if change.state is State.CLOSED else "vendor.tried", vendor="gitlab")
