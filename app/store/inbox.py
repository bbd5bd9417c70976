"""Deliveries: taken, postponed, settled, parked, listed. Every function works inside the caller's transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import (
    BindParameter,
    Boolean,
    Connection,
    Integer,
    Row,
    Text,
    bindparam,
    func,
    insert,
    select,
    text,
    update,
)

from app.errors import Overtaken
from app.events import Source
from app.store.records import Acceptance, Delivery, DeliveryRow
from app.store.schema import ActionState, DeliveryState, actions, deliveries

# as a literal: SQLite uses a partial index only where the query says the same as the index
_WAITING = text(f"deliveries.state = '{DeliveryState.WAITING.value}'")

MOST_BYTES_AT_ONCE = 16 * 1024 * 1024
"""Of bodies that one turn holds, but for a single one that is larger."""
_DEAD = text(f"deliveries.state = '{DeliveryState.DEAD.value}'")


def waiting_lanes(connection: Connection) -> list[tuple[str, float]]:
    """Every lane with work, and when its head is due; zero where that only waits for its turn."""
    head = select(func.min(deliveries.c.id)).where(_WAITING).group_by(deliveries.c.lane)
    query = select(deliveries.c.lane, deliveries.c.due_at, deliveries.c.reason)
    rows = connection.execute(query.where(deliveries.c.id.in_(head)))
    return [(row.lane, 0.0 if row.reason is None else row.due_at) for row in rows]


def bring_forward(connection: Connection, *, now: float) -> float:
    """Make up for a clock that was set back since the latest delivery came in, by how many seconds it was at least.

    What waits for a time to come would else wait so much longer.
    """
    latest = connection.execute(select(deliveries.c.received_at).order_by(deliveries.c.id.desc()).limit(1)).scalar()
    by_s = max(0.0, (latest or 0.0) - now)
    if by_s > 0:
        resting = update(deliveries).where(_WAITING, deliveries.c.reason.is_not(None))
        connection.execute(resting.values(due_at=deliveries.c.due_at - by_s))
    return by_s


def waiting(connection: Connection, lane: str, *, limit: int) -> list[Delivery]:
    """The first waiting deliveries of a lane, in order: so many, or so many bytes of them, and one in any case.

    What is decided comes first: a delivery that was moved here may be older than one that is half done.
    """
    return [_delivery(row) for row in connection.execute(_WAITING_IN_LANE, {"lane": lane, "most": limit})]


def mark(connection: Connection, delivery_id: int) -> None:
    """Mark a delivery as being worked on, so that one that takes the process down is counted even so."""
    connection.execute(_MARKED, {"ident": delivery_id})


def take(connection: Connection, delivery: Delivery, *, life: str, is_same_try: bool, now: float) -> None:
    """Begin to work on a delivery as one of several replicas; raises Overtaken if it changed since it was read.

    Where another life's work on it has not come to an end, that life is dead or barred from sending
    (app/engine/tenure.py), but only since a moment ago: what it may have sent is in doubt from now on. Noted here,
    once, so that the grace is not begun anew by every look. `is_same_try`: that life was this process', which the
    delivery has not taken down, so that the try is not counted again.
    """
    seen = {
        "ident": delivery.id,
        "seen": delivery.life,
        "seen_due_at": delivery.due_at,
        "was_decided": delivery.is_decided,
    }
    deaths = max(delivery.deaths + (not is_same_try), 1)
    taken = connection.execute(_TAKEN, {**seen, "life": life, "deaths": deaths})
    if taken.rowcount != 1:
        raise Overtaken(f"delivery {delivery.id} changed since it was read")
    if delivery.life not in {None, life}:
        connection.execute(_DOUBTED, {"ident": delivery.id, "sent_at": now})


def hold(connection: Connection, delivery_id: int, *, life: str) -> None:
    """Prove that a delivery is this life's still, and keep it so until the commit; else raise Overtaken."""
    if connection.execute(_HELD, {"ident": delivery_id, "life": life}).first() is None:
        raise Overtaken(f"delivery {delivery_id} was taken over")


def unmark(connection: Connection, delivery_id: int) -> None:
    """Take a mark back: the try ended, and not by the end of the process."""
    connection.execute(_UNMARKED, {"ident": delivery_id})


def postpone(connection: Connection, delivery_id: int, *, due_at: float, reason: str, counts: bool) -> None:
    """Let a delivery, and with it its lane, wait after a try; `counts`: it failed."""
    connection.execute(_POSTPONED, {"ident": delivery_id, "due_at": due_at, "reason": reason, "failed": int(counts)})


def rest(connection: Connection, delivery_id: int, *, due_at: float, reason: str | None) -> None:
    """Let a delivery wait in the middle of a try, which is neither a failure nor proof that the try is survived."""
    connection.execute(_RESTED, {"ident": delivery_id, "due_at": due_at, "reason": reason})


