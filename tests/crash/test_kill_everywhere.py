"""kill -9 at every step of the flow, as enumerated by an undisturbed run: the end state is always the same."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.failure import Failure
from app.sandbox.hook_shapes import note_event
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import HOOK_TOKEN, Process, Stage, end_state, environment, submission, until

ID = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
FIRST = submission(submission_id=ID)
CHANGED = submission(submission_id=ID, customer_name="Acme Europe SE", services=["migration_scm", "security"])
COMMENT = "/ps next\n/ps answer users_current 800\n/ps nonsense"
SIDE_BY_SIDE = 3
"""More than two cores, since half of the time is spent waiting for a process to start or to end."""


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


def comment_until_heard(stage: Stage, process: Process, text: str) -> None:
    """A comment whose delivery comes again until it is acknowledged, and a service that is started again until idle."""
    note = stage.world.add_note("erin", 1, text).note
    assert note is not None
    headers = {
        "Content-Type": "application/json",
        "X-Gitlab-Token": HOOK_TOKEN,
        "X-Gitlab-Event": "Note Hook",
        "Idempotency-Key": "of-the-comment",
    }
    body, is_taken = json.dumps(note_event(stage.world, note, action="create")), False
    while True:
        try:
            if not is_taken:
                answer = stage.client.post(f"{stage.url}/webhooks/gitlab", content=body, headers=headers)
                is_taken = answer.status_code == 202
            if is_taken and stage.waiting() == 0:
                return
        except httpx.HTTPError:
            process.kill()
            assert process.lives < 5
            process.start()


def live_through(folder: Path, flow: list[dict[str, Any] | str], *, die_at: int) -> tuple[dict[str, Any], list[str]]:
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
            for each in flow:
                if isinstance(each, str):
                    comment_until_heard(stage, process, each)
                else:
                    send_until_taken(stage, process, each)
            assert until(lambda: stage.waiting() == 0)
            assert process.stop() == 0
        finally:
            process.kill()
        reactions = sorted((award.note_id or 0, award.name) for award in sandbox.world.awards.values())
        return {**end_state(sandbox.world), "reactions": reactions}, points.read_text().splitlines()


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("flow", "writes"),
    [
        pytest.param(
            [FIRST], ["POST issue", "POST issue", "POST link", "POST note", "POST note"], id="a new submission"
        ),
        pytest.param([FIRST, CHANGED], ["PUT issue", "PUT issue", "PUT note", "POST note"], id="a revision"),
        pytest.param(
            [FIRST, COMMENT],
            [
                "POST reaction",
                "PUT issue",
                "PUT issue",
                "PUT note",
                "PUT note",
                "POST note",
                "POST reaction",
                "POST reaction",
            ],
            id="a comment with commands",
        ),
    ],
)
def test_a_death_at_any_point_changes_nothing_in_the_end(
    flow: list[dict[str, Any] | str], writes: list[str], tmp_path: Path
) -> None:
    undisturbed, points = live_through(tmp_path / "undisturbed", flow, die_at=0)
    assert [p.removeprefix("after ") for p in points if p.startswith(("after P",))] == writes

    def die(place: int) -> str | None:
        state, _ = live_through(tmp_path / f"dies-at-{place}", flow, die_at=place)
        return None if state == undisturbed else f"{place} ({points[place - 1]})"

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        outcomes = list(pool.map(die, range(1, len(points) + 1)))
    assert [each for each in outcomes if each is not None] == []
