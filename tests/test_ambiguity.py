"""Every write that GitLab performs and then seems not to have performed, and every way to be refused for a while."""

from __future__ import annotations

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.adapters import breaker
from app.background import BackgroundServer
from app.engine import retry
from app.main import Service, create_app
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import Stage, end_state, settings_for, stage, submission, until
from tests.test_quota import HandClock

ID = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
FIRST = submission(submission_id=ID)
CHANGED = submission(submission_id=ID, customer_name="Acme Europe SE", services=["migration_scm", "security"])

ISSUE, LINK, PUT, NOTE = ("POST", r"/issues$"), ("POST", r"/links$"), ("PUT", r"/issues/\d+$"), ("POST", r"/notes$")
WRITES = {
    "the scoping issue": (*ISSUE, 0),
    "the intake issue": (*ISSUE, 1),
    "the link": (*LINK, 0),
    "the revision of the scoping issue": (*PUT, 0),
    "the revision of the intake issue": (*PUT, 1),
    "the comment on a revision": (*NOTE, 0),
}
MISHAPS: dict[str, dict[str, Any]] = {
    "performed, then 502": {"kind": FaultKind.PERFORM_THEN_502},
    "performed, then the socket is cut": {"kind": FaultKind.PERFORM_THEN_CUT},
    "performed, then no answer in time": {"kind": FaultKind.PERFORM_THEN_HANG, "seconds": 0.8},
    "performed late, answered 504 before": {"kind": FaultKind.LATE, "status": 504, "seconds": 0.15},
    "performed late, cut before": {"kind": FaultKind.LATE, "status": 0, "seconds": 0.15},
    "cut before it was read": {"kind": FaultKind.CUT_BEFORE},
    "503 twice": {"kind": FaultKind.STATUS, "status": 503, "times": 2},
    "401 once, a token in rotation": {"kind": FaultKind.STATUS, "status": 401},
    "409 once, the resource lock": {"kind": FaultKind.STATUS, "status": 409},
    "429 without Retry-After": {"kind": FaultKind.STATUS, "status": 429},
    "429 with Retry-After": {"kind": FaultKind.STATUS, "status": 429, "retry_after_s": 1},
}


@pytest.fixture(autouse=True)
def _quick_retries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retry, "SCHEDULE_S", (0.05,) * 9)
    monkeypatch.setattr(breaker, "FIRST_WAIT_S", 0.05)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    with stage(tmp_path_factory.mktemp("undisturbed")) as calm:
        return live(calm)


def live(on: Stage) -> dict[str, Any]:
    """A submission and its revision."""
    for body in (FIRST, CHANGED):
        outcome = on.submit(body)
        assert outcome["state"] == "done", outcome
    on.quiet()
    return end_state(on.world)


@pytest.mark.parametrize("mishap", MISHAPS)
@pytest.mark.parametrize("write", WRITES)
def test_the_end_is_the_same_when(write: str, mishap: str, undisturbed: dict[str, Any], tmp_path: Path) -> None:
    method, path, skip = WRITES[write]
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault(method, path, user="ps-bot", skip=skip, **MISHAPS[mishap]))
    with stage(tmp_path, world, gitlab_timeout_s=0.5) as on:
        assert live(on) == undisturbed
        assert world.faults.open_orders() == [], "the fault did not happen, so nothing was tested"


@pytest.mark.parametrize("status", [400, 403, 404, 422])
def test_what_cannot_pass_is_parked_at_once_with_its_reason(status: int, tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("POST", r"/issues$", FaultKind.STATUS, status=status))
    with stage(tmp_path, world) as on:
        outcome = on.submit(FIRST)
        assert outcome["state"] == "failed"
        assert str(status) in outcome["message"]
        assert on.metric("psplan_deliveries_dead") == 1
        assert world.count("POST", r"/issues$") == 1
        assert on.submit(FIRST)["state"] == "done", "sent again, when the reason is gone, it goes on"
        assert len(world.issues) == 2


