"""kill -9 at every step of the flow, as enumerated by an undisturbed run: the end state is always the same."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.failure import Failure
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import Process, Stage, end_state, environment, submission, until

ID = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
FIRST = submission(submission_id=ID)
CHANGED = submission(submission_id=ID, customer_name="Acme Europe SE", services=["migration_scm", "security"])
SIDE_BY_SIDE = 2
"""As many as the machine has cores."""


def send_until_taken(stage: Stage, process: Process, body: dict[str, Any]) -> None:
    """A sender that did not hear 202 sends again, to a service that was started again."""
    while True:
        try:
            receipt = stage.send(body)
            outcome = stage.follow(receipt, patience_s=20)
            assert outcome["state"] == "done", outcome
            return
        except (Failure, httpx.HTTPError):
            process.kill()
            assert process.lives < 5
            process.start()


def live_through(folder: Path, flow: list[dict[str, Any]], *, die_at: int) -> tuple[dict[str, Any], list[str]]:
    """Run the flow with one death on the way (0: none); the end state, and the points that were passed."""
    folder.mkdir()
    points = folder / "points"
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        mortality = {"MORTAL_FROM": str(len(flow)), "MORTAL_DIE_AT": str(die_at), "MORTAL_POINTS": str(points)}
        env = environment(folder, sandbox.url, **mortality)
        process = Process(env, folder, module="tests.crash.mortal")
        process.start()
        stage = Stage(sandbox.world, process.url, client)
        try:
            process.env["MORTAL_DIE_AT"] = "0"  # only the first life ends early
            for body in flow:
                send_until_taken(stage, process, body)
            assert until(lambda: stage.waiting() == 0)
            assert process.stop() == 0
        finally:
            process.kill()
        return end_state(sandbox.world), points.read_text().splitlines()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("flow", "writes"),
    [
        pytest.param([FIRST], ["POST issue", "POST issue", "POST link", "POST note"], id="a new submission"),
        pytest.param(
            [FIRST, CHANGED], ["PUT issue", "PUT issue", "PUT note", "POST note", "POST note"], id="a revision"
        ),
    ],
)
def test_a_death_at_any_point_changes_nothing_in_the_end(
    flow: list[dict[str, Any]], writes: list[str], tmp_path: Path
) -> None:
    undisturbed, points = live_through(tmp_path / "undisturbed", flow, die_at=0)
    assert [p.removeprefix("after ") for p in points if p.startswith(("after P",))] == writes

    def die(place: int) -> str | None:
        state, _ = live_through(tmp_path / f"dies-at-{place}", flow, die_at=place)
        return None if state == undisturbed else f"{place} ({points[place - 1]})"

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        outcomes = list(pool.map(die, range(1, len(points) + 1)))
    assert [each for each in outcomes if each is not None] == []
