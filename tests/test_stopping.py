"""SIGTERM is obeyed within the half minute that container platforms give, whatever is under way."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.store import errands
from app.store.database import open_beside
from tests.harness import Process, Stage, add_hook, environment, submission, until

PLATFORM_S = 30.0
SOON_S = 5.0
SLOW_S = 0.5
ISSUES, NOTES, ISSUE = r"/issues\?.*page=", r"/issues/\d+/notes\?", r"/issues/\d+$"


@pytest.fixture
def on(tmp_path: Path) -> Iterator[tuple[Process, Stage]]:
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        process = Process(environment(tmp_path, sandbox.url, PSPLAN_GITLAB_TIMEOUT_S="60"), tmp_path)
        process.start()
        add_hook(sandbox.world, process.url)
        stage = Stage(sandbox.world, process.url, client)
        stage.submit(submission())
        assert stage.quiet()
        yield process, stage
        process.kill()


def many_issues(world: World) -> None:
    world.is_mute = True
    text = world.issue(1).description
    for number in range(30):
        world.create_issue("alice", title=f"One more {number}", description=text)


def slowly(world: World, path: str, *, seconds: float = SLOW_S, times: int = 99) -> None:
    world.faults.add(Fault("GET", path, FaultKind.PERFORM_THEN_HANG, times=times, seconds=seconds))


def ask_for_a_sweep(folder: Path, *, rebuild: bool) -> None:
    engine = open_beside(folder / "psplan.sqlite3")
    with engine.begin() as connection:
        errands.ask(connection, "sweep", {"rebuild": rebuild}, now=time.time())
    engine.dispose()


def stopped_in(process: Process) -> float:
    begun = time.monotonic()
    assert process.stop() == 0
    return time.monotonic() - begun


@pytest.mark.parametrize("rebuild", [False, True], ids=["a sweep", "a rebuild"])
def test_what_reads_many_things_ends_after_the_one_at_hand(
    rebuild: bool, on: tuple[Process, Stage], tmp_path: Path
) -> None:
    process, stage = on
    many_issues(stage.world)
    slowly(stage.world, NOTES)
    ask_for_a_sweep(tmp_path, rebuild=rebuild)
    assert until(lambda: stage.world.count("GET", NOTES) > 0)
    assert stopped_in(process) < SOON_S


def wedge_a_sweep(stage: Stage, folder: Path) -> Callable[[], bool]:
    slowly(stage.world, ISSUES, seconds=50)
    before = stage.world.count("GET", ISSUES)
    ask_for_a_sweep(folder, rebuild=False)
    return lambda: stage.world.count("GET", ISSUES) > before


def wedge_a_turn(stage: Stage, folder: Path) -> Callable[[], bool]:
    slowly(stage.world, ISSUE, seconds=50)
    before = stage.world.count("GET", ISSUE)
    stage.world.add_note("erin", 1, "/ps next")
    return lambda: stage.world.count("GET", ISSUE) > before


@pytest.mark.parametrize("wedge", [wedge_a_sweep, wedge_a_turn], ids=["the sweep", "a turn"])
def test_a_gitlab_that_hangs_holds_nobody_up_for_longer_than_the_platform_waits(
    wedge: Callable[[Stage, Path], Callable[[], bool]], on: tuple[Process, Stage], tmp_path: Path
) -> None:
    process, stage = on
    is_wedged = wedge(stage, tmp_path)
    assert until(is_wedged)
    assert stopped_in(process) < PLATFORM_S - SOON_S
