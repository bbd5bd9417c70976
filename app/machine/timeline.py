"""When that happened which clocks go by: at the time of states, labels and words, not when they were heard of.

Times are a set, whatever the order in which they become known: so a clock ends at the same moment whether the bot was
there or not, and however often it is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from app.machine.standing import MOST_TIMES, Standing, label_key
from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import Kind
from app.methodology.timing import Moment


def asked(gate: str) -> str:
    """Its holders were asked."""
    return f"asked:{gate}"


def judged(gate: str) -> str:
    """Somebody said yes or no."""
    return f"judged:{gate}"


def recorded(document: str) -> str:
    """It was put on record."""
    return f"recorded:{document}"


def said(saying: str) -> str:
    """Somebody said so."""
    return f"said:{saying}"


def filled(field: str) -> str:
    """An intake field got an answer."""
    return f"filled:{field}"


def touched(role: str) -> str:
    """A holder of a role did something; only the first time counts."""
    return f"touched:{role}"


def labelled(on: IssueKind, label: str, *, is_set: bool) -> str:
    """A label was set, or taken off."""
    return f"{'set' if is_set else 'unset'}:{label_key(on, label)}"


def with_time(standing: Standing, what: str, at: float) -> Standing:
    """The standing, knowing when something happened."""
    known = standing.happened.get(what, ())
    if at in known:
        return standing
    times = (min((at, *known)),) if what.startswith("touched:") else tuple(sorted((*known, at)))[-MOST_TIMES:]
    return standing if times == known else standing.but(happened={**standing.happened, what: times})


def with_activity(standing: Standing, at: float) -> Standing:
    """The standing, knowing that somebody did or said something."""
    latest = at if standing.active_at is None else max(at, standing.active_at)
    return standing if latest == standing.active_at else replace(standing, active_at=latest)


def times_of(moment: Moment, on: IssueKind, standing: Standing) -> Iterator[float]:
    """When that happened, as far as it is known; `on`: the issue of the clock."""
    if moment.begun and standing.begun_at is not None:
        yield standing.begun_at
    if moment.active and standing.active_at is not None:
        yield standing.active_at
    if moment.entered is not None:
        yield from (move.at for move in standing.moves if f"{move.track}.{move.to}" == moment.entered)
    if moment.left is not None:
        yield from (move.at for move in standing.moves if f"{move.track}.{move.came_from}" == moment.left)
    for what in _names(moment, on):
        yield from standing.happened.get(what, ())


def ended_since(on: IssueKind, standing: Standing, methodology: Methodology) -> float | None:
    """Since when the track of an issue has been at an end, where nothing is left to do; None: it is not."""
    for name, place in standing.places.items():
        track = methodology.tracks.get(name)
        if track is not None and track.on is on and track.states[place.state].is_end:
            return place.since
    return None


def rests_of(standing: Standing, methodology: Methodology) -> list[tuple[float, float | None]]:
    """From when to when (None: still) the engagement was on hold, or waited for others; they do not overlap."""
    begins: list[tuple[float, bool, str]] = []
    for move in standing.moves:
        states = methodology.tracks[move.track].states if move.track in methodology.tracks else {}
        for name, is_begun in ((move.came_from, False), (move.to, True)):
            if name is not None and name in states and states[name].kind is Kind.HOLD:
                begins.append((move.at, is_begun, move.track))
    for label in methodology.sla.waiting:
        for on in IssueKind:
            for is_set in (True, False):
                times = standing.happened.get(labelled(on, label, is_set=is_set), ())
                begins += [(at, is_set, label_key(on, label)) for at in times]
    return list(_together(sorted(begins)))


def watched_labels(methodology: Methodology) -> frozenset[str]:
    """The labels that clocks go by."""
    moments = [each for clock in methodology.clocks.values() for each in (*clock.begins, *clock.ends)]
    named = (label for each in moments for label in (each.set, each.unset) if label is not None)
    return frozenset([*methodology.sla.waiting, *named])


def touching_roles(methodology: Methodology) -> tuple[str, ...]:
    """The roles of which clocks want to know when they first did something."""
    moments = [each for clock in methodology.clocks.values() for each in (*clock.begins, *clock.ends)]
    return tuple(dict.fromkeys(each.touched for each in moments if each.touched is not None))


def watched_fields(methodology: Methodology) -> tuple[str, ...]:
    """The intake fields that clocks go by."""
    moments = [each for clock in methodology.clocks.values() for each in (*clock.begins, *clock.ends)]
    return tuple(dict.fromkeys(each.filled for each in moments if each.filled is not None))


def _names(moment: Moment, on: IssueKind) -> Iterator[str]:
    if moment.touched is not None:
        yield touched(moment.touched)
    if moment.set is not None:
        yield labelled(on, moment.set, is_set=True)
    if moment.unset is not None:
        yield labelled(on, moment.unset, is_set=False)
    if moment.recorded is not None:
        yield recorded(moment.recorded)
    if moment.said is not None:
        yield said(moment.said)
    if moment.asked is not None:
        yield asked(moment.asked)
    if moment.judged is not None:
        yield judged(moment.judged)
    if moment.filled is not None:
        yield filled(moment.filled)


def _together(edges: Iterable[tuple[float, bool, str]]) -> Iterator[tuple[float, float | None]]:
    """Spans in which at least one cause holds."""
    causes: set[str] = set()
    since = 0.0
    for at, is_begun, cause in edges:
        if is_begun and not causes:
            since = at
        was_resting = bool(causes)
        (causes.add if is_begun else causes.discard)(cause)
        if was_resting and not causes and at > since:
            yield since, at
    if causes:
        yield since, None
