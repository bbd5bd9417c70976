"""A disk that takes no more, and takes again: what does the door say, and is anything acknowledged that is not there?

The limit is the process' own (RLIMIT_FSIZE): the kernel then refuses to let its files grow, as a full disk does, and it
can be lifted while the process runs.
"""

from __future__ import annotations

import resource

from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import scene
from tests.harness import until

DELIVERIES = 400
LATER = 50
ROOM = 256 * 1024


def full_disk() -> Row:
    """Deliveries before, while and after the disk is full."""
    with scene(World()) as on:
        assert on.process.running is not None
        pid = on.process.running.pid

        def ready() -> int:
            return on.client.get(f"{on.url}/readyz").status_code

        largest = max(each.stat().st_size for each in on.folder.iterdir() if each.is_file())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + ROOM, resource.RLIM_INFINITY))
        answers = on.deliver(DELIVERIES)
        is_told = until(lambda: ready() == 503)  # a probe is smaller than a delivery, and takes the room that is left
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        has_recovered = until(lambda: ready() == 200)
        later = on.deliver(LATER)
        on.process.stop()
        lost = on.not_there(answers | later)
    heard = list(answers.values())
    is_all = set(later.values()) == {202}
    outcome = (
        f"{heard.count(202)} taken, {heard.count(503)} answered 503, ready said {503 if is_told else 200}; "
        f"{'all' if is_all else 'not all'} taken once there was room again; acknowledged and not there: {lost}"
    )
    is_good = lost == 0 and is_told and has_recovered and is_all and set(heard) == {202, 503}
    return Row("the disk is full, then has room again", str(DELIVERIES), outcome, is_good)
