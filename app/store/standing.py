"""What the database knows of how it is going: the same on every replica, in one look."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection

from app.store import inbox, swept, timers
from app.store.schema import DeliveryState


@dataclass(frozen=True, slots=True)
class Standing:
    """Moments are seconds since 1970; `hook_ill_since`: zero where it is well, None where nobody could look;
    `clock_at`: when the next clock strikes, which may be past.
    """

    waiting: int
    dead: int
    oldest_at: float | None
    clock_at: float | None
    swept_at: float | None
    hook_ill_since: float | None


def standing(connection: Connection) -> Standing:
    """As it is now."""
    return Standing(
        waiting=inbox.count(connection, DeliveryState.WAITING),
        dead=inbox.count(connection, DeliveryState.DEAD),
        oldest_at=inbox.oldest_waiting(connection),
        clock_at=timers.next_due(connection),
        swept_at=swept.mark(connection, swept.SWEPT),
        hook_ill_since=swept.mark(connection, swept.HOOK_ILL),
    )
