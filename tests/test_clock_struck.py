"""Time passes in the whole service: timers strike, issues show it, people are reminded once, idle ones are closed."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.clock import MovableClock, at
from app.events import CLOCK, PARKED, kind_in_words
from app.sandbox.world import World
from tests.days import Days, Stands
from tests.harness import spoken, stage, status_of, submission, until

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
AT_RISK, BREACHED = "SLA::at-risk", "SLA::breached"


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    clock = MovableClock(Stands(MONDAY))
    world = World(clock=lambda: at(clock()), hook_delay_s=0.0)
    with stage(tmp_path, world, clock=clock) as here:
        here.submit(submission())
        assert here.quiet()
        yield Days(here, clock, tmp_path)


def test_an_engagement_that_nobody_touches_is_late_and_its_em_hears_of_it_once(days: Days) -> None:
    days.pass_hours(20)
    assert AT_RISK in days.labels()
    days.pass_hours(10)
    assert BREACHED in days.labels()
    assert AT_RISK not in days.labels()
    (over,) = days.reminders()
    assert "@erin" in over
    assert "First touch" in over
    days.pass_hours(48)
    assert len(days.reminders()) == 1


def test_a_word_of_the_em_is_a_first_touch_though_it_orders_nothing(days: Days) -> None:
    days.here.world.add_note("erin", 1, "Thanks, I will look into this today.")
    days.pass_hours(30)
    assert days.reminders() == []
    assert days.labels().isdisjoint({AT_RISK, BREACHED})


def test_the_status_note_says_until_when_there_is_time(days: Days) -> None:
    assert "**Clocks:** First touch until Tuesday 2026-11-17\n" in status_of(days.here.world, 1)
    days.pass_hours(30)
    assert "**Clocks:** First touch over since Tuesday 2026-11-17\n" in status_of(days.here.world, 1)


def test_an_engagement_without_a_word_is_closed_as_lost_after_it_was_told(days: Days) -> None:
    days.here.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    assert days.here.quiet()
    days.clock.move(timedelta(hours=1464 + 60).total_seconds())
    assert until(lambda: days.timer_due() > days.clock())
    assert days.here.quiet()
    days.pass_hours(24)
    assert any("two months" in note for note in spoken(days.here.world, 1))
    assert days.is_open()
    days.clock.move(timedelta(days=16).total_seconds())
    days.pass_hours(30)
    assert until(lambda: not days.is_open())
    assert {"proposal::Closed_Lost", "Lost::unknown"} <= days.labels()


def test_talk_without_a_command_keeps_it_open(days: Days) -> None:
    days.here.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    assert days.here.quiet()
    days.clock.move(timedelta(days=50).total_seconds())
    days.here.world.add_note("alice", 1, "The customer is still thinking.")
    days.clock.move(timedelta(days=45).total_seconds())
    days.pass_hours(30)
    assert days.is_open()
    assert not any("two months" in note for note in spoken(days.here.world, 1))


def test_what_came_in_is_called_by_words_also_where_the_bot_told_itself() -> None:
    assert kind_in_words("Note Hook", "gitlab") == "Note Hook from gitlab"
    assert kind_in_words(CLOCK, "clock") == "a clock struck"
    assert kind_in_words(PARKED, "sweep") == "a dead letter"
