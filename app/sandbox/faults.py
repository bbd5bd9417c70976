"""Faults on order: answers that lie, sockets that break and writes that come late.

A fault waits for a matching request and then happens `times` times. `PERFORM_THEN_…` kinds do the work first, so the
client cannot tell from its error whether it was done; `LATE` answers at once and does the work afterwards.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum


class FaultKind(StrEnum):
    """What happens to a request."""

    STATUS = "status"
    """Answer `status` (with `Retry-After` when `retry_after_s` is given) and do nothing."""
    CUT_BEFORE = "cut_before"
    """Close the socket without an answer and do nothing."""
    PERFORM_THEN_502 = "perform_then_502"
    """Do the work, then answer `status` (502 if nothing else is said)."""
    PERFORM_THEN_CUT = "perform_then_cut"
    """Do the work, then close the socket without an answer."""
    PERFORM_THEN_HANG = "perform_then_hang"
    """Do the work, then answer `seconds` later."""
    LATE = "late"
    """Answer `status` (0: close the socket) at once, and do the work `seconds` later."""


@dataclass(slots=True)
class Fault:
    """One order: for which requests (`path_regex` is searched in path and query), what, and how often."""

    method: str
    path_regex: str
    kind: FaultKind
    times: int = 1
    status: int = 502
    seconds: float = 0.0
    retry_after_s: int | None = None
    is_application_limit: bool = False
    """A 429 for one kind of request (JSON), not the one of all requests together (plain text)."""
    user: str | None = None
    skip: int = 0

    def matches(self, method: str, path: str, user: str | None) -> bool:
        """Whether this fault is meant for such a request (`method` `*` means any)."""
        is_method = self.method in ("*", method)
        return is_method and self.user in (None, user) and re.search(self.path_regex, path) is not None


@dataclass(slots=True)
class Faults:
    """The open orders, in the order in which they were given."""

    _orders: list[Fault] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, fault: Fault) -> None:
        """Order a fault; the earliest one that matches is used first."""
        with self._lock:
            self._orders.append(fault)

    def clear(self) -> None:
        """Forget all open orders."""
        with self._lock:
            self._orders.clear()

    def open_orders(self) -> list[Fault]:
        """The faults that have not happened yet."""
        with self._lock:
            return list(self._orders)

    def take(self, method: str, path: str, user: str | None) -> Fault | None:
        """The fault for this request, if any; it counts as happened."""
        with self._lock:
            for fault in self._orders:
                if not fault.matches(method, path, user):
                    continue
                if fault.skip > 0:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self._orders.remove(fault)
                return fault
        return None


@dataclass(slots=True)
class Request:
    """One request that came in; `status` is None until its answer is known, 0 when the socket was cut instead."""

    method: str
    path: str
    user: str | None
    at: datetime
    status: int | None = None


def count(requests: Iterable[Request], method: str, path_regex: str) -> int:
    """How many requests have this method (`*`: any) and a path in which the pattern is found."""
    pattern = re.compile(path_regex)
    return sum(method in ("*", request.method) and bool(pattern.search(request.path)) for request in requests)
