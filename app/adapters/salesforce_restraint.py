"""What all calls of Salesforce share: the breaker, the waits, how many run at once, and the organisation's daily limit.

The limit is everybody's who uses the organisation. Above 95 % of it the bot writes nothing for a quarter of an hour at
a time, so that what people do by other integrations goes on; it reads on, since without that it would be blind.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from time import monotonic
from typing import Final

from app.adapters.limits import EVERYTHING, Gates
from app.adapters.vendor import Vendor
from app.adapters.watch import REQUEST_ID
from app.clock import Timer
from app.errors import Held, Retry
from app.metrics import Metrics
from app.tracing import span

MOST_AT_ONCE: Final = 2
BUSY_WAIT_S: Final = 0.5
LIMIT_WAIT_S: Final = 900.0
"""The daily limit is counted over the last 24 hours, so it gives way little by little."""
WRITES_UP_TO: Final = 0.95
WRITING: Final = "writing"

_USAGE: Final = re.compile(r"(?<![A-Za-z-])api-usage=(\d{1,12})/(\d{1,12})")


class SalesforceCall:
    """One request on its way. `outcome`: what is told of it when it has ended; `headers`: of its answer."""

    def __init__(self, verb: str, gates: Gates, *, writes: bool) -> None:
        self.verb = verb
        self.writes = writes
        self.outcome = "network"
        self.is_refused: bool | None = None
        """Whether the login was taken; None: this answer does not tell."""
        self.headers: Mapping[str, str] = {}
        self._gates = gates

    def answered(self, status: int, headers: Mapping[str, str]) -> None:
        """An answer came; what it says of the daily limit is kept."""
        self.outcome, self.headers = str(status), {REQUEST_ID: headers.get("x-sfdc-request-id", "")}
        told = _USAGE.search(headers.get("sforce-limit-info", ""))
        if told is not None and int(told[1]) > WRITES_UP_TO * int(told[2]):
            self._gates.close(WRITING, LIMIT_WAIT_S)

    def asked_to_wait(self, wait_s: float, why: str, *, bucket: str = EVERYTHING) -> Retry:
        """A limit that whoever calls would meet too."""
        self._gates.close(bucket, wait_s)
        return Retry(why, after_s=wait_s)


class SalesforceRestraint:
    """Shared by whatever calls the organisation."""

    def __init__(self, timer: Timer, metrics: Metrics) -> None:
        self.gates = Gates(timer, vendor="Salesforce")
        self.room = threading.BoundedSemaphore(MOST_AT_ONCE)
        self.vendor = Vendor("Salesforce", "salesforce", timer, metrics, credential="the login")

    @contextmanager
    def call(self, verb: str, *, writes: bool = False) -> Iterator[SalesforceCall]:
        """Around one request. Raises Held where it has to wait, which costs no attempt and is no call."""
        if not self.room.acquire(blocking=False):
            raise Held("other calls of Salesforce are on their way", after_s=BUSY_WAIT_S)
        try:
            with span(f"salesforce {verb}"), self.vendor.breaker.call():
                self.gates.check(verb)
                if writes:
                    self.gates.check(WRITING)
                call, began_at = SalesforceCall(verb, self.gates, writes=writes), monotonic()
                try:
                    yield call
                finally:
                    self._ended(call, began_at)
        finally:
            self.room.release()

    def _ended(self, call: SalesforceCall, began_at: float) -> None:
        told = call.verb if call.writes else f"GET {call.verb}"
        self.vendor.watch.ended(told, call.outcome, call.headers, began_at=began_at)
        if call.is_refused is not None:
            self.vendor.answered(is_refused=call.is_refused)