def settle(connection: Connection, delivery_id: int, *, state: DeliveryState, reason: str | None, now: float) -> None:
    """The end of a delivery. What was decided for one that is parked is for `outbox.take_back`."""
    connection.execute(_SETTLED, {"ident": delivery_id, "state": state.value, "reason": reason, "settled_at": now})


def add(connection: Connection, acceptance: Acceptance) -> None:
    """Put something of the bot's own into the inbox, under a key that nobody has used."""
    connection.execute(_ADDED, acceptance._asdict())


def add_new(connection: Connection, acceptances: Sequence[Acceptance]) -> list[Acceptance]:
    """Put what nobody has put in before into the inbox; returns what that was."""
    return [each for each in acceptances if connection.execute(_ADDED_IF_NEW, each._asdict()).rowcount]


def overcome(connection: Connection, delivery: Delivery) -> list[Delivery]:
    """The dead letters before a delivery that are of its lane and kind, each handed out once."""
    same = {"lane": delivery.lane, "kind": delivery.kind, "ident": delivery.id}
    found = [_delivery(row) for row in connection.execute(_DEAD_BEFORE, same)]
    for each in found:
        connection.execute(_OVERCOME, {"ident": each.id})
    return found


def parked_lanes(connection: Connection) -> set[str]:
    """Every lane with a dead letter that nothing has overcome."""
    return set(connection.execute(select(deliveries.c.lane).where(_DEAD, deliveries.c.was_parked.is_(False))).scalars())


def replay(connection: Connection, delivery_id: int, *, now: float) -> bool:
    """Let a settled delivery be worked on once more, from a fresh decision; False where it is not settled, or empty.

    What its actions brought about is known by their keys, and those that were dropped look before they write.
    """
    return connection.execute(_REPLAYED, {"ident": delivery_id, "due_at": now}).rowcount == 1


def move(connection: Connection, delivery_id: int, *, lane: str) -> None:
    """Hand a delivery to another lane: it was found to belong to an engagement."""
    connection.execute(_MOVED, {"ident": delivery_id, "lane": lane})


def known(connection: Connection, source: str, key: str) -> tuple[int, str, str] | None:
    """(id, lane, digest) of the delivery with this key."""
    query = select(deliveries.c.id, deliveries.c.lane, deliveries.c.digest)
    row = connection.execute(query.where(deliveries.c.source == source, deliveries.c.key == key)).first()
    return None if row is None else (row.id, row.lane, row.digest)


def latest_submission(connection: Connection, *, lane: str) -> tuple[int, str] | None:
    """(id, digest) of the latest submission of a lane."""
    row = connection.execute(_LATEST_SUBMISSION, {"lane": lane}).first()
    return None if row is None else (row.id, row.digest)


def submission_of(connection: Connection, lane: str) -> DeliveryRow | None:
    """The latest submission of a lane, as an operator sees it."""
    row = connection.execute(_LATEST_SUBMISSION, {"lane": lane}).first()
    return None if row is None else _row(row)


def listed(connection: Connection, *, limit: int, state: str | None = None) -> Sequence[DeliveryRow]:
    """Deliveries, newest first."""
    query = select(deliveries).order_by(deliveries.c.id.desc()).limit(limit)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    return [_row(row) for row in connection.execute(query)]


def by_id(connection: Connection, delivery_id: int) -> DeliveryRow | None:
    """One delivery."""
    row = connection.execute(select(deliveries).where(deliveries.c.id == delivery_id)).first()
    return None if row is None else _row(row)


def body_of(connection: Connection, delivery_id: int) -> bytes:
    """The body of a delivery; an empty object where none is kept."""
    return connection.execute(select(deliveries.c.body).where(deliveries.c.id == delivery_id)).scalar() or b"{}"


def unrested(connection: Connection, lanes: Collection[str]) -> int:
    """How many deliveries of these lanes wait for their turn, and not for a time to come."""
    query = select(func.count()).select_from(deliveries).where(_WAITING, deliveries.c.lane.in_(lanes))
    return connection.execute(query.where(deliveries.c.reason.is_(None))).scalar_one()


def count(connection: Connection, state: DeliveryState) -> int:
    """How many deliveries are in a state; cheap for `waiting` and `dead`, which have an index."""
    # the state is written into the text, because SQLite uses a partial index only for a literal
    where = text(f"state = '{state.value}'")
    return connection.execute(select(func.count()).select_from(deliveries).where(where)).scalar_one()


def last_received(connection: Connection, source: Source) -> float | None:
    """When the latest delivery of a source came in."""
    latest = select(deliveries.c.received_at).where(deliveries.c.source == source.value)
    return connection.execute(latest.order_by(deliveries.c.id.desc()).limit(1)).scalar()


def oldest_waiting(connection: Connection) -> float | None:
    """When the delivery that waits longest came in."""
    return connection.execute(select(func.min(deliveries.c.received_at)).where(_WAITING)).scalar()


