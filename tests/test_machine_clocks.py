"""Clocks of an engagement on its way: what they show, whom they remind, when they stand still, what then follows."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.machine.clocks import running
from app.machine.deeds import Deed
from app.machine.machine import proceed
from app.machine.outcome import ClockNear, ClockOver, Notice, RestOver
from app.machine.scene import IssueView
from app.machine.standing import Move, Standing, standing_from_record
from app.methodology import load_methodology
from app.methodology.parts import IssueKind
from tests.harness import stage, status_of, submission
from tests.walks import BOT, INTAKE, SCOPING, Walk, estimate

METHODOLOGY = load_methodology(None)
MONDAY = datetime(2026, 11, 16, 9, tzinfo=UTC)
AT_RISK, BREACHED = METHODOLOGY.sla.at_risk, METHODOLOGY.sla.breached
AWAITING, STRAWMAN, FEEDBACK = (
    "proposal::Awaiting_Discovery",
    "proposal::Strawman_WIP",
    "proposal::Estimate_Feedback",
)


class Days(Walk):
    """A walk whose clock is the calendar's; the bot looks when a timer strikes, and when something happens."""

    def until(self, moment: datetime, *, is_there: bool = True) -> Days:
        """Time passes; the bot wakes for its timers, unless it is down."""
        while is_there and self.standing.wake_at is not None and self.standing.wake_at <= moment.timestamp():
            self.clock = int(self.standing.wake_at) + 1
            self.look()
        self.clock = int(moment.timestamp()) - 1  # what is done next takes a second
        return self

    def clocks(self) -> dict[str, datetime | None]:
        calendar = METHODOLOGY.calendar_of(self.facts.segment)
        return {
            run.name: None if run.due_at is None else datetime.fromtimestamp(run.due_at, UTC)
            for run in running(self.standing, METHODOLOGY, calendar)
        }

    def told(self) -> list[str]:
        return [words(each) for each in self.notices if isinstance(each, ClockNear | ClockOver | RestOver)]


def words(notice: Notice) -> str:
    match notice:
        case ClockNear():
            return f"near: {notice.clock}"
        case ClockOver():
            return f"over: {notice.clock}"
        case RestOver():
            return f"rest: {notice.track}"
    return ""


def begun(at: datetime = MONDAY, segment: str | None = None) -> Days:
    days = Days(METHODOLOGY, clock=int(at.timestamp()))
    days.facts = replace(days.facts, segment=segment)
    days.look()
    return days


def hours(count: float, since: datetime = MONDAY) -> datetime:
    return since + timedelta(hours=count)


def test_the_first_touch_is_due_a_day_after_the_beginning_and_ends_with_it() -> None:
    days = begun()
    assert days.clocks()["first_touch"] == hours(24)
    days.until(hours(3)).say("erin", AWAITING)
    assert "first_touch" not in days.clocks()


def test_what_somebody_else_does_is_no_first_touch() -> None:
    days = begun()
    days.until(hours(3)).say("alice", "Lost::budget")
    assert days.clocks()["first_touch"] == hours(24)


def test_three_quarters_through_the_label_says_so_and_one_person_is_reminded_once() -> None:
    days = begun()
    days.until(hours(17))
    assert (days.scoped("SLA"), days.told()) == (set(), [])
    days.until(hours(18.1))
    assert (days.scoped("SLA"), days.told()) == ({AT_RISK}, [])  # at three in the night nobody is woken
    days.until(hours(23.9))
    assert days.told() == []
    days.until(hours(24.1))
    assert (days.scoped("SLA"), days.told()) == ({BREACHED}, ["over: first_touch"])  # by then it was over
    days.until(hours(24 * 20))
    assert days.told() == ["over: first_touch"]


def test_a_reminder_in_working_hours_comes_before_the_end_and_one_escalation_after_it() -> None:
    days = begun(hours(5.5))  # 14:30; three quarters are through at 08:30, the end is at 14:30
    days.until(hours(24.2))
    assert days.told() == ["near: first_touch"]
    days.until(hours(29.6))
    assert days.told() == ["near: first_touch", "over: first_touch"]
    days.until(hours(24 * 30))
    assert days.told() == ["near: first_touch", "over: first_touch"]


def test_the_label_goes_when_what_was_late_is_done() -> None:
    days = begun().until(hours(30))
    assert days.scoped("SLA") == {BREACHED}
    days.say("erin", AWAITING)
    assert days.scoped("SLA") == set()


