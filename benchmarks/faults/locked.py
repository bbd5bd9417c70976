"""Another process holds the database's write lock for a while: do senders hear so in time, and is anything lost?

Once for less than SQLite's own patience, and once for long enough that many senders come to wait together.
"""

from __future__ import annotations

import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Final

from app.sandbox.world import World
from app.store.database import BUSY_TIMEOUT_S
from benchmarks.faults.row import Row
from benchmarks.faults.scene import scene, submissions, tally

HELD_S: Final = (2.0, 30.0)
DELIVERIES = 120
SUBMISSIONS = 10
SENDERS = 30
LONGEST_ANSWER_S = 2 * BUSY_TIMEOUT_S + 2.0
"""Who comes just after a commit has begun to wait hears of the next one."""
PATIENCE_S = 60.0


def locked() -> Row:
    """`BEGIN IMMEDIATE` on a connection of this process."""
    world = World(hook_delay_s=0.0)
    bodies = submissions(len(HELD_S) * SUBMISSIONS)
    answers: dict[str, int] = {}
    offered: list[int] = []
    with scene(world) as on, ThreadPoolExecutor(SUBMISSIONS + 1) as pool:
        for place, seconds in enumerate(HELD_S):
            with closing(sqlite3.connect(on.folder / "psplan.sqlite3", isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                until = time.monotonic() + seconds
                delivering = pool.submit(on.deliver, DELIVERIES, senders=SENDERS)
                offering = [
                    pool.submit(on.offer, body) for body in bodies[place * SUBMISSIONS : (place + 1) * SUBMISSIONS]
                ]
                time.sleep(until - time.monotonic())
                other.execute("ROLLBACK")
            answers |= delivering.result()
            offered += [each.result() for each in offering]
        again = [on.offer(body) for body, answer in zip(bodies, offered, strict=True) if answer != 202]
        is_done = on.is_settled(PATIENCE_S)
        lost, longest_s = on.not_there(answers), on.longest_answer_s
    counted, found = Counter([*answers.values(), *offered]), tally(world, bodies)
    what = f"another process holds the database's lock, for {' and then for '.join(f'{s:.0f}' for s in HELD_S)} s"
    outcome = (
        f"{counted[202]} taken, {counted[503]} answered 503, the slowest after {longest_s:.1f} s; acknowledged and not "
        f"there: {lost}; {len(bodies)} submissions, the {len(again)} refused sent again: {found}"
    )
    is_honest = set(counted) <= {202, 503} and set(again) <= {202} and lost == 0 and longest_s < LONGEST_ANSWER_S
    return Row(what, str(counted.total()), outcome, is_honest and is_done and found.is_good)
