"""Which of the things that a sweep has found were missed: they are decided, without being carried out.

What leads to nothing was heard of before, or does not matter. That something is being decided is noted first: where the
process has died of it, and where it is not known what it leads to, it goes into the inbox undecided. There the engine
counts and parks it, as it does with what a webhook tells.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog
from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock, at
from app.engagement import Engagement
from app.engine.deciding import Decider
from app.engine.shared_look import SharedLook
from app.errors import Permanent, Retry, attempt
from app.events import ISSUE_LANE, Source, read_event, read_payload
from app.ports import ListedIssue
from app.store import outbox, swept
from app.store.records import Acceptance
from app.store.store import Store
from app.sweep import events
from app.sweep.comments import NewComments

NOT_ITS_FAULT: Final = (Retry, SQLAlchemyError, sqlite3.Error, TimeoutError)
"""Says nothing about what was to be decided: GitLab's trouble, and the store's own."""

log = structlog.get_logger()


def deciding(lane: str) -> str:
    """The mark of a lane that a sweep is deciding on; taken back when what came of it is kept."""
    return f"deciding {lane}"


@dataclass(frozen=True, slots=True)
class Sieve:
    """Tells what was missed from what is known."""

    store: Store
    decider: Decider
    clock: Clock

    def missed(self, lane: str, rows: Sequence[ListedIssue], new: NewComments, look: SharedLook) -> list[Acceptance]:
        """Of an engagement whose issues have changed: comments in the order of time, then what else was changed."""
        now, mark = self.clock(), deciding(lane)
        comments = events.of_comments(new.found, lane, now=now, next_at=new.next_at)
        changes = self._changes(lane, rows, new, now=now)
        if self.store.read(partial(swept.mark, name=mark)) is not None:
            log.warning("sweep.left_undecided", lane=lane)
            return [*comments, *changes[:1]]
        self.store.note(partial(swept.keep_mark, name=mark, at=now))
        outcome = attempt(lambda: self._decided(lane, comments, changes, look))
        if isinstance(outcome, Exception):
            self.store.note(partial(swept.forget_mark, name=mark))  # it was survived
            raise outcome
        return outcome

    def _changes(self, lane: str, rows: Sequence[ListedIssue], new: NewComments, *, now: float) -> list[Acceptance]:
        """What may have been missed besides comments: none of it is a dead letter, which waits for an operator."""
        if new.next_at is not None:
            return []  # it comes after the comments that are left to the next sweep
        changes = [events.of_change(row, lane, now=now) for row in rows]
        lanes = {lane, *(f"{ISSUE_LANE}{row.issue.iid}" for row in rows)}
        dead = {events.content_of(each) for each in self.store.read(partial(swept.dead_changes, lanes=lanes))}
        return [each for each in changes if events.content_of(read_payload(each.body or b"{}")) not in dead]

    def _decided(
        self, lane: str, comments: Sequence[Acceptance], changes: Sequence[Acceptance], look: SharedLook
    ) -> list[Acceptance]:
        """What would lead to something.

        One change is enough: whichever issue it is about, both are looked at. After several comments there is always
        one, because each of them leaves what has to be written to what comes next.
        """
        engagement = self.store.read(partial(outbox.engagement, ident=lane))
        sift = partial(self._sift, lane, engagement, look)
        return [*sift(comments), *(changes if len(comments) > 1 else sift(changes))[:1]]

    def _sift(
        self, lane: str, engagement: Engagement | None, look: SharedLook, candidates: Iterable[Acceptance]
    ) -> list[Acceptance]:
        missed = []
        for each in candidates:
            outcome = attempt(partial(self._leads_to_something, each, engagement, look))
            if isinstance(outcome, NOT_ITS_FAULT):
                raise outcome
            if isinstance(outcome, Exception):
                reason = outcome.reason if isinstance(outcome, Permanent) else f"a bug: {type(outcome).__name__}"
                log.warning("sweep.not_decided", lane=lane, reason=reason)  # it will be parked with its reason
            if outcome is not False:
                missed.append(each)
        return missed

    def _leads_to_something(self, candidate: Acceptance, engagement: Engagement | None, look: SharedLook) -> bool:
        event = read_event(Source.SWEEP, candidate.body or b"{}", received_on=at(candidate.received_at).date())
        decision = self.decider.decide(event, engagement, lane=candidate.lane, is_patient=False, issues=look)
        # without actions it was, at the most, not noted yet that a label of the bot's own was set
        return bool(decision.actions) or decision.lane is not None
