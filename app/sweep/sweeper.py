"""One sweep: list the issues, look into those that are not as they were, and put what was missed into the inbox.

A sweep after a quiet night leaves no trace, and what a webhook tells at the same time does no harm: whichever comes
second leads to nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, NoReturn

import structlog
from sqlalchemy import Connection

from app.clock import Clock, Timer, at
from app.engine.deciding import Decider
from app.engine.lost import made_for
from app.engine.shared_look import SharedLook
from app.errors import Held, Permanent, Retry, VendorDown, attempt
from app.events import ISSUE_HOOK, ISSUE_LANE, NOTE_HOOK
from app.keys import RecordKeys
from app.metrics import MISSED, Metrics
from app.ports import ListedIssue, Overview
from app.store import inbox, swept
from app.store.memory import WHOLE
from app.store.records import Acceptance
from app.store.store import Store
from app.store.swept import SweptIssue
from app.sweep import events
from app.sweep.comments import CommentLook
from app.sweep.hook import HookWatch
from app.sweep.lists import BEGINNING, LAST_LOOK, list_issues
from app.sweep.missed import Sieve, deciding
from app.sweep.rebuild import rebuild
from app.sweep.report import Swept
from app.sweep.salesforce import SalesforceWatch
from app.tell import Tell, unheard

FIRST_LOOK: Final = "first sweep"
LATEST_LOST: Final = "latest lost"
"""The number of the latest issue of an engagement that this database lacked."""
ENDED_AT: Final = "looked into"
"""The number of the issue at which a sweep came to an early end: the next one begins after it."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Sweeper:
    """Everything a sweep needs; `sweep` is called by one thread at a time."""

    store: Store
    overview: Overview
    hook: HookWatch
    decider: Decider
    keys: RecordKeys
    clock: Clock
    timer: Timer
    metrics: Metrics
    stopping: threading.Event
    """Set: end after the issue at hand."""
    opportunities: SalesforceWatch | None = None
    """None: the service is not connected to Salesforce."""

    def sweep(self, *, is_rebuild: bool = False, tell: Tell = unheard) -> Swept:
        """Look at everything once; `tell` hears how far it is. What cannot be looked at is among the troubles.

        A database that may lack engagements gets them back first, whether that is asked for or not: a look at what it
        does not know would take it for new.
        """
        found = Swept()
        kept = self.store.read(lambda c: swept.mark(c, WHOLE))
        unread: frozenset[int] | Exception = frozenset()
        if is_rebuild or not kept:
            unread = attempt(lambda: self._rebuild(found, tell, is_asked=is_rebuild))
        if isinstance(unread, Exception):
            self._note(unread, found)
            found.troubles.append("nothing else was looked into: what this database lacks has to come back first")
        else:
            self._note(attempt(lambda: self._look(found, tell, unread)), found)
        self._note(attempt(lambda: self.hook.look(found)), found)
        if self.opportunities is not None and not isinstance(unread, Exception):
            self._note(attempt(partial(self.opportunities.look, found)), found)
        self._report(found)
        return found

    def first_look(self) -> None:
        """Once for each database: where GitLab has no issue of the bot's that it does not know, nothing was lost.

        Raises Retry or Permanent as the port does.
        """
        if self.store.read(lambda c: swept.mark(c, WHOLE)) is not None:
            return
        bot = self.decider.directory.bot().id
        listed = self.overview.all_issues(since=BEGINNING)
        lost = sum(row.issue.author.id == bot and self.store.lane_of(row.issue.iid) is None for row in listed)
        if lost:
            log.warning("database.lacks_engagements", issues=lost, see="psplan sweep --rebuild")
        elif not listed.is_cut:
            self.store.write(lambda c: swept.keep_mark(c, WHOLE, self.clock()))

    def _rebuild(self, found: Swept, tell: Tell, *, is_asked: bool) -> frozenset[int]:
        """The issues that must not be looked into: what they say could not be read."""
        unread = rebuild(
            store=self.store,
            overview=self.overview,
            keys=self.keys,
            decider=self.decider,
            now=self.clock(),
            found=found,
            stopping=self.stopping,
            tell=tell,
        )
        if is_asked or found.rebuilt:
            # closed ones as well have to be looked into, however long ago that was
            self.store.write(lambda c: swept.keep_mark(c, LAST_LOOK, 0.0))
        return unread

    def _note(self, outcome: object, found: Swept) -> bool:
        """Whether it went well; what went wrong is among the troubles, and a bug is loud."""
        if isinstance(outcome, Retry | Permanent):
            found.troubles.append(outcome.reason)
        elif isinstance(outcome, Exception):
            log.error("sweep.hit_bug", exc_info=outcome)
            found.troubles.append(f"a bug in psplan: {type(outcome).__name__}; the log has more")
        return not isinstance(outcome, Exception)

    def _report(self, found: Swept) -> None:
        for what, count in zip(MISSED, (found.comments, found.changes, found.from_log), strict=True):
            self.metrics.missed.labels(what).inc(count)
        if not found.troubles:
            # in the database, because another replica may sweep next, and each of them is asked when the last one was
            keep = partial(swept.keep_mark, name=swept.SWEPT, at=self.clock())
            self._note(attempt(lambda: self.store.write(keep)), found)
        log.info("sweep.ended", **found.to_record())

    def _look(self, found: Swept, tell: Tell, unread: frozenset[int]) -> None:
        now = self.clock()
        begun = self.store.read(lambda c: swept.mark(c, FIRST_LOOK))
        if begun is None:
            self.store.write(lambda c: swept.keep_mark(c, FIRST_LOOK, now))
        listed = list_issues(self.store, self.overview, now=now, told=found)
        found.issues = len(listed.rows)
        self._note_lost([row for iid, row in listed.rows.items() if iid not in unread], found)
        known = self.store.read(swept.swept)
        changed = [row for iid, row in sorted(listed.rows.items()) if _is_changed(row, known.get(iid))]
        left: list[ListedIssue] = []
        by_lane: dict[str, list[ListedIssue]] = {}
        behind = {self._lane_of(iid) for iid in unread}
        for row in changed:
            lane = self._lane_of(row.issue.iid)
            (left if lane in behind else by_lane.setdefault(lane, [])).append(row)
        for number, (lane, same) in enumerate(self._in_turn(by_lane), start=1):
            tell("looking into what has changed", number, len(by_lane))
            if self.stopping.is_set():
                self._end(same[0], "the service is stopping")
            look = partial(self._look_into, lane, same, known, now if begun is None else begun, found)
            outcome = attempt(look)
            if self._note(outcome, found) and outcome is True:
                continue
            left += same
            trouble: object = outcome
            if isinstance(outcome, VendorDown):
                # GitLab's trouble, or only this engagement's: an answer keeps its breaker closed for the others
                trouble = attempt(lambda: self.overview.issues_since(at(now)))
            if isinstance(trouble, Held | VendorDown):
                self._end(same[0], f"{trouble.reason}; the next sweep goes on from here")
        self.store.write(partial(listed.keep_marks, left=left))

    def _note_lost(self, rows: Iterable[ListedIssue], found: Swept) -> None:
        """A back-up that was put back takes itself for whole; the bot's own issues tell that it is not.

        Those that a rebuild did not bring back do not ask for one again.
        """
        bot, memory = self.decider.directory.bot().id, self.decider.memory
        unknown = (each.issue for each in rows if self.store.lane_of(each.issue.iid) is None)
        marked = ((issue.iid, made_for(issue, bot)) for issue in unknown)
        latest = max((iid for iid, ident in marked if ident is not None and not memory.knows(ident)), default=0)
        if latest > (self.store.read(lambda c: swept.mark(c, LATEST_LOST)) or 0):
            self.store.write(lambda c: swept.keep_mark(c, LATEST_LOST, latest))
            self.store.write(lambda c: swept.keep_mark(c, WHOLE, 0.0))
            found.troubles.append(
                "GitLab has engagements that this database does not know: the next sweep begins with a rebuild"
            )

    def _lane_of(self, iid: int) -> str:
        return self.store.lane_of(iid) or f"{ISSUE_LANE}{iid}"

    def _in_turn(self, by_lane: Mapping[str, list[ListedIssue]]) -> list[tuple[str, list[ListedIssue]]]:
        """What comes after the end of the sweep before, and then the rest: so none keeps another from its turn."""
        ended_at = self.store.read(lambda c: swept.mark(c, ENDED_AT)) or 0.0
        return sorted(by_lane.items(), key=lambda each: (each[1][0].issue.iid <= ended_at, each[1][0].issue.iid))

    def _end(self, row: ListedIssue, reason: str) -> NoReturn:
        """Before the end of the list."""
        self.store.write(lambda c: swept.keep_mark(c, ENDED_AT, row.issue.iid))
        raise Retry(reason)

    def _look_into(
        self, lane: str, rows: Sequence[ListedIssue], known: Mapping[int, SweptIssue], begun: float, found: Swept
    ) -> bool:
        """The issues of one engagement: their comments in the order of time, then what else was changed.

        False where they could not be looked into now, or not wholly.
        """
        if self.store.read(partial(swept.is_busy, lane=lane)):
            return False  # it is being worked on, by a fresh look at everything: the next sweep sees what came of it
        found.looked_into += len(rows)
        new = CommentLook(self.store, self.overview, self.decider, self.clock).look(lane, rows, known, begun, found)
        look = SharedLook(self.decider.gitlab, self.timer)
        missed = Sieve(self.store, self.decider, self.clock).missed(lane, rows, new, look)
        for iid in sorted(look.cut):
            found.was_cut(f"history of #{iid}: its oldest part is left out")
        kept = self.store.write(partial(self._keep, lane=lane, missed=missed, looked=new.looked))
        found.comments += sum(each.kind == NOTE_HOOK for each in kept)
        found.changes += sum(each.kind == ISSUE_HOOK for each in kept)
        found.lanes |= {lane} if kept else set()
        return new.next_at is None

    def _keep(
        self,
        connection: Connection,
        *,
        lane: str,
        missed: Sequence[Acceptance],
        looked: Mapping[int, SweptIssue],
    ) -> list[Acceptance]:
        new = inbox.add_new(connection, missed)
        if new:
            self.store.defer(connection, lane)
        for iid, value in looked.items():
            swept.keep_swept(connection, iid, value)
        swept.forget_mark(connection, deciding(lane))
        return new


def _is_changed(row: ListedIssue, known: SweptIssue | None) -> bool:
    return known is None or known.digest != events.digest_of(row)
