"""kill -9 at every step of the flow, as enumerated by an undisturbed run: the end state is always the same.

Here some flows die behind each of their writes (done, and nobody has noted it yet), and one and all the others at
some that lie evenly: `python -m benchmarks.faults --only everywhere` has all die at all.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from difflib import unified_diff
from pathlib import Path
from pprint import pformat
from typing import Any

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
"""What flows write, so that an enumeration that misses a write is seen."""
THE_FIRST = "a new submission"
EACH_OF_THE_FIRST = 4
DEATHS_OF_OTHERS = 2


def test_every_kind_of_event_and_every_errand_has_a_flow() -> None:
    through = frozenset().union(*(flow.through for flow in FLOWS))
    assert through >= set(registry.handlers)
    assert through >= set(ERRANDS)


@pytest.mark.timeout(300)
@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
def test_a_death_at_any_point_changes_nothing_in_the_end(flow: Flow, tmp_path: Path) -> None:
    undisturbed, points = live_through(tmp_path / "undisturbed", flow, die_at=0)
    places = range(1, len(points) + 1)
    written = [place for place in places if points[place - 1].startswith("after P")]
    if flow.name in WRITES:
        assert [points[place - 1].removeprefix("after ") for place in written] == WRITES[flow.name]
        chosen = sorted({*written, *places[::EACH_OF_THE_FIRST]}) if flow.name == THE_FIRST else written
    else:
        chosen = list(places[:: -(-len(points) // DEATHS_OF_OTHERS)])

    def die(place: int) -> str | None:
        state, _ = live_through(tmp_path / f"dies-at-{place}", flow, die_at=place)
        return None if state == undisturbed else f"{place} ({points[place - 1]}):\n{_difference(undisturbed, state)}"

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        outcomes = list(pool.map(die, chosen))
    differing = [each for each in outcomes if each is not None]
    assert not differing, "\n".join(differing)


def _difference(undisturbed: dict[str, Any], state: dict[str, Any]) -> str:
    """Line by line, since either is long."""
    one, other = (pformat(each, width=120).splitlines() for each in (undisturbed, state))
    return "\n".join(unified_diff(one, other, "undisturbed", "with a death", lineterm="", n=1))
