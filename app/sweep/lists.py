"""The project's issues as a sweep lists them: what is longer than one list is read in parts, sweep by sweep.

Open issues are listed by age, and one sweep goes on where the last one ended, until the end, and then from the
beginning again. Changed ones are listed in the order of their changes, and what was not looked into is listed again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import Connection

from app.clock import at
from app.listing import Listing
from app.ports import ListedIssue, Overview
from app.store import swept
from app.store.store import Store
from app.sweep.comments import OVERLAP
from app.sweep.report import Swept

LAST_LOOK: Final = "sweep"
OPEN_FROM: Final = "open issues"
REBUILT_FROM: Final = "rebuild"
BEGINNING: Final = datetime.fromtimestamp(0, UTC)


@dataclass(frozen=True, slots=True)
class ListedIssues:
    """`until`: changes are listed up to then, `last`: they were before; `open_from`: the open ones to go on with."""

    rows: Mapping[int, ListedIssue]
    last: float
    until: float
    open_from: float

    def keep_marks(self, connection: Connection, *, left: Sequence[ListedIssue]) -> None:
        """Note how far it is; `left`: what could not be looked into, and has to be listed again."""
        earliest = min((_noted(row.updated_at) for row in left), default=self.until)
        swept.keep_mark(connection, LAST_LOOK, max(self.last, min(self.until, earliest)))
        # whatever is left: the list comes round again
        swept.keep_mark(connection, OPEN_FROM, self.open_from)


def list_issues(store: Store, overview: Overview, *, now: float, told: Swept) -> ListedIssues:
    """The next part of the open issues, and what was changed since the last look."""
    last = store.read(lambda c: swept.mark(c, LAST_LOOK))
    last = now if last is None else last
    open_issues = overview.open_issues(since=beginning_of(store, OPEN_FROM))
    changed = overview.issues_since(at(last) - OVERLAP)
    for name, part in (("open issues", open_issues), ("changed issues", changed)):
        if part.is_cut:
            told.was_cut(f"{name}: {len(part)} are read at once, the next sweep goes on after #{part[-1].issue.iid}")
    return ListedIssues(
        rows={row.issue.iid: row for row in [*open_issues, *changed]},
        last=last,
        until=_noted(changed[-1].updated_at) if changed.is_cut else now,
        open_from=end_of(open_issues),
    )


def beginning_of(store: Store, name: str) -> datetime:
    """From where a list by age goes on."""
    kept = store.read(lambda c: swept.mark(c, name))
    return at(kept) if kept else BEGINNING


def end_of(by_age: Listing[ListedIssue]) -> float:
    """To where it was read; the next one begins with what this one ended with. 0: to its end."""
    return by_age[-1].created_at.timestamp() if by_age.is_cut else 0.0


def _noted(updated_at: datetime) -> float:
    """A mark from which the next list begins with this moment."""
    return (updated_at + OVERLAP).timestamp()
