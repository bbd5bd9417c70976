"""Armed clocks: a look at them costs the same however many there are."""

from __future__ import annotations

import sqlite3

from sqlalchemy import Engine, create_engine, event, insert

from app.store import timers
from app.store.schema import metadata
from app.store.schema import timers as table

LATER, STRUCK = 2_000_000_000.0, 1_000_000_000.0


def database(armed: int, *, struck: int = 0) -> Engine:
    """With clocks that are due one after the other, and some that have struck and wait for their next time."""
    engine = create_engine("sqlite://")
    metadata.create_all(engine)
    rows = [{"lane": f"armed-{n}", "due_at": LATER + n, "struck_at": None} for n in range(armed)]
    rows += [{"lane": f"struck-{n}", "due_at": STRUCK + n, "struck_at": STRUCK + n} for n in range(struck)]
    with engine.begin() as connection:
        connection.execute(insert(table), rows)
    return engine


def steps_of(engine: Engine) -> tuple[int, float | None]:
    """How many instructions SQLite runs for a look, and what it finds."""
    counted = [0]

    def count() -> int:
        counted[0] += 1
        return 0

    with engine.connect() as connection:
        timers.next_due(connection)  # prepared
        raw = connection.connection.dbapi_connection
        assert isinstance(raw, sqlite3.Connection)
        raw.set_progress_handler(count, 1)
        found = timers.next_due(connection)
        raw.set_progress_handler(None, 0)
    return counted[0], found


def test_a_look_at_ten_thousand_armed_clocks_costs_what_a_look_at_ten_does() -> None:
    few, found = steps_of(database(10))
    many, found_among_many = steps_of(database(10_000, struck=10_000))
    assert found == found_among_many == LATER
    assert few > 0
    assert many == few


def test_it_is_one_question_and_nothing_is_written_while_none_is_due() -> None:
    engine = database(10_000)
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda *words: asked.append(words[2]))
    with engine.connect() as connection:
        assert timers.next_due(connection) == LATER
    assert [each.split()[0] for each in asked] == ["SELECT"]
