"""A sandbox GitLab and the service as a process of its own, and how it is told what came of what was sent.

Every row that needs no more than this builds on it: submissions that differ in their customer's name, so that each
issue, link and status note can be told from all others, and the whole of what people see, as things to be counted.
"""

from __future__ import annotations

import json
import sqlite3
import tempfile
import time
import uuid
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from app.sandbox.faults import Request
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import HOOK_TOKEN, KEY, Process, Stage, add_hook, end_state, environment, submission, until

BOT = "ps-bot"
TITLES = ("Scope Engagement and Write SOW", "Project Scheduling Intake")
WRITING = ("POST", "PUT", "DELETE")
SENDERS = 8
TIMEOUT_S = 90.0
DELIVERY = (Path(__file__).parents[1] / "delivery.json").read_bytes()
"""A person's comment."""


@dataclass
class Scene(Stage):
    """A stage whose service is a process; `process` can be stopped, started and looked into."""

    process: Process
    sandbox: SandboxServer
    folder: Path
    longest_answer_s: float = 0.0
    """Of those to `offer` and `deliver`."""

    def offer(self, body: dict[str, Any]) -> int:
        """Post a submission by bearer, as a sender whose clock nobody asks for; the status."""
        return self._post("calculator", json.dumps(body).encode(), {"Authorization": f"Bearer {KEY}"})

    def deliver(self, count: int, *, senders: int = SENDERS) -> dict[str, int]:
        """So many deliveries of GitLab's, some at a time; each one's key and the status that it was answered."""
        keys = [str(uuid.uuid4()) for _ in range(count)]

        def post(key: str) -> int:
            return self._post("gitlab", DELIVERY, {"X-Gitlab-Token": HOOK_TOKEN, "Idempotency-Key": key})

        with ThreadPoolExecutor(senders) as pool:
            return dict(zip(keys, pool.map(post, keys), strict=True))

    def _post(self, door: str, body: bytes, headers: dict[str, str]) -> int:
        began = time.monotonic()
        headers = {"Content-Type": "application/json", **headers}
        answer = self.client.post(f"{self.url}/webhooks/{door}", content=body, headers=headers)
        self.longest_answer_s = max(self.longest_answer_s, time.monotonic() - began)
        return answer.status_code

    def not_there(self, answers: Mapping[str, int]) -> int:
        """How many of these were acknowledged, and are not in the database."""
        with closing(sqlite3.connect(self.folder / "psplan.sqlite3")) as database:
            there = {row[0] for row in database.execute("SELECT key FROM deliveries")}
        return len({key for key, answer in answers.items() if answer == 202} - there)

    def is_settled(self, patience_s: float) -> bool:
        """Whether nothing waits any more in that time."""
        return until(lambda: self.world.deliveries_idle(0.0) and self.waiting() == 0, patience_s)

    def said(self, words: str) -> int:
        """How many lines of the log have these words."""
        return sum(words in line for line in list(self.process.said))

    def calls(self, outcome: str | None = None) -> int:
        """Requests to GitLab as the service counts them, all or those of one outcome."""
        lines = self.client.get(f"{self.url}/metrics").text.splitlines()
        counted = [each for each in lines if each.startswith("psplan_vendor_calls_total{")]
        return sum(int(float(each.rsplit(" ", 1)[1])) for each in counted if outcome is None or f'"{outcome}"' in each)


@contextmanager
def scene(world: World, *, surroundings: Mapping[str, str] = {}, **settings: str) -> Iterator[Scene]:
    """Started, and ended whatever happens. `settings`: as in the environment, without the prefix."""
    with (
        tempfile.TemporaryDirectory() as name,
        SandboxServer(world) as sandbox,
        httpx.Client(timeout=TIMEOUT_S) as client,
    ):
        folder = Path(name)
        more = {f"PSPLAN_{setting.upper()}": value for setting, value in settings.items()}
        process = Process({**environment(folder, sandbox.url, **more), **surroundings}, folder)
        process.start()
        add_hook(world, process.url)
        try:
            yield Scene(world, process.url, client, process, sandbox, folder)
        finally:
            process.kill()


def submissions(count: int) -> list[dict[str, Any]]:
    """So many, of customers with names of their own."""
    return [submission(customer_name=f"Customer {number:03} AG") for number in range(1, count + 1)]


@dataclass(frozen=True, slots=True)
class Tally:
    """What is there less often than it should be, and more often."""

    lost: int
    doubled: int

    def __str__(self) -> str:
        return f"lost {self.lost}, doubled {self.doubled}"

    @property
    def is_good(self) -> bool:
        """Everything is there once."""
        return self.lost == self.doubled == 0


def tally(world: World, bodies: Sequence[dict[str, Any]]) -> Tally:
    """Of every submission two issues, their link, and a status note on each."""
    titles = {iid: issue.title for iid, issue in world.issues.items()}
    found: Counter[str] = Counter(titles.values())
    found.update(f"link of {titles[link.source_iid]}" for link in world.links.values())
    found.update(
        f"note on {titles[note.issue_iid]}"
        for note in world.notes.values()
        if note.body.startswith("<!-- psplan:status:")
    )
    wanted: Counter[str] = Counter()
    for body in bodies:
        scoping, intake = (
            f"{body['customer_name']} - {kind}"
            for kind in ("Scope Engagement and Write SOW", "Project Scheduling Intake")
        )
        wanted.update([scoping, intake, f"link of {scoping}", f"note on {scoping}", f"note on {intake}"])
    return difference(wanted, found)


def difference(wanted: Counter[str], found: Counter[str]) -> Tally:
    """What is lacking, and what is there beyond that."""
    return Tally((wanted - found).total(), (found - wanted).total())


def visible(world: World) -> Counter[str]:
    """Everything that a person sees, each thing by its whole content."""
    seen: Counter[str] = Counter()
    for kind, things in end_state(world).items():
        seen.update(f"{kind} {each}" for each in (things.items() if isinstance(things, dict) else things))
    seen.update(f"reaction {award.note_id} {award.name}" for award in world.awards.values())
    return seen


def writes(world: World) -> list[Request]:
    """The bot's writing requests, in their order."""
    with world.lock:
        return [each for each in world.requests if each.user == BOT and each.method in WRITING]