def test_nothing_is_said_on_a_holiday_or_at_a_weekend() -> None:
    wednesday = datetime(2026, 11, 25, 19, tzinfo=UTC)  # 14:00 in New York, the day before Thanksgiving
    days = begun(wednesday, segment="Ent_EAST")
    days.until(hours(42, wednesday))
    assert days.told() == []
    days.until(hours(43.5, wednesday))  # Friday, 09:30 there
    assert days.told() == ["over: first_touch"]


@pytest.mark.parametrize("pause", ["EM_Status::Waiting", "proposal::On_hold"])
def test_a_clock_stands_still_while_it_waits_for_others_and_on_hold(pause: str) -> None:
    days = begun()
    days.until(hours(1)).say("erin", AWAITING)
    days.until(hours(26)).say("erin", STRAWMAN)
    assert days.clocks()["estimate"] == hours(26 + 72)
    days.until(hours(30)).say("erin", pause)
    assert days.clocks().get("estimate") is None
    days.until(hours(24 * 30))
    assert days.labels[SCOPING].isdisjoint({AT_RISK, BREACHED})


def test_a_clock_goes_on_where_it_stood_still() -> None:
    days = begun()
    days.until(hours(1)).say("erin", AWAITING)
    days.until(hours(26)).say("erin", STRAWMAN)
    days.until(hours(30)).say("erin", "EM_Status::Waiting")
    days.until(hours(40)).take_off("erin", "EM_Status::Waiting")
    days.look()
    assert days.clocks()["estimate"] == hours(26 + 72 + 10)


def test_a_review_has_two_business_days_from_when_it_was_asked_for() -> None:
    friday = datetime(2026, 11, 20, 12, tzinfo=UTC)
    days = begun(friday)
    days.standing = replace(days.standing, papers={"estimate": estimate()})
    days.until(hours(1, friday)).say("erin", STRAWMAN)
    assert days.clocks()["ta_review"] == hours(1 + 4 * 24, friday)  # Tuesday at the same time
    days.until(hours(70, friday)).say("tara", "TA::Approved")
    assert "ta_review" not in days.clocks()


def test_clocks_of_an_engagement_that_has_ended_do_not_run() -> None:
    days = begun()
    days.until(hours(2)).say("erin", "proposal::Closed_Lost")
    assert days.clocks() == {}
    days.until(hours(24 * 100))
    assert days.told() == []
    assert days.standing.wake_at is None


def test_two_months_without_a_word_are_told_and_then_it_is_lost_with_its_reason() -> None:
    days = begun()
    days.until(hours(1)).say("erin", AWAITING)
    days.until(hours(1 + 1464 + 24 * 4))
    assert days.told()[-1] == "over: idle"
    assert days.state("proposal") == "awaiting_discovery"
    days.until(hours(1 + 1464 + 24 * 20))
    assert days.state("proposal") == "closed_lost"
    assert "Lost::unknown" in days.labels[SCOPING]
    assert not days.is_open[SCOPING]
    assert days.state("intake") == "cancelled"


def test_whoever_says_a_word_keeps_it_alive() -> None:
    days = begun()
    days.until(hours(1)).say("erin", AWAITING)
    days.until(hours(1 + 1464 + 24 * 4))
    days.say("erin", "EM_Status::ToDo")
    days.until(hours(1 + 1464 + 24 * 30))
    assert days.state("proposal") == "awaiting_discovery"
    assert days.told().count("over: idle") == 1


def test_an_engagement_on_hold_is_not_idle() -> None:
    days = begun()
    days.until(hours(1)).say("erin", AWAITING)
    days.until(hours(2)).say("erin", "proposal::On_hold")
    days.until(hours(24 * 200))
    assert days.state("proposal") == "on_hold"


def test_a_person_who_takes_the_label_of_a_clock_off_finds_it_again_while_it_is_true() -> None:
    days = begun().until(hours(30))
    days.take_off("alice", BREACHED)
    days.look()
    assert days.scoped("SLA") == {BREACHED}


Act = tuple[float, Callable[[Days], None]]


def _set(label: str, on: IssueKind = SCOPING) -> Callable[[Days], None]:
    return lambda days: days.add("erin", label, on)


def _off(label: str) -> Callable[[Days], None]:
    return lambda days: days.take_off("erin", label)


ACTS = st.lists(
    st.tuples(
        st.integers(1, 400),
        st.sampled_from(
            [
                _set(AWAITING),
                _set(STRAWMAN),
                _set(FEEDBACK),
                _set("proposal::On_hold"),
                _set("EM_Status::Waiting"),
                _off("EM_Status::Waiting"),
                _set("Intake::Needs-Info", INTAKE),
                _off(STRAWMAN),
            ]
        ),
    ),
    max_size=12,
)


