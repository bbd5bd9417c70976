"""The store: durable, de-duplicated, in order, and honest about what it cannot do."""

from __future__ import annotations

import asyncio
import re
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, create_engine, delete, inspect, text
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError, OperationalError

import app.store
import app.store.store
from app.store import database, inbox, outbox, retention, swept, writer
from app.store.database import DatabaseFault, open_for_reading
from app.store.postgres import open_shared_store
from app.store.records import Acceptance
from app.store.schema import SCHEMA_VERSION, DeliveryState, journal, metadata
from app.store.store import Accepted, Store, open_store
from app.store.writer import StoreBusy

ARRIVAL = Acceptance("gitlab", "k1", "lane", "Issue Hook", b"{}", "digest", 1000.0, 1000.0, "waiting")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "folder" / "psplan.sqlite3"


class Woken:
    """A queue of lanes that only takes notes."""

    def __init__(self) -> None:
        self.lanes: list[str] = []

    def prepare(self, _: Connection) -> None: ...

    def defer(self, _: Connection, lanes: Collection[str]) -> None:
        self.lanes += lanes


def open_as(dialect: str, request: pytest.FixtureRequest) -> Store:
    if dialect == "sqlite":
        return open_store(request.getfixturevalue("path"))
    return open_shared_store(request.getfixturevalue("postgres_url"), Woken(), readers=2)


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    opened = open_as(request.param, request)
    yield opened
    opened.close()


@pytest.fixture
def file(path: Path) -> Iterator[Store]:
    opened = open_store(path)
    yield opened
    opened.close()


def accept(store: Store, *arrivals: Acceptance) -> list[Accepted]:
    async def all_at_once() -> list[Accepted]:
        return list(await asyncio.gather(*(store.accept(each) for each in arrivals)))

    return asyncio.run(all_at_once())


def take(store: Store, lane: str = "lane") -> list[int]:
    return [each.id for each in store.read(partial(inbox.waiting, lane=lane, limit=100))]


def test_a_key_is_taken_once_however_many_come_at_once(store: Store) -> None:
    outcomes = accept(store, *[ARRIVAL] * 50)
    assert outcomes.count(Accepted.NEW) == 1
    assert outcomes.count(Accepted.KNOWN) == 49
    assert len(take(store)) == 1


def test_the_same_key_from_another_door_is_another_delivery(store: Store) -> None:
    assert accept(store, ARRIVAL, ARRIVAL._replace(source="calculator")) == [Accepted.NEW] * 2


def test_a_key_used_again_for_other_content_is_told_apart(store: Store) -> None:
    accept(store, ARRIVAL)
    assert accept(store, ARRIVAL._replace(digest="other")) == [Accepted.OTHER_BODY]


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_what_was_accepted_is_there_after_closing_and_opening(dialect: str, request: pytest.FixtureRequest) -> None:
    first = open_as(dialect, request)
    accept(first, ARRIVAL, ARRIVAL._replace(key="k2", lane="other"))
    first.close()
    second = open_as(dialect, request)
    assert sorted(second.read(inbox.waiting_lanes)) == [("lane", 0.0), ("other", 0.0)], "due, whatever the clock says"
    second.close()


