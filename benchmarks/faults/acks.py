"""Is every delivery on disk before it is acknowledged? Read from the system calls of the running service.

For each 202 that leaves on a connection there must be an fdatasync that began after the request came in on it and ended
before the answer left.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.tell import Tell
from benchmarks.faults.row import Row
from benchmarks.load import closed_loop, requests_for
from tests.harness import HOOK_TOKEN, Process, environment

CONNECTIONS = 16
MOST_S = 300.0
PIECE_S = 5.0
BODY = Path(__file__).parents[1] / "delivery.json"
READS = frozenset({"recvfrom", "read", "recvmsg"})
CALLS = ",".join(["trace=fdatasync,fsync,sendto,write,writev,sendmsg", *sorted(READS)])
_LINE = re.compile(r"^(\d+) +(\d+\.\d+) (?:<\.\.\. )?(\w+)(?:\((\d+))?(.*)$")


@dataclass
class Reading:
    """What the trace tells so far."""

    asked_at: dict[str, float] = field(default_factory=dict)
    """Connection → when the latest request came in."""
    reading: dict[str, str] = field(default_factory=dict)
    """Thread → the connection it began to read from: strace splits a call in two where another thread came between."""
    syncs: dict[str, float] = field(default_factory=dict)
    """Thread → when its fdatasync began."""
    latest_sync_began: float = 0.0
    """Of those that have ended, when the latest one began."""
    acks: int = 0
    violations: int = 0

    def take(self, line: str) -> None:
        """One line of the trace, in the order of time."""
        match = _LINE.match(line)
        if match is None:
            return
        thread, moment, call, handle, rest = match[1], float(match[2]), match[3], match[4], match[5]
        if call in {"fdatasync", "fsync"}:
            self._sync(thread, moment, rest, is_start=handle is not None)
        elif "POST /webhooks" in rest:
            self.asked_at[handle or self.reading[thread]] = moment
        elif handle is not None and "<unfinished" in rest and call in READS:
            self.reading[thread] = handle
        elif handle is not None and "HTTP/1.1 202" in rest:
            self.acks += 1
            self.violations += self.latest_sync_began < self.asked_at.get(handle, float("inf"))

    def _sync(self, thread: str, moment: float, rest: str, *, is_start: bool) -> None:
        if is_start:
            self.syncs[thread] = moment
        if "= 0" in rest:
            self.latest_sync_began = max(self.latest_sync_began, self.syncs.pop(thread, moment))


def acknowledged_after_sync(wanted: int, tell: Tell) -> Row:
    """So many deliveries, under strace."""
    what = "every acknowledgement held against the `fdatasync` before it, by `strace`"
    strace = shutil.which("strace")
    if strace is None:
        return Row(what, "0", "strace is not installed", False)
    with tempfile.TemporaryDirectory() as name, SandboxServer(World()) as sandbox:
        folder = Path(name)
        process = Process(environment(folder, sandbox.url), folder)
        process.start()
        assert process.running is not None
        trace = folder / "trace"
        words = [strace, "-f", "-ttt", "-s", "64", "-e", CALLS, "-o", str(trace), "-p", str(process.running.pid)]
        tracing = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
        assert tracing.stderr is not None
        # it has to stop every thread once before it sees everything, and says so: "Process 1 attached with 9 threads"
        assert "attached" in tracing.stderr.readline()
        make = requests_for("/webhooks/gitlab", BODY.read_bytes(), {"X-Gitlab-Token": HOOK_TOKEN})
        port, sent, began = int(process.url.rsplit(":", 1)[1]), 0, time.monotonic()
        while sent < wanted and time.monotonic() - began < MOST_S:
            tell("deliveries under strace", sent, wanted)
            sent += closed_loop(port, make, connections=CONNECTIONS, seconds=PIECE_S).answered
        tracing.terminate()
        tracing.wait(timeout=30)
        process.stop()
        reading = Reading()
        with trace.open(errors="replace") as lines:
            for line in lines:
                reading.take(line)
    outcome = f"{reading.acks:,} acknowledgements, {reading.violations} before their data was on disk"
    return Row(what, f"{sent:,}", outcome, reading.acks >= wanted and reading.violations == 0)
