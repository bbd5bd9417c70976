"""Several comments on one issue, and label moves between them, all missed: found together, they count in their order.

What the service knows then, what the issues bear and what it answered are what they are where it was never away.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.background import BackgroundServer
from app.main import Service, create_app
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.store.memory import StoreMemory
from tests.harness import Stage, add_hook, errand, settings_for, submission
from tests.histories import GAP_S, Step, Time, label, labels, says

SOW = "https://docs.google.com/document/d/1"
CASES: dict[str, list[Step]] = {
    "an order to go on between two moves by label": [
        label("erin", "proposal::Awaiting_Discovery"),
        says("erin", "/ps next"),
        label("erin", "proposal::Estimate_Feedback"),
        says("erin", "/ps back the customer wants less"),
    ],
    "orders that depend on the move before each of them": [
        says("erin", "/ps estimate 90000 USD ff"),
        label("erin", "proposal::Estimate_Feedback"),
        says("tara", "/ps ta approve"),
        says("erin", "/ps agree"),
        label("erin", "proposal::SOW_WIP"),
        says("erin", f"/ps sow {SOW}"),
    ],
    "a yes that falls with the estimate after it, and a label that needs it": [
        label("erin", "proposal::Estimate_Feedback"),
        says("erin", "/ps estimate 90000 USD ff"),
        says("tara", "/ps ta approve"),
        says("erin", "/ps estimate 95000 USD ff"),
        label("erin", "proposal::SOW_WIP"),
        says("erin", "/ps agree"),
    ],
    "a pause by comment, and moves by label before and after it": [
        label("erin", "proposal::Awaiting_Discovery"),
        says("erin", "/ps hold until 2099-01-01 later"),
        says("erin", "/ps resume"),
        label("erin", "proposal::Strawman_WIP"),
        says("erin", "/ps next"),
    ],
    "a gate's label between two comments": [
        says("erin", "/ps estimate 90000 USD ff"),
        says("erin", "/ps stage Strawman_WIP"),
        label("tara", "TA::Approved"),
        says("erin", "/ps next"),
        says("erin", "/ps agree"),
        label("erin", "proposal::SOW_WIP"),
    ],
    "lost by comment after a move by label": [
        label("erin", "proposal::Awaiting_Discovery"),
        says("erin", "/ps estimate 20000 USD tm"),
        label("erin", "proposal::Strawman_WIP"),
        says("erin", "/ps lost budget"),
    ],
}


def lived(steps: list[Step], *, is_away: bool) -> dict[str, Any]:
    """What the service knows and shows at the end; `is_away`: it learns of the steps by a sweep alone."""
    clock = Time()
    world = World(hook_delay_s=0.0, clock=clock.moment)
    with tempfile.TemporaryDirectory() as name, SandboxServer(world) as sandbox, httpx.Client(timeout=10) as client:
        folder = Path(name)
        given = settings_for(folder, sandbox.url)
        service = Service(given, clock=clock.seconds)
        with BackgroundServer(create_app(given, service=service)) as served:
            add_hook(world, served.url)
            on = Stage(world, served.url, client)
            on.submit(submission(submission_id="7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"))
            assert on.quiet()
            begun, before = clock.seconds(), set(world.notes)
            world.is_mute = is_away
            for step in steps:
                clock.ahead_s += GAP_S
                step(world)
                assert on.quiet()
            world.is_mute = False
            clock.ahead_s += GAP_S
            for _ in range(2):
                assert errand(folder, "sweep", now=clock.seconds())["done"]["troubles"] == []
                assert on.quiet()
            (engagement,) = StoreMemory(service.store.read).engagements(10)
    record = engagement.standing.to_record()
    told = ("places", "approvals", "papers", "marks", "returns", "moves", "started", "reopened", "declined")
    return {
        "standing": _in_steps({name: record[name] for name in told}, begun),
        "labels": {iid: labels(world, iid) for iid in (1, 2)},
        "open": {iid: world.issue(iid).is_open for iid in (1, 2)},
        "heard": [_heard(world, note) for note in sorted(set(world.notes) - before) if _is_order(world, note)],
        "said": sorted(_said(world, note) for note in set(world.notes) - before if _is_said(world, note)),
    }


def _in_steps(value: Any, begun: float) -> Any:
    """Moments as the number of the step; what is older than the first of them is 0."""
    if isinstance(value, dict):
        return {key: _in_steps(each, begun) for key, each in value.items()}
    if isinstance(value, list):
        return [_in_steps(each, begun) for each in value]
    if isinstance(value, float) and value > 1e9:
        return max(0, round((value - begun) / GAP_S))
    return value


def _is_order(world: World, note: int) -> bool:
    return world.notes[note].body.startswith("/ps")


def _is_said(world: World, note: int) -> bool:
    held = world.notes[note]
    return not held.system and not _is_order(world, note) and not held.body.startswith("<!-- psplan:status:")


def _heard(world: World, note: int) -> tuple[str, list[str]]:
    return world.notes[note].body, sorted(award.name for award in world.awards.values() if award.note_id == note)


def _said(world: World, note: int) -> str:
    # the marker names what it answers by a number, which counts the bot's own words as well
    return world.notes[note].body.split("-->")[-1].strip()


@pytest.mark.timeout(120)
@pytest.mark.parametrize("case", CASES)
def test_what_was_missed_counts_in_the_order_in_which_it_happened(case: str) -> None:
    assert lived(CASES[case], is_away=True) == lived(CASES[case], is_away=False)
