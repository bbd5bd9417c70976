"""A whole engagement in the sandbox by labels alone; and the same with every delivery twice and out of order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.background import BackgroundServer
from app.main import create_app
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.contract.receiver import Delivery, Receiver
from tests.harness import HOOK_TOKEN, Stage, add_hook, settings_for, stage, submission

ID = "3b0b9c1e-7f0a-4a57-9a35-6d2b9c6f1a01"
BIG = submission(submission_id=ID, estimate={"amount": 62000, "currency": "USD", "type": "ff"})


@dataclass(frozen=True)
class Step:
    """Somebody sets a label, and perhaps takes another one off; where it then stands on both tracks."""

    by: str
    label: str
    on: str = "scoping"
    proposal: str | None = None
    intake: str | None = None


TO_APPROVED = [
    Step("erin", "proposal::Awaiting_Discovery", proposal="proposal::Awaiting_Discovery", intake="Intake::Needs-Info"),
    Step("erin", "proposal::Strawman_WIP", proposal="proposal::Strawman_WIP"),
    Step("erin", "proposal::Estimate_Feedback", proposal="proposal::Estimate_Feedback"),
    Step("tara", "TA::Approved", proposal="proposal::Estimate_Feedback"),
    Step("erin", "proposal::SOW_WIP", proposal="proposal::SOW_WIP"),
    Step("ravi", "RDM::approved", proposal="proposal::SOW_WIP"),
    Step("erin", "proposal::Ready For Approval", proposal="proposal::Ready For Approval"),
    Step("rhea", "Revenue::approved", proposal="proposal::Ready For Approval"),
    Step("dana", "proposal::Approved", proposal="proposal::Approved"),
]
WON = [
    *TO_APPROVED,
    Step("alice", "SFDC::6-Awaiting Signature", proposal="proposal::Approved"),
    Step("cora", "Intake::Staffing", on="intake", intake="Intake::Staffing"),
    Step("cora", "Intake::Staffed", on="intake", intake="Intake::Staffed"),
    Step("erin", "proposal::Closed_Won", proposal="proposal::Closed_Won", intake="Intake::Scheduled"),
]
LOST = [
    *TO_APPROVED[:3],
    Step("erin", "Lost::budget"),
    Step("erin", "proposal::Closed_Lost", proposal="proposal::Closed_Lost", intake="Intake::Cancelled"),
]


def numbers(on: Stage) -> dict[str, int]:
    outcome = on.submit(BIG)
    return {"scoping": outcome["scoping_issue"]["iid"], "intake": outcome["intake_issue"]["iid"]}


def labels(on: Stage, iid: int) -> set[str]:
    return set(on.world.label_titles(on.world.issue(iid)))


def take(on: Stage, step: Step, iids: dict[str, int]) -> None:
    on.world.update_issue(step.by, iids[step.on], add_labels=[step.label])


def in_scope(on: Stage, iid: int, scope: str) -> list[str]:
    return sorted(label for label in labels(on, iid) if label.startswith(f"{scope}::"))


def end_of(on: Stage, iids: dict[str, int]) -> dict[str, Any]:
    """Everything that must not depend on the order of deliveries."""
    return {
        name: {
            "labels": sorted(labels(on, iid)),
            "closed": not on.world.issue(iid).is_open,
            "comments": len([note for note in on.world.notes_of(iid) if not note.system]),
        }
        for name, iid in iids.items()
    }


@pytest.mark.parametrize("exclusive", [True, False], ids=["scoped labels", "a plan without scoped labels"])
@pytest.mark.parametrize("walk", [WON, LOST], ids=["won", "lost"])
def test_an_engagement_walks_from_submission_to_its_end_by_labels(
    walk: list[Step], exclusive: bool, tmp_path: Path
) -> None:
    with stage(tmp_path, World(hook_delay_s=0.0, scoped_labels=exclusive)) as on:
        iids = numbers(on)
        for step in walk:
            take(on, step, iids)
            assert on.quiet()
            if step.proposal is not None:
                assert in_scope(on, iids["scoping"], "proposal") == [step.proposal], step
            if step.intake is not None:
                assert in_scope(on, iids["intake"], "Intake") == [step.intake], step
        end = end_of(on, iids)
        assert end["scoping"]["closed"]
        assert end["intake"]["closed"] is (walk is LOST)
        assert any(label.startswith("close_qtr::Q") for label in end["scoping"]["labels"])


@contextmanager
def disturbed(folder: Path) -> Iterator[tuple[Stage, Receiver]]:
    """A stage whose deliveries are caught on their way."""
    world = World(hook_delay_s=0.0)
    with SandboxServer(world) as sandbox, Receiver() as post_office:
        app = create_app(settings_for(folder, sandbox.url))
        with BackgroundServer(app) as service, httpx.Client(timeout=10) as client:
            add_hook(world, post_office.url)
            yield Stage(world, service.url, client), post_office


def deliver(on: Stage, delivery: Delivery) -> None:
    headers = {name: value for name, value in delivery.headers.items() if name.lower().startswith(("x-", "content-t"))}
    headers |= {"Idempotency-Key": delivery.headers["Idempotency-Key"], "X-Gitlab-Token": HOOK_TOKEN}
    answer = on.client.post(f"{on.url}/webhooks/gitlab", content=delivery.raw, headers=headers)
    assert answer.status_code == 202


def straight(folder: Path, walk: list[Step]) -> dict[str, Any]:
    """The end of a walk with every delivery once and in order."""
    with stage(folder, World(hook_delay_s=0.0)) as on:
        iids = numbers(on)
        for step in walk:
            take(on, step, iids)
            assert on.quiet()
        return end_of(on, iids)


def disorderly(folder: Path, walk: list[Step], *, seed: int, may_wait: bool) -> dict[str, Any]:
    """The end of a walk with every delivery twice, in any order; the second, or (`may_wait`) both, come steps later."""
    rng = random.Random(seed)
    with disturbed(folder) as (on, post_office):
        iids = numbers(on)
        held: list[Delivery] = []
        taken = 0
        for number, step in enumerate(walk):
            take(on, step, iids)
            assert on.world.deliveries_idle(10)
            arrived = post_office.deliveries[taken:]
            taken += len(arrived)
            held += arrived if not may_wait else arrived * 2
            rng.shuffle(held)
            split = len(held) if number == len(walk) - 1 else rng.randrange(len(held) + 1)
            batch, held = held[:split], held[split:]
            batch += arrived if not may_wait else []
            rng.shuffle(batch)
            for delivery in batch:
                deliver(on, delivery)
            assert on.is_idle()
        return end_of(on, iids)


@pytest.mark.parametrize("walk", [WON, LOST], ids=["won", "lost"])
@pytest.mark.parametrize("seed", range(3))
def test_deliveries_that_come_twice_and_shuffled_change_nothing_in_the_end(
    walk: list[Step], seed: int, tmp_path: Path
) -> None:
    expected = straight(tmp_path / "straight", walk)
    assert disorderly(tmp_path / "shuffled", walk, seed=seed, may_wait=False) == expected


@pytest.mark.parametrize("seed", range(3))
def test_deliveries_that_come_steps_too_late_end_the_same_and_ask_for_nothing_that_was_given(
    seed: int, tmp_path: Path
) -> None:
    expected = straight(tmp_path / "straight", WON)
    late = disorderly(tmp_path / "late", WON, seed=seed, may_wait=True)
    asked = [each.pop("comments") for end in (expected, late) for each in end.values()]
    assert late == expected
    assert asked[2] <= asked[0]
    assert asked[3] <= asked[1]
