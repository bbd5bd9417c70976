"""The breaker: each state, each outcome of a call, and the state after it."""

from __future__ import annotations

import threading
from contextlib import suppress

import pytest

from app.adapters.breaker import FAILURES, FIRST_WAIT_S, LONGEST_WAIT_S, Breaker, Change, State
from app.errors import Absent, Held, Permanent, Retry, VendorDown
from tests.test_quota import HandClock

DOWN, OK = VendorDown("GitLab answered 502 to GET user"), None
OUTCOMES: dict[str, Exception | None] = {
    "an answer": OK,
    "no answer": DOWN,
    "404": Absent("not there"),
    "422": Permanent("wrong"),
    "429": Retry("too many", after_s=3.0),
    "401": Retry("not now"),
    "a call that was not sent": Held("the notes calls of this minute are used up", after_s=3.0),
    "a bug": KeyError("id"),
}


class Bench:
    """A breaker, its clock, and what it told."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.told: list[Change] = []
        self.breaker = Breaker("GitLab", self.clock, self.told.append)

    def call(self, outcome: Exception | None) -> None:
        with suppress(Exception), self.breaker.call():
            if outcome is not None:
                raise outcome

    def fail(self, times: int) -> None:
        for _ in range(times):
            self.call(DOWN)

    def held_for(self) -> float | None:
        with pytest.raises(Held) as held, self.breaker.call():
            pytest.fail("it was let through")
        return held.value.after_s

    def in_state(self, state: State) -> None:
        """`on trial`: its time is over, and the next call will be the trial."""
        if state is not State.CLOSED:
            self.fail(FAILURES)
        if state is State.ON_TRIAL:
            self.clock.now += FIRST_WAIT_S


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(
    ("before", "outcome", "after"),
    [
        *[(State.CLOSED, name, State.CLOSED) for name in OUTCOMES],
        (State.ON_TRIAL, "an answer", State.CLOSED),
        (State.ON_TRIAL, "no answer", State.OPEN),
        (State.ON_TRIAL, "404", State.CLOSED),
        (State.ON_TRIAL, "422", State.CLOSED),
        (State.ON_TRIAL, "429", State.CLOSED),
        (State.ON_TRIAL, "401", State.CLOSED),
        (State.ON_TRIAL, "a call that was not sent", State.OPEN),
        (State.ON_TRIAL, "a bug", State.OPEN),
        *[(State.OPEN, name, State.OPEN) for name in OUTCOMES],
    ],
)
def test_the_state_after_a_call(before: State, outcome: str, after: State, bench: Bench) -> None:
    bench.in_state(before)
    bench.call(OUTCOMES[outcome])
    assert bench.breaker.state is after


@pytest.mark.parametrize("life", ["an answer", "404", "422", "429", "401"])
def test_any_answer_between_failures_begins_the_count_anew(life: str, bench: Bench) -> None:
    bench.fail(FAILURES - 1)
    bench.call(OUTCOMES[life])
    bench.fail(FAILURES - 1)
    assert bench.breaker.state is State.CLOSED
    bench.fail(1)
    assert bench.breaker.state is State.OPEN


def test_what_was_not_sent_neither_counts_nor_clears_the_count(bench: Bench) -> None:
    bench.fail(FAILURES - 1)
    bench.call(OUTCOMES["a call that was not sent"])
    bench.fail(1)
    assert bench.breaker.state is State.OPEN


def test_while_it_is_open_everybody_is_sent_away_with_the_time_that_remains(bench: Bench) -> None:
    bench.in_state(State.OPEN)
    assert bench.held_for() == FIRST_WAIT_S
    bench.clock.now += 10
    assert bench.held_for() == FIRST_WAIT_S - 10


def test_the_wait_doubles_with_each_failed_trial_up_to_five_minutes_and_begins_anew_after_a_success(
    bench: Bench,
) -> None:
    bench.in_state(State.OPEN)
    waits = []
    for _ in range(6):
        wait = bench.held_for()
        assert wait is not None
        waits.append(wait)
        bench.clock.now += wait
        bench.fail(1)
    assert waits == [30.0, 60.0, 120.0, 240.0, 300.0, LONGEST_WAIT_S]
    bench.clock.now += LONGEST_WAIT_S
    bench.call(OK)
    bench.fail(FAILURES)
    assert bench.held_for() == FIRST_WAIT_S


def test_one_trial_at_a_time(bench: Bench) -> None:
    bench.in_state(State.ON_TRIAL)
    with bench.breaker.call():
        assert bench.breaker.state is State.ON_TRIAL
        assert bench.held_for() == 5.0
    assert bench.breaker.state is State.CLOSED


def test_of_many_threads_only_one_makes_the_trial(bench: Bench) -> None:
    bench.in_state(State.ON_TRIAL)
    together, through, release = threading.Barrier(8), [], threading.Event()

    def come() -> None:
        together.wait()
        with suppress(Held), bench.breaker.call():
            through.append(threading.get_ident())
            release.wait(10)

    threads = [threading.Thread(target=come) for _ in range(8)]
    for thread in threads:
        thread.start()
    while sum(thread.is_alive() for thread in threads) > 1:
        pass
    release.set()
    for thread in threads:
        thread.join()
    assert len(through) == 1


def test_an_old_call_that_fails_late_does_not_lengthen_the_wait_and_one_that_succeeds_ends_it(bench: Bench) -> None:
    with suppress(VendorDown), bench.breaker.call():
        bench.fail(FAILURES)
        raise DOWN
    assert bench.held_for() == FIRST_WAIT_S
    bench.clock.now += FIRST_WAIT_S
    bench.call(OK)
    with bench.breaker.call():
        bench.fail(FAILURES)
        assert bench.breaker.state is State.OPEN
    assert bench.breaker.state is State.CLOSED, "it was answered, so there is life"


def test_each_change_is_told_once(bench: Bench) -> None:
    bench.in_state(State.OPEN)
    bench.held_for()
    bench.clock.now += FIRST_WAIT_S
    bench.fail(1)
    bench.clock.now += 2 * FIRST_WAIT_S
    bench.call(OK)
    bench.call(OK)
    assert bench.told == [
        Change(State.OPEN, 30.0),
        Change(State.ON_TRIAL),
        Change(State.OPEN, 60.0),
        Change(State.ON_TRIAL),
        Change(State.CLOSED),
    ]
