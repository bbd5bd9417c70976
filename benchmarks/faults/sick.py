"""The disk answers EIO: what do the doors say, and is everything there that they acknowledged?

`strace` makes the system calls of the running service fail, first those by which SQLite writes, then those by which it
waits for the disk. In the end the service is killed and started again on a disk that is well.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import scene, submissions, tally
from tests.harness import until

CALLS: Final = ("pwrite64", "fdatasync")
GOOD_BEFORE = 20
"""Calls that still succeed: the fault begins in the middle of the work."""
DELIVERIES = 100
SUBMISSIONS = 20
ATTACH_S = 1.0
PATIENCE_S = 120.0


def input_output_errors() -> Row:
    """Deliveries and submissions while the calls fail."""
    what = f"the disk answers EIO to {' and then to '.join(f'`{call}`' for call in CALLS)} (`strace` injects it)"
    strace = shutil.which("strace")
    if strace is None:
        return Row(what, "0", "skipped: strace is not installed", False)
    world = World(hook_delay_s=0.0)
    bodies = submissions(len(CALLS) * SUBMISSIONS)
    answers: dict[str, int] = {}
    offered: dict[str, int] = {}
    ready: list[int] = []
    with scene(world) as on:
        assert on.process.running is not None
        for place, call in enumerate(CALLS):
            with _failing(strace, call, on.process.running.pid):
                for body in bodies[place * SUBMISSIONS : (place + 1) * SUBMISSIONS]:
                    offered[body["submission_id"]] = on.offer(body)
                answers |= on.deliver(DELIVERIES)
                ready.append(on.client.get(f"{on.url}/readyz").status_code)
            is_well = until(lambda: on.client.get(f"{on.url}/readyz").status_code == 200)
            ready.append(200 if is_well else 503)
        on.process.kill()
        lost = on.not_there(answers)
        on.process.start()
        again = [on.offer(body) for body in bodies if offered[body["submission_id"]] != 202]
        is_done = on.is_settled(PATIENCE_S)
    counted = Counter([*answers.values(), *offered.values()])
    found = tally(world, bodies)
    outcome = (
        f"{counted[202]} taken, {counted[503]} answered 503, ready said {' then '.join(map(str, ready))}; "
        f"after `kill -9` and a restart acknowledged and not there: {lost}; all {len(bodies)} submissions, "
        f"the {len(again)} refused sent again: {found}"
    )
    is_honest = set(counted) == {202, 503} and ready == [503, 200] * len(CALLS) and lost == 0
    is_good = is_honest and set(again) == {202} and is_done and found.is_good
    return Row(what, str(counted.total()), outcome, is_good)


@contextmanager
def _failing(strace: str, call: str, pid: int) -> Iterator[None]:
    words = [strace, "-f", "-qq", "-o", "/dev/null", "-p", str(pid), "-e", f"trace={call}"]
    words += ["-e", f"inject={call}:error=EIO:when={GOOD_BEFORE}+"]
    tracing = subprocess.Popen(words)
    time.sleep(ATTACH_S)  # it has to stop every thread once
    try:
        yield
    finally:
        tracing.terminate()
        tracing.wait(timeout=30)
