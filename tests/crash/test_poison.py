"""A delivery that takes the process down with it is parked after three deaths, and holds up nobody else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

import httpx
import pytest

from app.failure import Failure
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.store import inbox
from app.store.database import open_for_reading
from tests.harness import KEY, Process, Stage, add_hook, environment, errand, spoken, submission, until

MOST_LIVES: Final = 12
POISONED: Final = "```psplan-submission\ncustomer_name: Poison GmbH\nservices: [readiness]\n```"


@contextmanager
def deadly(folder: Path, word: str) -> Iterator[tuple[Stage, Process]]:
    """A service that dies of every decision on that word, and of which an engagement is known; it sweeps by itself."""
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        more = {"MORTAL_DIE_OF": word, "PSPLAN_SWEEP_INTERVAL_S": "1"}
        process = Process(environment(folder, sandbox.url, **more), folder, module="tests.crash.mortal")
        process.start()
        on = Stage(sandbox.world, process.url, client)
        try:
            assert on.submit(submission())["state"] == "done"
            assert on.quiet()
            yield on, process
        finally:
            process.kill()


def deaths_until_parked(process: Process, folder: Path) -> int:
    """Start it again as often as it dies, until something is a dead letter."""
    died = 0
    while not dead_letters(folder):
        assert process.running is not None
        with suppress(subprocess.TimeoutExpired):
            process.running.wait(timeout=0.3)
            died += 1
            assert died < MOST_LIVES
            process.kill()
            with suppress(AssertionError):  # it may die again before it listens
                process.start()
    return died


def dead_letters(folder: Path) -> list[str | None]:
    engine = open_for_reading(folder / "psplan.sqlite3")
    with engine.connect() as connection:
        reasons = [row.reason for row in inbox.listed(connection, limit=9, state="dead")]
    engine.dispose()
    return reasons


@pytest.mark.timeout(120)
def test_a_missed_comment_that_is_deadly_to_decide_on_is_parked_and_the_next_one_is_carried_out(tmp_path: Path) -> None:
    with deadly(tmp_path, "POISON") as (on, process):
        on.world.add_note("erin", 1, "/ps answer users_current POISON")
        on.world.add_note("erin", 1, "/ps next")
        assert deaths_until_parked(process, tmp_path) == 4, "one in the sweep, and three that are counted"
        assert dead_letters(tmp_path) == ["the process died 3 times while working on it"]
        assert on.quiet()
        assert "proposal::Awaiting_Discovery" in on.world.label_titles(on.world.issue(1))


@pytest.mark.timeout(120)
@pytest.mark.parametrize("is_told", [True, False], ids=["told by a webhook", "found by the sweep"])
def test_an_issue_that_was_parked_for_its_deaths_is_decided_on_by_no_sweep(is_told: bool, tmp_path: Path) -> None:
    with deadly(tmp_path, "Poison") as (on, process):
        if is_told:
            add_hook(on.world, process.url)
        on.world.create_issue("alice", title="Please scope this", description=POISONED)
        assert deaths_until_parked(process, tmp_path) == (3 if is_told else 4)
        on.world.add_note("alice", 3, "Is anybody there?")
        for _ in range(2):
            assert errand(tmp_path, "sweep")["done"]["troubles"] == []
        assert process.running is not None
        assert process.running.poll() is None
        assert dead_letters(tmp_path) == ["the process died 3 times while working on it"]


def test_after_three_deaths_a_delivery_is_parked_with_its_reason(tmp_path: Path) -> None:
    poison = submission()
    with SandboxServer(World()) as sandbox, httpx.Client(timeout=10) as client:
        deadly = {"MORTAL_DIE_ON": "before POST issue"}
        process = Process(environment(tmp_path, sandbox.url, **deadly), tmp_path, module="tests.crash.mortal")
        process.start()
        stage = Stage(sandbox.world, process.url, client)
        with suppress(Failure, httpx.HTTPError):
            stage.send(poison)
        for _ in range(3):
            assert process.running is not None
            process.running.wait(timeout=20)
            process.kill()
            process.start()
        known = f"{process.url}/submissions/{poison['submission_id']}"
        bearer = {"Authorization": f"Bearer {KEY}"}
        assert until(lambda: client.get(known, headers=bearer).json()["state"] == "failed")
        assert "died 3 times" in client.get(known, headers=bearer).json()["message"]
        assert len(sandbox.world.issues) == 0
        process.kill()
        process.env.pop("MORTAL_DIE_ON")
        process.start()
        assert stage.submit(submission())["state"] == "done"
        process.stop()


@pytest.mark.parametrize(
    ("database", "ahead_s"), [("sqlite", 0), ("sqlite", 3600), ("postgresql", 0), ("postgresql", 3600)]
)
def test_what_kills_while_it_is_decided_kills_three_times_whatever_the_clock_is_set_to_and_is_told(
    database: str, ahead_s: int, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    more = {"MORTAL_DIE_OF": "poison", "MORTAL_AHEAD_S": str(ahead_s), "PSPLAN_STALL_LIMIT_S": "2"}
    if database == "postgresql":
        more["PSPLAN_DATABASE_URL"] = request.getfixturevalue("postgres_url")
        more["PSPLAN_RECORD_KEYS"] = KEY
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        process = Process(environment(tmp_path, sandbox.url, **more), tmp_path, module="tests.crash.mortal")
        process.start()
        add_hook(sandbox.world, process.url)
        assert Stage(sandbox.world, process.url, client).submit(submission())["state"] == "done"
        sandbox.world.add_note("erin", 1, "/ps answer scope poison")
        for _ in range(3):
            assert process.running is not None
            process.running.wait(timeout=20)
            process.kill()
            process.env.pop("MORTAL_AHEAD_S", None)  # and then somebody set it right
            with suppress(AssertionError):  # it may die again before it listens
                process.start()
        assert until(lambda: any("died 3 times" in words for words in spoken(sandbox.world)))
        assert Stage(sandbox.world, process.url, client).quiet()
        _, told = spoken(sandbox.world)
        assert "@erin, I could not carry this out: your comment. The reason: " in told
        assert process.stop() == 0


def test_a_reply_in_doubt_is_found_again_however_much_was_said_since(tmp_path: Path) -> None:
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        process = Process(environment(tmp_path, sandbox.url), tmp_path, module="tests.crash.mortal")
        process.start()
        add_hook(sandbox.world, process.url)
        assert Stage(sandbox.world, process.url, client).submit(submission())["state"] == "done"
        process.stop()
        # once after the reply has gone out, then twice before it can be looked for
        for point in ("after POST note", "before GET notes", "before GET notes"):
            process.env |= {"MORTAL_DIE_ON": point}
            process.start()
            if point.startswith("after"):
                sandbox.world.add_note("alice", 1, "/ps nonsense")
            assert process.running is not None
            process.running.wait(timeout=20)
            process.kill()
        process.env.pop("MORTAL_DIE_ON")
        process.start()
        engine = open_for_reading(tmp_path / "psplan.sqlite3")

        def those(state: str) -> list[int]:
            with engine.connect() as connection:
                return [row.id for row in inbox.listed(connection, limit=10, state=state)]

        assert until(lambda: len(those("dead")) == 1)
        for number in range(120):
            sandbox.world.add_note("erin", 1, f"talk {number}")
        errand(tmp_path, "replay", id=those("dead")[0])
        assert until(lambda: not those("dead") and not those("waiting"))
        engine.dispose()
        process.stop()
        assert sum("I do not know" in note.body for note in sandbox.world.notes.values()) == 1


def test_an_issue_is_known_by_its_marker_where_the_submission_that_made_it_was_parked(tmp_path: Path) -> None:
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        process = Process(environment(tmp_path, sandbox.url), tmp_path, module="tests.crash.mortal")
        world, poison = sandbox.world, submission()
        # once after the issue was made, then twice before it can be looked for
        for point in ("after POST issue", "before GET issues", "before GET issues"):
            process.env |= {"MORTAL_DIE_ON": point}
            process.start()
            if point.startswith("after"):
                with suppress(Failure, httpx.HTTPError):
                    Stage(world, process.url, client).send(poison)
            assert process.running is not None
            process.running.wait(timeout=20)
            process.kill()
        process.env.pop("MORTAL_DIE_ON")
        process.start()
        add_hook(world, process.url)
        stage = Stage(world, process.url, client)
        assert stage.quiet()
        assert len(world.issues) == 1
        world.add_note("erin", 1, "/ps next")
        assert stage.quiet()
        assert "proposal::Awaiting_Discovery" in world.label_titles(world.issue(1))
        known = Stage(world, process.url, client).submit(submission())
        assert known["scoping_issue"]["iid"] == 2
        process.stop()
