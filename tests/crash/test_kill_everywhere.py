"""kill -9 at every step of the flow, as enumerated by an undisturbed run: the end state is always the same.

Three flows die at each of their points here, the others at some that lie evenly: `python -m benchmarks.faults --only
everywhere` has all die at all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import handlers  # noqa: F401  (registers what reacts to what)
from app.operations import ERRANDS
from app.registry import registry
from tests.crash.flows import FLOWS, Flow, live_through

SIDE_BY_SIDE = 3
"""More than two cores, since half of the time is spent waiting for a process to start or to end."""
WRITES = {
    "a new submission": ["POST issue", "POST issue", "POST link", "POST note", "POST note"],
    "a revision": ["PUT issue", "PUT issue", "PUT note", "POST note"],
    "a comment with commands": [
        "POST reaction", "PUT issue", "PUT issue", "PUT note", "PUT note", "POST note",
        "POST reaction", "POST reaction",
    ],
}  # fmt: skip
"""Of the flows that die at each point: what they write, so that an enumeration that misses a write is seen."""
DEATHS_OF_OTHERS = 3


def test_every_kind_of_event_and_every_errand_has_a_flow() -> None:
    through = frozenset().union(*(flow.through for flow in FLOWS))
    assert through >= set(registry.handlers)
    assert through >= set(ERRANDS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_death_at_any_point_changes_nothing_in_the_end(flow: Flow, tmp_path: Path) -> None:
    undisturbed, points = live_through(tmp_path / "undisturbed", flow, die_at=0)
    places = range(1, len(points) + 1)
    if flow.name in WRITES:
        assert [p.removeprefix("after ") for p in points if p.startswith("after P")] == WRITES[flow.name]
    else:
        places = places[:: -(-len(points) // DEATHS_OF_OTHERS)]

    def die(place: int) -> str | None:
        state, _ = live_through(tmp_path / f"dies-at-{place}", flow, die_at=place)
        return None if state == undisturbed else f"{place} ({points[place - 1]})"

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        outcomes = list(pool.map(die, places))
    assert [each for each in outcomes if each is not None] == []
