"""What people do to one engagement, and how it ends, whichever part of it GitLab delivers.

Two minutes lie between two things that people do, by one clock that GitLab and the bot share.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from app.background import BackgroundServer
from app.engagement import IssueRole
from app.main import Service, create_app
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.store.memory import StoreMemory
from tests.harness import Stage, add_hook, errand, settings_for, submission

Step = Callable[[World], object]
GAP_S = 120.0
MOST_SWEEPS = 3


@dataclass
class Time:
    """The real time, put forward now and then."""

    ahead_s: float = 0.0

    def seconds(self) -> float:
        return time.time() + self.ahead_s

    def moment(self) -> datetime:
        return datetime.fromtimestamp(self.seconds(), UTC)


def label(by: str, name: str, iid: int = 1) -> Step:
    """Set a label instead of the others of its scope, anew where it is there: else it is no change to GitLab."""

    def step(world: World) -> None:
        scope = name.partition("::")[0] + "::"
        present = [each for each in world.label_titles(world.issue(iid)) if each.startswith(scope) or each == name]
        world.update_issue(by, iid, remove_labels=[each for each in present if each == name])
        world.update_issue(by, iid, add_labels=[name], remove_labels=[each for each in present if each != name])

    return step


def says(by: str, text: str, iid: int = 1) -> Step:
    return lambda world: world.add_note(by, iid, text)


def assigns(by: str, whom: str) -> Step:
    """Assign somebody by hand, anew where they are assigned: else it is no change to GitLab."""

    def step(world: World) -> None:
        for people in ([], [world.user(whom).id]):
            world.update_issue(by, 1, assignee_ids=people)

    return step


def labels(world: World, iid: int) -> list[str]:
    return sorted(world.label_titles(world.issue(iid)))


def asks(label: str) -> bool:
    """Whether it only says that somebody was asked: where a state is passed through late, nobody is."""
    return label.lower().endswith("needs-review")


FREE: dict[str, Step] = {
    "erin estimates": says("erin", "/ps estimate 20000 USD tm"),
    "erin names a coordinator": says("erin", "/ps staff pc @petra"),
    "alice answers": says("alice", "/ps intake po PO-4711"),
    "alice agrees": says("alice", "/ps agree"),
    "erin says a segment": says("erin", "/ps segment mm_west"),
    "erin says another segment": says("erin", "/ps segment ent_apac"),
    "erin labels a segment": label("erin", "Segment::Ent_EAST"),
    "erin names an EM": says("erin", "/ps assign-em @tara"),
    "erin assigns ravi": assigns("erin", "ravi"),
    "alice talks": says("alice", "Thanks, looking good."),
    "sam orders": says("sam", "/ps lost budget"),
    "erin labels discovery": label("erin", "proposal::Awaiting_Discovery"),
    "erin labels the strawman": label("erin", "proposal::Strawman_WIP"),
    "erin labels feedback": label("erin", "proposal::Estimate_Feedback"),
    "erin labels a team": label("erin", "team: blue"),
    "cora labels the intake": label("cora", "Intake::Needs-Info", 2),
}
"""What depends on nothing before it: any part of it may be found late.

An order to move on from where the issue is, found after a later move, is refused by design.
"""
GATED: dict[str, Step] = {
    "erin goes on": says("erin", "/ps next"),
    "erin holds": says("erin", "/ps hold until 2099-01-01 later"),
    "erin resumes": says("erin", "/ps resume"),
    "erin estimates much": says("erin", "/ps estimate 90000 USD ff"),
    "tara says yes": says("tara", "/ps ta approve"),
    "tara says no": says("tara", "/ps ta reject too little for testing"),
    "tara labels yes": label("tara", "TA::Approved"),
    "alice labels yes": label("alice", "TA::Approved"),
    "erin labels the SOW": label("erin", "proposal::SOW_WIP"),
    "erin writes the SOW": says("erin", "/ps sow https://docs.google.com/document/d/1"),
    "ravi says yes": says("ravi", "/ps rdm approve"),
    "erin submits": says("erin", "/ps submit"),
    "erin loses it": says("erin", "/ps lost budget"),
    "erin says why": label("erin", "Lost::scheduling"),
}


def lived(steps: list[Step], *, delivered: float, seed: int) -> dict[str, Any]:
    """How it ends for people, where of what they do only a part is delivered, and some of it again, in any order."""
    clock, rng = Time(), random.Random(seed)
    world = World(hook_delay_s=0.0, clock=clock.moment)
    with tempfile.TemporaryDirectory() as name, SandboxServer(world) as sandbox, httpx.Client(timeout=10) as client:
        folder = Path(name)
        given_settings = settings_for(folder, sandbox.url)
        service = Service(given_settings, clock=clock.seconds)
        with BackgroundServer(create_app(given_settings, service=service)) as served:
            add_hook(world, served.url)
            on = Stage(world, served.url, client)
            on.submit(submission(submission_id="7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"))
            assert on.quiet()
            for step in steps:
                clock.ahead_s += GAP_S
                world.is_mute = rng.random() >= delivered
                step(world)
                assert on.quiet()
            world.is_mute = False
            for log in rng.sample(list(world.hook_logs.values()), k=min(5, len(world.hook_logs))):
                client.post(f"{served.url}/webhooks/gitlab", content=log.request_body, headers=log.request_headers)
            for _ in range(MOST_SWEEPS):
                found = errand(folder, "sweep", now=clock.seconds())["done"]
                assert found["troubles"] == []
                assert on.quiet()
            assert found["comments"] + found["changes"] == 0, "what was found once is found no more"
            (engagement,) = StoreMemory(service.store.read).engagements(10)
            places = {track: place.state for track, place in engagement.standing.places.items()}
            yes = {gate: said.verdict.value for gate, said in engagement.standing.approvals.items()}
            numbers = {role: engagement.issues[role].iid for role in IssueRole}
    return {
        "places": places,
        "yes": yes,
        "papers": {what: paper.version for what, paper in engagement.standing.papers.items()},
        "labels": {iid: [each for each in labels(world, iid) if not asks(each)] for iid in numbers.values()},
        "assignees": world.issue(1).assignee_ids,
        "open": {iid: world.issue(iid).is_open for iid in numbers.values()},
        "issues": len(world.issues),
    }