def _delivery(row: Row[tuple[object, ...]]) -> Delivery:
    return Delivery(
        id=row.id,
        key=row.key,
        lane=row.lane,
        source=Source(row.source),
        kind=row.kind,
        body=row.body or b"{}",
        received_at=row.received_at,
        is_decided=row.decided_at is not None,
        attempts=row.attempts,
        deaths=row.deaths,
        due_at=row.due_at,
        is_resting=row.reason is not None,
        was_parked=row.was_parked,
        life=row.life,
    )


def _row(row: Row[tuple[object, ...]]) -> DeliveryRow:
    return DeliveryRow(
        id=row.id,
        key=row.key,
        source=row.source,
        kind=row.kind,
        lane=row.lane,
        state=row.state,
        received_at=row.received_at,
        attempts=row.attempts,
        reason=row.reason,
        has_body=row.body is not None,
        digest=row.digest or "",
    )


# Statements are built once: building one anew costs more than running it.
_IDENT: BindParameter[int] = bindparam("ident")
_LANE: BindParameter[str] = bindparam("lane")
_ONE = update(deliveries).where(deliveries.c.id == _IDENT)
_IN_ORDER = (deliveries.c.decided_at.is_(None).label("undecided"), deliveries.c.id)
_FIRST = (
    select(*_IN_ORDER, func.coalesce(func.length(deliveries.c.body), 0).label("size"))
    .where(_WAITING, deliveries.c.lane == _LANE)
    .order_by(*_IN_ORDER)
    .limit(bindparam("most", type_=Integer))
    .subquery()
)
# counted after the limit: a long lane is not gone through for every turn
_SIZED = select(
    _FIRST.c.id,
    _FIRST.c.undecided,
    (func.sum(_FIRST.c.size).over(order_by=(_FIRST.c.undecided, _FIRST.c.id)) - _FIRST.c.size).label("before"),
).subquery()
_WAITING_IN_LANE = (
    select(deliveries)
    .join(_SIZED, deliveries.c.id == _SIZED.c.id)
    .where(_SIZED.c.before < MOST_BYTES_AT_ONCE)
    .order_by(_SIZED.c.undecided, _SIZED.c.id)
)
_LATEST_SUBMISSION = (
    select(deliveries)
    .where(text(f"deliveries.source = '{Source.CALCULATOR.value}'"), deliveries.c.lane == _LANE)
    .order_by(deliveries.c.id.desc())
    .limit(1)
)
_MARKED = _ONE.values(deaths=deliveries.c.deaths + 1)
_SEEN: BindParameter[str | None] = bindparam("seen", type_=Text)
# the moment it is due at changes with every try that came to an end, so that it is as good as a count of them
_TAKEN = _ONE.where(
    _WAITING,
    deliveries.c.life.is_not_distinct_from(_SEEN),
    deliveries.c.due_at == bindparam("seen_due_at"),
    deliveries.c.decided_at.is_not(None) == bindparam("was_decided", type_=Boolean),
).values(life=bindparam("life"), deaths=bindparam("deaths"))
_DOUBTED = (
    update(actions)
    .where(
        actions.c.delivery_id == _IDENT,
        actions.c.state == ActionState.PENDING.value,
        actions.c.sent_at.is_not(None),
    )
    .values(sent_at=bindparam("sent_at"))
)
_HELD = (
    select(deliveries.c.id)
    .where(_WAITING, deliveries.c.id == _IDENT, deliveries.c.life == bindparam("life"))
    .with_for_update()
)
_UNMARKED = _ONE.values(deaths=0)
_POSTPONED = _ONE.values(
    due_at=bindparam("due_at"),
    reason=bindparam("reason"),
    deaths=0,
    life=None,
    attempts=deliveries.c.attempts + bindparam("failed", type_=Integer),
)
_RESTED = _ONE.values(due_at=bindparam("due_at"), reason=bindparam("reason"), life=None, deaths=deliveries.c.deaths - 1)
_SETTLED = _ONE.values(
    state=bindparam("state"), reason=bindparam("reason"), settled_at=bindparam("settled_at"), deaths=0
)
_DEAD_BEFORE = select(deliveries).where(
    _DEAD,
    deliveries.c.was_parked.is_(False),
    deliveries.c.lane == _LANE,
    deliveries.c.kind == bindparam("kind"),
    deliveries.c.id < _IDENT,
)
_OVERCOME = _ONE.values(was_parked=True)
_ADDED = insert(deliveries)
_ADDED_IF_NEW = text(
    f"INSERT INTO deliveries ({', '.join(Acceptance._fields)}) "  # noqa: S608
    f"VALUES (:{', :'.join(Acceptance._fields)}) ON CONFLICT (source, key) DO NOTHING"
)
_REPLAYED = _ONE.where(deliveries.c.state != DeliveryState.WAITING.value, deliveries.c.body.is_not(None)).values(
    state=DeliveryState.WAITING.value,
    was_parked=deliveries.c.state == DeliveryState.DEAD.value,
    decided_at=None,
    attempts=0,
    deaths=0,
    due_at=bindparam("due_at"),
    reason=None,
    settled_at=None,
)
_MOVED = _ONE.values(lane=_LANE, deaths=0, life=None)
