"""One look at an engagement's issues for all the deliveries that wait together.

They came in before the look, so it shows what each of them tells of. It holds until something is written, and for
seconds only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

import structlog

from app.clock import Timer
from app.listing import Listing
from app.ports import Assignment, GitLab, Issue, LabelEvent, Note, StateEvent

E = TypeVar("E", LabelEvent, StateEvent)

MOST_AGE_S: Final = 5.0

log = structlog.get_logger()


@dataclass(slots=True)
class SharedLook:
    """Reads through to GitLab what it has not read yet. Implements snapshot.Issues; for one thread."""

    gitlab: GitLab
    timer: Timer
    cut: set[int] = field(default_factory=set)
    """Issues with a longer history than is read: its oldest part was left out."""
    _since: float = 0.0
    _issues: dict[int, Issue] = field(default_factory=dict)
    _labels: dict[int, tuple[int, Sequence[LabelEvent]]] = field(default_factory=dict)
    _states: dict[int, tuple[int, Sequence[StateEvent]]] = field(default_factory=dict)

    def forget(self) -> None:
        """Something was written, or time has passed: look anew."""
        self._since = self.timer()
        for known in (self._issues, self._labels, self._states):
            known.clear()

    def read_issue(self, iid: int) -> Issue:
        """As GitLab.read_issue."""
        self._refresh()
        if iid not in self._issues:
            self._issues[iid] = self.gitlab.read_issue(iid)
        return self._issues[iid]

    def download(self, path: str, *, most_bytes: int) -> bytes | None:
        """As GitLab.download: a file is asked for once or never."""
        return self.gitlab.download(path, most_bytes=most_bytes)

    def label_events(self, iid: int, *, after: int = 0) -> Sequence[LabelEvent]:
        """As GitLab.label_events."""
        self._refresh()
        return self._later(self._labels, iid, after, self.gitlab.label_events)

    def state_events(self, iid: int, *, after: int = 0) -> Sequence[StateEvent]:
        """As GitLab.state_events."""
        self._refresh()
        return self._later(self._states, iid, after, self.gitlab.state_events)

    def assignments(self, iid: int) -> Sequence[Assignment]:
        """As GitLab.assignments; asked for so rarely that it is not shared."""
        return self.gitlab.assignments(iid)

    def latest_notes(self, iid: int) -> Sequence[Note]:
        """As GitLab.latest_notes; only a clock asks."""
        return self.gitlab.latest_notes(iid)

    def _refresh(self) -> None:
        if self.timer() - self._since > MOST_AGE_S:
            self.forget()

    def _later(
        self, known: dict[int, tuple[int, Sequence[E]]], iid: int, after: int, read: Callable[..., Listing[E]]
    ) -> Sequence[E]:
        """The events after one: those of an earlier look serve as long as it began no later."""
        if iid not in known or known[iid][0] > after:
            events = read(iid, after=after)
            known[iid] = (after, events)
            if events.is_cut:
                self.cut.add(iid)
                log.warning("history.cut", issue=iid, kept=len(events))
        return [event for event in known[iid][1] if event.id > after]
