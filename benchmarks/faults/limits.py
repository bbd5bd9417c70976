"""GitLab answers 429: is its Retry-After obeyed to the second, and what happens where it gives none?"""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Final

from app.sandbox.faults import Fault, FaultKind, Request
from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import BOT, Scene, scene, submissions, tally

SUBMISSIONS = 20
RETRY_AFTER_S = 4
REFUSING_S = 8.0
MOST_TRIES = 3
"""Of one submission while GitLab refuses: at once, after 2 s, after 10 s more."""
PATIENCE_S = 180.0
LIMITED: Final = (("/issues$", False), ("/links$", False), ("/notes$", True), ("/issues$", False), ("/notes$", True))
"""Which creation is refused, and whether only those of its kind are to wait (GitLab's limit for notes)."""


def obeyed() -> Row:
    """With Retry-After; one worker, so that no request is on its way while the answer comes."""
    world = World(hook_delay_s=0.0)
    for place, (path, is_of_kind) in enumerate(LIMITED):
        world.faults.add(
            Fault(
                "POST",
                path,
                FaultKind.STATUS,
                status=429,
                retry_after_s=RETRY_AFTER_S,
                is_application_limit=is_of_kind,
                user=BOT,
                skip=2 * place,
            )
        )
    with scene(world, workers="1") as on:
        bodies, is_done = _offered(on)
        early = sum(_before_its_time(world, each) for each in _refused(world))
    refused = len(_refused(world))
    found = tally(world, bodies)
    outcome = f"{early} calls before it was over; {len(bodies)} submissions: {found}"
    what = f"GitLab answers 429 with `Retry-After: {RETRY_AFTER_S}`, for all calls or for one kind"
    is_good = is_done and found.is_good and early == 0 and refused == len(LIMITED)
    return Row(what, str(refused), outcome, is_good)


def _offered(on: Scene) -> tuple[list[dict[str, str]], bool]:
    bodies = submissions(SUBMISSIONS)
    is_taken = all(on.offer(body) == 202 for body in bodies)
    return bodies, on.is_settled(PATIENCE_S) and is_taken


def _refused(world: World) -> list[Request]:
    return [each for each in world.requests if each.user == BOT and each.status == 429]


def _before_its_time(world: World, refused: Request) -> int:
    """Requests that came while they were asked to wait."""
    until = refused.at + timedelta(seconds=RETRY_AFTER_S)
    is_of_kind = refused.path.endswith("/notes")
    kind = (refused.method, "/notes")
    during = [each for each in world.requests if each.user == BOT and refused.at < each.at < until]
    return sum(not is_of_kind or (each.method, each.path[-len(kind[1]) :]) == kind for each in during)


def without_a_word() -> Row:
    """Without Retry-After, for a while, to everything."""
    world = World(hook_delay_s=0.0)
    with scene(world) as on:
        world.faults.add(Fault("*", r".", FaultKind.STATUS, status=429, user=BOT, times=1_000_000))
        bodies = submissions(SUBMISSIONS)
        began = time.monotonic()
        is_taken = all(on.offer(body) == 202 for body in bodies)
        time.sleep(REFUSING_S - (time.monotonic() - began))
        refused = len(_refused(world))
        world.faults.clear()
        is_done = on.is_settled(PATIENCE_S)
    found = tally(world, bodies)
    outcome = f"{refused} calls meanwhile, at most {MOST_TRIES} a submission; afterwards all was done: {found}"
    what = f"GitLab answers 429 without `Retry-After` to everything for {REFUSING_S:.0f} s"
    is_good = is_taken and is_done and found.is_good and refused <= MOST_TRIES * len(bodies)
    return Row(what, f"{len(bodies)} submissions", outcome, is_good)
