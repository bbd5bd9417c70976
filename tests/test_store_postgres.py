"""PostgreSQL: several replicas on one database, jobs in the same transaction, a server that goes away."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from procrastinate.schema import migrations_path
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from app.cli import main
from app.engine import jobs
from app.engine.dead_letters import DeadLetters
from app.engine.jobs import LaneJobs
from app.errors import Overtaken
from app.settings import SettingsFault, load_settings
from app.store import database, inbox, outbox
from app.store.database import DatabaseFault
from app.store.postgres import conninfo, examine, open_shared_store
from app.store.records import Delivery
from app.store.schema import SCHEMA_VERSION, DeliveryState
from app.store.store import Accepted, Store
from tests.postgres import Cluster, cluster
from tests.test_store import ARRIVAL, accept


@pytest.fixture
def store(postgres_url: str) -> Iterator[Store]:
    opened = open_shared_store(postgres_url, LaneJobs(), readers=2)
    yield opened
    opened.close()


def locks(store: Store) -> list[str]:
    return list(store.read(lambda c: c.execute(text("SELECT lock FROM procrastinate_jobs ORDER BY id")).scalars()))


def head(store: Store) -> Delivery:
    return store.read(partial(inbox.waiting, lane="lane", limit=1))[0]


def take(store: Store, delivery: Delivery, life: str, *, is_same_try: bool = False, now: float = 5.0) -> None:
    store.write(partial(inbox.take, delivery=delivery, life=life, is_same_try=is_same_try, now=now))


def test_a_batch_defers_one_job_for_each_lane_that_has_new_work(store: Store) -> None:
    accept(store, *(ARRIVAL._replace(key=str(n), lane=f"lane {n % 2}") for n in range(6)))
    assert sorted(set(locks(store))) == ["lane 0", "lane 1"]


def test_what_is_ignored_or_known_defers_no_job(store: Store) -> None:
    accept(store, ARRIVAL._replace(state="ignored"))
    accept(store, ARRIVAL)
    assert locks(store) == []


def test_a_delivery_whose_job_cannot_be_deferred_is_not_stored(store: Store) -> None:
    store.write(lambda c: c.execute(text("ALTER TABLE procrastinate_jobs RENAME TO away")))
    with pytest.raises(SQLAlchemyError):
        accept(store, ARRIVAL)
    store.write(lambda c: c.execute(text("ALTER TABLE away RENAME TO procrastinate_jobs")))
    assert accept(store, ARRIVAL) == [Accepted.NEW]
    assert locks(store) == ["lane"]


def test_a_move_wakes_the_other_lane_in_the_same_transaction(store: Store) -> None:
    accept(store, ARRIVAL)

    def move_and_fail(connection: object) -> None:
        inbox.move(connection, head(store).id, lane="other")  # type: ignore[arg-type]
        store.defer(connection, "other")  # type: ignore[arg-type]
        raise KeyError

    with pytest.raises(KeyError):
        store.write(move_and_fail)
    assert locks(store) == ["lane"]


def test_a_lane_that_lost_its_job_gets_another_one(store: Store) -> None:
    accept(store, ARRIVAL, ARRIVAL._replace(key="k2", lane="other"))
    store.write(lambda c: c.execute(text("DELETE FROM procrastinate_jobs WHERE lock = 'lane'")))
    assert store.write(LaneJobs().adopt) == 1
    assert sorted(locks(store)) == ["lane", "other"]
    assert store.write(LaneJobs().adopt) == 0


def test_numbers_beyond_31_bits_are_kept(store: Store) -> None:
    store.write(lambda c: c.execute(text("ALTER SEQUENCE deliveries_id_seq RESTART WITH 5000000000")))
    accept(store, ARRIVAL)
    assert head(store).id == 5_000_000_000
    store.write(partial(outbox.write_journal, lane="lane", delivery_id=head(store).id, entry={}, now=1.0))


@pytest.mark.parametrize(
    ("came_in", "goes_into"),
    [("issue:7", "engagement"), ("issue:8", "issue:8"), (f"issue:{2**64 - 1}", f"issue:{2**64 - 1}"), ("lane", "lane")],
)
def test_what_belongs_to_an_engagement_that_another_replica_made_is_stored_in_its_lane(
    came_in: str, goes_into: str, store: Store
) -> None:
    store.write(lambda c: c.execute(text("INSERT INTO engagement_issues VALUES (7, 'engagement', 'scoping')")))
    accept(store, ARRIVAL._replace(lane=came_in), ARRIVAL._replace(key="k2", lane="other"))
    assert sorted(locks(store)) == sorted([goes_into, "other"])
    assert len(store.read(partial(inbox.waiting, lane=goes_into, limit=9))) == 1


def test_an_engagement_that_another_replica_made_is_found_and_then_known(store: Store) -> None:
    store.write(lambda c: c.execute(text("INSERT INTO engagement_issues VALUES (7, 'engagement', 'scoping')")))
    assert 7 not in store.issue_lanes
    assert store.lane_of(7) == "engagement"
    assert store.issue_lanes[7] == "engagement"
    assert store.lane_of(8) is None
    assert store.lane_of(2**64 - 1) is None, "no error, though it is no number of a database's"


def test_what_one_replica_parked_is_taken_back_when_the_other_has_done_what_came_next(
    store: Store, postgres_url: str
) -> None:
    body = b'{"object_kind": "issue", "object_attributes": {"iid": 1, "action": "update"}}'
    other = open_shared_store(postgres_url, LaneJobs(), readers=2)
    letters, others = (DeadLetters(each, each.read(inbox.parked_lanes)) for each in (store, other))
    accept(store, *(ARRIVAL._replace(key=key, body=body) for key in "12"))
    first, second = store.read(partial(inbox.waiting, lane="lane", limit=9))

    def end(connection: Connection, by: DeadLetters, delivery: Delivery, state: DeliveryState) -> bool:
        now = float(delivery.id)
        inbox.settle(connection, delivery.id, state=state, reason=None, now=now)
        return by.follow_up(connection, delivery, state=state, reason=None, now=now)

    assert store.write(partial(end, by=letters, delivery=first, state=DeliveryState.DEAD))
    assert other.write(partial(end, by=others, delivery=second, state=DeliveryState.DONE))
    other.close()


def test_a_delivery_is_taken_once_by_those_who_saw_it_at_the_same_time(store: Store) -> None:
    accept(store, ARRIVAL)
    seen = head(store)
    take(store, seen, "a:1")
    with pytest.raises(Overtaken):
        take(store, seen, "b:2")


def test_whoever_was_overtaken_can_write_nothing_more(store: Store) -> None:
    accept(store, ARRIVAL)
    take(store, head(store), "a:1")
    hold = partial(inbox.hold, delivery_id=head(store).id)
    store.write(partial(hold, life="a:1"))
    take(store, head(store), "b:2")
    with pytest.raises(Overtaken):
        store.write(partial(hold, life="a:1"))
    assert head(store).deaths == 2
    store.write(partial(hold, life="b:2"))
    store.write(partial(inbox.settle, delivery_id=head(store).id, state=DeliveryState.DONE, reason=None, now=1.0))


def test_what_an_overtaken_life_may_have_sent_is_in_doubt_from_that_moment_and_no_later(store: Store) -> None:
    accept(store, ARRIVAL)
    ident = head(store).id
    take(store, head(store), "a:1")
    store.write(partial(outbox.decide, delivery_id=ident, lane="lane", bodies=[("a", "say", "{}")], now=1.0))
    (action,) = store.read(partial(outbox.pending, delivery_id=ident))
    store.write(partial(outbox.sent, action_id=action.id, at=2.0))
    take(store, head(store), "b:2", now=50.0)
    assert store.read(partial(outbox.pending, delivery_id=ident))[0].sent_at == 50.0
    store.write(partial(inbox.rest, delivery_id=ident, due_at=65.0, reason="grace"))
    take(store, head(store), "c:3", now=65.0)
    assert store.read(partial(outbox.pending, delivery_id=ident))[0].sent_at == 50.0, (
        "a rest is the end of a life's work"
    )


def test_a_life_of_the_same_process_is_no_death(store: Store) -> None:
    accept(store, ARRIVAL)
    for number in range(5):
        take(store, head(store), f"a:{number}", is_same_try=number > 0)
    assert head(store).deaths == 1


def test_replicas_may_start_at_once(postgres_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_shared_store(postgres_url, LaneJobs(), readers=1), range(4)))
    assert [store.read(partial(inbox.listed, limit=1)) for store in opened] == [[]] * 4
    for store in opened:
        store.close()


def test_a_newer_schema_is_refused(postgres_url: str) -> None:
    open_shared_store(postgres_url, LaneJobs(), readers=1).close()
    with psycopg.connect(postgres_url) as raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(DatabaseFault, match="written by a newer psplan"):
        open_shared_store(postgres_url, LaneJobs(), readers=1)


def test_procrastinate_has_no_migration_that_our_databases_lack() -> None:
    names = sorted(path.name for path in migrations_path.glob("*.sql"))
    assert names[-1] == jobs.NEWEST_MIGRATION


def test_a_server_that_goes_away_is_no_acknowledgement_and_comes_back() -> None:
    with cluster() as server:
        store = open_shared_store(server.new_database(), LaneJobs(), readers=2)
        assert accept(store, ARRIVAL) == [Accepted.NEW]
        server.stop()
        for key in ("while away", "still away"):
            with pytest.raises(SQLAlchemyError):
                accept(store, *(ARRIVAL._replace(key=f"{key} {n}") for n in range(5)))
        with pytest.raises(SQLAlchemyError):
            store.probe()
        server.start()
        store.probe()
        assert accept(store, ARRIVAL, ARRIVAL._replace(key="while away 0")) == [Accepted.KNOWN, Accepted.NEW]
        store.close()


def test_a_server_that_is_not_there_stops_the_start_with_one_line() -> None:
    with pytest.raises(DatabaseFault) as fault:
        open_shared_store("postgresql://me:secret@127.0.0.1:1/x", LaneJobs(), readers=1)
    assert "\n" not in str(fault.value)
    assert "secret" not in str(fault.value)


@pytest.mark.parametrize("address", ["postgresql://me:pass/word@host/x", "postgresql://me:pass%word@host/x"])
def test_an_address_that_is_none_is_told_without_its_password(address: str) -> None:
    with pytest.raises(DatabaseFault, match="percent-encoded") as fault:
        conninfo(address)
    assert "pass" not in str(fault.value).replace("password", "")


def test_connections_have_their_limits_and_the_operators_words_win(postgres_url: str) -> None:
    with psycopg.connect(conninfo(postgres_url + "?options=-c%20lock_timeout%3D77&application_name=mine")) as raw:
        shown = [raw.execute(f"SHOW {name}".encode()).fetchone() for name in ("lock_timeout", "application_name")]
        assert shown == [("77ms",), ("mine",)]
        assert raw.execute("SHOW statement_timeout").fetchone() == ("20s",)


def test_record_keys_have_to_be_given(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"database_url": "postgresql://x/y", "webhook_tokens": ["w"], "project": "p", "gitlab_token": "t"}
    with pytest.raises(SettingsFault, match="^PSPLAN_RECORD_KEYS is missing"):
        load_settings(_env_file=None, gitlab_url="https://gitlab.example.com", **given)


def test_without_the_extra_one_line_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "procrastinate", None)
    with pytest.raises(DatabaseFault, match=r"pip install 'ps-plan-bot\[postgres\]'"):
        database.need_postgres()


def test_deliveries_are_listed_and_shown(
    store: Store, postgres_url: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(store, ARRIVAL)
    monkeypatch.setenv("PSPLAN_DATABASE_URL", postgres_url)
    assert main(["deliveries", "list"]) == 0
    assert main(["deliveries", "show", str(head(store).id)]) == 0
    assert "Issue Hook" in capsys.readouterr().out


def test_an_empty_database_is_told_from_one_that_is_ours(
    postgres: Cluster, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PSPLAN_DATABASE_URL", postgres.new_database())
    assert main(["deliveries", "list"]) == 1
    assert "has `psplan serve` run with it" in capsys.readouterr().err


def test_many_senders_at_once_keep_the_order_of_each(store: Store) -> None:
    async def send(number: int) -> None:
        for place in range(5):
            await store.accept(ARRIVAL._replace(key=f"{number}-{place}", lane=str(number), received_at=float(place)))

    async def all_at_once() -> None:
        await asyncio.gather(*(send(number) for number in range(50)))

    asyncio.run(all_at_once())
    for number in range(50):
        waiting = store.read(partial(inbox.waiting, lane=str(number), limit=10))
        assert [each.received_at for each in waiting] == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_a_database_is_looked_at_without_leaving_a_trace(postgres_url: str, store: Store) -> None:
    seen = examine(postgres_url)
    assert (seen.has_tables, seen.version, seen.fault) == (True, SCHEMA_VERSION, None)
    store.write(lambda c: c.execute(text("UPDATE alembic_version SET version_num = '9999'")))
    assert examine(postgres_url).version == "9999"


def test_a_database_that_is_empty_or_cannot_be_used_says_so(postgres: Cluster, postgres_url: str) -> None:
    assert (examine(postgres_url).has_tables, examine(postgres_url).fault) == (False, None)
    gone = examine(postgres_url.rsplit("/", 1)[0] + "/nobody")
    assert "nobody" in (gone.fault or "")
    assert "cannot be used" in (gone.fault or "")
    assert "no address of PostgreSQL" in (examine("postgresql://:x:/%%").fault or "")
