"""The bot's token is revoked, and an operator puts a new one in place: is what came in meanwhile kept, and said?"""

from __future__ import annotations

import time

from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import BOT, scene, submissions, tally
from tests.harness import until

SUBMISSIONS = 20
REVOKED_S = 10.0
NEW_TOKEN = "glpat-the-next-one"
MOST_TRIES = 3
"""Of one submission meanwhile: at once, after 2 s, after 10 s more."""
PATIENCE_S = 120.0
"""The next try comes a minute after the third, give or take a fifth."""


def revoked() -> Row:
    """Revoked while the service runs; replaced by a restart with another one."""
    world = World(hook_delay_s=0.0)
    with scene(world) as on:
        world.authenticate(world.token_value(BOT)).is_revoked = True
        bodies = submissions(SUBMISSIONS)
        answers = [on.offer(body) for body in bodies]
        until(lambda: on.calls("401") >= 2 * SUBMISSIONS, REVOKED_S)
        asked, waiting, lines = on.calls("401"), int(on.waiting()), on.said("GitLab answered 401")
        dead = int(on.metric("psplan_deliveries_dead"))
        world.add_token(BOT, value=NEW_TOKEN)
        on.process.stop()
        on.process.env["PSPLAN_GITLAB_TOKEN"] = NEW_TOKEN
        on.process.start()
        began = time.monotonic()
        is_done = on.is_settled(PATIENCE_S)
        seconds = time.monotonic() - began
    found = tally(world, bodies)
    outcome = (
        f"{answers.count(202)} of {len(bodies)} submissions acknowledged, {waiting} waiting, {dead} parked, "
        f"{asked} calls answered 401, {lines} lines of the log say so; all done {seconds:.0f} s after the restart with "
        f"the new token: {found}"
    )
    is_kept = set(answers) == {202} and waiting == len(bodies) and dead == 0
    is_told = lines >= len(bodies) and 0 < asked <= MOST_TRIES * len(bodies)
    return Row(
        "the bot's token is revoked, then replaced", "1", outcome, is_kept and is_told and is_done and found.is_good
    )
