"""What is told of each call of a vendor: a count, its time, a line of the log for a write or a fault, its span's end.

The vendor's own id of the request is in all of them: it is what a vendor's administrator can look up, since GitLab does
not take ours.
"""

from __future__ import annotations

from collections.abc import Mapping
from time import monotonic
from typing import Final

import structlog

from app.metrics import Metrics
from app.tracing import note

OK: Final = "ok"
REQUEST_ID: Final = "X-Request-Id"

log = structlog.get_logger()


class CallWatch:
    """Of one vendor."""

    def __init__(self, vendor: str, metrics: Metrics) -> None:
        self._vendor = vendor
        self._metrics = metrics

    def ended(self, verb: str, outcome: str, headers: Mapping[str, str], *, began_at: float) -> None:
        """A call came to an end. `headers`: of the last answer, as far as there was one."""
        took_s = monotonic() - began_at
        self._metrics.calls.labels(self._vendor, verb, outcome).inc()
        self._metrics.call_seconds.labels(self._vendor, verb).observe(took_s)
        theirs = headers.get(REQUEST_ID, "")
        is_ok = outcome == OK
        note(outcome=outcome, vendor_request=theirs, is_failure=not is_ok)
        if is_ok and verb.startswith("GET"):
            return  # reading leaves no trace at the vendor that somebody might want to explain
        tell = log.info if is_ok else log.warning
        tell(
            "vendor.answered" if is_ok else "vendor.failed",
            vendor=self._vendor,
            verb=verb,
            outcome=outcome,
            took_s=round(took_s, 3),
            vendor_request=theirs,
        )
