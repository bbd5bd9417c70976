"""What is kept for how long: bodies some weeks, keys as long as GitLab can send again, what was decided for good.

In small pieces, each a transaction: nobody at the door waits for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection, Select, bindparam, delete, select, text, update

from app.store import errands
from app.store.schema import ActionState, DeliveryState, actions, deliveries, journal

CHUNK: Final = 500
MOST_CHUNKS: Final = 2_000
"""Of one routine: a million rows."""
DAY_S: Final = 24 * 3600.0
SHORTEST_KEYS_DAYS: Final = 8.0
"""GitLab sends again what is in its log, which goes back a week: until then a key must be known."""
ERRANDS_DAYS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Limits:
    """Moments (seconds since 1970): what was settled before `bodies` loses its body, before `keys` its row."""

    bodies: float
    keys: float
    errands: float

    @classmethod
    def of(cls, keep_days: float, *, now: float) -> Limits:
        """From the days that bodies are kept."""
        return cls(
            bodies=now - keep_days * DAY_S,
            keys=now - max(keep_days, SHORTEST_KEYS_DAYS) * DAY_S,
            errands=now - ERRANDS_DAYS * DAY_S,
        )


def throw_away(connection: Connection, limits: Limits) -> int:
    """One piece of what is too old; returns how much that was.

    A dead letter stays as it is: it waits for an operator. Of what was done the row stays (its journal tells why) and
    loses its body; its actions keep their keys, which is what nothing is done twice by. What was merely ignored goes.
    """
    ids = list(connection.execute(_DONE, {"before": limits.bodies}).scalars())
    if ids:
        connection.execute(update(deliveries).where(deliveries.c.id.in_(ids)).values(body=None))
        are_done = (actions.c.delivery_id.in_(ids), actions.c.state == ActionState.DONE.value)
        connection.execute(update(actions).where(*are_done).values(body=""))
    old = list(connection.execute(_IGNORED, {"before": limits.keys}).scalars())
    if old:
        connection.execute(delete(journal).where(journal.c.delivery_id.in_(old)))
        connection.execute(delete(deliveries).where(deliveries.c.id.in_(old)))
    errands.forget(connection, before=limits.errands)
    return len(ids) + len(old)


def _oldest(condition: str) -> Select[tuple[int]]:
    # as a literal: SQLite uses a partial index only where the query says the same as the index
    query = select(deliveries.c.id).where(text(condition), deliveries.c.settled_at < bindparam("before"))
    return query.order_by(deliveries.c.settled_at).limit(CHUNK)


_DONE = _oldest(f"state = '{DeliveryState.DONE.value}' AND body IS NOT NULL")
_IGNORED = _oldest(f"state = '{DeliveryState.IGNORED.value}'")
