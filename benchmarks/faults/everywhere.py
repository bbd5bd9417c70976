"""kill -9 at each point of each flow, as an undisturbed run of it enumerates them: is the end always the same?

A point is before and after every commit and every call to GitLab (tests/crash/flows).
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from app.tell import Tell
from benchmarks.faults.row import Row
from tests.crash.flows import FLOWS, Flow, live_through

SIDE_BY_SIDE = 3
"""More than two cores, since half of the time is spent waiting for a process to start or to end."""


def killed_everywhere(tell: Tell, *, named: str) -> Iterator[Row]:
    """A row for each flow whose name has this in it."""
    for flow in (each for each in FLOWS if named in each.name):
        with tempfile.TemporaryDirectory() as name:
            yield _killed(flow, Path(name), tell)


def _killed(flow: Flow, folder: Path, tell: Tell) -> Row:
    undisturbed, points = live_through(folder / "undisturbed", flow, die_at=0)

    def is_same(place: int) -> bool:
        return live_through(folder / f"dies-at-{place}", flow, die_at=place)[0] == undisturbed

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        outcomes = []
        for is_so in pool.map(is_same, range(1, len(points) + 1)):
            outcomes.append(is_so)
            tell(flow.name, len(outcomes), len(points))
    others = [f"{place} ({points[place - 1]})" for place, is_so in enumerate(outcomes, 1) if not is_so]
    calls = sum(point.startswith("after") and point != "after a commit" for point in points)
    commits = points.count("after a commit")
    outcome = f"{commits} commits and {calls} calls, a death before and after each: " + (
        f"another end after a death at {', '.join(others)}" if others else "always the same end"
    )
    return Row(f"`kill -9` at each point of: {flow.name}", str(len(points)), outcome, not others)
