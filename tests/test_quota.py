"""Limits per minute: a rested service has all of it at once, and no sixty seconds ever hold more."""

from __future__ import annotations

import random
from dataclasses import dataclass

import pytest

from app.adapters.quota import WINDOW_S, Quota, Quotas
from app.errors import Held


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
