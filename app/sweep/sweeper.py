"""One sweep: list the issues, look into those that are not as they were, and put what was missed into the inbox.

Whether something was missed is found out by deciding it, without carrying it out: what leads to nothing was heard of
before, or does not matter. So a sweep after a quiet night leaves no trace, and what a webhook tells at the same time
does no harm: whichever comes second leads to nothing.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

import structlog
from sqlalchemy import Connection

from app.clock import Clock, Timer, at
from app.commands import command_lines
from app.engine.deciding import Decider
from app.engine.shared_look import SharedLook
from app.errors import Permanent, Retry, attempt
from app.events import ISSUE_HOOK, ISSUE_LANE, NOTE_HOOK, Source, read_event
from app.keys import RecordKeys
from app.metrics import Metrics
from app.ports import Comment, ListedIssue, Overview
from app.registry import Listened
from app.snapshot import Heard
from app.store import inbox, outbox, swept
from app.store.memory import listen
from app.store.records import Acceptance
from app.store.store import Store
from app.store.swept import SweptIssue
from app.sweep import events
from app.sweep.events import Found
from app.sweep.hook import HookWatch
from app.sweep.rebuild import rebuild
from app.sweep.report import Swept
from app.tell import Tell, unheard

OVERLAP: Final = timedelta(minutes=10)
"""Clocks differ, and GitLab may show a change later than it made it."""
LAST_LOOK: Final = "sweep"
FIRST_LOOK: Final = "first sweep"
MOST_FAILED: Final = 5
"""Engagements that GitLab does not show in one sweep: then it is GitLab's trouble and not theirs."""
NO_DELIVERY: Final = 0
"""Stands for the delivery of a command that was heard before this database was made."""

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

    def sweep(self, *, is_rebuild: bool = False, tell: Tell = unheard) -> Swept:
        """Look at everything once; `tell` hears how far it is. What cannot be looked at is among the troubles."""
        found = Swept()
        steps = [lambda: self._look(found, tell), lambda: self.hook.look(found)]
        if is_rebuild:
            steps.insert(0, lambda: self._rebuild(found, tell))
        for step in steps:
            self._note(attempt(step), found)
        self._report(found)
        return found

    def _rebuild(self, found: Swept, tell: Tell) -> None:
        rebuild(
            store=self.store,
            overview=self.overview,
            keys=self.keys,
            decider=self.decider,
            now=self.clock(),
            found=found,
            tell=tell,
        )
        # closed ones as well have to be looked into, however long ago that was
        self.store.write(lambda c: swept.keep_mark(c, LAST_LOOK, 0.0))

    def _note(self, outcome: object, found: Swept) -> bool:
        """Whether it went well; what went wrong is among the troubles, and a bug is loud."""
        if isinstance(outcome, Retry | Permanent):
            found.troubles.append(outcome.reason)
        elif isinstance(outcome, Exception):
            log.error("sweep.hit_bug", exc_info=outcome)
            found.troubles.append(f"a bug in psplan: {type(outcome).__name__}; the log has more")
        return not isinstance(outcome, Exception)

    def _report(self, found: Swept) -> None:
        for what, count in (
            ("comment", found.comments),
            ("change", found.changes),
            ("failed delivery", found.from_log),
        ):
            self.metrics.missed.labels(what).inc(count)
        if not found.troubles:
            self.metrics.swept_at.set(self.clock())
        log.info("sweep.ended", **found.to_record())

    def _look(self, found: Swept, tell: Tell) -> None:
        now = self.clock()
        begun = self.store.read(lambda c: swept.mark(c, FIRST_LOOK))
        last = self.store.read(lambda c: swept.mark(c, LAST_LOOK))
        if begun is None:
            self.store.write(lambda c: swept.keep_mark(c, FIRST_LOOK, now))
        rows = {row.issue.iid: row for row in self.overview.open_issues()}
        since = at(now if last is None else last) - OVERLAP
        rows |= {row.issue.iid: row for row in self.overview.issues_since(since)}
        found.issues = len(rows)
        known = self.store.read(swept.swept)
        changed = [row for iid, row in sorted(rows.items()) if _is_changed(row, known.get(iid))]
        is_whole, failed = True, 0
        by_lane: dict[str, list[ListedIssue]] = {}
        for row in changed:
            by_lane.setdefault(self.store.lane_of(row.issue.iid) or f"{ISSUE_LANE}{row.issue.iid}", []).append(row)
        for number, (lane, same) in enumerate(by_lane.items(), start=1):
            tell("looking into what has changed", number, len(by_lane))
            if self.stopping.is_set():
                raise Retry("the service is stopping")
            look = partial(self._look_into, lane, same, known, now if begun is None else begun, found)
            outcome = attempt(look)
            if self._note(outcome, found) and outcome is True:
                continue
            is_whole = False
            failed += isinstance(outcome, Retry)
            if failed >= MOST_FAILED:
                raise Retry("too much of GitLab cannot be looked at; the next sweep goes on from here")
        if is_whole:  # else the next sweep has to list again what this one could not look into
            self.store.write(lambda c: swept.keep_mark(c, LAST_LOOK, now))

    def _look_into(
        self, lane: str, rows: Sequence[ListedIssue], known: Mapping[int, SweptIssue], begun: float, found: Swept
    ) -> bool:
        """The issues of one engagement: their comments in the order of time, then what else was changed.

        False where they could not be looked into now.
        """
        if self.store.read(partial(swept.is_busy, lane=lane)):
            return False  # it is being worked on, by a fresh look at everything: the next sweep sees what came of it
        found.looked_into += len(rows)
        new: list[Found] = []
        looked: dict[int, SweptIssue] = {}
        for row in rows:
            iid = row.issue.iid
            before = known.get(iid)
            comments = self.overview.comments_since(iid, self._comments_from(lane, before, begun))
            latest = [each.updated_at.timestamp() for each in comments]
            until = max([*latest, 0.0 if before is None else before.notes_until])
            looked[iid] = SweptIssue(events.digest_of(row), until)
            new += self._new(comments, iid, lane, begun)
        now = self.clock()
        look = SharedLook(self.decider.gitlab, self.timer)
        comments_missed = self._missed(lane, look, events.of_comments(new, lane, now=now))
        changes = [events.of_change(row, lane, now=now) for row in rows]
        if len(new) <= 1:
            changes = self._missed(lane, look, changes)
        # one of them is enough: whichever issue it is about, both are looked at. After several comments there is always
        # one, because each of them leaves what has to be written to what comes next
        missed = [*comments_missed, *changes[:1]] if len(new) <= 1 or comments_missed else changes[:1]
        kept = self.store.write(partial(self._keep, lane=lane, missed=missed, looked=looked))
        found.comments += sum(each.kind == NOTE_HOOK for each in kept)
        found.changes += sum(each.kind == ISSUE_HOOK for each in kept)
        found.lanes |= {lane} if kept else set()
        return True

    def _comments_from(self, lane: str, known: SweptIssue | None, begun: float) -> datetime:
        """Since when comments have to be looked at: of an issue never seen, since it is this bot's business."""
        if known is not None:
            return at(known.notes_until) - OVERLAP if known.notes_until else datetime.min.replace(tzinfo=UTC)
        since = None if lane.startswith(ISSUE_LANE) else self.store.read(lambda c: swept.begun_at(c, lane))
        return at(begun if since is None else since) - OVERLAP

    def _new(self, comments: Sequence[Comment], iid: int, lane: str, begun: float) -> list[Found]:
        """The comments with commands that this database knows nothing of."""
        bot = self.decider.directory.bot()
        own = [each for each in comments if each.author.id == bot.id]
        others = ((each, self._unheard(each)) for each in comments if each.author.id != bot.id)
        unknown = [(each, digests) for each, digests in others if digests]
        if not unknown:
            return []
        dead = self.store.read(partial(swept.dead_comments, lanes={lane, f"{ISSUE_LANE}{iid}"}))
        new = []
        for each, digests in unknown:
            if each.id in dead:
                continue
            found = Found(iid, each, self.overview.edited_at(each))
            if self._was_heard_before(found, own, at(begun)):
                listened = Listened(each.id, carried_out=digests)
                self.store.write(partial(listen, listened=listened, delivery_id=NO_DELIVERY, now=self.clock()))
                continue
            new.append(found)
        return new

    def _unheard(self, comment: Comment) -> frozenset[str]:
        """The commands of a comment, as digests, where not all of them were heard."""
        commands, bot = self.decider.playbook.methodology.commands, self.decider.directory.bot()
        lines = command_lines(comment.body, prefix=commands.prefix, bot=bot.username)
        digests = frozenset(line.digest for line in lines)
        heard = self.decider.memory.heard(comment.id) if digests else Heard()
        return digests if digests - heard.carried_out - heard.foreign else frozenset()

    def _was_heard_before(self, found: Found, own: Iterable[Comment], begun: datetime) -> bool:
        """Whether a comment was heard as it stands before this database was made: the bot's own emoji outlives that.

        What was edited since the emoji was heard if the bot wrote something on the issue after that; else nobody knows.
        """
        if self.decider.memory.heard(found.comment.id).carried_out:
            return False
        seen = self.decider.playbook.methodology.commands.reactions.seen
        reacted_at = self.overview.reacted_at(found.iid, found.comment.id, seen)
        if reacted_at is None:
            return False
        edited_at = found.edited_at
        if edited_at is None or edited_at <= reacted_at:
            return True
        later = (each for each in own if each.updated_at >= edited_at)
        return any(edited_at <= (self.overview.edited_at(each) or each.created_at) <= begun for each in later)

    def _missed(self, lane: str, look: SharedLook, candidates: Iterable[Acceptance]) -> list[Acceptance]:
        """Those that would lead to something."""
        engagement = self.store.read(lambda c: outbox.engagement(c, lane))
        missed = []
        for each in candidates:
            event = read_event(Source.SWEEP, each.body or b"{}", received_on=at(each.received_at).date())
            try:
                decision = self.decider.decide(event, engagement, lane=lane, is_patient=False, issues=look)
            except Permanent as fault:
                log.warning("sweep.not_decided", lane=lane, reason=fault.reason)  # it will be parked with its reason
            else:
                if not decision.actions and decision.lane is None:
                    continue  # at the most it was not noted yet that a label of the bot's own was set
            missed.append(each)
        return missed

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
        return new


def _is_changed(row: ListedIssue, known: SweptIssue | None) -> bool:
    return known is None or known.digest != events.digest_of(row)
