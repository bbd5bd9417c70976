"""What is killed: one process on SQLite, or two replicas on PostgreSQL behind a balancer."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import psycopg
from sqlalchemy import Connection, text

from app.store import inbox
from app.store.database import open_for_reading
from benchmarks.faults.balancer import balancer
from tests import postgres
from tests.harness import KEY, Process, environment, errand

STALL_LIMIT_S = 2.0
COMMAND_S = 600.0
BOTH = 0.2
"""So often the other replica dies too, before the first one is back."""


class Fleet(Protocol):
    """The running service, whatever it consists of."""

    @property
    def url(self) -> str:
        """Where it takes deliveries."""

    def kill(self, rng: random.Random) -> None:
        """kill -9 one process of it, and start it again."""

    def sweep(self) -> dict[str, Any]:
        """What `psplan sweep` finds."""

    def parked(self) -> Sequence[int]:
        """The dead letters, oldest first."""

    def replay(self, delivery: int) -> None:
        """Run one again."""

    def waiting(self) -> int:
        """How many deliveries wait."""


@dataclass
class OneProcess:
    """On a file."""

    process: Process
    folder: Path

    @property
    def url(self) -> str:
        """Where it listens."""
        return self.process.url

    def kill(self, rng: random.Random) -> None:  # noqa: ARG002
        """The only one."""
        self.process.kill()
        self.process.start()

    def sweep(self) -> dict[str, Any]:
        """Asked of the running one."""
        answer: dict[str, Any] = errand(self.folder, "sweep")["done"]
        return answer

    def replay(self, delivery: int) -> None:
        """Asked of the running one."""
        errand(self.folder, "replay", id=delivery)

    def parked(self) -> Sequence[int]:
        """Read beside it."""
        with self._reading() as connection:
            return [row.id for row in reversed(inbox.listed(connection, limit=100_000, state="dead"))]

    def waiting(self) -> int:
        """Read beside it."""
        with self._reading() as connection:
            return int(connection.execute(text("SELECT count(*) FROM deliveries WHERE state = 'waiting'")).scalar_one())

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        engine = open_for_reading(self.folder / "psplan.sqlite3")
        with engine.connect() as connection:
            yield connection
        engine.dispose()


@dataclass
class TwoReplicas:
    """On one PostgreSQL."""

    processes: Sequence[Process]
    url: str
    database: str

    def kill(self, rng: random.Random) -> None:
        """Either of them, or both."""
        one, other = rng.sample(list(self.processes), 2)
        one.kill()
        if rng.random() < BOTH:
            other.kill()
            other.start()
        one.start()

    def sweep(self) -> dict[str, Any]:
        """By the command, as a third replica for the time."""
        answer: dict[str, Any] = json.loads(self._command("sweep", "--json"))
        return answer

    def replay(self, delivery: int) -> None:
        """By the command."""
        self._command("deliveries", "replay", str(delivery))

    def parked(self) -> Sequence[int]:
        """Asked of the database."""
        return [row[0] for row in self._ask("SELECT id FROM deliveries WHERE state = 'dead' ORDER BY id")]

    def waiting(self) -> int:
        """Asked of the database."""
        return int(self._ask("SELECT count(*) FROM deliveries WHERE state = 'waiting'")[0][0])

    def _ask(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.database) as connection:
            return connection.execute(query.encode()).fetchall()

    def _command(self, *words: str) -> str:
        one = self.processes[0]
        env = {**{k: v for k, v in os.environ.items() if not k.startswith("PSPLAN_")}, **one.env}
        env["PYTHONPATH"] = str(Path(__file__).parents[2])
        done = subprocess.run(
            [sys.executable, "-m", "app", *words],
            cwd=one.folder, env=env, capture_output=True, text=True, timeout=COMMAND_S, check=False,
        )  # fmt: skip
        return done.stdout


@contextmanager
def one_process(folder: Path, gitlab_url: str) -> Iterator[OneProcess]:
    """Started; ended whatever happens."""
    process = Process(environment(folder, gitlab_url), folder)
    process.start()
    try:
        yield OneProcess(process, folder)
    finally:
        process.kill()


@contextmanager
def two_replicas(folder: Path, gitlab_url: str) -> Iterator[TwoReplicas]:
    """Started, with a private PostgreSQL that keeps its promises; ended whatever happens."""
    postgres.SETTINGS.update(fsync="on", full_page_writes="on")
    with postgres.cluster() as server:
        database = server.new_database()
        more = {
            "PSPLAN_DATABASE_URL": database,
            "PSPLAN_RECORD_KEYS": KEY,
            "PSPLAN_STALL_LIMIT_S": str(STALL_LIMIT_S),
        }
        processes = [Process(environment(folder, gitlab_url, **more), folder) for _ in range(2)]
        try:
            for process in processes:
                process.start()
            with balancer([process.url for process in processes]) as url:
                yield TwoReplicas(processes, url, database)
        finally:
            for process in processes:
                process.kill()
