"""Who takes part, how each is told of a comment, and how it is started: one process each, on a store of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from app.sandbox.people import token_of
from benchmarks import contestants
from benchmarks.bare import TOKEN
from benchmarks.contestants import KEY, Contestant
from benchmarks.peers import installs
from benchmarks.peers.forge import BOT
from benchmarks.peers.telling import Telling, github, gitlab

SILENCE_S = 4
"""After so long without a sign a worker is taken for dead, where the store is shared."""
BOTS = "benchmarks.peers.bots"
HEALTH = "/health"
PACKAGES = {
    "gidgetlab": "gidgetlab",
    "gidgethub": "gidgethub",
    "probot": "Probot",
    "fastapi": "FastAPI",
    "dbos": "DBOS",
    "procrastinate": "procrastinate",
}
"""Package → what people call it."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What a contestant is given: the forge, a folder, and a fresh PostgreSQL database where it wants one."""

    forge: str
    folder: Path
    database: str | None


Start = Callable[[Ground], AbstractContextManager[Contestant]]


@dataclass(frozen=True, slots=True)
class Peer:
    """A contestant; `answers`: what it has done by the time it answers; `demand`: Missing where it cannot take part."""

    name: str
    answers: str
    tell: Telling
    start: Start
    demand: Callable[[], object]
    is_on_postgres: bool = False

    def lack(self) -> str | None:
        """Why it cannot take part on this machine."""
        try:
            self.demand()
            if self.is_on_postgres:
                installs.demand_postgres()
        except installs.Missing as reason:
            return str(reason)
        return None


def lineup() -> list[Peer]:
    """All of them."""
    webhooks, ours = gitlab("/webhooks"), gitlab("/webhooks/gitlab")
    stored, worked = "stored", "the work itself"
    names = {each: installs.versioned(name, each) for each, name in PACKAGES.items()}
    tutorial, dbos, job = (partial(_served, app=app) for app in ("tutorial", "dbos_workflow", "procrastinate_job"))
    gidgetlab, bedevere = (partial(_module, name=name) for name in ("gidgetlab_bot", "bedevere_shape"))
    python = installs.python
    return [
        Peer("PS Plan Bot, SQLite", stored, ours, _psplan, lambda: None),
        Peer("PS Plan Bot, PostgreSQL", stored, ours, _psplan, lambda: None, is_on_postgres=True),
        Peer(names["gidgetlab"], worked, gitlab("/"), gidgetlab, python),
        Peer(f"{names['gidgethub']}, as bedevere", worked, github("/"), bedevere, python),
        Peer(names["probot"], worked, github("/api/github/webhooks"), _probot, installs.probot),
        Peer(f"{names['fastapi']}, BackgroundTasks", "nothing", webhooks, tutorial, python),
        Peer(f"{names['dbos']}, SQLite", stored, webhooks, dbos, python),
        Peer(f"{names['dbos']}, PostgreSQL", stored, webhooks, dbos, python, is_on_postgres=True),
        Peer(f"{names['procrastinate']}, PostgreSQL", stored, webhooks, job, python, is_on_postgres=True),
    ]


@contextmanager
def _psplan(ground: Ground) -> Iterator[Contestant]:
    more = {} if ground.database is None else {"PSPLAN_DATABASE_URL": ground.database, "PSPLAN_RECORD_KEYS": KEY}
    wishes = {
        # the sweep would answer every comment that is there before anybody told of it
        "PSPLAN_SWEEP_INTERVAL_S": "0",
        "PSPLAN_GRACE_S": "1",
        "PSPLAN_STALL_LIMIT_S": str(SILENCE_S),
    }
    with contestants.psplan(ground.folder, ground.forge, **wishes, **more) as running:
        yield running


@contextmanager
def _served(ground: Ground, app: str) -> Iterator[Contestant]:
    port = contestants.free_port()
    words = contestants.uvicorn(installs.python(), f"{BOTS}.{app}:app", port)
    with contestants.running(words, port, HEALTH, _environment(ground, port)) as running:
        yield running


@contextmanager
def _module(ground: Ground, name: str) -> Iterator[Contestant]:
    port = contestants.free_port()
    words = [installs.python(), "-m", f"{BOTS}.{name}"]
    with contestants.running(words, port, HEALTH, _environment(ground, port)) as running:
        yield running


@contextmanager
def _probot(ground: Ground) -> Iterator[Contestant]:
    port = contestants.free_port()
    with contestants.running(installs.probot(), port, HEALTH, _environment(ground, port)) as running:
        yield running


def _environment(ground: Ground, port: int) -> dict[str, str]:
    return {
        "PEER_PORT": str(port),
        "PEER_FORGE": ground.forge,
        "PEER_SECRET": TOKEN,
        "PEER_TOKEN": token_of(BOT),
        "PEER_DATABASE": ground.database or f"sqlite:///{ground.folder / 'peer.sqlite3'}",
        "PEER_SILENCE_S": str(SILENCE_S),
    }
