"""A quarter of a Professional Services team, lived in a moment: engagements come, people act or forget, clocks strike.

The whole service runs, beside a GitLab and a Slack; only time is moved, from one thing that happens to the next. What
people do is chosen by a seed. Afterwards everything that anybody was told is counted, by its own mark.
"""

from __future__ import annotations

import heapq
import random
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Final
from unittest.mock import patch

from app.clock import MovableClock, at
from app.machine.calendars import is_working_day, mornings
from app.methodology import Methodology, load_methodology
from app.methodology.timing import Calendar
from app.sandbox.world import World
from app.tell import Tell, unheard
from tests.days import Days, Stands
from tests.harness import METHODOLOGY, PATIENCE_S, submission, until
from tests.slack_stage import EM, PUBSEC, SlackStage, slack_stage, workspace

BEGIN: Final = datetime(2026, 10, 1, 6, tzinfo=UTC)
LENGTH: Final = timedelta(days=92)
"""A fiscal quarter with Thanksgiving, Christmas and Deepavali in it."""
TERRITORIES: Final = ("EMEA DACH", "EMEA UK", "AMER East", "AMER West", "APAC Japan")
HOUR: Final = timedelta(hours=1)
LOOK_S: Final = 0.002
"""How often it is asked whether the service is done; an hour goes by in a few milliseconds."""
_MARK: Final = re.compile(r"psplan:notice:(?P<of>\S+)-clock-(?P<clock>\S+?)-(?P<side>near|over)-(?P<since>\d+) ")
_MORNING: Final = re.compile(r"Good morning, this is \w+ (?P<day>[0-9-]+)\.")


@dataclass
class Told:
    """What people were told: each by what makes it one, as often as it was said."""

    clocks: Counter[tuple[str, str, str, str]] = field(default_factory=Counter)
    """Side, clock, engagement, since when it ran: comments on issues."""
    in_slack: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Clock's message and thread in Slack."""
    digests: Counter[tuple[str, str]] = field(default_factory=Counter)
    """Person and day."""
    at_rest: list[str] = field(default_factory=list)
    """What was said of a clock when nobody works, or of a morning that is none."""
    engagements: int = 0
    closed: int = 0
    moments: int = 0

    @property
    def doubled(self) -> int:
        """How often anything was said again."""
        return sum(count - 1 for told in (self.clocks, self.in_slack, self.digests) for count in told.values())


@dataclass(order=True)
class _Act:
    due: datetime
    number: int
    do: Callable[[], object] = field(compare=False)


@contextmanager
def _stage(folder: Path, clock: MovableClock) -> Iterator[SlackStage]:
    slack = workspace()
    slack.clock = clock
    world = World(clock=lambda: at(clock()), hook_delay_s=0.0)
    with (
        patch("app.adapters.slack_pace.PER_S", 1e6),  # its second is a real one, and mornings follow each other faster
        slack_stage(folder, slack=slack, gitlab=world, clock=clock) as stage,
    ):
        yield stage


def live(folder: Path, engagements: int, *, seed: int = 1, tell: Tell = unheard) -> Told:
    """Live through the quarter; `tell` hears how far it is."""
    clock = MovableClock(Stands(BEGIN))
    with _stage(folder, clock) as stage:
        quarter = _Quarter(stage, Days(stage.bot, clock, folder), clock, random.Random(seed), engagements)
        quarter.live(tell)
        return quarter.told()