def test_one_engagement_that_waits_does_not_hold_up_another(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("POST", r"/links$", FaultKind.STATUS, status=503, times=5))
    with stage(tmp_path, world, workers=1) as on:
        stuck = on.send(FIRST)
        assert until(lambda: world.count("POST", r"/links$") >= 1)
        assert on.submit(submission(services=["readiness"], commercial_form="sku"))["state"] == "done"
        assert on.follow(stuck)["state"] == "done"


def test_retry_after_holds_up_only_what_met_the_limit(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path, world) as on:
        assert on.submit(FIRST)["state"] == "done"
        limit = Fault("POST", r"/notes$", FaultKind.STATUS, status=429, retry_after_s=2, is_application_limit=True)
        world.faults.add(limit)
        waiting = on.send(CHANGED)
        told = world.count("POST", r"/notes$")
        assert until(lambda: world.count("POST", r"/notes$") == told + 1)
        on.send(submission())
        assert until(lambda: len(world.issues) == 4), "issues may still be made"
        assert world.count("POST", r"/notes$") == told + 1, "and the comments still wait"
        assert on.follow(waiting)["state"] == "done"


def test_the_limit_of_all_requests_holds_up_everything(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path, world) as on:
        assert on.submit(FIRST)["state"] == "done"
        world.faults.add(Fault("POST", r"/notes$", FaultKind.STATUS, status=429, retry_after_s=2))
        told = world.count("POST", r"/notes$")
        waiting = on.send(CHANGED)
        assert until(lambda: world.count("POST", r"/notes$") == told + 1)
        before = len(world.requests)
        other = on.send(submission())
        assert on.follow(waiting)["state"] == "done"
        assert on.follow(other)["state"] == "done"
        assert world.requests[before].at.timestamp() - world.requests[before - 1].at.timestamp() > 1.5


def test_gitlab_away_at_the_start_loses_nothing(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("*", r".", FaultKind.STATUS, status=502, times=6))
    with stage(tmp_path, world) as on:
        assert on.submit(FIRST)["state"] == "done"
        assert len(world.issues) == 2


def test_a_dead_gitlab_is_asked_five_times_and_then_once_in_a_while_whatever_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(breaker, "FIRST_WAIT_S", 3.0)
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("*", r".", FaultKind.STATUS, status=502, times=6))
    with stage(tmp_path, world, workers=1) as on:
        receipts = [on.send(submission()) for _ in range(8)]
        assert until(lambda: on.metric('psplan_vendor_open{vendor="gitlab"}') == 1)
        asked = len(world.requests)
        assert asked == 5
        assert not until(lambda: len(world.requests) > asked, patience_s=1.0), "nobody asks while it is open"
        assert [on.follow(receipt)["state"] for receipt in receipts] == ["done"] * 8
        assert on.metric('psplan_vendor_open{vendor="gitlab"}') == 0
    assert len(world.issues) == 16


def test_what_waited_through_a_long_standstill_is_tried_for_a_day_before_it_is_parked(tmp_path: Path) -> None:
    clock = HandClock(time.time())
    world = World(hook_delay_s=0.0)
    with SandboxServer(world) as sandbox, httpx.Client(timeout=10) as client:

        def life() -> Service:
            return Service(settings_for(tmp_path, sandbox.url), clock=clock, timer=clock)

        def is_postponed() -> bool:
            with closing(sqlite3.connect(tmp_path / "psplan.sqlite3")) as database:
                return database.execute("select state, due_at > ? from deliveries", (clock.now,)).fetchall() == [
                    ("waiting", 1)
                ]

        world.faults.add(Fault("*", r".", FaultKind.STATUS, status=429, retry_after_s=1, times=1_000))
        service = life()
        with BackgroundServer(create_app(service.settings, service=service)) as running:
            on = Stage(world, running.url, client)
            receipt = on.send(FIRST)
            assert until(is_postponed)
        clock.now += 8 * 24 * 3600
        service = life()
        with BackgroundServer(create_app(service.settings, service=service)) as running:
            assert until(is_postponed), "eight days old, and tried for the first time since"
            clock.now += 25 * 3600
            status = receipt.status_url.replace(receipt.status_url.split("/submissions")[0], running.url)
            assert until(lambda: client.get(status).json()["state"] == "failed")