@settings(max_examples=200, deadline=None)
@given(ACTS, st.randoms(use_true_random=False))
def test_when_a_clock_ends_does_not_depend_on_whether_the_bot_was_there(
    acts: list[tuple[int, Callable[[Days], None]]], chance: random.Random
) -> None:
    watching, absent, sleepy = begun(), begun(), begun()
    ordered = sorted(acts, key=lambda act: act[0])
    # what the bot itself writes would be different things at different times, so it only looks
    for days in (watching, absent, sleepy):
        _only_looks(days)
    for at, act in ordered:
        for days in (watching, absent, sleepy):
            days.clock = max(days.clock + 1, int(hours(at).timestamp()))
            act(days)
        watching.look()
        watching.look()
        if chance.random() < 0.4:
            sleepy.look()
    for days in (watching, absent, sleepy):
        days.clock = int(hours(401).timestamp())
        days.look()
    assert watching.clocks() == absent.clocks() == sleepy.clocks()


def _only_looks(days: Days) -> None:
    def look() -> None:
        days.standing = days.decide().standing

    days.look = look  # type: ignore[method-assign,assignment]


@given(st.permutations([10.0, 30.0, 20.0]))
def test_words_that_become_known_in_any_order_leave_the_same_behind(order: list[float]) -> None:
    standing = begun().standing
    for at in order:
        scene = replace(begun().scene(), issues={SCOPING: IssueView(frozenset(), True, frozenset({"erin"}))})
        said = Deed(hours(at).timestamp(), "erin", lambda _: None)
        standing = proceed(standing, (), (), scene, METHODOLOGY, now=hours(40).timestamp(), deeds=(said,)).standing
    assert standing.happened["touched:em"] == (hours(10).timestamp(),)
    assert standing.active_at == hours(30).timestamp()


def test_what_clocks_know_travels_in_the_record() -> None:
    days = begun()
    days.until(hours(1)).say("erin", AWAITING, STRAWMAN, "EM_Status::Waiting")
    assert standing_from_record(days.standing.to_record()) == days.standing
    assert Standing().wake_at is None
    assert BOT not in days.told()


STRAWMAN_STATE, FEEDBACK_STATE, AWAITING_STATE = "strawman_wip", "estimate_feedback", "awaiting_discovery"
INTO, OUT_OF = (AWAITING_STATE, STRAWMAN_STATE), (STRAWMAN_STATE, FEEDBACK_STATE)
BACK_INTO, BACK_OUT_OF = (FEEDBACK_STATE, STRAWMAN_STATE), (STRAWMAN_STATE, AWAITING_STATE)


@pytest.mark.parametrize(
    ("moves", "began_at"),
    [
        ([(10, INTO)], 10),
        ([(10, INTO), (11, OUT_OF)], None),
        ([(10, INTO), (10, OUT_OF)], None),
        ([(10, INTO), (10, OUT_OF), (10, BACK_INTO)], 10),
        ([(10, INTO), (12, OUT_OF), (12, BACK_INTO)], 12),
        ([(10, INTO), (12, OUT_OF), (14, BACK_INTO), (14, BACK_OUT_OF)], None),
        ([(10, INTO), (12, OUT_OF), (14, BACK_INTO)], 14),
    ],
    ids=[
        "entered",
        "left",
        "led through in one moment",
        "led through and back in one moment",
        "left and entered again in one moment",
        "entered again and left in one moment",
        "entered again",
    ],
)
def test_a_clock_goes_by_the_order_of_what_happened_in_one_moment(
    moves: list[tuple[int, tuple[str, str]]], began_at: int | None
) -> None:
    standing = begun().standing
    made = [Move("proposal", came_from, to, float(at)) for at, (came_from, to) in moves]
    for order in (made, made[::-1]):
        now = replace(standing, moves=tuple(order))
        calendar = METHODOLOGY.calendar_of(None)
        runs = {run.name: run.began_at for run in running(now, METHODOLOGY, calendar)}
        assert runs.get("estimate") == began_at


def test_one_comment_that_leads_through_a_state_leaves_no_clock_of_it_behind(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        on.submit(submission())
        on.world.add_note("erin", 1, "/ps next\n/ps next\n/ps estimate 62000 USD\n/ps next")
        assert on.quiet()
        status = status_of(on.world, 1)
    assert "● Estimate Feedback" in status
    assert "**Clocks:** TA review until" in status
