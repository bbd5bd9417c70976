"""What the pages ask of the database: engagements, what happened to them, deliveries. A question is one statement."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, or_, select

from app.pipeline import Entered, Judged, Listed
from app.store.records import DeliveryRow
from app.store.schema import deliveries, journal, moves, pipeline, reviews, stands

LOOKED_THROUGH = 20_000
"""Of the newest deliveries a search looks through: their reasons have no index."""


@dataclass(frozen=True, slots=True)
class CameIn(DeliveryRow):
    """A delivery, with the customer of its engagement where one is known."""

    customer: str | None


@dataclass(frozen=True, slots=True)
class Told:
    """A line of the journal."""

    id: int
    delivery_id: int
    at: float
    entry: Mapping[str, Any]


def on_track(connection: Connection, track: str, *, states: Collection[str] | None = None) -> list[Listed]:
    """Every engagement that has a place on a track (in one of these states), the longest there first."""
    query = _ON_TRACK if states is None else _ON_TRACK.where(stands.c.state.in_(states))
    return [Listed(*row) for row in connection.execute(query, {"track": track})]


def entered(connection: Connection, track: str) -> list[Entered]:
    """All moves on a track, by engagement and in the order of time."""
    return [Entered(*row) for row in connection.execute(_ENTERED, {"track": track})]


def judged(connection: Connection) -> list[Judged]:
    """All verdicts, oldest first."""
    return [Judged(*row) for row in connection.execute(_JUDGED)]


def told_of(connection: Connection, lane: str, *, most: int, before: int | None = None) -> list[Told]:
    """The last lines of the journal of an engagement, newest first; `before`: older than that line."""
    query = select(journal.c.id, journal.c.delivery_id, journal.c.at, journal.c.entry).where(journal.c.lane == lane)
    if before is not None:
        query = query.where(journal.c.id < before)
    rows = connection.execute(query.order_by(journal.c.id.desc()).limit(most))
    return [Told(row.id, row.delivery_id, row.at, json.loads(row.entry)) for row in rows]


def came_in(connection: Connection, ids: Iterable[int]) -> dict[int, CameIn]:
    """Deliveries by number."""
    rows = connection.execute(_CAME_IN.where(deliveries.c.id.in_(list(ids))))
    return {row.id: _delivery(row) for row in rows}


def search_deliveries(
    connection: Connection, *, state: str | None, source: str | None, words: str, most: int, before: int | None
) -> list[CameIn]:
    """The newest deliveries that fit; `words` may be a number, or stand in the customer's name, reason or kind."""
    query = _CAME_IN.order_by(deliveries.c.id.desc()).limit(most)
    if state is not None:
        query = query.where(deliveries.c.state == state)
    if source is not None:
        query = query.where(deliveries.c.source == source)
    if before is not None:
        query = query.where(deliveries.c.id < before)
    if words:
        query = _search(query, words)
    return [_delivery(row) for row in connection.execute(query)]


def _delivery(row: Sequence[Any]) -> CameIn:
    return CameIn(*row)


def _search(query: Select[Any], words: str) -> Select[Any]:
    if words.isascii() and words.isdigit():
        return query.where(deliveries.c.id == int(words[:18]))
    newest = select(func.coalesce(func.max(deliveries.c.id), 0) - LOOKED_THROUGH).scalar_subquery()
    places = (pipeline.c.customer, deliveries.c.reason, deliveries.c.kind, deliveries.c.lane)
    return query.where(deliveries.c.id > newest, or_(*(each.icontains(words, autoescape=True) for each in places)))


# Statements are built once: building one anew costs more than running it.
_ON_TRACK = (
    select(
        *(pipeline.c[name] for name in Listed.__slots__ if name in pipeline.c),
        *(stands.c[name] for name in Listed.__slots__ if name not in pipeline.c),
    )
    .join(stands, stands.c.engagement_id == pipeline.c.engagement_id)
    .where(stands.c.track == bindparam("track"))
    .order_by(stands.c.since)
)
_OF_MOVES = [moves.c[name] for name in Entered.__slots__]
_ENTERED = (
    select(*_OF_MOVES)
    .where(moves.c.track == bindparam("track"))
    .order_by(moves.c.engagement_id, moves.c.at, moves.c.id)
)
_JUDGED = select(*(reviews.c[name] for name in Judged.__slots__)).order_by(reviews.c.at)
_CAME_IN: Select[Any] = select(
    *(deliveries.c[field.name] for field in fields(DeliveryRow) if field.name in deliveries.c),
    deliveries.c.body.is_not(None).label("has_body"),
    pipeline.c.customer,
).outerjoin(pipeline, pipeline.c.engagement_id == deliveries.c.lane)
