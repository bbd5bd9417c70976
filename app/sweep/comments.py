"""The comments of an engagement that this database knows nothing of: all its issues', in the order of time.

One sweep takes a bounded part, the oldest; those that are left are the next sweep's, and so are the changes after them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from app.clock import Clock, at
from app.commands import command_lines
from app.engine.deciding import Decider
from app.events import ISSUE_LANE
from app.ports import Comment, ListedIssue, Overview
from app.registry import Listened
from app.snapshot import Heard
from app.store import swept
from app.store.memory import listen
from app.store.store import Store
from app.store.swept import SweptIssue
from app.sweep import events
from app.sweep.events import Found
from app.sweep.report import Swept

OVERLAP: Final = timedelta(minutes=10)
"""Clocks differ, and GitLab may show a change later than it made it."""
MOST_COMMENTS: Final = 1_000
"""With commands nobody heard, of one engagement and one sweep."""
ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
NO_DELIVERY: Final = 0
"""Stands for the delivery of a command that was heard before this database was made."""


@dataclass(frozen=True, slots=True)
class Unheard:
    """A comment with commands of which not all were heard; `own`: the bot's comments on the same issue."""

    iid: int
    comment: Comment
    digests: frozenset[str]
    own: Sequence[Comment]

    @property
    def rank(self) -> tuple[datetime, int]:
        """In the order of time, as GitLab's list has it."""
        return self.comment.updated_at, self.comment.id


@dataclass(frozen=True, slots=True)
class NewComments:
    """`found`: not heard of. `looked`: how far each issue is looked at with that.

    `next_at`: of when the first comment is that was left to the next sweep; None where none was.
    """

    found: Sequence[Found]
    looked: Mapping[int, SweptIssue]
    next_at: datetime | None


@dataclass(frozen=True, slots=True)
class CommentLook:
    """Reads the comments of one engagement after the other."""

    store: Store
    overview: Overview
    decider: Decider
    clock: Clock

    def look(
        self, lane: str, rows: Sequence[ListedIssue], known: Mapping[int, SweptIssue], begun: float, told: Swept
    ) -> NewComments:
        """What is new on the issues of an engagement."""
        unheard: list[Unheard] = []
        read: dict[int, Sequence[Comment]] = {}
        since = {row.issue.iid: self._from(lane, known.get(row.issue.iid), begun) for row in rows}
        for iid, moment in since.items():
            comments = self.overview.comments_since(iid, moment)
            if comments.is_cut:
                told.was_cut(f"comments of #{iid}: only the newest {len(comments)} can be read")
            read[iid] = comments
            unheard += self._unheard_of(iid, comments, lane)
        unheard.sort(key=lambda each: each.rank)
        taken, left = unheard[:MOST_COMMENTS], unheard[MOST_COMMENTS:]
        if left:
            told.was_cut(f"comments of #{left[0].iid}: {len(left)} are left to the next sweep")
        found = [each for one in taken if (each := self._judged(one, begun)) is not None]
        next_at = self._found(left[0]).said_at if left else None
        horizon = left[0].comment.updated_at if left else None
        looked = {}
        for row in rows:
            until = _looked_until(since[row.issue.iid], read[row.issue.iid], horizon)
            # where some are left it counts as changed the next time
            looked[row.issue.iid] = SweptIssue("" if left else events.digest_of(row), until)
        return NewComments(found, looked, next_at)

    def _from(self, lane: str, known: SweptIssue | None, begun: float) -> datetime:
        """Since when comments have to be looked at: of an issue never seen, since it is this bot's business."""
        if known is not None:
            return at(known.notes_until) - OVERLAP if known.notes_until else ALWAYS
        since = None if lane.startswith(ISSUE_LANE) else self.store.read(lambda c: swept.begun_at(c, lane))
        return at(begun if since is None else since) - OVERLAP

    def _unheard_of(self, iid: int, comments: Sequence[Comment], lane: str) -> list[Unheard]:
        bot = self.decider.directory.bot()
        own = [each for each in comments if each.author.id == bot.id]
        others = ((each, self._unheard(each)) for each in comments if each.author.id != bot.id)
        unheard = [Unheard(iid, each, digests, own) for each, digests in others if digests]
        if not unheard:
            return []
        dead = self.store.read(partial(swept.dead_comments, lanes={lane, f"{ISSUE_LANE}{iid}"}))
        return [each for each in unheard if each.comment.id not in dead]

    def _unheard(self, comment: Comment) -> frozenset[str]:
        """The commands of a comment, as digests, where not all of them were heard."""
        commands, bot = self.decider.playbook.methodology.commands, self.decider.directory.bot()
        lines = command_lines(comment.body, prefix=commands.prefix, bot=bot.username)
        digests = frozenset(line.digest for line in lines)
        heard = self.decider.memory.heard(comment.id) if digests else Heard()
        return digests if digests - heard.carried_out - heard.foreign else frozenset()

    def _judged(self, unheard: Unheard, begun: float) -> Found | None:
        """None, and noted, where it was heard before this database was made."""
        found = self._found(unheard)
        if not self._was_heard_before(found, unheard.own, at(begun)):
            return found
        listened = Listened(unheard.comment.id, carried_out=unheard.digests)
        self.store.write(partial(listen, listened=listened, delivery_id=NO_DELIVERY, now=self.clock()))
        return None

    def _found(self, unheard: Unheard) -> Found:
        return Found(unheard.iid, unheard.comment, self.overview.edited_at(unheard.comment))

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


def _looked_until(since: datetime, comments: Sequence[Comment], horizon: datetime | None) -> float:
    """Until when an issue's comments are looked at, seconds since 1970: no further than what was left."""
    begun = 0.0 if since == ALWAYS else (since + OVERLAP).timestamp()
    done = (each.updated_at.timestamp() for each in comments if horizon is None or each.updated_at < horizon)
    return max([begun, *done])
