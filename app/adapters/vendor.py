"""A vendor as its operator sees it: whether it is asked, whether it takes our credentials, what is told of a call."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import structlog

from app.adapters.breaker import LONGEST_WAIT_S, Breaker, Change, State
from app.adapters.watch import CallWatch
from app.clock import Timer
from app.metrics import Metrics

log = structlog.get_logger()

Trouble = Callable[[], str | None]
"""What is wrong with a vendor now, in words for an operator; None while nothing is."""
ITSELF: Final = "itself"
"""Who uses the credentials, of a vendor with one set of them."""


class Vendor:
    """Shared by all who call it: the breaker, the watch, who was refused. `label`: its name in metrics and log."""

    def __init__(self, name: str, label: str, timer: Timer, metrics: Metrics, *, credential: str) -> None:
        """`credential`: what it may refuse, in words."""
        self.breaker = Breaker(name, timer, self._tell)
        self.watch = CallWatch(label, metrics)
        self._name = name
        self._label = label
        self._credential = credential
        self._open = metrics.vendor_open.labels(label)
        self._refused: set[object] = set()

    def answered(self, who: object = ITSELF, *, is_refused: bool) -> None:
        """The vendor answered; whether it did not take the credentials of this one."""
        if is_refused:
            self._refused.add(who)
        else:
            self._refused.discard(who)

    def trouble(self) -> str | None:
        """Why it is not asked now, or does not do as it is asked."""
        if self.breaker.state is not State.CLOSED:
            least = f"it is tried again at least every {LONGEST_WAIT_S:.0f} s"
            return f"{self._name} does not answer; {least}, and what is meant for it waits until then"
        if self._refused:
            return f"{self._name} does not take {self._credential}: `psplan doctor` says which; what needs it waits"
        return None

    def _tell(self, change: Change) -> None:
        self._open.set(change.state is not State.CLOSED)
        if change.state is State.OPEN:
            log.warning("vendor.opened", vendor=self._label, wait_s=change.wait_s)
        else:
            log.info("vendor.closed" if change.state is State.CLOSED else "vendor.tried", vendor=self._label)
