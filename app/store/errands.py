"""Errands: what a command line asks of the service that owns the database, and its answer.

Written by a second process, so kept to one row in and one out; everything else stays the owner's to write.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from app.store.schema import errands

MOST_AGE_S: Final = 600.0
"""Nobody waits for the answer of an older one."""


@dataclass(frozen=True, slots=True)
class Errand:
    """Something to be done by whoever owns the database; what `words` are is the kind's own."""

    id: int
    kind: str
    words: dict[str, Any]


def ask(connection: Connection, kind: str, words: Mapping[str, Any], *, now: float) -> int:
    """Leave an errand; returns its number."""
    row = {"kind": kind, "words": json.dumps(words), "asked_at": now}
    return int(connection.execute(insert(errands).returning(errands.c.id), row).scalar_one())


def open_errand(connection: Connection, *, now: float) -> Errand | None:
    """The oldest that waits for an answer, and is not given up."""
    row = connection.execute(_OPEN, {"since": now - MOST_AGE_S}).first()
    return None if row is None else Errand(row.id, row.kind, json.loads(row.words))


def answer(connection: Connection, errand_id: int, words: Mapping[str, Any]) -> None:
    """Answer it, and forget those that are answered or given up since long."""
    told = {"ident": errand_id, "answer": json.dumps(words)}
    connection.execute(
        update(errands).where(errands.c.id == bindparam("ident")).values(answer=bindparam("answer")), told
    )


def answer_to(connection: Connection, errand_id: int) -> dict[str, Any] | None:
    """The answer; None while there is none."""
    row = connection.execute(select(errands.c.answer).where(errands.c.id == errand_id)).first()
    return None if row is None or row.answer is None else json.loads(row.answer)


def forget(connection: Connection, *, before: float) -> None:
    """Throw old ones away."""
    connection.execute(delete(errands).where(errands.c.asked_at < before))


_OPEN = (
    select(errands.c.id, errands.c.kind, errands.c.words)
    .where(errands.c.answer.is_(None), errands.c.asked_at >= bindparam("since"))
    .order_by(errands.c.id)
    .limit(1)
)
