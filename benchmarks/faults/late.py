"""GitLab says that it failed, and carries the creation out seconds later: is anything made twice?"""

from __future__ import annotations

from itertools import cycle, islice, product
from typing import Final

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import BOT, scene, submissions, tally

SUBMISSIONS = 12
GRACE_S = 15
"""The default of PSPLAN_GRACE_S."""
LATE_S: Final = (1.0, 4.0, 8.0, 12.0)
ANSWERS: Final = (502, 504, 0)
"""0: the connection is cut."""
CREATIONS: Final = ("/issues$", "/links$", "/notes$")
EACH = 8
PATIENCE_S = 400.0


def applied_late() -> Row:
    """Some of each kind of creation."""
    world = World(hook_delay_s=0.0)
    for path in CREATIONS:
        for seconds, status in islice(cycle(product(LATE_S, ANSWERS)), EACH):
            world.faults.add(Fault("POST", path, FaultKind.LATE, status=status, seconds=seconds, user=BOT))
    with scene(world, grace_s=str(GRACE_S)) as on:
        bodies = submissions(SUBMISSIONS)
        is_taken = all(on.offer(body) == 202 for body in bodies)
        is_done = on.is_settled(PATIENCE_S)
    found = tally(world, bodies)
    what = (
        f"a creation is answered 502, 504 or cut off, and GitLab carries it out {LATE_S[0]:.0f} to {LATE_S[-1]:.0f} s "
        f"later (issues, links, comments; the default grace of {GRACE_S} s)"
    )
    did_happen = not world.faults.open_orders()
    outcome = f"{len(bodies)} submissions: {found}"
    return Row(what, str(EACH * len(CREATIONS)), outcome, is_taken and is_done and did_happen and found.is_good)
