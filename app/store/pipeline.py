"""The tables that lists and reports are read from, kept in step with the engagements' records."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BindParameter, Connection, Executable, Table, bindparam, delete, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from app.engagement import Engagement, stored_engagement
from app.machine.standing import Move
from app.pipeline import Entry, Review, Stand, entry_of, moves_since, reviews_since
from app.store.schema import engagements, moves, pipeline, reviews, stands


def keep(connection: Connection, value: Engagement, *, before: Engagement | None) -> None:
    """Bring the tables from what `before` says (None: nothing is there yet) to what the engagement says now."""
    dialect = connection.dialect.name
    entry, known = entry_of(value), None if before is None else entry_of(before)
    if entry != known:
        connection.execute(_ENTRY[dialect], _entry_row(entry))
        _keep_stands(connection, entry)
    was = None if before is None else before.standing
    if fresh := moves_since(was, value.standing):
        connection.execute(_MOVE, [_move_row(value.id, each) for each in fresh])
    if judged := reviews_since(was, value.standing):
        connection.execute(_REVIEW, [_review_row(value.id, each) for each in judged])


def make_again(connection: Connection, ident: str) -> None:
    """Write the tables of one engagement anew from its record."""
    row = connection.execute(_RECORD, {"ident": ident}).first()
    for statement in _CLEARED:
        connection.execute(statement, {"ident": ident})
    if row is not None:
        keep(connection, stored_engagement(ident, row.submission, row.record), before=None)


def fill(connection: Connection) -> int:
    """Make what is lacking, as after an upgrade; so many engagements were made."""
    lacking = connection.execute(_LACKING).scalars().all()
    for ident in lacking:
        make_again(connection, ident)
    return len(lacking)


def _keep_stands(connection: Connection, entry: Entry) -> None:
    present = {each.track for each in entry.stands}
    tracks = connection.execute(_TRACKS, {"ident": entry.engagement_id}).scalars().all()
    for gone in set(tracks) - present:
        connection.execute(_GONE, {"ident": entry.engagement_id, "gone": gone})
    if entry.stands:
        rows = [_stand_row(entry.engagement_id, each) for each in entry.stands]
        connection.execute(_STAND[connection.dialect.name], rows)


def _entry_row(entry: Entry) -> dict[str, Any]:
    return {column.name: getattr(entry, column.name) for column in pipeline.c}


def _stand_row(ident: str, stand: Stand) -> dict[str, Any]:
    return {"engagement_id": ident, **{name: getattr(stand, name) for name in Stand.__slots__}}


def _move_row(ident: str, move: Move) -> dict[str, Any]:
    return {"engagement_id": ident, **{name: getattr(move, name) for name in Move.__slots__}}


def _review_row(ident: str, review: Review) -> dict[str, Any]:
    return {"engagement_id": ident, **{name: getattr(review, name) for name in Review.__slots__}}


def _upsert(table: Table) -> dict[str, Executable]:
    return {
        "sqlite": _replacing(sqlite.insert(table), table),
        "postgresql": _replacing(postgresql.insert(table), table),
    }


def _replacing(insertion: postgresql.Insert | sqlite.Insert, table: Table) -> Executable:
    rest = {column.name: insertion.excluded[column.name] for column in table.c if not column.primary_key}
    return insertion.on_conflict_do_update(index_elements=list(table.primary_key.columns), set_=rest)


# Statements are built once: building one anew costs more than running it.
_IDENT: BindParameter[Any] = bindparam("ident")
_ENTRY = _upsert(pipeline)
_STAND = _upsert(stands)
_MOVE = insert(moves)
_REVIEW = insert(reviews)
_RECORD = select(engagements.c.submission, engagements.c.record).where(engagements.c.id == _IDENT)
_TRACKS = select(stands.c.track).where(stands.c.engagement_id == _IDENT)
_GONE = delete(stands).where(stands.c.engagement_id == _IDENT, stands.c.track == bindparam("gone"))
_CLEARED = tuple(delete(table).where(table.c.engagement_id == _IDENT) for table in (pipeline, stands, moves, reviews))
_LACKING = (
    select(engagements.c.id)
    .outerjoin(pipeline, pipeline.c.engagement_id == engagements.c.id)
    .where(pipeline.c.engagement_id.is_(None))
)
