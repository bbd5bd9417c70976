"""Opportunities that changed since the last look, by SOQL: so a message that Salesforce never sent is missed by nobody.

Each is put into the inbox as a message would have been, keyed by when it changed and what it says: what a message told
already leads to nothing.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from typing import Final

from sqlalchemy import Connection

from app.clock import Clock, at
from app.events import Source
from app.opportunity import opportunity_key
from app.ports import Record
from app.salesforce import OpportunityReads
from app.salesforce_events import CHANGED, changed_body, opportunity_lane
from app.store import inbox, swept
from app.store.records import Acceptance, waiting_now
from app.store.store import Store
from app.sweep.report import Swept

LAST_CHANGE: Final = "opportunities"
"""Up to when (by Salesforce's clock) all changes are in the inbox."""
MOST: Final = 1_000
"""Opportunities in one look; the next one goes on."""
OVERLAP_S: Final = 300.0
"""A transaction that took long becomes visible with the moment at which it began."""
FIRST_S: Final = 7 * 86_400.0
"""So far back the first look goes."""


@dataclass(frozen=True, slots=True)
class OpportunityWatch:
    """What a look needs."""

    store: Store
    reads: OpportunityReads
    clock: Clock

    def look(self, found: Swept) -> None:
        """Put what changed into the inbox. Raises Retry or Permanent as the port does."""
        now = self.clock()
        last = self.store.read(lambda c: swept.mark(c, LAST_CHANGE))
        since = now - FIRST_S if last is None else last - OVERLAP_S
        changed = self.reads.changed_since(at(since), most=MOST)
        if changed.is_cut:
            found.was_cut(f"opportunities of Salesforce: the first {MOST} that changed since the last look")
        latest = max((each.changed_at for each in changed), default=0.0)
        until = latest if changed.is_cut else max(now - OVERLAP_S, latest)
        lanes = self.store.write(partial(self._keep, changed=list(changed), until=until, now=now))
        found.opportunities += len(lanes)
        found.lanes |= set(lanes)

    def _keep(self, connection: Connection, *, changed: list[Record], until: float, now: float) -> list[str]:
        rows = [row for each in changed if (row := _row(each, now)) is not None]
        lanes = [row.lane for row in inbox.add_new(connection, rows)]
        for lane in lanes:
            self.store.defer(connection, lane)
        swept.keep_mark(connection, LAST_CHANGE, until)
        return lanes


def _row(record: Record, now: float) -> Acceptance | None:
    key = opportunity_key(record.id)
    if key is None:
        return None
    # Salesforce keeps the moment of a change to the second: two changes in one are told apart by what they say
    said = hashlib.sha256(repr(sorted(record.fields.items())).encode()).hexdigest()[:16]
    ident, body = f"seen:{key}:{record.changed_at:.0f}:{said}", changed_body(key, {}, now)
    return waiting_now(Source.SALESFORCE, ident, opportunity_lane(key), CHANGED, body, now=now)
