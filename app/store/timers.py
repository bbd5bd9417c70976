"""When a lane has to be looked at although nothing comes in: one row each, looked for by its time.

A row stays when it has struck, until its next time is known: whoever strikes twice finds it struck. However many wait,
a look costs one step into an index. Every function works inside the caller's transaction.
"""

from __future__ import annotations

from sqlalchemy import Connection, Executable, bindparam, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from app.events import CLOCK, DIGEST, Source, clock_body, digest_body
from app.store import inbox
from app.store.records import waiting_now
from app.store.schema import timers


def set_timer(connection: Connection, lane: str, due_at: float | None) -> None:
    """Have a lane looked at, at a moment (seconds since 1970) or, None, not by itself."""
    if due_at is None:
        connection.execute(_GONE, {"ident": lane})
    else:
        connection.execute(_SET[connection.dialect.name], {"lane": lane, "due_at": due_at})


def strike(connection: Connection, *, now: float, most: int) -> list[str]:
    """Put an event into the lane of every timer that is due, so many at once; returns the lanes."""
    lanes = []
    for lane, due_at in connection.execute(_DUE, {"now": now, "most": most}).all():
        body = clock_body(due_at)
        event = waiting_now(Source.CLOCK, f"{lane}:{due_at:.3f}", lane, CLOCK, body, now=now)
        if inbox.add_new(connection, [event]):
            lanes.append(lane)
        connection.execute(_STRUCK, {"ident": lane, "struck_at": due_at})
    return lanes


def begin_day(connection: Connection, calendar: str, day: str, *, now: float) -> str | None:
    """Put a working morning of a calendar into the inbox, once; its lane, if it was new."""
    lane = f"digest:{calendar}"
    event = waiting_now(Source.CLOCK, f"{lane}:{day}", lane, DIGEST, digest_body(calendar, day), now=now)
    return lane if inbox.add_new(connection, [event]) else None


def next_due(connection: Connection) -> float | None:
    """When the next one is due."""
    return connection.execute(_NEXT).scalar()


def _set(insertion: postgresql.Insert | sqlite.Insert) -> Executable:
    return insertion.on_conflict_do_update(index_elements=["lane"], set_={"due_at": insertion.excluded.due_at})


_IS_ARMED = or_(timers.c.struck_at.is_(None), timers.c.struck_at < timers.c.due_at)
_SET = {"sqlite": _set(sqlite.insert(timers)), "postgresql": _set(postgresql.insert(timers))}
_GONE = delete(timers).where(timers.c.lane == bindparam("ident"))
_DUE = (
    select(timers.c.lane, timers.c.due_at)
    .where(timers.c.due_at <= bindparam("now"), _IS_ARMED)
    .order_by(timers.c.due_at)
    .limit(bindparam("most"))
)
_STRUCK = update(timers).where(timers.c.lane == bindparam("ident")).values(struck_at=bindparam("struck_at"))
_NEXT = select(timers.c.due_at).where(_IS_ARMED).order_by(timers.c.due_at).limit(1)
