"""Time passes in the whole service: timers strike, issues show it, people are reminded once, idle ones are closed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.clock import MovableClock, at
from app.sandbox.world import World
from tests.harness import Stage, issues, spoken, stage, status_of, submission, until

MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
AT_RISK, BREACHED = "SLA::at-risk", "SLA::breached"


class Stands:
    """A clock that stands until it is moved, a little ahead with each look: no two things happen at one moment."""

    def __init__(self) -> None:
        self.now = MONDAY.timestamp()

    def __call__(self) -> float:
        self.now += 0.000_01
        return self.now


@dataclass
class Days:
    """A service, a sandbox and a clock for both."""

    here: Stage
    clock: MovableClock
    folder: Path

    def pass_hours(self, hours: float) -> None:
        """An hour at a time, as it does: what is due in between is done in between."""
        left = hours
        while left > 0:
            self.clock.move(min(left, 1.0) * 3600)
            left -= 1.0
            assert until(lambda: self.timer_due() > self.clock())
            assert self.here.quiet()

    def timer_due(self) -> float:
        """When the next timer is due; never, where none is."""
        engine = create_engine(f"sqlite:///{self.folder / 'psplan.sqlite3'}")
        with engine.connect() as connection:
            armed = "SELECT min(due_at) FROM timers WHERE struck_at IS NULL OR struck_at < due_at"
            found = connection.execute(text(armed)).scalar()
        engine.dispose()
        return float("inf") if found is None else float(found)

    def labels(self, iid: int = 1) -> set[str]:
        return set(next(each[2] for each in issues(self.here.world) if each[0] == iid))

    def is_open(self) -> bool:
        return self.here.world.issue(1).closed_at is None

    def reminders(self) -> list[str]:
        return [note for note in spoken(self.here.world) if "time until" in note or "time was over" in note]


@pytest.fixture
def days(tmp_path: Path) -> Iterator[Days]:
    clock = MovableClock(Stands())
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
