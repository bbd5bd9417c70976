"""`python -m benchmarks.replicas`: one replica against two on one PostgreSQL, and how fast it takes deliveries in.

A private cluster with fsync on, a sandbox GitLab that takes its time for each call, and the load: all on this machine,
over loopback. Few workers for each replica, so that the waits for GitLab are what is shared out, not the cores; with
calls of 20 ms the cores are what runs out all the same, and GitLab.com takes rather 100 ms and more for a write.
"""

from __future__ import annotations

import argparse
import json
import os
import socket
import statistics
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from benchmarks.bare import TOKEN
from benchmarks.contestants import KEY, ROOT, Contestant, bare, psplan
from benchmarks.load import closed_loop, requests_for
from benchmarks.rounds import counted
from tests import postgres

FAST_CALL_S = 0.02
CALLS_S = (FAST_CALL_S, 0.1)
PATIENCE_S = 120.0
CONNECTIONS = (1, 16, 64)


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.replicas")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--submissions", type=int, default=80)
    parser.add_argument("--workers", type=int, default=2, help="of each replica")
    parser.add_argument("--seconds", type=float, default=3.0, help="of each closed loop")
    wishes = parser.parse_args()
    print(f"{os.cpu_count()} CPUs, load average before: {os.getloadavg()[0]:.2f}\n")
    postgres.SETTINGS.update(fsync="on", full_page_writes="on")
    with postgres.cluster() as server:
        for call_s in CALLS_S:
            scaling(server, wishes.rounds, wishes.submissions, wishes.workers, call_s)
        accepting(server, wishes.rounds, wishes.seconds)


def scaling(server: postgres.Cluster, rounds: int, submissions: int, workers: int, call_s: float) -> None:
    """The same burst for one replica and for two."""
    rates: dict[int, list[float]] = {1: [], 2: []}
    for number in counted(rounds, f"bursts at {call_s * 1000:.0f} ms"):
        for count in (1, 2) if number % 2 == 0 else (2, 1):
            rates[count].append(submissions / burst(server, count, submissions, workers, call_s))
    ratio = statistics.median(two / one for one, two in zip(rates[1], rates[2], strict=True))
    print(
        f"{submissions} submissions at once, five writes of {call_s * 1000:.0f} ms each, {workers} workers a replica\n"
    )
    print("| replicas | submissions/s | of what the waits alone would allow |")
    print("| --- | --- | --- |")
    for count, found in rates.items():
        rate = statistics.median(found)
        print(f"| {count} | {rate:.1f} | {rate * 5 * call_s / (workers * count):.0%} |")
    print(f"\nTwo replicas do {ratio:.2f} times the work of one (median of {rounds} rounds).\n")


def burst(server: postgres.Cluster, count: int, submissions: int, workers: int, call_s: float) -> float:
    """Seconds from the first arrival to the last settled delivery."""
    with ExitStack() as held:
        sandbox = held.enter_context(SandboxServer(World(hook_delay_s=0.0)))
        sandbox.world.faults.add(Fault("*", ".", FaultKind.PERFORM_THEN_HANG, seconds=call_s, times=10**9))
        database = server.new_database()
        replicas = [held.enter_context(_replica(database, sandbox.url, workers)) for _ in range(count)]
        bodies = [
            requests_for("/webhooks/calculator", _submission(), {"Authorization": f"Bearer {KEY}"})()
            for _ in range(submissions)
        ]
        time.sleep(1.0)
        began = time.monotonic()
        for place, request in enumerate(bodies):
            _post(replicas[place % count].port, request)
        with psycopg.connect(database, autocommit=True) as connection:
            while connection.execute("SELECT 1 FROM deliveries WHERE state = 'waiting' LIMIT 1").fetchone():
                if time.monotonic() - began > PATIENCE_S:
                    raise RuntimeError("the work did not come to its end")
                time.sleep(0.02)
            took_s = time.monotonic() - began
            done = connection.execute("SELECT count(*) FROM deliveries WHERE state = 'done'").fetchone()
        if done != (submissions,) or len(sandbox.world.issues) != 2 * submissions:
            raise RuntimeError(f"{done} done, {len(sandbox.world.issues)} issues of {2 * submissions}")
        return took_s


def accepting(server: postgres.Cluster, rounds: int, seconds: float) -> None:
    """Durable 202s per second, each with its job, beside a FastAPI app that stores nothing."""
    body = (ROOT / "benchmarks" / "delivery.json").read_bytes()
    make = requests_for("/webhooks/gitlab", body, {"X-Gitlab-Token": TOKEN, "X-Gitlab-Event": "Note Hook"})
    found: dict[tuple[str, int], list[float]] = {}
    late: dict[int, list[float]] = {}
    for _ in counted(rounds, "taking in"):
        with (
            SandboxServer(World(hook_delay_s=0.0)) as sandbox,
            bare() as control,
            _replica(server.new_database(), sandbox.url, 2) as ours,
        ):
            for connections in CONNECTIONS:
                for name, who in (("bare", control), ("psplan", ours)):
                    closed_loop(who.port, make, connections=connections, seconds=0.5)
                    load = closed_loop(who.port, make, connections=connections, seconds=seconds)
                    found.setdefault((name, connections), []).append(load.per_second)
                    if load.refused:
                        raise RuntimeError(f"{load.refused} refused")
                late.setdefault(connections, []).append(load.p99_ms)
    print(f"Deliveries taken in, {len(body):,} bytes each, with their jobs, fsync on, medians of {rounds} rounds\n")
    print("| connections | bare FastAPI, nothing stored: /s | psplan on PostgreSQL: /s | share | p99 ms |")
    print("| --- | --- | --- | --- | --- |")
    for connections in CONNECTIONS:
        control_rates, ours_rates = found["bare", connections], found["psplan", connections]
        share = statistics.median(o / c for c, o in zip(control_rates, ours_rates, strict=True))
        print(
            f"| {connections} | {statistics.median(control_rates):,.0f} | {statistics.median(ours_rates):,.0f} |"
            f" {share:.0%} | {statistics.median(late[connections]):.1f} |"
        )


@contextmanager
def _replica(database: str, gitlab_url: str, workers: int) -> Iterator[Contestant]:
    more = {"PSPLAN_DATABASE_URL": database, "PSPLAN_RECORD_KEYS": KEY, "PSPLAN_WORKERS": str(workers)}
    with TemporaryDirectory() as folder, psplan(Path(folder), gitlab_url, **more) as replica:
        yield replica


def _submission() -> bytes:
    sample = json.loads((ROOT / "app" / "sandbox" / "demo-submission.json").read_text())
    return json.dumps({**sample, "submission_id": str(uuid.uuid4())}).encode()


def _post(port: int, request: bytes) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as opened:
        opened.sendall(request)
        if b" 202 " not in opened.recv(4096)[:20]:
            raise RuntimeError("a submission was refused")


if __name__ == "__main__":
    main()
