"""A vendor that is down is not asked again and again: after five failures in a row nobody calls, then one tries.

closed ──five failures in a row──▶ open ──its time is over──▶ on trial ──success──▶ closed
                                    ▲                            │
                                    └──failure, twice the time───┘
Without it every delivery costs a worker the whole timeout, and each outage uses up tries of all of them.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from app.clock import Timer
from app.errors import Held, Permanent, Retry, VendorDown

FAILURES = 5
FIRST_WAIT_S = 30.0
LONGEST_WAIT_S = 300.0
TRIAL_WAIT_S = 5.0
"""Whoever comes while another call is on trial comes again after so long."""


class State(StrEnum):
    """Whether the vendor is asked."""

    CLOSED = "closed"
    OPEN = "open"
    ON_TRIAL = "on trial"


@dataclass(frozen=True, slots=True)
class Change:
    """What the operator is told: the state now, and for how long at least if it is open."""

    state: State
    wait_s: float = 0.0


class Breaker:
    """The state of one vendor, shared by all worker threads. `tell` hears of each change, in order."""

    def __init__(self, vendor: str, timer: Timer, tell: Callable[[Change], None]) -> None:
        self._vendor = vendor
        self._timer = timer
        self._tell = tell
        self._lock = threading.Lock()
        self._state = State.CLOSED
        self._failures = 0
        self._opened_at = 0.0
        self._wait_s = FIRST_WAIT_S

    @property
    def state(self) -> State:
        """The state as the last call left it."""
        return self._state

    @contextmanager
    def call(self) -> Iterator[None]:
        """Around one call; raises Held at once while nobody may call.

        VendorDown counts as a failure. Held says nothing: no request was sent. Any other answer, a refusal too, is a
        sign of life, and so is one to a call that began before the breaker opened.
        """
        is_trial = self._admit()
        settle = self._withdraw
        try:
            yield
            settle = self._succeed
        except VendorDown:
            settle = self._fail
            raise
        except Held:
            raise
        except (Retry, Permanent):
            settle = self._succeed
            raise
        finally:
            with self._lock:
                settle(is_trial)

    def _admit(self) -> bool:
        """Whether this call is the trial. Raises Held while the vendor is not to be asked."""
        with self._lock:
            if self._state is State.CLOSED:
                return False
            remaining_s = TRIAL_WAIT_S if self._state is State.ON_TRIAL else self._remaining_s()
            if remaining_s > 0:
                raise Held(f"{self._vendor} does not answer", after_s=remaining_s)
            self._become(State.ON_TRIAL)
            return True

    def _remaining_s(self) -> float:
        return self._opened_at + self._wait_s - self._timer()

    def _succeed(self, is_trial: bool) -> None:  # noqa: ARG002  (anybody's success counts)
        self._failures = 0
        self._wait_s = FIRST_WAIT_S
        if self._state is not State.CLOSED:
            self._become(State.CLOSED)

    def _fail(self, is_trial: bool) -> None:
        if self._state is State.CLOSED:
            self._failures += 1
            if self._failures >= FAILURES:
                self._open(FIRST_WAIT_S)
        elif is_trial and self._state is State.ON_TRIAL:
            self._open(min(2 * self._wait_s, LONGEST_WAIT_S))

    def _withdraw(self, is_trial: bool) -> None:
        """The call was not made: whoever comes next may try."""
        if is_trial and self._state is State.ON_TRIAL:
            self._state = State.OPEN

    def _open(self, wait_s: float) -> None:
        self._wait_s = wait_s
        self._opened_at = self._timer()
        self._become(State.OPEN)

    def _become(self, state: State) -> None:
        self._state = state
        self._tell(Change(state, self._wait_s if state is State.OPEN else 0.0))
