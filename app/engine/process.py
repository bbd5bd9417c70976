"""One engagement's turn: take → snapshot → decide → store → perform → settle.

Runs in a worker thread, one turn a lane at a time, in the order of arrival. Everything that must survive the process
is committed before the step that relies on it; after a crash the next turn goes on with the first action that has no
evidence. Which thread or machine runs a turn, and when, is the scheduler's business.
"""

from __future__ import annotations

import random
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from typing import TypeVar

import orjson
import structlog
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from app.actions import Action, HandOver, PostMessage, from_json, to_json
from app.clock import Clock
from app.correlation import correlated, correlation_of
from app.engagement import Engagement
from app.engine.dead_letters import DeadLetters
from app.engine.deciding import Decider, event_of, rightful_lane
from app.engine.moments import Moments
from app.engine.retry import LEAST_UPTIME_S, LONGEST_WAIT_S, MOST_AGE_S, MOST_DEATHS, SHORTEST_WAIT_S, wait_s
from app.engine.shared_look import SharedLook
from app.engine.tenure import Tenure
from app.errors import Overtaken, Permanent, Retry, attempt
from app.events import Event, Source
from app.metrics import Metrics
from app.perform import Evidence, Performer, fold
from app.registry import Decision
from app.store import chat_posts, inbox, opportunities, outbox
from app.store.memory import listen
from app.store.records import Delivery, StoredAction, waiting_now
from app.store.schema import DeliveryState
from app.store.store import PATIENCE_S, Store
from app.tracing import note, span

T = TypeVar("T")

log = structlog.get_logger()

MOST_AT_ONCE = 100
"""Deliveries of a lane that are read together."""
PATIENT_TRIES = 2
"""So often an issue that is not there is asked for again: GitLab may announce what its replicas do not show yet."""


@dataclass(frozen=True, slots=True)
class Later:
    """The lane has work that is due only in so many seconds."""

    wait_s: float


@dataclass(frozen=True, slots=True)
class Moved:
    """A delivery was handed to this lane, which has work now."""

    lane: str


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything a turn needs. `grace_s`: how long a write in doubt may still be on its way inside GitLab."""

    store: Store
    dead_letters: DeadLetters
    decider: Decider
    performer: Performer
    clock: Clock
    moments: Moments
    rng: random.Random
    grace_s: float
    metrics: Metrics
    troubled_at: dict[str, float] = field(default_factory=dict)
    """When a lane's turn last ended because the store failed: what it had sent by then may not be on record."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set: finish the action under way, then let go."""

    def turn(self, lane: str, tenure: Tenure | None = None) -> list[Later | Moved]:
        """Work on a lane until it is empty or has to wait; returns when or where to go on.

        `tenure`: with several replicas on one database, until when the work is this one's. May raise Overtaken.
        """
        return _Turn(self, lane, SharedLook(self.decider.gitlab, self.moments.timer), tenure).run()


