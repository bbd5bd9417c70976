"""`/readyz` tells why not: each thing that the service needs, how it is, and what that means, in words.

Only a database that cannot be written makes it not ready: then no delivery can be taken in. Everything else is
degraded, because deliveries are taken in all the same, and wait; a load balancer that turned to nobody would lose them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock
from app.store.standing import Standing, standing
from app.store.store import Store
from app.store.writer import MOST_WAITING

LATE_SWEEPS: Final = 3
"""So many intervals without a sweep are too many."""
MUCH_QUEUED: Final = MOST_WAITING // 4
STORE_FAULTS: Final = (SQLAlchemyError, sqlite3.Error, TimeoutError)


class Health(StrEnum):
    """How something is, the best first."""

    OK = "ok"
    OFF = "off"
    DEGRADED = "degraded"
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at; `reason` says what is wrong and what follows."""

    name: str
    health: Health
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Readiness:
    """What is looked at.

    `vendors`: why each is not asked, None for one that is not configured. `work_trouble`: why waiting deliveries are
    not given to the workers. `alarms`: which files of secrets cannot be used.
    """

    store: Callable[[], Store]
    vendors: Mapping[str, Callable[[], str | None] | None]
    work_trouble: Callable[[], str | None]
    alarms: Callable[[], Sequence[str]]
    clock: Clock
    sweep_interval_s: float

    def look(self) -> list[Check]:
        """Every check; takes a commit and a read, so not for the event loop."""
        database = self._database()
        known = self._standing() if database.health is Health.OK else None
        return [
            database,
            self._queue(),
            _check("workers", self.work_trouble()),
            _check("secrets", "; ".join(self.alarms()) or None),
            *(_vendor(name, trouble) for name, trouble in self.vendors.items()),
            self._sweep(known),
            _hook(known),
        ]

    def _database(self) -> Check:
        try:
            self.store().probe()
        except STORE_FAULTS as fault:
            said = getattr(fault, "orig", None) or type(fault).__name__
            return Check("database", Health.BROKEN, f"the database cannot be written: {said}")
        return Check("database", Health.OK)

    def _standing(self) -> Standing | None:
        try:
            return self.store().read(standing)
        except STORE_FAULTS:
            return None

    def _queue(self) -> Check:
        queued = self.store().queued
        is_long = queued >= MUCH_QUEUED
        words = f"{queued} batches of writes wait for the database: its disk is too slow for what comes in"
        return _check("store queue", words if is_long else None)

    def _sweep(self, known: Standing | None) -> Check:
        if self.sweep_interval_s == 0:
            return Check("sweep", Health.OFF, "PSPLAN_SWEEP_INTERVAL_S is 0: what no webhook tells is not looked for")
        if known is None or not known.swept_at:
            return Check("sweep", Health.OFF, "none has ended yet")
        age_s = self.clock() - known.swept_at
        is_late = age_s > LATE_SWEEPS * self.sweep_interval_s
        words = f"the last that met no trouble ended {age_s:.0f} s ago; the log says at `sweep.ended` what hinders it"
        return _check("sweep", words if is_late else None)


def _hook(known: Standing | None) -> Check:
    if known is None or known.hook_ill_since is None:
        return Check("webhook", Health.OFF, "not looked at: that takes a Maintainer's token and a sweep")
    is_ill = known.hook_ill_since > 0
    words = "GitLab's webhook is missing or disabled: `psplan doctor` says which; the sweep brings in what is missed"
    return _check("webhook", words if is_ill else None)


def _vendor(name: str, trouble: Callable[[], str | None] | None) -> Check:
    return Check(name, Health.OFF, "not configured") if trouble is None else _check(name, trouble())


def _check(name: str, trouble: str | None) -> Check:
    return Check(name, Health.OK) if trouble is None else Check(name, Health.DEGRADED, trouble)
