"""What an operator can have done to a running service, or in its place: sweep, and run a delivery again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Connection

from app.clock import Clock
from app.correlation import correlated, correlation_of
from app.events import Source
from app.store import inbox
from app.store.records import DeliveryRow
from app.store.schema import DeliveryState
from app.store.store import Store
from app.sweep import Sweeper
from app.tell import Tell, unheard

SWEEP: Final = "sweep"
REPLAY: Final = "replay"

log = structlog.get_logger()


class Refused(Exception):
    """It cannot be done so; the text says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Done:
    """What came of it, as JSON, and the lanes in which there is work now."""

    answer: dict[str, Any]
    lanes: frozenset[str]


@dataclass(frozen=True, slots=True)
class Operations:
    """Every errand by its kind; run by one thread at a time."""

    store: Store
    sweeper: Sweeper
    clock: Clock

    def carry_out(self, kind: str, words: dict[str, Any], tell: Tell = unheard) -> Done:
        """Do it. Raises Refused."""
        errand = ERRANDS.get(kind)
        if errand is None:
            raise Refused(f"this psplan knows no errand called {kind!r}")
        return errand(self, words, tell)

    def sweep(self, *, is_rebuild: bool = False, tell: Tell = unheard) -> Done:
        """Look at GitLab for what was missed."""
        found = self.sweeper.sweep(is_rebuild=is_rebuild, tell=tell)
        return Done(found.to_record(), frozenset(found.lanes))

    def replay(self, delivery_id: int) -> Done:
        """Let a settled delivery be worked on once more. Raises Refused."""
        row = self.store.read(lambda c: inbox.by_id(c, delivery_id))
        reason = self.store.read(lambda c: why_not_again(row, delivery_id, inbox.latest_submission(c, lane=_lane(row))))
        if row is None or reason is not None:
            raise Refused(reason or "")
        if not self.store.write(partial(self._replay, row=row)):
            raise Refused(f"delivery {delivery_id} has changed just now: look at it again")
        with correlated(correlation_of(row.source, row.key)):
            log.info("delivery.replayed", delivery=delivery_id, lane=row.lane)
        return Done({"id": delivery_id, "lane": row.lane}, frozenset({row.lane}))

    def _replay(self, connection: Connection, row: DeliveryRow) -> bool:
        is_done = inbox.replay(connection, row.id, now=self.clock())
        if is_done:
            self.store.defer(connection, row.lane)
        return is_done


ERRANDS: Final[dict[str, Callable[[Operations, dict[str, Any], Tell], Done]]] = {
    SWEEP: lambda operations, words, tell: operations.sweep(is_rebuild=bool(words.get("rebuild")), tell=tell),
    REPLAY: lambda operations, words, _: operations.replay(int(words["id"])),
}


def _lane(row: DeliveryRow | None) -> str:
    return "" if row is None else row.lane


def why_not_again(row: DeliveryRow | None, delivery_id: int, latest_submission: tuple[int, str] | None) -> str | None:
    """Why a delivery cannot be run again; None where it can."""
    if row is None:
        return f"there is no delivery {delivery_id}"
    if row.state == DeliveryState.WAITING:
        return f"delivery {delivery_id} is waiting for its turn already" + (f": {row.reason}" if row.reason else "")
    if not row.has_body:
        return f"the content of delivery {delivery_id} is not kept: {row.reason or 'it is too old'}"
    newest, says = (delivery_id, row.digest) if latest_submission is None else latest_submission
    if row.source == Source.CALCULATOR and newest > delivery_id and says != row.digest:
        return f"delivery {delivery_id} was followed by a newer version of the same submission: delivery {newest}"
    return None
