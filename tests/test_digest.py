"""The morning's digest: who gets one, what stands in it, once a day, on working days only."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from uuid import UUID

import pytest

from app.clock import MovableClock, at
from app.machine.calendars import mornings, working_morning_before
from app.methodology.timing import Calendar
from app.sandbox.world import World
from tests.days import Stands
from tests.harness import Stage, own_methodology, stage, submission, until
from tests.slack_stage import SlackStage, slack_stage

FRIDAY = datetime(2026, 11, 20, 14, tzinfo=UTC)
DIGESTS = 1
NEW_YORK = Calendar(time_zone="America/New_York", country="US")


@pytest.fixture
def clock() -> MovableClock:
    return MovableClock(Stands(FRIDAY))


@pytest.fixture
def on(tmp_path: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setattr("app.routines.DIGESTS_EVERY_S", 0.05)
    file = own_methodology(tmp_path, f"digest: {{issue: {DIGESTS}}}")
    world = World(clock=lambda: at(clock()), hook_delay_s=0.0)
    world.create_issue("root", title="Digests")
    with stage(tmp_path, world, clock=clock, methodology=file) as here:
        here.submit(submission())
        assert here.quiet()
        yield here


def digests(on: Stage) -> list[str]:
    return [note.body for note in on.world.notes_of(DIGESTS) if "psplan:digest" in note.body]


def weekday(day: str) -> str:
    return f"{date.fromisoformat(day):%A}"


def erins_of(on: Stage, day: str) -> str:
    """What erin reads that morning."""
    found: list[str] = []

    def is_there() -> bool:
        found[:] = [each for each in digests(on) if f"@erin, this is {weekday(day)} {day}" in each]
        return bool(found)

    assert until(is_there)
    return found[0]


@pytest.fixture
def wait_until(on: Stage, clock: MovableClock) -> Callable[[datetime], None]:
    """Hour by hour, so that nothing is skipped."""

    def wait(moment: datetime) -> None:
        while clock() < moment.timestamp():
            clock.move(min(1800.0, moment.timestamp() - clock() + 0.01))
            assert on.quiet()

    return wait


def test_an_em_reads_on_monday_morning_what_is_theirs_and_what_is_late(
    on: Stage, wait_until: Callable[[datetime], None]
) -> None:
    wait_until(FRIDAY + timedelta(days=2))
    assert digests(on) == []  # nobody is told anything at a weekend
    wait_until(datetime(2026, 11, 23, 8, 45, tzinfo=UTC))
    erins = erins_of(on, "2026-11-23")
    assert "**Yours to do**" in erins
    assert "**Late**" in erins
    assert "First touch, since 2026-11-21" in erins


def test_tomorrow_there_is_one_again_in_place_of_the_last(on: Stage, wait_until: Callable[[datetime], None]) -> None:
    wait_until(datetime(2026, 11, 23, 12, tzinfo=UTC))
    assert until(lambda: len(digests(on)) == 2)  # erin's, and dana's, who gets everything
    wait_until(datetime(2026, 11, 24, 12, tzinfo=UTC))
    # the last one goes before the new one comes
    assert until(lambda: ["2026-11-24" in each for each in digests(on)] == [True, True])


def test_what_was_done_since_the_last_morning_stands_in_it(on: Stage, wait_until: Callable[[datetime], None]) -> None:
    wait_until(datetime(2026, 11, 23, 12, tzinfo=UTC))
    on.world.update_issue("erin", 2, add_labels=["proposal::Awaiting_Discovery"])
    assert on.quiet()
    wait_until(datetime(2026, 11, 24, 9, tzinfo=UTC))
    assert "Scoping: Awaiting Discovery" in erins_of(on, "2026-11-24")


def alone(here: SlackStage, user: str) -> list[str]:
    """What the bot told somebody alone in Slack."""
    return [post.text for post in here.slack.posts if post.channel == f"D{user[1:]}"]


def has_read(here: SlackStage, user: str, day: str) -> bool:
    return any(f"Good morning, this is {weekday(day)} {day}." in each for each in alone(here, user))


def test_without_an_issue_each_person_is_told_alone_in_slack(
    tmp_path: Path, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.routines.DIGESTS_EVERY_S", 0.05)
    world = World(clock=lambda: at(clock()), hook_delay_s=0.0)
    with slack_stage(tmp_path, gitlab=world, clock=clock) as here:
        here.begin(customer_name="Acme <!channel> *GmbH*")
        here.begin(customer_name="Department of Lakes", pubsec_us=True, submission_id=str(UUID(int=7)))
        erin = next(person.id for person in here.slack.people.values() if person.name == "erin")
        for day in ("2026-11-23", "2026-11-24"):
            clock.move(datetime.fromisoformat(f"{day}T09:00+00:00").timestamp() - clock())
            assert until(partial(has_read, here, erin, day))
            here.settle()
            (text,) = [each for each in alone(here, erin) if f"{day}." in each]
            assert "*Yours to do*" in text
            assert "First touch, since 2026-11-21" in text
            assert "Acme &lt;!channel&gt; ∗GmbH∗" in text
            assert "Lakes" not in text


@pytest.mark.parametrize(
    ("now", "days"),
    [
        pytest.param("2026-11-25 13:45", ["2026-11-25"], id="a quarter past the half hour there"),
        pytest.param("2026-11-25 13:15", [], id="before it"),
        pytest.param("2026-11-25 20:00", [], id="when the day is half over"),
        pytest.param("2026-11-26 13:45", [], id="on Thanksgiving"),
        pytest.param("2026-11-28 13:45", [], id="on a Saturday"),
    ],
)
def test_a_morning_comes_on_working_days_and_is_over_by_noon(now: str, days: list[str]) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)
    found = mornings(moment, "08:30", NEW_YORK, within=timedelta(hours=6))
    assert [day.isoformat() for day in found] == days


def test_the_morning_before_a_holiday_is_the_one_that_counts_after_it() -> None:
    friday = datetime(2026, 11, 27, 14, tzinfo=UTC)
    assert working_morning_before(friday, "08:30", NEW_YORK) == datetime(2026, 11, 25, 13, 30, tzinfo=UTC)
