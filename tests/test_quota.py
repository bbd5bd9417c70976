"""Limits per minute: a rested service has all of it at once, and no sixty seconds ever hold more."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pytest

from app.adapters.gitlab import PythonGitLab
from app.adapters.gitlab_overview import GitLabOverview
from app.adapters.limits import EVERYTHING, Gates
from app.adapters.quota import WINDOW_S, Quota, Quotas
from app.adapters.restraint import Restraint
from app.errors import Held, Retry
from app.metrics import Metrics
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.people import token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World


@dataclass
class HandClock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


def test_a_rested_service_may_use_the_whole_minute_at_once(clock: HandClock) -> None:
    quota = Quota(60, clock)
    assert [quota.take() for _ in range(60)] == [0.0] * 60
    assert quota.take() == WINDOW_S


def test_the_turned_away_are_told_to_come_back_one_after_the_other(clock: HandClock) -> None:
    quota = Quota(2, clock)
    assert [quota.take() for _ in range(5)] == [0.0, 0.0, 60.0, 90.0, 120.0]
    clock.now += 60.0
    assert quota.take() == 0.0, "the first of them gets through"


@pytest.mark.parametrize("most", [1, 7, 60])
def test_no_sixty_seconds_hold_more_calls_than_the_limit(most: int, clock: HandClock) -> None:
    rng, quota, made = random.Random(most), Quota(most, clock), []
    for _ in range(5_000):
        clock.now += rng.expovariate(5 * most / WINDOW_S)
        if quota.take() == 0.0:
            made.append(clock.now)
    for first, beyond in zip(made, made[most:], strict=False):
        assert beyond - first >= WINDOW_S
    assert len(made) > 0.8 * most * (clock.now - 1000.0) / WINDOW_S, "and hardly less than the limit is used"


def test_one_kind_does_not_hold_up_another_and_no_limit_is_none(clock: HandClock) -> None:
    quotas = Quotas({"notes": 1, "issues": 1, "api": 0}, clock)
    quotas.take("notes")
    with pytest.raises(Held, match="notes calls of this minute") as held:
        quotas.take("notes")
    assert held.value.after_s == 60.0
    quotas.take("issues")
    for kind in ("api", "search"):
        for _ in range(3_000):
            quotas.take(kind)


def test_who_was_asked_to_wait_waits_whatever_it_is_that_asks_with_the_same_token() -> None:
    with SandboxServer(World()) as sandbox:
        sandbox.world.create_issue("alice", title="A question")
        words: dict[str, Any] = {
            "url": sandbox.url,
            "project": "ps/ps-plan",
            "timeout_s": 5,
            "clock": time.time,
            "restraint": Restraint({}, time.monotonic, Metrics()),
        }
        sandbox.world.faults.add(Fault("GET", "/notes", FaultKind.STATUS, status=429, retry_after_s=60))
        with pytest.raises(Retry):
            GitLabOverview(token=token_of("ps-bot"), **words).comments_since(1, datetime(2020, 1, 1, tzinfo=UTC))
        with pytest.raises(Held):
            PythonGitLab(token=token_of("ps-bot"), **words).read_issue(1)
        assert PythonGitLab(token=token_of("erin"), **words).read_issue(1).iid == 1, (
            "another user has limits of its own"
        )


def test_a_wait_of_a_year_is_believed_for_an_hour(clock: HandClock) -> None:
    gates = Gates(clock)
    gates.close(EVERYTHING, 365 * 24 * 3600.0)
    with pytest.raises(Held):
        gates.check("notes")
    clock.now += 3600.0
    gates.check("notes")
