"""Slack hears of clocks: whoever is waited for is called once before the time is over, and once when it is."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.clock import MovableClock, at
from app.sandbox.world import World
from tests.days import Days, Stands
from tests.harness import submission, until
from tests.slack_stage import EM, MAIN, PUBSEC, SlackStage, slack_stage

MONDAY = datetime(2026, 11, 16, 15, tzinfo=UTC)
AT_RISK = "SLA::at-risk"


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(Stands(MONDAY))


@pytest.fixture
def stage(tmp_path: Path, clock: MovableClock) -> Iterator[SlackStage]:
    world = World(clock=lambda: at(clock()), hook_delay_s=0.0)
    with slack_stage(tmp_path, gitlab=world, clock=clock) as opened:
        yield opened


@pytest.fixture
def days(stage: SlackStage, clock: MovableClock, tmp_path: Path) -> Days:
    return Days(stage.bot, clock, tmp_path)


def of_clocks(stage: SlackStage, channel: str) -> list[str]:
    return [post.text for post in stage.slack.in_channel(channel) if "First touch" in post.text]


def test_the_em_is_called_once_before_the_time_is_over_and_once_when_it_is(stage: SlackStage, days: Days) -> None:
    stage.begin()
    days.pass_hours(96)
    near, over = of_clocks(stage, EM)
    erin = next(person.id for person in stage.slack.people.values() if person.name == "erin")
    assert f"<@{erin}>" in near
    assert "Little time is left" in near
    assert "until Tuesday 2026-11-17 15:00" in near
    assert f"<@{erin}>" in over
    assert "since Tuesday 2026-11-17 15:00" in over


def test_what_was_done_meanwhile_is_not_asked_for_when_slack_comes_back(stage: SlackStage, days: Days) -> None:
    stage.slack.trouble("*", status=503, times=10_000)
    stage.bot.submit(submission())
    days.clock.move(20 * 3600)
    assert until(lambda: AT_RISK in stage.labels())
    stage.gitlab.add_note("erin", 1, "/ps next")
    assert until(lambda: AT_RISK not in stage.labels())
    stage.slack.troubles.clear()
    days.clock.move(3600)
    stage.settle()
    assert of_clocks(stage, EM) == []
    assert len(stage.slack.in_channel(MAIN)) == 2, "what happened is told all the same"


def test_the_clocks_of_us_public_sector_strike_in_its_own_channel_only(stage: SlackStage, days: Days) -> None:
    stage.begin(pubsec_us=True)
    days.pass_hours(96)
    assert of_clocks(stage, EM) == []
    assert len(of_clocks(stage, PUBSEC)) == 2