class _Quarter:
    def __init__(
        self, stage: SlackStage, days: Days, clock: MovableClock, rng: random.Random, engagements: int
    ) -> None:
        self.stage = stage
        self.days = days
        self.clock = clock
        self.rng = rng
        self.methodology: Methodology = load_methodology(Path(METHODOLOGY))
        self.acts: list[_Act] = []
        self.begun = 0
        self.moments = 0
        working = [BEGIN + timedelta(days=n) for n in range(70) if (BEGIN + timedelta(days=n)).weekday() < 5]
        for _ in range(engagements):
            self._plan(rng.choice(working) + rng.random() * timedelta(hours=12), self._begin)

    def live(self, tell: Tell) -> None:
        """From one thing that happens to the next; what is due within an hour happens together."""
        end = BEGIN + LENGTH
        while (now := at(self.clock())) < end:
            tell("days", (now - BEGIN).days, LENGTH.days)
            upon = min([end, *self._next_acts(), *self._next_timer(), *self._next_mornings(now)])
            self.clock.move(max(1.0, (upon - now).total_seconds()) + 1.0)
            self.moments += 1
            self._act(at(self.clock()))
            self._settle()

    def _settle(self) -> None:
        """Everything that is due has struck, every morning is told, and everything that came of it is done."""
        self._rest()
        assert until(lambda: self.days.timer_due() > self.clock(), every_s=LOOK_S)
        now = at(self.clock())
        for name, day in self._mornings(now):
            key = f"digest:{name}:{day.isoformat()}"
            assert until(partial(self.days.has_come, key), every_s=LOOK_S)
        self._rest()

    def _rest(self) -> None:
        assert self.stage.gitlab.deliveries_idle(PATIENCE_S)
        assert until(self.days.is_idle, every_s=LOOK_S)

    def _mornings(self, now: datetime) -> Iterator[tuple[str, date]]:
        for name, calendar in self.methodology.calendars.items():
            for day in mornings(now, self.methodology.digest.at, calendar, within=HOUR):
                yield name, day

    def _next_mornings(self, now: datetime) -> Iterator[datetime]:
        """Full and half hours are when mornings begin; where one does next."""
        probe = now.replace(minute=0, second=0, microsecond=0)
        for step in range(1, 24 * 8):
            probe += HOUR / 2
            if probe > now and any(self._begins(probe, calendar) for calendar in self.methodology.calendars.values()):
                yield probe
                return
            assert step

    def _begins(self, moment: datetime, calendar: Calendar) -> bool:
        return any(mornings(moment, self.methodology.digest.at, calendar, within=timedelta(minutes=1)))

    def _next_acts(self) -> list[datetime]:
        return [self.acts[0].due] if self.acts else []

    def _next_timer(self) -> list[datetime]:
        due = self.days.timer_due()
        return [] if due == float("inf") else [at(due)]

    # -- what people do

    def _plan(self, due: datetime, do: Callable[[], object]) -> None:
        heapq.heappush(self.acts, _Act(due, len(self.acts) + self.begun * 1000 + self.moments * 10_000_000, do))

    def _act(self, now: datetime) -> None:
        while self.acts and self.acts[0].due <= now:
            heapq.heappop(self.acts).do()

    def _begin(self) -> None:
        self.begun += 1
        territory = self.rng.choice(TERRITORIES)
        body = submission(
            submission_id=str(uuid.UUID(int=self.rng.getrandbits(128), version=4)),
            customer_name=f"Customer {self.begun}",
            sales_territory=territory,
            pubsec_us=self.rng.random() < 0.05,
        )
        before = set(self.stage.gitlab.issues)
        assert self.stage.bot.submit(body)["state"] == "done"
        scoping = min(set(self.stage.gitlab.issues) - before)
        em = next(iter(self.stage.gitlab.issues[scoping].assignee_ids), None)
        who = self.stage.gitlab.users[em].username if em is not None else "erin"
        now = at(self.clock())
        for due, by, words in self._story(who):
            self._plan(now + due, lambda by=by, words=words: self._say(by, scoping, words))  # type: ignore[misc]

    def _story(self, em: str) -> Iterator[tuple[timedelta, str, str]]:
        """One in six is forgotten; some rest; the others go on, some in time and some late."""
        if self.rng.random() < 1 / 6:
            return
        due = timedelta()
        for by, words, hours in (
            (em, "/ps next", 20.0),
            (em, "/ps next", 60.0),
            (em, "/ps estimate 62000 USD ff", 50.0),
            ("tara", "/ps ta approve", 30.0),
            (em, "/ps next", 20.0),
            (em, "/ps agree", 60.0),
            (em, "/ps next", 10.0),
            (em, "/ps sow https://docs.google.com/document/d/1", 40.0),
        ):
            if self.rng.random() < 0.06:
                yield due + HOUR, em, "/ps hold until 2027-01-15 budget"
                return
            due += timedelta(hours=self.rng.expovariate(1 / hours))
            yield due, by, words
            if self.rng.random() < 0.08:
                return

    def _say(self, by: str, iid: int, words: str) -> None:
        self.stage.gitlab.add_note(by, iid, words)

    # -- what they were told

    def told(self) -> Told:
        """Counted by the marks of what was said."""
        told = Told(engagements=self.begun, moments=self.moments)
        world, slack = self.stage.gitlab, self.stage.slack
        for note in world.notes.values():
            for mark in _MARK.finditer(note.body):
                told.clocks[mark["side"], mark["clock"], mark["of"], mark["since"]] += 1
                calendar = self._calendar_of(note.issue_iid)
                if not _is_at_work(note.created_at, calendar):
                    told.at_rest.append(f"{mark['clock']} {mark['side']} at {note.created_at} ({calendar.time_zone})")
        for post in [*slack.in_channel(EM), *slack.in_channel(PUBSEC)]:
            if " – *" in post.text and ("Little time is left" in post.text or "The time is over" in post.text):
                told.in_slack[post.text.split("\n")[0], post.thread_ts or post.ts] += 1
        for post in slack.posts:
            morning = _MORNING.match(post.text)
            if morning is not None:
                person = next(each.name for each in slack.people.values() if slack.place_of(each.id) == post.channel)
                told.digests[person, morning["day"]] += 1
                if not any(is_working_day(date.fromisoformat(morning["day"]), each) for each in self._all()):
                    told.at_rest.append(f"{person}'s digest on {morning['day']}")
        told.closed = sum("Lost::unknown" in world.label_titles(issue) for issue in world.issues.values())
        return told

    def _all(self) -> list[Calendar]:
        return list(self.methodology.calendars.values())

    def _calendar_of(self, iid: int) -> Calendar:
        labels = self.stage.gitlab.label_titles(self.stage.gitlab.issues[iid])
        segment = next((each.partition("::")[2] for each in labels if each.startswith("Segment::")), None)
        if segment is None:  # an intake issue: its scoping issue is the one before
            return self._calendar_of(iid - 1) if iid - 1 in self.stage.gitlab.issues else self._all()[0]
        return self.methodology.calendar_of(segment)


def _is_at_work(moment: datetime, calendar: Calendar) -> bool:
    from zoneinfo import ZoneInfo

    local = moment.astimezone(ZoneInfo(calendar.time_zone))
    return is_working_day(local.date(), calendar) and calendar.begins <= f"{local:%H:%M}" <= calendar.ends


def by_clock(told: Told) -> Mapping[str, Counter[str]]:
    """Clock → how often people were reminded, and told that the time is over."""
    found: dict[str, Counter[str]] = {}
    for (side, clock, _, _), _count in told.clocks.items():
        found.setdefault(clock, Counter())[side] += 1
    return found
