"""Days that pass in a moment: a clock that stands until it is moved, and a service that lives by it."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from app.clock import MovableClock
from tests.harness import Stage, issues, spoken, until


class Stands:
    """A clock that stands until it is moved, a little ahead with each look: no two things happen at one moment."""

    def __init__(self, moment: datetime) -> None:
        self.now = moment.timestamp()

    def __call__(self) -> float:
        self.now += 0.000_01
        return self.now


@dataclass
class Days:
    """A service, a sandbox and a clock for both."""

    here: Stage
    clock: MovableClock
    folder: Path
    _connections: list[sqlite3.Connection] = field(default_factory=list)

    def _ask(self, statement: str, **given: str) -> float | None:
        """One number from the database: over one connection, since it is asked every few milliseconds."""
        if not self._connections:
            self._connections.append(sqlite3.connect(self.folder / "psplan.sqlite3", isolation_level=None))
        (found,) = self._connections[0].execute(statement, given).fetchone()
        return None if found is None else float(found)

    def pass_hours(self, hours: float) -> None:
        """An hour at a time, as it does: what is due in between is done in between."""
        left = hours
        while left > 0:
            self.clock.move(min(left, 1.0) * 3600)
            left -= 1.0
            assert until(lambda: self.timer_due() > self.clock())
            assert self.here.quiet()

    def has_come(self, key: str) -> bool:
        """Whether a delivery with this key is in the inbox."""
        return bool(self._ask("SELECT count(*) FROM deliveries WHERE key = :key", key=key))

    def is_idle(self) -> bool:
        """Nothing waits; a look into the database, which costs less than one over HTTP."""
        return not self._ask("SELECT count(*) FROM deliveries WHERE state = 'waiting'")

    def timer_due(self) -> float:
        """When the next timer is due; never, where none is."""
        due_at = self._ask("SELECT min(due_at) FROM timers WHERE struck_at IS NULL OR struck_at < due_at")
        return float("inf") if due_at is None else due_at

    def labels(self, iid: int = 1) -> set[str]:
        return set(next(each[2] for each in issues(self.here.world) if each[0] == iid))

    def is_open(self) -> bool:
        return self.here.world.issue(1).closed_at is None

    def reminders(self) -> list[str]:
        return [note for note in spoken(self.here.world) if "time until" in note or "time was over" in note]
