"""The whole thing on loopback for a test: a sandbox GitLab, the real service, and a calculator that signs."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import IO, Any

import httpx
import yaml

from app.background import BackgroundServer
from app.clock import Clock, MovableClock, system_clock
from app.main import Service, create_app
from app.ports import Office
from app.sandbox.people import token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.settings import Settings, load_settings
from app.store import errands, inbox
from app.store.database import open_beside
from app.store.schema import DeliveryState
from app.submit import Receipt, follow, send
from tests.ports import free_port

KEY = "whsec_" + base64.b64encode(b"calculator" * 4).decode()
HOOK_TOKEN = "hook-token-of-the-tests"
PATIENCE_S = 30.0
ERRAND_PATIENCE_S = 300.0
"""A sweep over thousands of comments takes its time."""
METHODOLOGY = str(files("app.sandbox") / "demo-methodology.yaml")


def own_methodology(folder: Path, own: str) -> Path:
    """A file of the demo's methodology in which blocks of one's own (YAML) stand in place of the demo's."""
    path = folder / "methodology.yaml"
    content = {**yaml.safe_load(Path(METHODOLOGY).read_text()), **(yaml.safe_load(own) or {})}
    path.write_text(yaml.safe_dump(content, sort_keys=False))
    return path


new_database: Callable[[], str] | None = None
"""Makes a fresh PostgreSQL database where the stages of a test run are to use one; see tests/conftest.py."""


def submission(**changes: Any) -> dict[str, Any]:
    """A submission as the calculator sends it; a new one unless it is given an id."""
    base = {
        "submission_id": str(uuid.uuid4()),
        "customer_name": "Acme GmbH",
        "requester_gitlab_username": "alice",
        "requester_email": "alice@example.com",
        "sales_territory": "EMEA DACH",
        "services": ["migration_scm", "training"],
        "migration": {"sources": ["ghe"], "users": 775, "repos": 4321},
    }
    return {**base, **changes}


def environment(folder: Path, gitlab_url: str, **more: str) -> dict[str, str]:
    """What `psplan serve` needs in its environment."""
    shared = {}
    if new_database is not None:
        shared = {"PSPLAN_DATABASE_URL": new_database(), "PSPLAN_RECORD_KEYS": KEY, "PSPLAN_STALL_LIMIT_S": "1"}
    return {
        "PSPLAN_GITLAB_URL": gitlab_url,
        "PSPLAN_GITLAB_TOKEN": token_of("ps-bot"),
        "PSPLAN_GITLAB_LIMITS": "api=0",
        "PSPLAN_PROJECT": "ps/ps-plan",
        "PSPLAN_WEBHOOK_TOKENS": HOOK_TOKEN,
        "PSPLAN_CALCULATOR_KEYS": KEY,
        "PSPLAN_DATABASE_URL": f"sqlite:///{folder / 'psplan.sqlite3'}",
        "PSPLAN_METHODOLOGY": METHODOLOGY,
        "PSPLAN_GRACE_S": "0.3",
        "PSPLAN_LOG_FORMAT": "json",
        "PSPLAN_SWEEP_INTERVAL_S": "0",
        **shared,
        **more,
    }


def add_hook(world: World, service_url: str) -> None:
    """What `psplan setup` would register."""
    kinds = ("issues_events", "confidential_issues_events", "note_events", "confidential_note_events")
    on = dict.fromkeys(kinds, True)
    world.add_hook("root", f"{service_url}/webhooks/gitlab", token=HOOK_TOKEN, push_events=False, **on)


