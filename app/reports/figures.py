"""The reports: how many get how far, how long it takes, who waits for whom."""

from __future__ import annotations

import math
import statistics
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Final

from app.machine.calendars import due_at
from app.machine.standing import Verdict
from app.methodology.process import Kind
from app.pipeline import Listed
from app.reports.material import NO_SEGMENT, Material
from app.reports.report import Bars, Cell, report

DAY_S: Final = 86_400.0
HOUR_S: Final = 3_600.0
AGES_DAYS: Final = (7, 14, 28, 56)
"""Where the backlog's ages are cut."""


@report(
    "funnel",
    "How far they get",
    "Engagements that came as far as a state, or further.",
    columns=("State", "Reached", "Of all, %", "Are there now"),
    plot=Bars((1,)),
)
def _funnel(material: Material) -> Iterator[tuple[Cell, ...]]:
    path = material.track.path
    farthest = [_farthest(each, material) for each in material.engagements]
    now = Counter(each.state for each in material.engagements)
    for place, state in enumerate(path):
        reached = sum(far >= place for far in farthest)
        yield material.title(state), reached, _percent(reached, len(farthest)), now[state]


def _farthest(engagement: Listed, material: Material) -> int:
    path = material.track.path
    been = {each.to for each in material.visits.get(engagement.engagement_id, ())} | {engagement.state}
    return max((path.index(state) for state in been if state in path), default=0)


@report(
    "win-rate",
    "Won and lost",
    "Engagements that ended, by the quarter in which they did, and by segment. What was a duplicate or never an "
    "engagement is not counted.",
    columns=("Quarter and segment", "Won", "Lost", "Won, %", "Won, {currency}"),
    plot=Bars((1, 2)),
)
def _win_rate(material: Material) -> Iterator[tuple[Cell, ...]]:
    ended: dict[tuple[str, str], list[Listed]] = defaultdict(list)
    for each in material.engagements:
        if material.kind(each) in {Kind.WON, Kind.LOST}:
            ended[material.quarter(each), each.segment or NO_SEGMENT].append(each)
    for quarter in material.quarters:
        for segment in material.segments:
            if found := ended.get((quarter, segment)):
                won = [each for each in found if material.kind(each) is Kind.WON]
                worth = sum((material.worth(each) for each in won), Decimal(0))
                lost = len(found) - len(won)
                yield f"{quarter} {segment}", len(won), lost, _percent(len(won), len(found)), worth.quantize(Decimal(1))


@report(
    "time-in-state",
    "Time in each state",
    "Days from coming into a state until leaving it; each stay counts, also a second one.",
    columns=("State", "Stays", "Median, days", "90th percentile, days"),
    plot=Bars((2,), "d", marks=3),
)
def _time_in_state(material: Material) -> Iterator[tuple[Cell, ...]]:
    spans: dict[str, Spans] = defaultdict(Spans)
    for visits in material.visits.values():
        for visit, following in pairwise(visits):
            spans[visit.to].seconds.append(max(0.0, following.at - visit.at))
    for state, rules in material.track.states.items():
        if not rules.is_end:
            yield rules.title, *spans[state].told(DAY_S)


@report(
    "first-touch",
    "First touch",
    "Hours from the submission until the engagement left its first state, by the quarter in which it began. Those that "
    "have not left it, and are late by now, count in the last column alone.",
    columns=("Quarter", "Engagements", "Median, hours", "90th percentile, hours", "In time, %"),
    plot=Bars((2,), "h", marks=3),
)
def _first_touch(material: Material) -> Iterator[tuple[Cell, ...]]:
    fiscal, methodology = material.methodology.fiscal, material.methodology
    clock = methodology.clocks[methodology.sla.due_day]
    spans: dict[tuple[int, int], Spans] = defaultdict(Spans)
    in_time: Counter[tuple[int, int]] = Counter()
    late: Counter[tuple[int, int]] = Counter()
    called: dict[tuple[int, int], str] = {}
    for each in material.engagements:
        left = next((v for v in material.visits.get(each.engagement_id, ()) if v.came_from is not None), None)
        if each.begun_at is None:
            continue
        day = material.day(each.begun_at)
        quarter = fiscal.place(day)
        calendar = methodology.calendar_of(each.segment)
        due = due_at(datetime.fromtimestamp(each.begun_at, UTC), clock.hours, clock.counts, calendar)
        if left is None:
            late[quarter] += due is not None and due < material.now
            continue
        called[quarter] = fiscal.quarter(day)
        spans[quarter].seconds.append(max(0.0, left.at - each.begun_at))
        in_time[quarter] += due is None or left.at <= due.timestamp()
    for quarter in sorted(spans):
        count, *rest = spans[quarter].told(HOUR_S)
        yield called[quarter], count, *rest, _percent(in_time[quarter], count + late[quarter])


@report(
    "reviews",
    "Reviews",
    "Hours from when there was something to judge until the verdict.",
    columns=("Review", "Verdicts", "Median, hours", "90th percentile, hours", "Sent back, %"),
    plot=Bars((2,), "h", marks=3),
)
def _reviews(material: Material) -> Iterator[tuple[Cell, ...]]:
    for name, gate in material.methodology.gates.items():
        verdicts = [each for each in material.judged if each.gate == name]
        spans = Spans([max(0.0, each.at - each.asked_at) for each in verdicts if each.asked_at is not None])
        failed = sum(each.verdict == Verdict.FAILED for each in verdicts)
        _, *rest = spans.told(HOUR_S)
        if verdicts:
            yield gate.title, len(verdicts), *rest, _percent(failed, len(verdicts))


@report(
    "rework",
    "Steps back",
    "How often engagements were moved back, and to where.",
    columns=("Back to", "Times", "Engagements"),
    plot=Bars((1,)),
)
def _rework(material: Material) -> Iterator[tuple[Cell, ...]]:
    back = [each for each in material.entered if each.is_back]
    times = Counter(each.to for each in back)
    whose = {state: {each.engagement_id for each in back if each.to == state} for state in times}
    for state in material.track.states:
        if times[state]:
            yield material.title(state), times[state], len(whose[state])


@report(
    "backlog",
    "Age of what is open",
    "Open engagements by state and by the time since they began.",
    columns=("State", *(f"Under {days} days" for days in AGES_DAYS), "Older"),
    plot=Bars(tuple(range(1, len(AGES_DAYS) + 2))),
)
def _backlog(material: Material) -> Iterator[tuple[Cell, ...]]:
    ages: dict[str, Counter[int]] = defaultdict(Counter)
    for each in material.engagements:
        days = (material.now.timestamp() - (each.begun_at or each.since)) / DAY_S
        ages[each.state][sum(days >= limit for limit in AGES_DAYS)] += 1
    for state, rules in material.track.states.items():
        if not rules.is_end and ages[state]:
            yield rules.title, *(ages[state][each] for each in range(len(AGES_DAYS) + 1))


def _percent(part: int, whole: int) -> float | None:
    return None if whole == 0 else round(100 * part / whole, 1)


@dataclass(slots=True)
class Spans:
    """Lengths of time, and what is said of them."""

    seconds: list[float] = field(default_factory=list)

    def told(self, unit_s: float) -> tuple[int, float | None, float | None]:
        """How many, the median, and the 90th percentile."""
        if not self.seconds:
            return 0, None, None
        ordered = sorted(self.seconds)
        ninetieth = ordered[min(len(ordered) - 1, math.ceil(0.9 * len(ordered)) - 1)]
        return len(ordered), round(statistics.median(ordered) / unit_s, 1), round(ninetieth / unit_s, 1)
