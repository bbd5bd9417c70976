"""Each write to GitLab is performed, and then seems not to have been: is anything lost, or done twice?

The story has every kind of write: a submission, its revision, a comment with commands and a label that is moved by hand
past a gate. An undisturbed run counts its writes; then it is told again for each of them and each mishap, and has to
end the same, to the letter.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import BOT, Tally, difference, scene, visible, writes
from tests.harness import submission

ID = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
FIRST = submission(submission_id=ID)
CHANGED = submission(submission_id=ID, customer_name="Acme Europe SE", services=["migration_scm", "security"])
COMMENT = "/ps next\n/ps answer users_current 800\n/ps nonsense"
PAST_A_GATE = "proposal::Approved"
TIMEOUT_S = 1.0
PATIENCE_S = 120.0
SIDE_BY_SIDE = 4
"""More than two cores: most of the time is waiting for the next try."""
MISHAPS: Final[Mapping[str, Mapping[str, Any]]] = {
    "answered 502": {"kind": FaultKind.PERFORM_THEN_502},
    "cut off": {"kind": FaultKind.PERFORM_THEN_CUT},
    "not answered in time": {"kind": FaultKind.PERFORM_THEN_HANG, "seconds": 2 * TIMEOUT_S},
}


def performed_then_failed() -> Row:
    """Every write once with every mishap."""
    calm = World(hook_delay_s=0.0)
    undisturbed = _live(calm)
    places = [(each.method, place) for each, place in _numbered(calm)]
    cases = [(method, skip, mishap) for method, skip in places for mishap in MISHAPS]
    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        outcomes = list(pool.map(lambda case: _disturbed(undisturbed, *case), cases))
    lost, doubled = (sum(getattr(each, name) for each in outcomes) for name in ("lost", "doubled"))
    same = sum(each.is_good for each in outcomes)
    what = (
        "each write to GitLab is performed and then answered 502, cut off, or not answered in time (a submission, "
        "its revision, a comment with commands, a label moved past a gate)"
    )
    outcome = f"{same} of {len(cases)} ended like the undisturbed run, to the letter: {Tally(lost, doubled)}"
    return Row(what, f"{len(places)} × {len(MISHAPS)}", outcome, same == len(cases) and bool(cases))


def _numbered(world: World) -> list[tuple[Any, int]]:
    """Each write with the number of those of its method before it."""
    before: Counter[str] = Counter()
    numbered = []
    for each in writes(world):
        numbered.append((each, before[each.method]))
        before[each.method] += 1
    return numbered


def _live(world: World) -> Counter[str]:
    """The story; what people see in the end."""
    with scene(world, gitlab_timeout_s=str(TIMEOUT_S)) as on:
        for do in (
            lambda: on.send(FIRST),
            lambda: on.send(CHANGED),
            lambda: world.add_note("erin", 1, COMMENT),
            lambda: world.update_issue("erin", 1, add_labels=[PAST_A_GATE]),
        ):
            do()
            on.is_settled(PATIENCE_S)
        return visible(world)


def _disturbed(undisturbed: Counter[str], method: str, skip: int, mishap: str) -> Tally:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault(method, r".", user=BOT, skip=skip, **MISHAPS[mishap]))
    found = _live(world)
    assert world.faults.open_orders() == [], "the fault did not happen, so nothing was tested"
    return difference(undisturbed, found)
