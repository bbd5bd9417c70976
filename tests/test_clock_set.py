"""The machine's clock is set by hours while work waits: everything goes on as if it had not been."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.background import BackgroundServer
from app.engine import moments, retry
from app.engine.moments import Moments
from app.main import Service, create_app
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import Stage, settings_for, submission, until
from tests.test_quota import HandClock

HOURS = 3600.0
GRACE_S = 1.5
LATE_S = 0.8
SOON_S = 10.0
WAITS: dict[str, dict[str, Any]] = {
    "a try that failed": {"kind": FaultKind.STATUS, "status": 503},
    "a Retry-After": {"kind": FaultKind.STATUS, "status": 429, "retry_after_s": 1},
    "a creation in doubt that comes late": {"kind": FaultKind.LATE, "status": 504, "seconds": LATE_S},
    "a creation in doubt that never comes": {"kind": FaultKind.CUT_BEFORE},
}


class SetClock:
    """The wall clock of a machine, which somebody sets."""

    def __init__(self) -> None:
        self.offset_s = 0.0

    def __call__(self) -> float:
        return time.time() + self.offset_s


@contextmanager
def life(folder: Path, sandbox: SandboxServer, clock: SetClock, **more: Any) -> Iterator[Stage]:
    service = Service(settings_for(folder, sandbox.url, grace_s=GRACE_S, **more), clock=clock)
    with BackgroundServer(create_app(service.settings, service=service)) as running, httpx.Client(timeout=10) as client:
        yield Stage(sandbox.world, running.url, client)


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "SCHEDULE_S", (0.5,) * 9)


@pytest.mark.parametrize("set_by_h", [6, -6])
@pytest.mark.parametrize("wait", WAITS)
def test_what_waits_is_done_soon_and_once(wait: str, set_by_h: int, tmp_path: Path) -> None:
    world, clock = World(hook_delay_s=0.0), SetClock()
    world.faults.add(Fault("POST", r"/issues$", **WAITS[wait]))
    with SandboxServer(world) as sandbox, life(tmp_path, sandbox, clock) as on:
        receipt = on.send(submission())
        assert until(lambda: "again" in str(on.client.get(receipt.status_url).json()["message"]))
        clock.offset_s = set_by_h * HOURS
        assert on.follow(receipt, patience_s=SOON_S)["state"] == "done"
        time.sleep(LATE_S)
        assert len(world.issues) == 2


def test_what_was_just_acknowledged_is_worked_on_when_the_clock_is_set_back(tmp_path: Path) -> None:
    world, clock = World(hook_delay_s=0.0), SetClock()
    world.faults.add(Fault("POST", r"/issues$", FaultKind.PERFORM_THEN_HANG, seconds=1.0))
    with SandboxServer(world) as sandbox, life(tmp_path, sandbox, clock, workers=1) as on:
        receipts = [on.send(submission()) for _ in range(3)]
        clock.offset_s = -6 * HOURS
        assert [on.follow(each, patience_s=SOON_S)["state"] for each in receipts] == ["done"] * 3


def test_what_one_life_acknowledged_the_next_one_works_on_whatever_its_clock_says(tmp_path: Path) -> None:
    world, clock = World(hook_delay_s=0.0), SetClock()
    world.faults.add(Fault("POST", r"/issues$", FaultKind.PERFORM_THEN_HANG, seconds=1.0))
    with SandboxServer(world) as sandbox:
        with life(tmp_path, sandbox, clock, workers=1) as on:
            for _ in range(3):
                on.send(submission())
        assert len(world.issues) < 6
        clock.offset_s = -6 * HOURS
        with life(tmp_path, sandbox, clock):
            assert until(lambda: len(world.issues) == 6, SOON_S)


def test_what_one_life_postponed_does_not_wait_longer_in_the_next_one_because_its_clock_was_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "SCHEDULE_S", (3.0,) * 9)
    world, clock = World(hook_delay_s=0.0), SetClock()
    world.faults.add(Fault("POST", r"/issues$", FaultKind.STATUS, status=503))
    with SandboxServer(world) as sandbox:
        with life(tmp_path, sandbox, clock) as on:
            receipt = on.send(submission())
            assert until(lambda: "again" in str(on.client.get(receipt.status_url).json()["message"]))
        clock.offset_s = -6 * HOURS
        with life(tmp_path, sandbox, clock):
            assert not until(lambda: len(world.issues) > 0, 1.0)
            assert until(lambda: len(world.issues) == 2, SOON_S)


def test_a_moment_of_this_life_is_counted_by_the_timer_and_any_other_by_the_clock() -> None:
    clock, timer = HandClock(1_000_000.0), HandClock(50.0)
    known = Moments(clock, timer)
    due_at = known.note(in_s=10.0)
    clock.now -= 6 * HOURS
    timer.now += 4.0
    assert due_at == 1_000_010.0
    assert known.until_s(due_at) == 6.0
    assert known.until_s(clock.now + 3.0) == 3.0
    assert known.life_s() == 4.0


def test_only_so_many_moments_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moments, "MOST_REMEMBERED", 2)
    clock, timer = HandClock(1_000_000.0), HandClock(50.0)
    known = Moments(clock, timer)
    noted = [known.note(in_s=float(number)) for number in range(3)]
    clock.now -= 100.0
    assert [known.until_s(each) for each in noted] == [100.0, 1.0, 2.0]
