"""Two real replicas on one PostgreSQL: order, single execution, a death, a sleep, restarts under load."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from app.failure import Failure
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.submit import send
from tests.harness import HOOK_TOKEN, KEY, Process, add_hook, environment, issues, spoken, submission, until

STALL_LIMIT_S = 2.0
BUSY_MACHINE_S = 2.0
GITLABS_PATIENCE_S = 10.0


@dataclass
class Replicas:
    """As many as are started, their sandbox and their database."""

    world: World
    client: httpx.Client
    database: str
    folder: Path
    env: dict[str, str]
    held: ExitStack
    running: list[Process] = field(default_factory=list)

    def start(self, *, module: str = "app", **more: str) -> Process:
        process = Process({**self.env, **more}, self.folder, module=module)
        process.start()
        self.held.callback(process.kill)
        self.running.append(process)
        return process

    def send(self, process: Process, body: dict[str, Any]) -> None:
        send(self.client, process.url, json.dumps(body).encode(), KEY)

    def ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode()).fetchall()

    def is_done(self, patience_s: float = 30.0) -> bool:
        return until(lambda: self.ask("SELECT 1 FROM deliveries WHERE state = 'waiting' LIMIT 1") == [], patience_s)

    def slow(self, seconds: float, method: str = "*", times: int = 100_000) -> None:
        """GitLab takes its time."""
        self.world.faults.add(Fault(method, ".", FaultKind.PERFORM_THEN_HANG, seconds=seconds, times=times))

    def assert_in_order(self) -> None:
        """No lane had two deliveries at work at once, and none was overtaken."""
        rows = self.ask("SELECT lane, decided_at, settled_at FROM deliveries WHERE decided_at IS NOT NULL ORDER BY id")
        ended: dict[str, float] = {}
        for lane, decided_at, settled_at in rows:
            assert ended.get(lane, 0.0) <= decided_at, "decided before the one before it was settled"
            ended[lane] = settled_at

    def assert_done_once(self, wanted: list[dict[str, Any]]) -> None:
        """Two issues and two status notes for each submission, and nothing else."""
        assert self.ask("SELECT state, count(*) FROM deliveries WHERE source = 'calculator' GROUP BY state") == [
            ("done", len({each["submission_id"] for each in wanted}))
        ]
        titles = Counter(title for _, title, _, _ in issues(self.world))
        expected = Counter[str]()
        for each in wanted:
            expected[f"{each['customer_name']} - Scope Engagement and Write SOW"] += 1
            expected[f"{each['customer_name']} - Project Scheduling Intake"] += 1
        assert titles == expected
        notes = Counter(note.issue_iid for note in self.world.notes.values() if not note.system)
        assert set(notes.values()) == {1}
        assert len(self.world.links) == len(wanted)


@pytest.fixture
def replicas(tmp_path: Path, postgres_url: str) -> Iterator[Replicas]:
    with ExitStack() as held:
        sandbox = held.enter_context(SandboxServer(World(hook_delay_s=0.0)))
        client = held.enter_context(httpx.Client(timeout=10))
        more = {
            "PSPLAN_DATABASE_URL": postgres_url,
            "PSPLAN_RECORD_KEYS": KEY,
            "PSPLAN_STALL_LIMIT_S": str(STALL_LIMIT_S),
        }
        env = environment(tmp_path, sandbox.url, **more)
        yield Replicas(sandbox.world, client, postgres_url, tmp_path, env, held)


def ring(process: Process, *, iid: int) -> int:
    """GitLab tells of an issue; what it is answered."""
    body = {"object_kind": "issue", "user": {"id": 3, "username": "erin"}, "object_attributes": {"iid": iid}}
    headers = {"X-Gitlab-Token": HOOK_TOKEN, "X-Gitlab-Event": "Issue Hook"}
    answer = httpx.post(f"{process.url}/webhooks/gitlab", json=body, headers=headers, timeout=GITLABS_PATIENCE_S)
    return answer.status_code


def named(number: int) -> dict[str, Any]:
    return submission(customer_name=f"Customer {number}")


def test_an_engagement_is_worked_on_in_order_and_by_one_replica_at_a_time(replicas: Replicas) -> None:
    both = [replicas.start(), replicas.start()]
    replicas.slow(0.01)
    wanted = [named(number) for number in range(4)]
    for revision in range(4):
        for body in wanted:
            sent = {**body, "customer_name": f"{body['customer_name']} rev {revision}"}
            replicas.send(both[revision % 2], sent)
    assert replicas.is_done()
    replicas.assert_in_order()
    titles = [title for _, title, _, _ in issues(replicas.world)]
    assert len(titles) == 8
    assert all(" rev 3 - " in title for title in titles)
    lives = replicas.ask("SELECT count(DISTINCT split_part(life, ':', 1)) FROM deliveries WHERE life IS NOT NULL")
    assert lives in ([(1,)], [(2,)]), "who takes part is for the queue to say"
    assert until(lambda: replicas.ask("SELECT count(*) FROM procrastinate_jobs") == [(0,)]), "each job ends"


def test_what_one_replica_made_is_known_to_the_other_when_its_hook_rings_there(replicas: Replicas) -> None:
    first, second = replicas.start(), replicas.start()
    replicas.send(first, named(1))
    assert replicas.is_done()
    add_hook(replicas.world, second.url)
    replicas.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    assert until(lambda: "Intake::Needs-Info" in replicas.world.label_titles(replicas.world.issue(2)))
    assert replicas.is_done()
    lanes = {
        lane for (lane,) in replicas.ask("SELECT lane FROM deliveries WHERE source = 'gitlab' AND body IS NOT NULL")
    }
    assert not any(lane.startswith("issue:") for lane in lanes)


def test_a_dead_replicas_work_is_done_once_by_the_other_in_bounded_time(replicas: Replicas) -> None:
    doomed, other = replicas.start(), replicas.start()
    replicas.slow(0.05)
    wanted = [named(number) for number in range(20)]
    for place, body in enumerate(wanted):
        replicas.send((doomed, other)[place % 2], body)
    assert until(lambda: len(replicas.world.issues) >= 4)
    doomed.kill()
    died_at = time.monotonic()
    assert replicas.is_done()
    took_s = time.monotonic() - died_at
    replicas.assert_done_once(wanted)
    replicas.assert_in_order()
    assert took_s < STALL_LIMIT_S + 2 + 6 + BUSY_MACHINE_S, "stall limit, sweep, grace, and the work itself"


def test_the_work_of_a_dead_replica_goes_on_within_the_stall_limit_and_two_seconds(replicas: Replicas) -> None:
    doomed = replicas.start()
    replicas.slow(15.0, method="POST", times=1)  # longer than the other one takes to start
    body = named(1)
    replicas.send(doomed, body)
    assert until(lambda: len(replicas.world.issues) == 1)
    other = replicas.start()
    doomed.kill()
    died_at = time.monotonic()
    assert until(lambda: replicas.ask("SELECT deaths FROM deliveries WHERE source = 'calculator'") == [(2,)])
    assert time.monotonic() - died_at < STALL_LIMIT_S + 2 + BUSY_MACHINE_S
    assert replicas.is_done()
    assert other.running is not None
    replicas.assert_done_once([body])


@pytest.mark.parametrize("ahead_s", ["600", "-600"])
def test_what_waits_is_done_in_time_though_the_clocks_of_the_replicas_differ(ahead_s: str, replicas: Replicas) -> None:
    first = replicas.start(module="tests.crash.mortal", MORTAL_AHEAD_S=ahead_s)
    replicas.world.faults.add(Fault("POST", r"/issues$", FaultKind.STATUS, status=502, times=1))
    body = named(1)
    replicas.send(first, body)
    assert until(lambda: replicas.ask("SELECT attempts FROM deliveries WHERE source = 'calculator'") == [(1,)])
    first.kill()
    replicas.start()
    assert replicas.is_done(patience_s=20.0)
    replicas.assert_done_once([body])


def test_a_replica_that_sleeps_past_the_stall_limit_doubles_nothing_when_it_wakes(replicas: Replicas) -> None:
    sleeper = replicas.start()
    replicas.slow(0.3, method="POST", times=1)
    body = named(1)
    replicas.send(sleeper, body)
    assert until(lambda: len(replicas.world.issues) == 1)
    assert sleeper.running is not None
    os.kill(sleeper.running.pid, signal.SIGSTOP)  # in the middle of its first write, whose answer is under way
    other = replicas.start()
    assert replicas.is_done(), "the other one takes over"
    writes = len(replicas.world.requests)
    os.kill(sleeper.running.pid, signal.SIGCONT)
    time.sleep(1.0)
    assert len(replicas.world.requests) == writes, "it found out by itself, and sent nothing more"
    replicas.assert_done_once([body])
    more = named(2)
    replicas.send(sleeper, more)
    assert replicas.is_done()
    replicas.assert_done_once([body, more])
    assert other.stop() == 0
    last = named(3)
    replicas.send(sleeper, last)
    assert replicas.is_done(), "awake again, it takes part as before"
    replicas.assert_done_once([body, more, last])


def test_a_delivery_that_takes_down_one_replica_after_the_other_is_parked(replicas: Replicas) -> None:
    poison = named(1)
    deadly = {"MORTAL_DIE_ON": "before POST issue"}
    for _ in range(3):
        victim = Process({**replicas.env, **deadly}, replicas.folder, module="tests.crash.mortal")
        victim.start()
        if replicas.ask("SELECT 1 FROM deliveries") == []:
            with suppress(Failure, httpx.HTTPError):  # it may have answered before it died
                replicas.send(victim, poison)
        assert victim.running is not None
        victim.running.wait(timeout=20)
        victim.kill()
    survivor = replicas.start()
    good = named(2)
    replicas.send(survivor, good)
    assert replicas.is_done()
    parked = replicas.ask("SELECT reason FROM deliveries WHERE state = 'dead'")
    assert parked == [("the process died 3 times while working on it",)]
    assert len(replicas.world.issues) == 2, "the good one's"


def test_a_rolling_restart_under_load_loses_nothing(replicas: Replicas) -> None:
    both = [replicas.start(), replicas.start()]
    replicas.slow(0.02)
    wanted: list[dict[str, Any]] = []
    ended = threading.Event()

    def keep_sending() -> None:
        with httpx.Client(timeout=10) as client:
            while not ended.is_set():
                body = named(len(wanted))
                wanted.append(body)
                place = len(wanted)
                while True:  # a balancer: whoever answers
                    place += 1
                    try:
                        send(client, both[place % 2].url, json.dumps(body).encode(), KEY)
                        break
                    except (Failure, httpx.HTTPError):
                        time.sleep(0.02)
                time.sleep(0.05)

    sender = threading.Thread(target=keep_sending)
    sender.start()
    try:
        for process in both:
            time.sleep(0.5)
            assert process.stop() == 0
            process.start()
    finally:
        ended.set()
        sender.join()
    assert replicas.is_done()
    replicas.assert_done_once(wanted)
    replicas.assert_in_order()
    assert spoken(replicas.world) == []


def test_a_database_that_goes_away_stops_nothing_for_good(tmp_path: Path) -> None:
    from tests.postgres import cluster

    with cluster() as server, SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        database = server.new_database()
        more = {"PSPLAN_DATABASE_URL": database, "PSPLAN_RECORD_KEYS": KEY, "PSPLAN_STALL_LIMIT_S": "2"}
        process = Process(environment(tmp_path, sandbox.url, **more), tmp_path)
        process.start()
        try:
            first, second = json.dumps(named(1)).encode(), json.dumps(named(2)).encode()
            send(client, process.url, first, KEY)
            assert until(lambda: len(sandbox.world.links) == 1)
            server.stop()
            assert client.get(f"{process.url}/readyz").status_code == 503
            bearer = {"Authorization": f"Bearer {KEY}"}
            answer = client.post(f"{process.url}/webhooks/calculator", json=json.loads(second), headers=bearer)
            assert answer.status_code == 503
            assert ring(process, iid=99) == 503
            server.start()
            assert until(lambda: client.get(f"{process.url}/readyz").status_code == 200)
            send(client, process.url, second, KEY)
            assert until(lambda: len(sandbox.world.links) == 2)
            assert process.stop() == 0
        finally:
            process.kill()


def test_a_database_that_hangs_keeps_no_sender_waiting_and_nothing_else(tmp_path: Path) -> None:
    from tests.postgres import cluster

    with cluster() as server, SandboxServer(World(hook_delay_s=0.0)) as sandbox, ThreadPoolExecutor() as senders:
        more = {"PSPLAN_DATABASE_URL": server.new_database(), "PSPLAN_RECORD_KEYS": KEY}
        process = Process(environment(tmp_path, sandbox.url, **more), tmp_path)
        process.start()
        try:
            with server.hung():
                rung = [senders.submit(ring, process, iid=iid) for iid in (98, 99)]
                while not all(each.done() for each in rung):
                    assert httpx.get(f"{process.url}/healthz", timeout=BUSY_MACHINE_S).status_code == 200
                    time.sleep(0.2)
            assert [each.result() for each in rung] == [503, 503]
            assert until(lambda: httpx.get(f"{process.url}/readyz", timeout=30).status_code == 200)
            assert ring(process, iid=98) == 202
        finally:
            process.kill()