@dataclass(slots=True)
class _Turn:
    engine: Engine
    lane: str
    look: SharedLook
    tenure: Tenure | None = None
    held: Delivery | None = None
    """The delivery at hand, once it was taken against other replicas."""
    engagement: Engagement | None = None
    tries: int = 0
    """Failed tries of the delivery at hand."""
    announced: set[int] = field(default_factory=set)
    """Actions whose intent was stored by this very turn, and that are not sent yet: they are not in doubt."""
    unconfirmed: list[Future[None]] = field(default_factory=list)
    """Commits that were begun and not waited for."""
    followed: set[str] = field(default_factory=set)
    """Lanes that got an event of the bot's own during this turn."""
    sending: StoredAction | None = None
    """The action whose request is on its way, as it was before this send."""

    def run(self) -> list[Later | Moved]:
        onward: list[Later | Moved] = []
        is_empty = False
        while not is_empty and not self.engine.stopping.is_set():
            # read beside the writer, which costs no commit; whatever comes in after this wakes the lane again
            limit = 1 if self.engine.store.is_rushed else MOST_AT_ONCE
            taken, self.engagement = self.engine.store.read(partial(_take, lane=self.lane, limit=limit))
            self.look.forget()
            is_empty = len(taken) < limit and sum(len(each.body) for each in taken) < inbox.MOST_BYTES_AT_ONCE
            for delivery in taken:
                if (rest_s := self._rest_s(delivery)) > 0:
                    return [*onward, Later(rest_s)]
                outcome = self._work_on(delivery)
                onward += [outcome] if outcome is not None else []
                onward += map(Moved, sorted(self.followed))
                self.followed.clear()
                if isinstance(outcome, Later) or self.engine.stopping.is_set():
                    return onward
                if self.engine.store.is_rushed:
                    return [*onward, Later(0.0)]  # the scheduler gives the lane its next turn
        return onward

    def _rest_s(self, delivery: Delivery) -> float:
        """Seconds until a delivery is due; one that never had to wait is, whatever the clock says by now."""
        return self.engine.moments.until_s(delivery.due_at) if delivery.is_resting else 0.0

    def _work_on(self, delivery: Delivery) -> Later | Moved | None:
        self.announced = set()
        correlation = correlation_of(delivery.source.value, delivery.key)
        with (
            correlated(correlation, delivery=delivery.id, lane=self.lane),
            span("turn", delivery=delivery.id, source=delivery.source.value),
        ):
            outcome = attempt(lambda: self._begin(delivery))
            if isinstance(outcome, SQLAlchemyError | sqlite3.Error | TimeoutError):
                # the store's own trouble says nothing about the delivery: the scheduler gives the lane another turn
                self.engine.troubled_at[self.lane] = self.engine.moments.note()
                if self.tenure is None or self.held is not None:
                    self.engine.store.begin_write(self._guarded(partial(inbox.unmark, delivery_id=delivery.id)))
                raise outcome
            if isinstance(outcome, Overtaken):
                raise outcome
            if isinstance(outcome, Retry):
                return self._postpone(delivery, outcome)
            if isinstance(outcome, Permanent):
                self._settle(delivery, DeliveryState.DEAD, outcome.reason)
                return None
            if isinstance(outcome, Exception):
                log.error("delivery.hit_bug", exc_info=outcome)
                self._settle(delivery, DeliveryState.DEAD, f"a bug in psplan: {type(outcome).__name__}")
                return None
            return outcome

    def _begin(self, delivery: Delivery) -> Later | Moved | None:
        if self.tenure is not None:
            self._take(delivery, self.tenure)
        if delivery.deaths >= MOST_DEATHS:
            reason = f"the process died {delivery.deaths} times while working on it"
            self._settle(delivery, DeliveryState.DEAD, reason)
            return None
        if self.tenure is None:
            # counted before anything is done about it, in case the process does not survive that
            self.engine.store.note(partial(inbox.mark, delivery_id=delivery.id))
        self.tries = delivery.attempts
        return self._try(delivery)

    def _take(self, delivery: Delivery, tenure: Tenure) -> None:
        """Make the delivery this life's before anything is done about it, and count the try.

        Durably, where another life has begun it already: what that one may have sent is in doubt from now on.
        """
        self._must_hold()
        self.held = None
        now = self.engine.moments.note()
        is_same_try = delivery.life is not None and tenure.is_of_this_process(delivery.life)
        take = partial(inbox.take, delivery=delivery, life=tenure.life, is_same_try=is_same_try, now=now)
        is_untried = delivery.life is None and not delivery.is_decided
        (self.engine.store.note if is_untried else self._write)(take)
        self.held = delivery

    def _must_hold(self) -> None:
        if self.tenure is not None and not self.tenure.is_held():
            raise Overtaken("no heartbeat of this replica has arrived for so long that others may have taken over")

    def _guarded(self, do: Callable[[Connection], T]) -> Callable[[Connection], T]:
        """The same, after a proof that the delivery at hand is still this life's; alone on a file, nothing to prove."""
        held, tenure = self.held, self.tenure
        if held is None or tenure is None:
            return do

        def guarded(connection: Connection) -> T:
            inbox.hold(connection, held.id, life=tenure.life)
            return do(connection)

        return guarded

    def _try(self, delivery: Delivery) -> Later | Moved | None:
        if delivery.is_decided:
            pending = self._write(partial(outbox.pending, delivery_id=delivery.id))
        else:
            event = event_of(
                delivery.source, delivery.body, received_at=delivery.received_at, was_parked=delivery.was_parked
            )
            with span("decide"):
                decision = self._rightful(event) or self.engine.decider.decide(
                    event,
                    self.engagement,
                    lane=self.lane,
                    is_patient=self.tries < PATIENT_TRIES,
                    issues=self.look,
                )
            if decision.lane is not None and decision.lane != self.lane:
                self._move(delivery, decision.lane)
                return Moved(decision.lane)
            if decision.lane is not None and decision.engagement is not None:
                self._learn(decision.engagement)
                return self._wait(delivery, 0.0, None)  # and decided once more, with what is known now
            if decision.changes_nothing and not self._has_unsaid(delivery):
                self._settle(delivery, DeliveryState.IGNORED, decision.reasons[-1])
                return None
            pending = self._store_decision(delivery, decision)
            if decision.does_nothing and not pending:
                self._settle(delivery, DeliveryState.IGNORED, decision.reasons[-1])
                return None
        for stored in pending:
            later = self._do(delivery, stored, is_last=stored is pending[-1])
            if later is not None:
                return later
        if not pending:
            self._settle(delivery, DeliveryState.DONE, None)
        return None

    def _has_unsaid(self, delivery: Delivery) -> bool:
        """Whether an earlier decision on it stands that was not told to its end; what it ordered is not heard again."""
        return delivery.was_parked and self.engine.store.read(partial(outbox.has_unsaid, delivery_id=delivery.id))

    def _move(self, delivery: Delivery, lane: str) -> None:
        def write(connection: Connection) -> None:
            inbox.move(connection, delivery.id, lane=lane)
            if delivery.source is Source.CALCULATOR:
                opportunities.join(connection, self.lane, lane)
            self.engine.store.defer(connection, lane)

        self._write(write)

    def _learn(self, engagement: Engagement) -> None:
        """Know an issue more of this engagement."""
        before, now = self.engagement, self.engine.clock()
        self._write(lambda c: outbox.keep_engagement(c, engagement, before=before, now=now))
        self.engagement = engagement
        self.engine.store.learn(engagement)

    def _rightful(self, event: Event) -> Decision | None:
        known = rightful_lane(event, self.lane, self.engine.store.lane_of)
        return None if known is None else Decision(reasons=("belongs to an engagement",), lane=known)

    def _store_decision(self, delivery: Delivery, decision: Decision) -> list[StoredAction]:
        """Keep the decision and the intents of its actions, in one commit.

        All intents at once, so that no action waits for a commit of its own. A send that follows much later than its
        intent is no danger: doubt is counted from the end of the life, or of the turn, that may have sent it.
        """
        now = self.engine.moments.note()
        unsafe = {action.key for action in decision.actions if not self.engine.performer.is_safe_to_repeat(action)}
        bodies = [(action.key, action.kind, to_json(action)) for action in decision.actions]
        entry = {"decided": [a.describe() for a in decision.actions], "because": list(decision.reasons)}

        def write(connection: Connection) -> list[StoredAction]:
            if delivery.was_parked:
                outbox.say_after_all(connection, delivery.id)
            outbox.decide(connection, delivery.id, self.lane, bodies, now=now)
            outbox.write_journal(connection, self.lane, delivery.id, entry, now=now)
            if decision.listened is not None:
                listen(connection, decision.listened, delivery_id=delivery.id, now=now)
            if decision.engagement is not None:
                # a submission's stays on record when it is parked: its issues are made when it comes again
                by = outbox.NOBODYS if delivery.source is Source.CALCULATOR else delivery.id
                outbox.keep_engagement(connection, decision.engagement, before=self.engagement, now=now, decided_by=by)
            pending = outbox.pending(connection, delivery.id)
            self._announce(connection, [each for each in pending if each.key in unsafe], now)
            return pending

        pending = self._write(write)
        self.engagement = decision.engagement or self.engagement
        log.info("delivery.decided", actions=[action.kind for action in decision.actions])
        return pending

    def _do(self, delivery: Delivery, stored: StoredAction, *, is_last: bool) -> Later | None:
        """One action: look where an earlier try is in doubt, else send; then keep what it proved."""
        action = from_json(stored.body)
        with structlog.contextvars.bound_contextvars(action=action.key):
            proof = self._prove(delivery, stored, action)
        if isinstance(proof, Later):
            return proof
        self._keep(delivery, stored, action, proof, is_last=is_last)
        return None

    def _prove(self, delivery: Delivery, stored: StoredAction, action: Action) -> Evidence | Later:
        engine = self.engine
        if engine.stopping.is_set():
            return self._wait(delivery, 0.0, None)  # the service is stopping, and the next one goes on at once
        evidence: Evidence | None = None
        if stored.sent_at is not None:
            evidence = engine.performer.look(action, self.engagement, sent_at=stored.sent_at)
            doubt_s = engine.grace_s - self._quiet_for_s(stored.sent_at)
            if evidence is None and doubt_s > 0:
                # a request sent just before a crash may still be at work inside GitLab
                return self._wait(delivery, doubt_s, f"waiting to see whether {action.key} took effect")
        return self._send(stored, action) if evidence is None else evidence

    def _quiet_for_s(self, sent_at: float) -> float:
        """Seconds since the latest moment at which an action may have been sent whose outcome is not known.

        An intent is stored before its action's turn has come. Where the process, or the turn, ended without noting what
        became of it, the request may have left until just then. Where another replica's life ended so, that moment is
        not known here, but it was before this one took over, and `inbox.take` has put that on record as `sent_at`.
        """
        engine = self.engine
        since = [sent_at, engine.troubled_at.get(self.lane, sent_at)]
        passed_s = [-engine.moments.until_s(moment) for moment in since]
        if self.tenure is not None:
            return min(passed_s)
        # below zero: an earlier life noted it, and the clock was set back since; it had ended when this one began
        return min([engine.moments.life_s(), *(each for each in passed_s if each >= 0)])

    def _send(self, stored: StoredAction, action: Action) -> Evidence:
        engine = self.engine
        if stored.id not in self.announced and not engine.performer.is_safe_to_repeat(action):
            self._write(partial(outbox.sent, action_id=stored.id, at=engine.moments.note()))
        self.announced.discard(stored.id)
        self._must_hold()
        self.sending = stored
        with engine.metrics.action_timer(action.kind):
            evidence = engine.performer.perform(action, self.engagement)
        self.sending = None
        self.look.forget()
        if "dropped_by_gitlab" in evidence:
            log.warning("action.partly_dropped", action=action.key, lost=evidence["dropped_by_gitlab"])
        return evidence

    def _keep(
        self,
        delivery: Delivery,
        stored: StoredAction,
        action: Action,
        evidence: Evidence,
        *,
        is_last: bool,
    ) -> None:
        """Evidence, what is known now, and with the last action the delivery's end: one commit.

        The next action does not wait for it: should the evidence be lost, the stored intent makes the next turn look.
        """
        now = self.engine.clock()
        before = self.engagement
        engagement = fold(before, action, evidence)

        def write(connection: Connection) -> None:
            outbox.done(connection, stored.id, evidence, now=now)
            outbox.write_journal(connection, self.lane, delivery.id, {"done": action.describe(), **evidence}, now=now)
            if engagement is not None:
                outbox.keep_engagement(connection, engagement, before=before, now=now)
            if isinstance(action, HandOver):
                self._hand_over(connection, action, now)
            if isinstance(action, PostMessage) and action.engagement:
                chat_posts.keep(connection, action, evidence)
            if is_last:
                inbox.settle(connection, delivery.id, state=DeliveryState.DONE, reason=None, now=now)
                self._follow_up(connection, delivery, DeliveryState.DONE, None, now)

        if is_last or isinstance(action, PostMessage):  # what stands below a message asks which one it is
            self._write(write)
        else:
            self.unconfirmed.append(self.engine.store.begin_write(self._guarded(write)))
        self.engagement = engagement
        if engagement is not None:
            self.engine.store.learn(engagement)
        if isinstance(action, HandOver):
            log.info("delivery.handed_over", to=correlation_of(action.source, action.key))
        if is_last:
            self._report(delivery, DeliveryState.DONE, None)

    def _write(self, do: Callable[[Connection], T]) -> T:
        """Write and wait, after everything that was begun before is known to be written."""
        while self.unconfirmed:
            self.unconfirmed.pop().result(timeout=PATIENCE_S)
        return self.engine.store.write(self._guarded(do))

    def _announce(self, connection: Connection, stored: Sequence[StoredAction], now: float) -> None:
        """Store the intents of actions that are about to be sent, except where an earlier send is still in doubt."""
        fresh = {each.id for each in stored if each.sent_at is None}
        outbox.announced(connection, fresh, at=now)
        self.announced = fresh  # not added to: a commit may be tried twice

    def _withdraw(self, connection: Connection) -> None:
        """Take back the intents of what was not sent after all."""
        for action_id in self.announced:
            outbox.sent(connection, action_id, at=None)

    def _postpone(self, delivery: Delivery, retry: Retry) -> Later | None:
        engine = self.engine
        sending, self.sending = self.sending, None
        if retry.after_s is not None:
            age_s = engine.clock() - delivery.received_at
            is_too_old = age_s >= MOST_AGE_S and engine.moments.life_s() >= LEAST_UPTIME_S
            wait = None if is_too_old else min(max(retry.after_s, SHORTEST_WAIT_S), LONGEST_WAIT_S)
        else:
            wait = wait_s(delivery.attempts, engine.rng)
        if wait is None:
            given_up = f"given up after {delivery.attempts} tries: {retry.reason}"
            self._settle(delivery, DeliveryState.DEAD, given_up)
            return None
        engine.metrics.retried.labels(retry.cause).inc()
        log.warning("delivery.postponed", reason=retry.reason, wait_s=round(wait, 1))
        now, due_at = engine.moments.note(), engine.moments.note(in_s=wait)

        def write(connection: Connection) -> None:
            if sending is not None:
                # in doubt: the grace counts from now; a certain failure leaves an older doubt as it was
                outbox.sent(connection, sending.id, at=now if retry.in_doubt else sending.sent_at)
            self._withdraw(connection)
            counts = retry.after_s is None
            inbox.postpone(connection, delivery.id, due_at=due_at, reason=retry.reason, counts=counts)

        self._write(write)
        return Later(wait)

    def _wait(self, delivery: Delivery, wait_s: float, reason: str | None) -> Later:
        """Let the lane rest without counting a failure; `reason`: what a time to come is waited for."""
        due_at = self.engine.moments.note(in_s=wait_s)

        def write(connection: Connection) -> None:
            self._withdraw(connection)
            inbox.rest(connection, delivery.id, due_at=due_at, reason=reason)

        self._write(write)
        return Later(wait_s)

    def _settle(self, delivery: Delivery, state: DeliveryState, reason: str | None) -> None:
        now = self.engine.clock()
        self.sending = None

        def write(connection: Connection) -> None:
            self._withdraw(connection)
            inbox.settle(connection, delivery.id, state=state, reason=reason, now=now)
            if state is DeliveryState.DEAD:
                outbox.take_back(connection, delivery.id)
            self._follow_up(connection, delivery, state, reason, now)

        self._write(write)
        if state is DeliveryState.DEAD:
            _, self.engagement = self.engine.store.read(partial(_take, lane=self.lane, limit=1))
        self._report(delivery, state, reason)

    def _follow_up(
        self, connection: Connection, delivery: Delivery, state: DeliveryState, reason: str | None, now: float
    ) -> None:
        letters = self.engine.dead_letters
        if letters.follow_up(connection, delivery, state=state, reason=reason, now=now):
            self.followed.add(self.lane)

    def _hand_over(self, connection: Connection, action: HandOver, now: float) -> None:
        body = orjson.dumps(action.body)
        given = waiting_now(Source(action.source), action.key, action.lane, action.what, body, now=now)
        for new in inbox.add_new(connection, [given]):
            self.engine.store.defer(connection, new.lane)
            self.followed.add(new.lane)

    def _report(self, delivery: Delivery, state: DeliveryState, reason: str | None) -> None:
        source, metrics = delivery.source.value, self.engine.metrics
        age_s = max(0.0, self.engine.clock() - delivery.received_at)
        metrics.settled.labels(source, state.value).inc()
        if not delivery.was_parked:  # whose time was a person's
            metrics.handling.labels(source).observe(age_s)
        note(state=state.value, is_failure=state is DeliveryState.DEAD)
        report = log.error if state is DeliveryState.DEAD else log.info
        report(
            "delivery.settled",
            source=source,
            kind=delivery.kind,
            state=state.value,
            reason=reason,
            age_s=round(age_s, 3),
        )


def _take(connection: Connection, *, lane: str, limit: int) -> tuple[list[Delivery], Engagement | None]:
    return inbox.waiting(connection, lane, limit=limit), outbox.engagement(connection, lane)
