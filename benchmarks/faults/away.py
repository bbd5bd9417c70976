"""GitLab is away for a while: are submissions taken in all the same, and how often is it asked meanwhile?"""

from __future__ import annotations

import time

from app.adapters.breaker import FAILURES, FIRST_WAIT_S
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import scene, submissions, tally

SUBMISSIONS = 40
AWAY_S = 40.0
TRIALS = int(AWAY_S // FIRST_WAIT_S)
"""While it is away; the next one comes twice that time after the last."""
MOST_CALLS = 2 * FAILURES + TRIALS
"""Those that were on their way when the fifth one failed included."""
LONGEST_S = 2 * FIRST_WAIT_S + 15.0
"""Until the next trial, at the most, and then the work."""


def away() -> Row:
    """Nobody listens at GitLab's port; then somebody does again."""
    world = World(hook_delay_s=0.0)
    with scene(world) as on:
        on.sandbox.stop()
        bodies, answers, began = submissions(SUBMISSIONS), [], time.monotonic()
        for number, body in enumerate(bodies, start=1):
            answers.append(on.offer(body))
            time.sleep(max(0.0, began + number * AWAY_S / SUBMISSIONS - time.monotonic()))
        asked = on.calls("network")
        with SandboxServer(world, port=int(on.sandbox.url.rsplit(":", 1)[1])):
            back_at = time.monotonic()
            is_done = on.is_settled(LONGEST_S)
            seconds = time.monotonic() - back_at
    found = tally(world, bodies)
    outcome = (
        f"{answers.count(202)} of {len(bodies)} submissions acknowledged meanwhile, {asked} calls tried meanwhile; "
        f"all done {seconds:.0f} s after it was back: {found}"
    )
    is_good = set(answers) == {202} and asked <= MOST_CALLS and is_done and found.is_good
    return Row(f"GitLab is away for {AWAY_S:.0f} s: no connection", "1", outcome, is_good)
