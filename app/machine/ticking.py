"""What clocks bring about at a moment: labels, one reminder, one word that the time is over, and what then follows.

People hear of it in working hours only, and once for each time that a clock runs; labels show at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from typing import Final
from zoneinfo import ZoneInfo

from app.machine.calendars import due_at, next_at_work
from app.machine.clocks import Run, over_key, running
from app.machine.course import Course
from app.machine.outcome import ClockNear, ClockOver, LabelChange, RestOver
from app.methodology.parts import IssueKind
from app.methodology.process import Kind
from app.methodology.timing import Calendar, Then

_LATER: Final = 1.0
"""Seconds after a moment at which it is surely past, whoever rounds it."""


def tick(course: Course, now: float) -> Mapping[IssueKind, str | None]:
    """Say and do what is due; returns issue → the label that says how its clocks stand.

    What is due next is noted in the standing (`wake_at`).
    """
    for _ in range(len(course.methodology.clocks) + 1):
        look = _Look(course, now, course.methodology.calendar_of(course.scene.segment))
        runs = list(running(course.standing, course.methodology, look.calendar))
        for run in runs:
            look.at(run)
        look.at_rests()
        if not look.has_moved:
            break
        course.settle(now)
    course.standing = course.standing.but(wake_at=min(look.later, default=None))
    return {on: look.label(on) for on in course.scene.issues}


def with_sla(
    changes: Mapping[IssueKind, LabelChange], sla: Mapping[IssueKind, str | None], course: Course
) -> dict[IssueKind, LabelChange]:
    """The changes of labels with those of the clocks, and with what says why the bot did something by itself."""
    names = course.methodology.sla.at_risk, course.methodology.sla.breached
    found = dict(changes)
    for on, wanted in sla.items():
        present, change = course.scene.issues[on].labels, found.get(on, LabelChange())
        add = [label for label in (wanted, *course.reasons_to_set(on)) if label and label not in present]
        gone = [label for label in names if label != wanted and label in present]
        if add or gone:
            kept = [label for label in (*change.remove, *gone) if label not in add]
            found[on] = LabelChange(tuple(dict.fromkeys([*change.add, *add])), tuple(dict.fromkeys(kept)))
    return found


@dataclass(slots=True)
class _Look:
    course: Course
    now: float
    calendar: Calendar
    later: set[float] = field(default_factory=set)
    """Moments to come at which something is due."""
    near: set[IssueKind] = field(default_factory=set)
    over: set[IssueKind] = field(default_factory=set)
    has_moved: bool = False

    def label(self, on: IssueKind) -> str | None:
        """How the clocks of an issue stand; of one that is closed nothing is said."""
        sla = self.course.methodology.sla
        if not self.course.scene.issues[on].is_open:
            return None
        return sla.breached if on in self.over else sla.at_risk if on in self.near else None

    def at(self, run: Run) -> None:
        """One clock."""
        if run.clock.on not in self.course.scene.issues:
            return
        if run.clock.warns:
            self.near |= {run.clock.on} if self._is_past(run.warn_at) else set()
            self.over |= {run.clock.on} if self._is_past(run.due_at) else set()
        self._remind(run)
        if run.due_at is not None:
            self._tell_over(run, run.due_at)

    def at_rests(self) -> None:
        """The days until which tracks are on hold: somebody has to say how it goes on."""
        for name, place in self.course.standing.places.items():
            track = self.course.methodology.tracks[name]
            if track.states[place.state].kind is not Kind.HOLD or place.until is None:
                continue
            key = f"rest:{name}"
            opens = datetime.combine(date.fromisoformat(place.until), time.min, ZoneInfo(self.calendar.time_zone))
            if self._is_past(self._at_work(opens.timestamp())) and not self._is_told(key, place.since):
                self._tell(key, place.since)
                self.course.notices.append(RestOver(f"{key}:{int(place.since)}:{place.until}", track.on, name))

    def _remind(self, run: Run) -> None:
        """Before the time is over, where there is time for that; else whoever is late hears it with all others."""
        key = f"clock:{run.name}:near"
        is_over = run.due_at is not None and self.now >= run.due_at  # it stands still where there is no end
        if run.warn_at is None or run.due_at is None or is_over or self._is_told(key, run.began_at):
            return
        if self._is_past(self._at_work(run.warn_at)):
            self._tell(key, run.began_at)
            self.course.because(f"{run.clock.title}: little time is left")
            self.course.notices.append(ClockNear(f"{key}:{int(run.began_at)}", run.clock.on, run.name, run.due_at))

    def _tell_over(self, run: Run, over_at: float) -> None:
        key, clock = over_key(run.name), run.clock
        if not self._is_past(self._at_work(over_at)):
            return
        if not self._is_told(key, run.began_at):
            self._tell(key, run.began_at)
            self._tell(f"{key}:at", self.now)
            self.course.because(f"{clock.title}: the time is over")
            then_at = None if clock.then is None else self._then_at(run, clock.then)
            said = ClockOver(f"{key}:{int(run.began_at)}", clock.on, run.name, over_at, then_at)
            self.course.notices.append(said)
        if clock.then is not None and self._is_past(self._then_at(run, clock.then)):
            self._do(clock.then, clock.on)

    def _then_at(self, run: Run, then: Then) -> float:
        """Counted from when people heard that the time is over, which may be long after it was."""
        told_at = self.course.standing.asked.get(f"{over_key(run.name)}:at", int(self.now))
        end = due_at(_moment(told_at), then.after_hours, run.clock.counts, self.calendar)
        return self._at_work(told_at if end is None else end.timestamp())

    def _do(self, then: Then, on: IssueKind) -> None:
        name, _, state = then.to.partition(".")
        place = self.course.standing.places.get(name)
        if place is None or self.course.methodology.tracks[name].states[place.state].is_end:
            return
        self.course.because_of.setdefault(on, set()).update(then.labels)
        self.course.enter(name, state, at=self.now, words=then.words)
        self.has_moved = True

    def _is_past(self, moment: float | None) -> bool:
        """Whether a moment is past; one to come is a reason to look again."""
        if moment is not None and moment > self.now:
            self.later.add(moment + _LATER)
        return moment is not None and moment <= self.now

    def _at_work(self, moment: float) -> float:
        return next_at_work(_moment(moment), self.calendar).timestamp()

    def _is_told(self, key: str, since: float) -> bool:
        return self.course.standing.asked.get(key) == int(since)

    def _tell(self, key: str, since: float) -> None:
        self.course.standing = self.course.standing.but(asked={**self.course.standing.asked, key: int(since)})


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