def test_one_turn_takes_so_many_bytes_and_always_one_delivery(store: Store) -> None:
    large = ARRIVAL._replace(body=b'"' + b"x" * (inbox.MOST_BYTES_AT_ONCE // 2) + b'"')
    accept(store, *(large._replace(key=str(number)) for number in range(4)))
    assert len(take(store)) == 2
    accept(store, large._replace(key="other", lane="other", body=large.body * 3))
    assert len(take(store, "other")) == 1


def test_a_lane_is_taken_in_the_order_of_arrival(store: Store) -> None:
    for number in range(5):
        accept(store, ARRIVAL._replace(key=f"k{number}"))
    assert take(store) == sorted(take(store))
    assert len(take(store)) == 5


def test_the_next_delivery_of_a_lane_is_found_without_sorting_what_waits(file: Store) -> None:
    query = str(inbox._FIRST.element.compile(dialect=sqlite.dialect()))
    plan = file.read(lambda c: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", (0, "lane", 1, 0)).all())
    assert "deliveries_waiting" in str(plan)
    assert "B-TREE" not in str(plan)


def test_what_is_too_old_is_found_without_reading_what_is_not(file: Store) -> None:
    queries = [retention._DONE, retention._IGNORED]
    journal_of_old = delete(journal).where(journal.c.delivery_id == 1)
    for query, values in [(each, (0.0, 500, 0)) for each in queries] + [(journal_of_old, (1,))]:
        words = str(query.compile(dialect=sqlite.dialect()))
        plan = str(file.read(lambda c, w=words, v=values: c.exec_driver_sql(f"EXPLAIN QUERY PLAN {w}", v).all()))
        assert "SEARCH" in plan
        assert "SCAN" not in plan
        assert "B-TREE" not in plan


def test_dead_comments_are_known_by_their_lane_however_many_others_there_are(store: Store) -> None:
    def dead(number: int, lane: str) -> Acceptance:
        body = b'{"object_kind": "note", "object_attributes": {"id": %d}}' % number
        return ARRIVAL._replace(key=f"k{number}", lane=lane, kind="Note Hook", body=body, state="dead")

    accept(store, dead(1, "lane"), *(dead(number, "other") for number in range(2, 1203)))
    assert store.read(partial(swept.dead_comments, lanes=["lane", "issue:1"])) == {1}


def test_only_what_is_settled_and_has_its_content_is_run_again(store: Store) -> None:
    accept(store, ARRIVAL, ARRIVAL._replace(key="k2", state="ignored", body=None))
    waiting, empty = 1, 2
    assert not store.write(partial(inbox.replay, delivery_id=waiting, now=0.0))
    assert not store.write(partial(inbox.replay, delivery_id=empty, now=0.0))
    store.write(partial(inbox.settle, delivery_id=waiting, state=DeliveryState.DONE, reason=None, now=0.0))
    assert store.write(partial(inbox.replay, delivery_id=waiting, now=0.0))


def test_a_try_that_ends_in_any_way_is_no_death(store: Store) -> None:
    accept(store, ARRIVAL)
    head = take(store)[0]
    store.write(partial(inbox.mark, delivery_id=head))
    store.write(partial(inbox.mark, delivery_id=head))
    assert store.read(partial(inbox.waiting, lane="lane", limit=100))[0].deaths == 2
    store.write(partial(inbox.postpone, delivery_id=head, due_at=3000.0, reason="later", counts=True))
    waiting = store.read(partial(inbox.waiting, lane="lane", limit=100))[0]
    assert (waiting.deaths, waiting.attempts, waiting.due_at) == (0, 1, 3000.0)


def test_a_parked_delivery_drops_its_open_actions_and_a_new_decision_revives_them(store: Store) -> None:
    accept(store, ARRIVAL, ARRIVAL._replace(key="k2"))
    first, second = take(store)
    decide = partial(outbox.decide, lane="lane", bodies=[("a", "say", "{}")], now=1.0)
    store.write(partial(decide, delivery_id=first))
    (action,) = store.write(partial(outbox.pending, delivery_id=first))
    store.write(partial(outbox.sent, action_id=action.id, at=7.0))
    store.write(partial(inbox.settle, delivery_id=first, state=DeliveryState.DEAD, reason="why", now=2.0))
    store.write(partial(outbox.take_back, delivery_id=first))
    assert store.write(partial(outbox.pending, delivery_id=first)) == []
    store.write(partial(decide, delivery_id=second))
    (revived,) = store.write(partial(outbox.pending, delivery_id=second))
    assert (revived.id, revived.sent_at) == (action.id, 7.0), "whether it took effect is still to be looked at"


def test_an_action_that_was_done_is_not_decided_again(store: Store) -> None:
    accept(store, ARRIVAL, ARRIVAL._replace(key="k2"))
    first, second = take(store)
    decide = partial(outbox.decide, lane="lane", bodies=[("a", "say", "{}")], now=1.0)
    store.write(partial(decide, delivery_id=first))
    (action,) = store.write(partial(outbox.pending, delivery_id=first))
    store.write(partial(outbox.done, action_id=action.id, evidence={"note": 1}, now=2.0))
    store.write(partial(decide, delivery_id=second))
    assert store.write(partial(outbox.pending, delivery_id=second)) == []


def test_work_that_fails_undoes_itself_only(store: Store) -> None:
    accept(store, ARRIVAL)

    def fail(connection: object) -> None:
        inbox.move(connection, 1, lane="elsewhere")  # type: ignore[arg-type]
        raise KeyError("a bug")

    with pytest.raises(KeyError):
        store.write(fail)
    assert len(take(store)) == 1
    assert accept(store, ARRIVAL._replace(key="k2")) == [Accepted.NEW]


def test_a_second_owner_is_refused_and_told_why(file: Store, path: Path) -> None:
    with pytest.raises(DatabaseFault, match="in use by another psplan process"):
        open_store(path)


def test_a_newer_schema_is_refused_and_the_file_left_alone(path: Path) -> None:
    open_store(path).close()
    with sqlite3.connect(path) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseFault, match="written by a newer psplan"):
        open_store(path)


def test_a_file_that_is_no_database_is_refused(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"this is not a database, it only looks like a file of one" * 100)
    with pytest.raises(DatabaseFault, match="not a usable database"):
        open_store(path)


def test_reading_needs_a_database_and_says_so(path: Path) -> None:
    with pytest.raises(DatabaseFault, match="There is no database"):
        open_for_reading(path)


def test_a_folder_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseFault, match="cannot be written"):
        open_store(tmp_path / "file" / "psplan.sqlite3")


def shapes(connection: Connection) -> dict[str, object]:
    """Columns of each table with their types, and what each index says."""
    found = inspect(connection)
    names = [name for name in found.get_table_names() if name != "alembic_version"]
    listed = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql NOT NULL"
    if connection.dialect.name == "postgresql":
        listed = "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'"
    written = [each for each in connection.execute(text(listed)) if each[0] != "alembic_version_pkc"]
    return {name: {column["name"]: str(column["type"]) for column in found.get_columns(name)} for name in names} | {
        name: set(re.findall(r"[a-z_']+", sql)) for name, sql in written if "alembic_version" not in name
    }


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_the_migrations_end_where_the_tables_are(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    folder = Path(app.store.__file__).parent / "migrations"
    config = Config()
    config.set_main_option("script_location", str(folder))
    assert ScriptDirectory.from_config(config).get_current_head() == SCHEMA_VERSION

    def engine(number: int) -> Engine:
        if dialect == "sqlite":
            return database.open_for_writing(tmp_path / f"{number}.sqlite3")
        url = request.getfixturevalue("postgres").new_database()
        return create_engine(url.replace("postgresql:", "postgresql+psycopg:"))

    made, migrated = engine(1), engine(2)
    with made.begin() as first, migrated.begin() as second:
        database.bring_up_to_date(first, "new")
        database.upgrade(second)
        assert shapes(first).keys() >= metadata.tables.keys()
        assert shapes(second) == shapes(first)
    made.dispose()
    migrated.dispose()


def test_the_journal_mode_is_durable(file: Store) -> None:
    assert file.write(lambda c: c.execute(text("PRAGMA journal_mode")).scalar()) == "wal"
    assert file.write(lambda c: c.execute(text("PRAGMA synchronous")).scalar()) == 2, "FULL: an fsync before the 202"


@pytest.mark.parametrize(
    ("dialect", "ask", "lasting", "passing"),
    [("sqlite", "PRAGMA synchronous", 2, 1), ("postgresql", "SHOW synchronous_commit", "on", "off")],
)
def test_what_is_only_noted_waits_for_no_disk_and_what_comes_after_it_does_whether_or_not_it_failed(
    dialect: str, ask: str, lasting: object, passing: object, request: pytest.FixtureRequest
) -> None:
    store = open_as(dialect, request)
    assert store.note(lambda c: c.execute(text(ask)).scalar()) == passing
    assert store.write(lambda c: c.execute(text(ask)).scalar()) == lasting
    with pytest.raises(DBAPIError):
        store.note(lambda c: c.execute(text("SELECT nonsense")))
    assert store.write(lambda c: c.execute(text(ask)).scalar()) == lasting
    store.close()


def test_what_is_noted_together_with_what_has_to_last_does_so_too(store: Store) -> None:
    ask = "PRAGMA synchronous" if store.write(lambda c: c.dialect.name) == "sqlite" else "SHOW synchronous_commit"
    let_go = threading.Event()
    store.begin_write(lambda _: let_go.wait(10))
    with ThreadPoolExecutor() as pool:
        noted = pool.submit(store.note, lambda c: c.execute(text(ask)).scalar())
        time.sleep(0.1)  # so that it waits in the queue
        store.begin_write(_nothing)
        let_go.set()
        assert noted.result() in {2, "on"}


def test_too_much_that_waits_is_refused_at_once(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "MOST_WAITING_BYTES", 1)
    with pytest.raises(StoreBusy):
        accept(store, ARRIVAL)


def test_no_sender_waits_for_a_commit_that_hangs_and_what_is_written_after_all_wakes_its_lane(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.store.store, "ACCEPT_PATIENCE_S", 0.05)
    let_go, woken = threading.Event(), []

    async def come_while_it_hangs() -> None:
        hung = store.begin_write(lambda _: let_go.wait(10))
        late = (ARRIVAL, ARRIVAL._replace(key="k2", lane="other", state="ignored"))
        for each in late:
            with pytest.raises(StoreBusy):
                await store.accept(each, wake=woken.append)
        let_go.set()
        await asyncio.wrap_future(hung)
        monkeypatch.setattr(app.store.store, "ACCEPT_PATIENCE_S", 10.0)
        assert await store.accept(ARRIVAL) is Accepted.KNOWN

    asyncio.run(come_while_it_hangs())
    assert woken == ["lane"], "nobody looks at what is ignored"


def test_what_hangs_takes_up_room_though_its_sender_is_gone(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.store.store, "ACCEPT_PATIENCE_S", 0.05)
    monkeypatch.setattr(writer, "MOST_WAITING", 1)
    let_go = threading.Event()

    async def come_twice() -> None:
        store.begin_write(lambda _: let_go.wait(10))
        with pytest.raises(StoreBusy):
            await store.accept(ARRIVAL)
        monkeypatch.setattr(app.store.store, "ACCEPT_PATIENCE_S", 10.0)
        with pytest.raises(StoreBusy):
            await store.accept(ARRIVAL._replace(key="k2"))
        let_go.set()
        for _ in range(2):  # the second is begun when all who waited for the first have been told
            await asyncio.wrap_future(store.begin_write(_nothing))
        await asyncio.sleep(0)
        assert await store.accept(ARRIVAL._replace(key="k3")) is Accepted.NEW

    asyncio.run(come_twice())


def test_a_database_that_cannot_be_written_says_so_and_recovers(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.05)
    store = open_store(path)
    intruder = sqlite3.connect(path, isolation_level=None)
    intruder.execute("BEGIN IMMEDIATE")
    with pytest.raises(sqlite3.OperationalError, match="locked"):
        accept(store, ARRIVAL)
    with pytest.raises(OperationalError, match="locked"):
        store.probe()
    intruder.execute("ROLLBACK")
    intruder.close()
    store.probe()
    assert accept(store, ARRIVAL) == [Accepted.NEW], "what was refused was not stored"
    store.close()


def test_a_lock_costs_all_who_wait_together_sqlites_patience_once(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_TIMEOUT_S", 0.3)
    store = open_store(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        first = store.begin_write(_nothing)  # the writer is at it, while the others gather behind it
        behind = [store.begin_write(_nothing) for _ in range(50)]
        began = time.monotonic()
        faults = [each.exception(timeout=10) for each in (first, *behind)]
        assert time.monotonic() - began < 10 * 0.3
        assert {type(fault) for fault in faults} == {OperationalError}
    store.write(_nothing)
    store.close()


def _nothing(connection: Connection) -> None:
    connection.execute(text("UPDATE alembic_version SET version_num = version_num"))
