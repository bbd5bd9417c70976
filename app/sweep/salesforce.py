"""Opportunities and legal cases that changed since the last look, by SOQL: so a message that never came is not missed.

Each is put into the inbox as a message would have been, keyed by when it changed and what it says: what a message told
already leads to nothing.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Final, Protocol

from sqlalchemy import Connection

from app.clock import Clock, at
from app.events import Source
from app.listing import Listing
from app.opportunity import opportunity_key
from app.ports import Record
from app.salesforce import SalesforceReads
from app.salesforce_events import (
    CaseChanged,
    OpportunityChanged,
    SalesforceEvent,
    body_of,
    case_lane,
    kind_of,
    opportunity_lane,
)
from app.store import inbox, opportunities, swept
from app.store.records import Acceptance, waiting_now
from app.store.store import Store
from app.sweep.report import Swept

CHANGES_FROM: Final = "opportunities"
"""From when (by Salesforce's clock) the next look looks."""
CASES_FROM: Final = "legal cases"
"""The same of legal approval cases."""
MOST: Final = 20_000
"""Records in one look, of the whole organisation; the next one goes on behind them."""
OVERLAP_S: Final = 300.0
"""A transaction that took long becomes visible with the moment at which it began; and clocks differ."""
FIRST_S: Final = 7 * 86_400.0
"""So far back the first look goes."""

RowOf = Callable[[Record, float], Acceptance | None]


class Since(Protocol):
    """What changed at a moment or later, the longest ago first."""

    def __call__(self, moment: datetime, *, most: int) -> Listing[Record]:
        """At most so many."""


@dataclass(frozen=True, slots=True)
class SalesforceWatch:
    """What a look needs."""

    store: Store
    reads: SalesforceReads
    clock: Clock

    def look(self, found: Swept) -> None:
        """Put what changed into the inbox. Raises Retry or Permanent as the port does."""
        changes = self.reads.changed_since
        found.opportunities += self._look(found, CHANGES_FROM, "opportunities", changes, self._opportunity)
        self._look(found, CASES_FROM, "legal cases", self.reads.cases_since, self._case)

    def _look(self, found: Swept, mark: str, what: str, changed_since: Since, row_of: RowOf) -> int:
        now = self.clock()
        since = self.store.read(lambda c: swept.mark(c, mark)) or now - FIRST_S
        changed = changed_since(at(since), most=MOST)
        if changed.is_cut:
            found.was_cut(f"{what} of Salesforce: the first {MOST:,} that changed since the last look")
        latest = max((each.changed_at for each in changed), default=since)
        following = latest if changed.is_cut else max(since, now - OVERLAP_S)
        rows = [row for each in changed if (row := row_of(each, now)) is not None]
        lanes = self.store.write(partial(self._keep, rows=rows, mark=mark, following=following))
        found.lanes |= set(lanes)
        return len(lanes)

    def _keep(self, connection: Connection, *, rows: list[Acceptance], mark: str, following: float) -> list[str]:
        lanes = [row.lane for row in inbox.add_new(connection, rows)]
        for lane in lanes:
            self.store.defer(connection, lane)
        swept.keep_mark(connection, mark, following)
        return lanes

    def _opportunity(self, record: Record, now: float) -> Acceptance | None:
        """One that is an engagement's, or would begin one; the rest of the organisation's is nobody's business."""
        key = opportunity_key(record.id)
        if key is None:
            return None
        is_ours = self.reads.begins_engagements(record) or self.store.read(partial(opportunities.owner, key=key))
        return _row(OpportunityChanged(key, {}, now), key, opportunity_lane(key), record, now) if is_ours else None

    def _case(self, record: Record, now: float) -> Acceptance | None:
        engagement = self.reads.engagement_of(record)
        if engagement is None:
            return None
        return _row(CaseChanged(engagement, {}, now), engagement, case_lane(engagement), record, now)


def _row(event: SalesforceEvent, name: str, lane: str, record: Record, now: float) -> Acceptance:
    # Salesforce keeps the moment of a change to the second: two changes in one are told apart by what they say
    said = hashlib.sha256(repr(sorted(record.fields.items())).encode()).hexdigest()[:16]
    ident = f"seen:{name}:{record.changed_at:.0f}:{said}"
    return waiting_now(Source.SALESFORCE, ident, lane, kind_of(event), body_of(event), now=now)