@dataclass
class Stage:
    """A running service beside its sandbox."""

    world: World
    url: str
    client: httpx.Client
    service: Service | None = field(default=None, kw_only=True)
    """Where it runs in this process: what it knows need not be asked for over HTTP."""

    def send(self, body: Mapping[str, Any]) -> Receipt:
        """Submit as the calculator does."""
        return send(self.client, self.url, json.dumps(body).encode(), KEY)

    def follow(self, receipt: Receipt, patience_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait for the end of a submission."""
        return follow(self.client, receipt, patience_s=patience_s, poll_s=0.01)

    def submit(self, body: Mapping[str, Any]) -> dict[str, Any]:
        """Submit and wait."""
        return self.follow(self.send(body))

    def writes(self) -> int:
        """How many writing requests GitLab has seen."""
        return sum(self.world.count(verb, ".") for verb in ("POST", "PUT", "DELETE"))

    def quiet(self) -> bool:
        """GitLab has delivered everything, and the bot has settled everything; also what came of that."""
        return until(
            lambda: self.world.deliveries_idle(PATIENCE_S) and self.waiting() == 0 and self.world.deliveries_idle(0)
        )

    def is_idle(self) -> bool:
        """The bot has settled everything that came in."""
        return until(lambda: self.waiting() == 0)

    def waiting(self) -> float:
        """How many deliveries wait; NaN, which equals nothing, while the database does not tell."""
        if self.service is None:
            return self.metric("psplan_deliveries_waiting")
        return self.service.store.read(partial(inbox.count, state=DeliveryState.WAITING))

    def metric(self, name: str) -> float:
        """One sample of /metrics."""
        for line in self.client.get(f"{self.url}/metrics").text.splitlines():
            if line.startswith(name + " "):
                return float(line.rsplit(" ", 1)[1])
        return 0.0


def errand(
    folder: Path, kind: str, *, now: float | None = None, between: Callable[[], None] = lambda: None, **words: Any
) -> dict[str, Any]:
    """Have the running service do something, as `psplan sweep` and `psplan deliveries replay` do; its answer.

    `between`: is called each time before it is asked whether there is an answer.
    """
    engine = open_beside(folder / "psplan.sqlite3")
    with engine.begin() as connection:
        number = errands.ask(connection, kind, words, now=time.time() if now is None else now)
    answers: list[dict[str, Any]] = []

    def is_answered() -> bool:
        between()
        with engine.connect() as connection:
            answers.extend(filter(None, [errands.answer_to(connection, number)]))
        return bool(answers)

    assert until(is_answered, patience_s=ERRAND_PATIENCE_S)
    engine.dispose()
    return answers[0]


def until(is_so: Callable[[], bool], patience_s: float = PATIENCE_S, *, every_s: float = 0.01) -> bool:
    """Whether it came to be so in time."""
    deadline = time.monotonic() + patience_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True


def settings_for(folder: Path, gitlab_url: str, **more: Any) -> Settings:
    """The same as `environment`, as values."""
    given: dict[str, Any] = {
        "gitlab_url": gitlab_url,
        "gitlab_token": token_of("ps-bot"),
        "gitlab_limits": "api=0",
        "project": "ps/ps-plan",
        "webhook_tokens": [HOOK_TOKEN],
        "calculator_keys": [KEY],
        "database_url": f"sqlite:///{folder / 'psplan.sqlite3'}",
        "methodology": Path(METHODOLOGY),
        "grace_s": 0.3,
        "sweep_interval_s": 0,
    }
    if new_database is not None:
        given |= {"database_url": new_database(), "record_keys": [KEY]}
    return load_settings(_env_file=None, **{**given, **more})


@contextmanager
def stage(
    folder: Path,
    world: World | None = None,
    *,
    clock: Clock = system_clock,
    office: Callable[[], Office | None] = lambda: None,
    **more: Any,
) -> Iterator[Stage]:
    """Service and sandbox in this process, over real HTTP. `clock`: the service's; the world has its own.

    `office`: none, so that it is the same on a machine that has one.
    """
    with SandboxServer(world or World(hook_delay_s=0.0)) as sandbox:
        settings = settings_for(folder, sandbox.url, **more)
        sleep = clock.sleep if isinstance(clock, MovableClock) else asyncio.sleep
        service = Service(settings, clock=clock, sleep=sleep, office=office)
        with BackgroundServer(create_app(settings, service=service)) as server, httpx.Client(timeout=10) as client:
            add_hook(sandbox.world, server.url)
            yield Stage(sandbox.world, server.url, client, service=service)


@dataclass
class Process:
    """`psplan serve` as a process of its own, to be killed and started again on the same database."""

    env: dict[str, str]
    folder: Path
    module: str = "app"
    url: str = ""
    running: subprocess.Popen[str] | None = None
    lives: int = field(default=0)
    said: deque[str] = field(default_factory=lambda: deque(maxlen=20_000))
    """The last lines of its log."""
    listening: threading.Thread | None = None

    def start(self) -> None:
        """Start it and wait until it listens."""
        port = self.url.rsplit(":", 1)[1] if self.url else str(free_port())
        command = [sys.executable, "-m", self.module, "serve", "--port", port]
        environment = {**{k: v for k, v in os.environ.items() if not k.startswith("PSPLAN_")}, **self.env}
        environment["PYTHONPATH"] = str(Path(__file__).parents[1])
        self.running = subprocess.Popen(
            command, cwd=self.folder, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        self.lives += 1
        assert self.running.stderr is not None
        seen: list[str] = []
        for line in self.running.stderr:
            seen.append(line)
            if line.startswith("Listening on "):
                self.url = line.split()[2]
                # a full pipe would hold the service up as soon as it has something to say
                self.listening = threading.Thread(target=_drain, args=(self.running.stderr, self.said), daemon=True)
                self.listening.start()
                return
        raise AssertionError("the service did not start: " + "".join(seen))

    def kill(self) -> None:
        """kill -9."""
        self._end(signal.SIGKILL)

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        return self._end(signal.SIGTERM)

    def _end(self, sign: signal.Signals) -> int:
        if self.running is None:
            return 0
        with suppress(ProcessLookupError):
            self.running.send_signal(sign)
        code = self.running.wait(timeout=40)
        assert self.running.stderr is not None
        self.running.stderr.close()
        self.running = None
        return code


def _drain(pipe: IO[str], said: deque[str]) -> None:
    with suppress(ValueError, OSError):  # closed under our hands, at the process' end
        said.extend(pipe)


def issues(world: World) -> list[tuple[int, str, tuple[str, ...], str]]:
    """The end state, as far as it must be the same whatever went wrong on the way."""
    found = []
    for iid in sorted(world.issues):
        issue = world.issues[iid]
        found.append((iid, issue.title, tuple(sorted(world.label_titles(issue))), issue.description or ""))
    return found


def end_state(world: World) -> dict[str, Any]:
    """Everything a person would see: issues, links, comments."""
    return {
        "issues": issues(world),
        "assignees": {iid: list(issue.assignee_ids) for iid, issue in sorted(world.issues.items())},
        "links": sorted(sorted((link.source_iid, link.target_iid)) for link in world.links.values()),
        # the record in a status note is signed with a key that each database has for itself, and the address of a file
        # has a part that nobody can guess
        "notes": [
            (note.issue_iid, re.sub(r"<!-- psplan-record .*? -->|(?<=/uploads/)[0-9a-f]{32}", "", note.body))
            for note in world.notes.values()
            if not note.system
        ],
    }


def spoken(world: World, iid: int | None = None) -> list[str]:
    """Every comment on an issue, or on all, but the status notes."""
    return [
        note.body
        for note in world.notes.values()
        if not note.system and iid in (None, note.issue_iid) and not note.body.startswith("<!-- psplan:status:")
    ]


def status_of(world: World, iid: int) -> str:
    """The one status note of an issue."""
    (note,) = [each.body for each in world.notes_of(iid) if each.body.startswith("<!-- psplan:status:")]
    return note
