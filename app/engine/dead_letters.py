"""What follows when a delivery becomes a dead letter, or is none any more: an event of the bot's own."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.engine.retry import MOST_DEATHS
from app.events import COMMENT_HOOKS, PARKED, Source
from app.parked import parked_body
from app.store import inbox
from app.store.records import Delivery, waiting_now
from app.store.schema import DeliveryState
from app.store.store import Store


@dataclass(frozen=True, slots=True)
class DeadLetters:
    """`lanes`: those with dead letters, at the start and since; only there has to be looked for what is overcome.

    Where replicas share the store, each knows its own alone, and looks every time.
    """

    store: Store
    lanes: set[str]

    def follow_up(
        self, connection: Connection, delivery: Delivery, *, state: DeliveryState, reason: str | None, now: float
    ) -> bool:
        """A dead letter has to be said on its issue; one that was run again, or overcome by a later event, taken back.

        Issues are looked at as they are, so a later change of an issue brings about what the parked one should have.
        Whether the delivery's lane got an event.
        """
        lane = delivery.lane
        if state is DeliveryState.DEAD:
            self.lanes.add(lane)
            return self._tell(connection, delivery, lane, reason, now, is_over=False)
        over = [delivery] if delivery.was_parked else []
        # a comment stands for itself: it does not carry out what another one ordered
        if (self.store.is_shared or lane in self.lanes) and delivery.kind not in COMMENT_HOOKS:
            over += inbox.overcome(connection, delivery)
        told = [self._tell(connection, each, lane, None, now, is_over=True) for each in over]
        return any(told)

    def _tell(
        self, connection: Connection, of: Delivery, lane: str, reason: str | None, now: float, *, is_over: bool
    ) -> bool:
        body = parked_body(
            delivery=of.id,
            source=of.source,
            body=of.body,
            kind=of.kind,
            reason=reason,
            at=now,
            is_over=is_over,
            is_deadly=of.deaths >= MOST_DEATHS,
        )
        if body is None:
            return False
        inbox.add(connection, waiting_now(Source.SWEEP, f"parked:{of.id}:{now}", lane, PARKED, body, now=now))
        self.store.defer(connection, lane)
        return True
