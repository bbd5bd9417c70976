"""A disk that takes no more, and takes again: what does the door say, and is anything acknowledged that is not there?

The limit is the process' own (RLIMIT_FSIZE): the kernel then refuses to let its files grow, as a full disk does, and it
can be lifted while the process runs.
"""

from __future__ import annotations

import resource
import sqlite3
import tempfile
import uuid
from pathlib import Path

import httpx

from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from benchmarks.faults.row import Row
from tests.harness import HOOK_TOKEN, Process, environment, until

DELIVERIES = 400
BODY = Path(__file__).parents[1] / "delivery.json"
ROOM = 256 * 1024


def full_disk() -> Row:
    """Deliveries before, while and after the disk is full."""
    with tempfile.TemporaryDirectory() as name, SandboxServer(World()) as sandbox, httpx.Client(timeout=10) as client:
        folder = Path(name)
        process = Process(environment(folder, sandbox.url), folder)
        process.start()
        assert process.running is not None
        pid, unlimited = process.running.pid, (resource.RLIM_INFINITY, resource.RLIM_INFINITY)
        largest = max(each.stat().st_size for each in folder.iterdir() if each.is_file())
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (largest + ROOM, resource.RLIM_INFINITY))
        answers, keys = _send(client, process.url, DELIVERIES)
        is_ready = client.get(f"{process.url}/readyz").status_code
        resource.prlimit(pid, resource.RLIMIT_FSIZE, unlimited)
        recovered = until(lambda: client.get(f"{process.url}/readyz").status_code == 200)
        more, later = _send(client, process.url, 50)
        process.stop()
        acknowledged = {key for key, answer in zip(keys, answers, strict=True) if answer == 202} | set(later)
        with sqlite3.connect(folder / "psplan.sqlite3") as database:
            there = {row[0] for row in database.execute("SELECT key FROM deliveries")}
    lost = len(acknowledged - there)
    refused = answers.count(503)
    outcome = (
        f"{answers.count(202)} taken, {refused} answered 503, ready said {is_ready}; "
        f"{'all' if set(more) == {202} else 'not all'} taken once there was room again; "
        f"acknowledged and not there: {lost}"
    )
    is_good = lost == 0 and recovered and refused > 0 and set(answers) <= {202, 503} and set(more) == {202}
    return Row("the disk is full, then has room again", str(DELIVERIES), outcome, is_good)


def _send(client: httpx.Client, url: str, count: int) -> tuple[list[int], list[str]]:
    keys = [str(uuid.uuid4()) for _ in range(count)]
    body, headers = BODY.read_bytes(), {"X-Gitlab-Token": HOOK_TOKEN, "Content-Type": "application/json"}
    post = f"{url}/webhooks/gitlab"
    return [client.post(post, content=body, headers={**headers, "Idempotency-Key": k}).status_code for k in keys], keys
