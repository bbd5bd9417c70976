"""What a delivery would bring about now: decided as the engine would decide it, and not carried out.

For `psplan deliveries replay --dry-run` and for the page of a delivery.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

import structlog
from sqlalchemy import Connection

from app.engine.deciding import Decider, event_of, rightful_lane
from app.errors import Permanent, Retry, attempt
from app.events import Source
from app.operations import why_not_again
from app.registry import Decision
from app.store import inbox, outbox
from app.store.memory import Read
from app.store.records import DeliveryRow
from app.store.schema import DeliveryState

MOST_MOVES: Final = 3
"""From an issue to an engagement, and from a block in an issue to the engagement that it names."""
PATIENCE_S: Final = 10.0
AT_ONCE: Final = 2
"""Looks under way for pages; one that GitLab holds up goes on for as long as its requests may."""

log = structlog.get_logger()


class Unforeseeable(Exception):
    """It cannot be told; the text says why, for the operator."""


@dataclass(frozen=True, slots=True)
class Foresight:
    """The decision in words, of a delivery that is in this state."""

    delivery: int
    state: str
    actions: tuple[str, ...]
    because: tuple[str, ...]


def foresee(delivery_id: int, read: Read, decider: Callable[[], Decider]) -> Foresight:
    """Decide it. `decider`: made when there is something to decide. Raises Unforeseeable."""
    row = read(partial(_replayable, delivery_id=delivery_id))
    try:
        decision = _decided(row, read, decider())
    except (Retry, Permanent) as fault:
        raise Unforeseeable(f"it cannot be decided now: {fault.reason}") from fault
    actions = tuple(action.describe() for action in decision.actions)
    return Foresight(row.id, row.state, actions, tuple(decision.reasons))


class Foreseer:
    """Foresees for people who wait for a page: a few at once, and not for long."""

    def __init__(self, *, read: Callable[[], Read], decider: Callable[[], Decider]) -> None:
        self._read = read
        self._decider = decider
        self._room = threading.BoundedSemaphore(AT_ONCE)

    def __call__(self, delivery_id: int) -> Foresight:
        """As `foresee`. Raises Unforeseeable, also where it takes too long."""
        if not self._room.acquire(blocking=False):
            raise Unforeseeable("others are asking just now: ask again in a moment")
        told: SimpleQueue[Foresight | Exception] = SimpleQueue()
        # nobody waits for it at the end of the service: it writes nothing
        threading.Thread(target=self._look, args=(delivery_id, told), daemon=True).start()
        try:
            outcome = told.get(timeout=PATIENCE_S)
        except Empty:
            raise Unforeseeable("GitLab takes too long to answer: ask again in a moment") from None
        if isinstance(outcome, Foresight):
            return outcome
        if not isinstance(outcome, Unforeseeable):
            log.error("foresight.hit_bug", delivery=delivery_id, exc_info=outcome)
            raise Unforeseeable(f"a bug in psplan: {type(outcome).__name__}; the log has more")
        raise outcome

    def _look(self, delivery_id: int, told: SimpleQueue[Foresight | Exception]) -> None:
        told.put(attempt(partial(foresee, delivery_id, self._read(), self._decider)))
        self._room.release()


def _replayable(connection: Connection, delivery_id: int) -> DeliveryRow:
    row = inbox.by_id(connection, delivery_id)
    newest = None if row is None else inbox.latest_submission(connection, lane=row.lane)
    reason = why_not_again(row, delivery_id, newest)
    # what waits cannot be run again, but can well be asked about
    if row is None or (reason is not None and row.state != DeliveryState.WAITING):
        raise Unforeseeable(reason or "")
    return row


def _decided(row: DeliveryRow, read: Read, decider: Decider) -> Decision:
    """As the engine would decide it, wherever it would move the delivery before."""
    body = read(partial(inbox.body_of, delivery_id=row.id))
    is_dead = row.state == DeliveryState.DEAD
    event = event_of(Source(row.source), body, received_at=row.received_at, was_parked=is_dead)
    lane = rightful_lane(event, row.lane, lambda iid: read(partial(outbox.lane_of_issue, iid=iid))) or row.lane
    for _ in range(MOST_MOVES):
        engagement = read(partial(outbox.engagement, ident=lane))
        decision = decider.decide(event, engagement, lane=lane, is_patient=False)
        if decision.lane in {None, lane}:
            break
        lane = decision.lane or lane
    return decision
