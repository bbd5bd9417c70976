"""A delivery that takes the process down with it is parked after three deaths, and holds up nobody else."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import httpx

from app.failure import Failure
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import KEY, Process, Stage, environment, submission, until


def test_after_three_deaths_a_delivery_is_parked_with_its_reason(tmp_path: Path) -> None:
    poison = submission()
    with SandboxServer(World()) as sandbox, httpx.Client(timeout=10) as client:
        deadly = {"MORTAL_DIE_ON": "before POST issue", "MORTAL_FROM": "0"}
        process = Process(environment(tmp_path, sandbox.url, **deadly), tmp_path, module="tests.crash.mortal")
        process.start()
        stage = Stage(sandbox.world, process.url, client)
        with suppress(Failure, httpx.HTTPError):
            stage.send(poison)
        for _ in range(3):
            assert process.running is not None
            process.running.wait(timeout=20)
            process.kill()
            process.start()
        known = f"{process.url}/submissions/{poison['submission_id']}"
        bearer = {"Authorization": f"Bearer {KEY}"}
        assert until(lambda: client.get(known, headers=bearer).json()["state"] == "failed")
        assert "died 3 times" in client.get(known, headers=bearer).json()["message"]
        assert len(sandbox.world.issues) == 0
        process.kill()
        process.env.pop("MORTAL_DIE_ON")
        process.start()
        assert stage.submit(submission())["state"] == "done"
        process.stop()
