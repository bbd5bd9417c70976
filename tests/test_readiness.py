"""`/readyz` says what is not well, and is 503 only where no delivery can be taken in."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy.exc import OperationalError

from app.ingress.health import health_routes
from app.metrics import Metrics
from app.readiness import MUCH_QUEUED, Check, Health, Readiness
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.world import World
from app.store.standing import Standing
from app.store.store import Store
from tests.harness import stage, submission, until

NOW = 1_000_000.0
WELL = Standing(waiting=0, dead=0, oldest_at=None, clock_at=None, swept_at=NOW - 100, hook_ill_since=0.0)


@dataclass
class StoreOfATest:
    """A store that is as it is told to be."""

    known: Standing = WELL
    queued: int = 0
    fault: Exception | None = None

    def probe(self) -> None:
        if self.fault is not None:
            raise self.fault

    def read(self, _: object) -> Standing:
        self.probe()
        return self.known


def readiness(
    store: StoreOfATest,
    *,
    vendor: str | None = None,
    slack: str | None = None,
    work: str | None = None,
    every_s: float = 300,
) -> Readiness:
    vendors = {"gitlab": lambda: vendor, "slack": lambda: slack, "mail": None}
    return Readiness(lambda: cast(Store, store), vendors, lambda: work, list, lambda: NOW, every_s)


def asked(looked: Readiness) -> tuple[int, dict[str, Any]]:
    """The answer of the endpoint."""
    answer = asyncio.run(_get(app_of(looked), "/readyz"))
    return answer.status_code, answer.json()


def app_of(looked: Readiness) -> FastAPI:
    app = FastAPI()
    routes = health_routes(
        readiness=looked, store=looked.store, clock=lambda: NOW, metrics=Metrics(), metrics_token=lambda: None
    )
    app.include_router(routes)
    return app


async def _get(app: FastAPI, path: str) -> httpx.Response:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://psplan") as client:
        return await client.get(path)


FULL = OperationalError("UPDATE", {}, sqlite3.OperationalError("database or disk is full"))


def standing(**changes: Any) -> StoreOfATest:
    known = {
        "waiting": 0,
        "dead": 0,
        "oldest_at": None,
        "clock_at": None,
        "swept_at": NOW - 100,
        "hook_ill_since": 0.0,
        **changes,
    }
    return StoreOfATest(Standing(**known))


@pytest.mark.parametrize(
    ("looked", "status", "says", "name", "reason"),
    [
        (
            readiness(StoreOfATest(fault=FULL)),
            503,
            "not ready",
            "database",
            "cannot be written: database or disk is full",
        ),
        (
            readiness(StoreOfATest(fault=TimeoutError())),
            503,
            "not ready",
            "database",
            "cannot be written: TimeoutError",
        ),
        (readiness(StoreOfATest(queued=MUCH_QUEUED)), 200, "degraded", "store queue", "batches of writes wait"),
        (readiness(StoreOfATest(), vendor="GitLab does not answer"), 200, "degraded", "gitlab", "does not answer"),
        (readiness(StoreOfATest(), slack="Slack does not answer"), 200, "degraded", "slack", "Slack does not"),
        (readiness(StoreOfATest(), work="no heartbeat"), 200, "degraded", "workers", "no heartbeat"),
        (readiness(standing(swept_at=NOW - 901)), 200, "degraded", "sweep", "901 s ago"),
        (readiness(standing(hook_ill_since=NOW - 5)), 200, "degraded", "webhook", "missing or disabled"),
    ],
    ids=[
        "a full disk",
        "a stuck disk",
        "a slow disk",
        "GitLab is down",
        "Slack is down",
        "no workers",
        "no sweep",
        "no webhook",
    ],
)
def test_what_is_not_well_is_said(looked: Readiness, status: int, says: str, name: str, reason: str) -> None:
    code, told = asked(looked)
    assert (code, told["status"]) == (status, says)
    assert reason in told["reason"]
    assert told["checks"][name]["reason"] == told["reason"]


def test_the_gravest_comes_first() -> None:
    code, told = asked(readiness(StoreOfATest(fault=FULL), vendor="GitLab does not answer"))
    assert (code, told["status"]) == (503, "not ready")
    assert "database" in told["reason"]
    assert told["checks"]["gitlab"]["state"] == "degraded", "and the others are told as well"


@pytest.mark.parametrize(
    ("looked", "off"),
    [
        (readiness(StoreOfATest()), set()),
        (readiness(StoreOfATest(), every_s=0), {"sweep"}),
        (readiness(standing(swept_at=None)), {"sweep"}),
        (readiness(standing(hook_ill_since=None)), {"webhook"}),
        (readiness(standing(swept_at=NOW - 899)), set()),
    ],
    ids=["all is well", "no sweeps", "none yet", "nobody could look at the hook", "a sweep that is not late yet"],
)
def test_what_is_off_is_no_trouble(looked: Readiness, off: set[str]) -> None:
    code, told = asked(looked)
    assert (code, told["status"]) == (200, "ready")
    assert {name for name, check in told["checks"].items() if check["state"] == "off"} == {"mail", *off}


def test_numbers_that_nobody_can_read_are_told_as_such_and_not_as_they_last_were() -> None:
    store = standing(waiting=3)
    app = app_of(readiness(store))

    def scraped() -> list[str]:
        text = asyncio.run(_get(app, "/metrics")).text
        names = ("psplan_database_up", "psplan_deliveries_waiting", "psplan_swept_timestamp_seconds")
        return [line.split()[1] for line in text.splitlines() if line.startswith(names)]

    well = scraped()
    assert well[:2] == ["3.0", "1.0"]
    store.fault = FULL
    assert scraped() == ["NaN", "0.0", "NaN"]
    store.fault = None
    assert scraped() == well


def test_how_late_the_first_clock_is_stands_in_a_number_and_none_is_late_before_its_time() -> None:
    def late(clock_at: float | None) -> str:
        text = asyncio.run(_get(app_of(readiness(standing(clock_at=clock_at))), "/metrics")).text
        return next(line.split()[1] for line in text.splitlines() if line.startswith("psplan_clock_late_seconds"))

    assert [late(None), late(NOW + 60), late(NOW - 400)] == ["0.0", "0.0", "400.0"]


def test_a_check_is_one_row() -> None:
    assert readiness(StoreOfATest()).look()[0] == Check("database", Health.OK)


def test_a_gitlab_that_is_down_degrades_a_running_service(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path, world) as on:
        assert on.client.get(f"{on.url}/readyz").json()["status"] == "ready"
        world.faults.add(Fault("*", r".", FaultKind.STATUS, status=502, times=1000))
        senders = [threading.Thread(target=on.send, args=(submission(),)) for _ in range(6)]
        for sender in senders:
            sender.start()
        for sender in senders:
            sender.join()
        assert until(lambda: on.client.get(f"{on.url}/readyz").json()["status"] == "degraded")
        answer = on.client.get(f"{on.url}/readyz")
        assert answer.status_code == 200, "deliveries are taken in all the same"
        assert "GitLab does not answer" in answer.json()["checks"]["gitlab"]["reason"]


def test_a_token_that_gitlab_does_not_take_degrades_it_until_one_is_taken(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path, world) as on:

        def told() -> str:
            checks = on.client.get(f"{on.url}/readyz").json()["checks"]
            return str(checks["gitlab"].get("reason", ""))

        world.faults.add(Fault("POST", r".", FaultKind.STATUS, status=401, times=1))
        on.send(submission())
        assert until(lambda: "does not take a token (401)" in told())
        assert until(lambda: not told())
