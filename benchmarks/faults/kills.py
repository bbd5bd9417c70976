"""kill -9 at random moments under load: is anything lost, done twice, or done out of order?

The load: submissions whose sender repeats until it is answered, comments that each have to be answered once, and per
engagement a number that people count up by comments, whose last value must be what the issue says in the end. While the
service is dead GitLab's deliveries fail, and nobody sends them again: the sweep at the end has to find them.
"""

from __future__ import annotations

import json
import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from app.answer_table import answers_in
from app.failure import Failure
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.submit import send
from app.tell import Tell
from benchmarks.faults.fleet import Fleet, one_process, two_replicas
from benchmarks.faults.row import Row
from tests.harness import KEY, add_hook, submission, until

MOST_ENGAGEMENTS = 60
COMMENTS_A_LIFE = 4
SHORTEST_LIFE_S = 0.01
LONGEST_LIFE_S = 0.8
SETTLE_PATIENCE_S = 300.0
SWEEPS = 3
REST_EVERY = 25
"""Kills without a rest: else most of a thousand would find no more than a long queue of parked deliveries."""
SEND_EVERY_S = 0.05
REPLY = re.compile(r"<!-- psplan:reply:(\d+) -->")


@dataclass
class Load:
    """What was sent, and what must have come of it."""

    world: World
    rng: random.Random
    client: httpx.Client
    bodies: list[dict[str, Any]] = field(default_factory=list)
    accepted: set[str] = field(default_factory=set)
    asked: list[int] = field(default_factory=list)
    """Comments that have to be answered."""
    counted: dict[int, int] = field(default_factory=dict)
    """Intake issue → the last number that was counted."""

    def one_life(self, url: str, stop: threading.Event) -> None:
        """Send what was not accepted yet, and let people talk, until the service dies."""
        if len(self.bodies) < MOST_ENGAGEMENTS:
            self.bodies.append(submission())
        for _ in range(COMMENTS_A_LIFE):
            self._talk()
            self._send(url)
            if stop.wait(SEND_EVERY_S * self.rng.random()):
                return

    def finish(self, url: str) -> None:
        """Send until everything is accepted."""
        until(lambda: self._send(url), SETTLE_PATIENCE_S)

    def _send(self, url: str) -> bool:
        for body in self.bodies:
            if body["submission_id"] in self.accepted:
                continue
            with suppress(Failure, httpx.HTTPError):
                send(self.client, url, json.dumps(body).encode(), KEY)
                self.accepted.add(body["submission_id"])
        return len(self.accepted) == len(self.bodies)

    def _talk(self) -> None:
        intakes = [iid for iid, issue in self.world.issues.items() if "Project Scheduling Intake" in issue.title]
        if not intakes:
            return
        iid = self.rng.choice(intakes)
        number = self.counted[iid] = self.counted.get(iid, 0) + 1
        self.world.add_note("erin", iid, f"/ps intake po PO-{number}")
        note = self.world.add_note("alice", iid, "/ps nonsense").note
        assert note is not None
        self.asked.append(note.id)


def random_kills(kills: int, *, seed: int, tell: Tell) -> Row:
    """On SQLite, one process."""
    with _on_loopback() as (world, sandbox, folder, client), one_process(folder, sandbox.url) as fleet:
        return _killed(fleet, Load(world, random.Random(seed), client), kills, f"SQLite (seed {seed})", tell)


def random_kills_of_replicas(kills: int, *, seed: int, tell: Tell) -> Row:
    """On PostgreSQL, two replicas, one or both at a time."""
    with _on_loopback() as (world, sandbox, folder, client), two_replicas(folder, sandbox.url) as fleet:
        return _killed(fleet, Load(world, random.Random(seed), client), kills, f"two replicas (seed {seed})", tell)


@contextmanager
def _on_loopback() -> Iterator[tuple[World, SandboxServer, Path, httpx.Client]]:
    world = World(hook_delay_s=0.0)
    with tempfile.TemporaryDirectory() as name, SandboxServer(world) as sandbox, httpx.Client(timeout=2) as client:
        yield world, sandbox, Path(name), client


def _killed(fleet: Fleet, load: Load, kills: int, on_what: str, tell: Tell) -> Row:
    add_hook(load.world, fleet.url)
    for number in range(kills):
        tell("kill -9", number, kills)
        stop = threading.Event()
        talking = threading.Thread(target=load.one_life, args=(fleet.url, stop))
        talking.start()
        time.sleep(load.rng.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S))
        fleet.kill(load.rng)
        stop.set()
        talking.join()
        if number % REST_EVERY == REST_EVERY - 1:
            _settle(fleet)
    load.finish(fleet.url)
    _settle(fleet)
    missed = 0
    for _ in range(SWEEPS):
        found = fleet.sweep()
        missed += found["comments"] + found["changes"]
        _settle(fleet)
    parked = fleet.parked()
    for number, delivery in enumerate(parked):
        tell("replay", number, len(parked))
        fleet.replay(delivery)
    _settle(fleet)
    return _row(f"`kill -9` at random moments under load, {on_what}", kills, load, missed, len(parked))


def _settle(fleet: Fleet) -> None:
    until(lambda: fleet.waiting() == 0, SETTLE_PATIENCE_S)


def _row(what: str, kills: int, load: Load, missed: int, parked: int) -> Row:
    world = load.world
    titles = Counter(issue.title.partition(" - ")[2] for issue in world.issues.values())
    pairs = len(load.bodies)
    replies = Counter(int(m[1]) for note in world.notes.values() if (m := REPLY.match(note.body)))
    notes = Counter(n.issue_iid for n in world.notes.values() if n.body.startswith("<!-- psplan:status:"))
    lost = 2 * pairs - min(2 * pairs, sum(titles.values())) + sum(replies[each] == 0 for each in load.asked)
    doubled = max(0, sum(titles.values()) - 2 * pairs) + sum(replies[each] > 1 for each in load.asked)
    doubled += sum(count - 1 for count in notes.values())
    last = {iid: answers_in(world.issue(iid).description or "").get("po") for iid in load.counted}
    disordered = sum(last[iid] != f"PO-{number}" for iid, number in load.counted.items())
    outcome = (
        f"{pairs} submissions and {2 * len(load.asked)} comments, {missed} of them found by the sweep, "
        f"{parked} parked after three deaths in a row and run again: "
        f"lost {lost}, doubled {doubled}, out of order {disordered}"
    )
    return Row(what, str(kills), outcome, lost == doubled == disordered == 0)
