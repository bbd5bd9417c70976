"""The machine's clock is set by hours while work waits: does anything stall or storm, is anything lost or done twice?

`libfaketime` gives the service a wall clock that can be set while it runs; its monotonic clock goes on, as a machine's
does. When it is set, some creations are in doubt, some calls were refused with a Retry-After or an error, and some
submissions have just been acknowledged.
"""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Final

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import BOT, Tally, scene, submissions, tally

LIBRARIES: Final = "usr/lib/*/faketime/libfaketimeMT.so.1"
SET_BY_H: Final = (6, -6)
GRACE_S = 8
LATE_S = 6.0
EACH = 10
"""Submissions under way, just acknowledged, and yet to come."""
UNDER_WAY_S = 3.0
LONGEST_S = 60.0
MOST_CALLS = 10
"""Of one submission, in the mean: five when all goes well."""


def clock_set() -> Row:
    """Forward, and in another life back."""
    by = " and ".join(f"{hours:+d} h" for hours in SET_BY_H)
    what = f"the clock is set by {by} while work is under way (`libfaketime`)"
    library = next(Path("/").glob(LIBRARIES), None)
    if library is None:
        return Row(what, "0", "skipped: libfaketime is not installed", False)
    lives = [_life(library, hours) for hours in SET_BY_H]
    found = Tally(sum(each.lost for each, _, _ in lives), sum(each.doubled for each, _, _ in lives))
    longest_s, calls = max(seconds for _, seconds, _ in lives), sum(calls for _, _, calls in lives)
    count = 3 * EACH * len(SET_BY_H)
    outcome = f"{count} submissions, the last one done {longest_s:.0f} s after it, with {calls} calls in all: {found}"
    is_good = found.is_good and longest_s < LONGEST_S and calls <= MOST_CALLS * count
    return Row(what, str(len(SET_BY_H)), outcome, is_good)


def _life(library: Path, hours: int) -> tuple[Tally, float, int]:
    """What was lost and doubled, how long it took after the clock was set, and the calls of all."""
    world = World(hook_delay_s=0.0)
    for fault in (
        *[Fault("POST", "/issues$", FaultKind.LATE, seconds=LATE_S, user=BOT) for _ in range(3)],
        Fault("POST", "/links$", FaultKind.STATUS, status=429, retry_after_s=6, user=BOT, skip=2),
        Fault("POST", "/notes$", FaultKind.STATUS, status=503, user=BOT, skip=1, times=3),
    ):
        world.faults.add(fault)
    bodies = submissions(3 * EACH)
    with tempfile.NamedTemporaryFile("w") as offset:
        path = Path(offset.name)
        path.write_text("+0")
        faked = {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(path),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
        }
        with scene(world, surroundings=faked, grace_s=str(GRACE_S)) as on:
            under_way, just_in, to_come = (bodies[place * EACH : (place + 1) * EACH] for place in range(3))
            for body in under_way:
                on.offer(body)
            time.sleep(UNDER_WAY_S)
            for body in just_in:
                on.offer(body)
            path.write_text(f"{hours:+d}h")
            began = time.monotonic()
            for body in to_come:
                on.offer(body)
            on.is_settled(2 * LONGEST_S)
            seconds = time.monotonic() - began
    return tally(world, bodies), seconds, sum(each.user == BOT for each in world.requests)
