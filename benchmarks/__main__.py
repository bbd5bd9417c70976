"""`python -m benchmarks`: acknowledgements, event to effect, start and memory, decisions, in one run, as tables.

Contestants take turns within each round and every ratio is taken inside a round, since a machine's speed is never the
same twice; the table shows medians over the rounds. Everything talks to loopback and stops by itself.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
import uuid
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx

from app.adapters.gitlab import PythonGitLab
from app.adapters.restraint import Restraint
from app.clock import steady_clock, system_clock
from app.logs import set_up_logs
from app.metrics import Metrics
from app.ports import Issue, NewIssue
from app.sandbox.people import token_of
from app.submit import follow, send
from benchmarks import decisions
from benchmarks.bare import TOKEN
from benchmarks.contestants import KEY, ROOT, Contestant, bare, psplan, sandbox
from benchmarks.load import Load, closed_loop, open_loop, requests_for
from benchmarks.rounds import counted

CONNECTIONS = (1, 16, 64)
RATE = 217.0
"""GitLab.com's largest limit: 13,000 webhook calls a minute for one namespace."""
QUIET_S = 0.1
Row = tuple[Load, float]


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=3.0, help="of each closed loop")
    parser.add_argument("--open-seconds", type=float, default=10.0, help="of each open loop")
    parser.add_argument("--submissions", type=int, default=100)
    wishes = parser.parse_args()
    print(f"{platform.python_version()}, {os.cpu_count()} CPUs, load average before: {os.getloadavg()[0]:.2f}\n")
    acknowledgements(wishes.rounds, wishes.seconds, wishes.open_seconds)
    event_to_effect(wishes.submissions)
    decisions.main()


def acknowledgements(rounds: int, seconds: float, open_seconds: float) -> None:
    """Durable 202s per second beside a FastAPI app that stores nothing."""
    body = (ROOT / "benchmarks" / "delivery.json").read_bytes()
    make = requests_for("/webhooks/gitlab", body, {"X-Gitlab-Token": TOKEN, "X-Gitlab-Event": "Note Hook"})
    found: dict[tuple[str, str], list[Row]] = defaultdict(list)
    starts: list[float] = []
    memories: list[float] = []
    for number in counted(rounds, "acknowledgements"):
        with (
            TemporaryDirectory() as folder,
            sandbox() as gitlab,
            bare() as control,
            psplan(Path(folder), gitlab) as ours,
        ):
            starts.append(ours.ready_s)
            time.sleep(1.0)
            memories.append(ours.memory_mb())
            for connections in CONNECTIONS:
                for name, who in (("bare", control), ("psplan", ours)):
                    settle(ours)
                    closed_loop(who.port, make, connections=connections, seconds=0.5)
                    before = who.cpu_s()
                    load = closed_loop(who.port, make, connections=connections, seconds=seconds)
                    found[name, str(connections)].append((load, who.cpu_s() - before))
            for name, who in (("bare", control), ("psplan", ours)):
                settle(ours)
                before = who.cpu_s()
                load = open_loop(who.port, make, rate=RATE, seconds=open_seconds, seed=number)
                found[name, f"{RATE:.0f}/s"].append((load, who.cpu_s() - before))
    print(f"Acknowledgements, {len(body):,} bytes each, medians of {rounds} rounds\n")
    print(
        "| load | bare FastAPI, nothing stored: /s | p50 / p99 ms | psplan, durable: /s | p50 / p99 ms |"
        " throughput | p99 | CPU ms per 202 |"
    )
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    for load_name in [*(str(c) for c in CONNECTIONS), f"{RATE:.0f}/s"]:
        print(_line(load_name, found["bare", load_name], found["psplan", load_name]))
    print(f"\nStart to ready: {statistics.median(starts):.2f} s; idle memory: {statistics.median(memories):.0f} MB\n")


def settle(who: Contestant) -> None:
    """Let the work that a closed loop left behind come to its end, so that the next figure is its own."""
    quiet_since = time.monotonic()
    before = who.cpu_s()
    deadline = time.monotonic() + 120
    while time.monotonic() - quiet_since < 1.0 and time.monotonic() < deadline:
        time.sleep(0.2)
        now = who.cpu_s()
        if now - before > 0.02:
            quiet_since = time.monotonic()
        before = now


def _line(name: str, control: list[Row], ours: list[Row]) -> str:
    def median(rows: list[Row], field: str) -> float:
        return float(statistics.median(getattr(load, field) for load, _ in rows))

    ratio = statistics.median(o.per_second / c.per_second for (c, _), (o, _) in zip(control, ours, strict=True))
    late = statistics.median(o.p99_ms / c.p99_ms for (c, _), (o, _) in zip(control, ours, strict=True))
    cpu = statistics.median(used / load.answered * 1000 for load, used in ours)
    refused = sum(load.refused for load, _ in control + ours)
    label = f"{name} connections" if name.isdigit() else f"open loop {name}"
    warning = f" ({refused} refused!)" if refused else ""
    return (
        f"| {label}{warning} | {median(control, 'per_second'):,.0f} | {median(control, 'p50_ms'):.2f} / "
        f"{median(control, 'p99_ms'):.1f} | {median(ours, 'per_second'):,.0f} | {median(ours, 'p50_ms'):.2f} / "
        f"{median(ours, 'p99_ms'):.1f} | {ratio:.0%} | {late:.1f}× | {cpu:.2f} |"
    )


def event_to_effect(submissions: int) -> None:
    """From the submission's POST to the third write at GitLab, beside the same three calls without us."""
    set_up_logs(style="json", secrets=(), is_quiet=True)  # a line for each call would slow the control
    ours: list[float] = []
    calls: list[float] = []
    with TemporaryDirectory() as folder, sandbox() as gitlab, psplan(Path(folder), gitlab) as service:
        direct = PythonGitLab(
            url=gitlab,
            token=token_of("ps-bot"),
            project="ps/ps-plan",
            timeout_s=10,
            clock=system_clock,
            restraint=Restraint({}, steady_clock, Metrics()),
        )
        with httpx.Client(timeout=10) as client:
            base = f"http://127.0.0.1:{service.port}"
            cpu = service.cpu_s()
            for _ in range(submissions):
                body = json.dumps(_submission()).encode()
                began = time.time()
                receipt = send(client, base, body, KEY)
                time.sleep(QUIET_S)  # polling for the end would be measured as well
                outcome = follow(client, receipt, patience_s=30)
                ours.append((_last_link_at(client, gitlab) - began) * 1000)
                same = [_as_new(direct.read_issue(outcome[name]["iid"])) for name in ("scoping_issue", "intake_issue")]
                time.sleep(QUIET_S)  # as rested as the service was
                began = time.time()
                _three_calls(direct, same)
                calls.append((_last_link_at(client, gitlab) - began) * 1000)
            cpu = (service.cpu_s() - cpu) / submissions * 1000
    ours_cuts, calls_cuts = (statistics.quantiles(each, n=100) for each in (ours, calls))
    print("| event to effect | p50 ms | p99 ms |")
    print("| --- | --- | --- |")
    print(f"| the three calls alone (python-gitlab) | {calls_cuts[49]:.1f} | {calls_cuts[98]:.1f} |")
    print(f"| submission to third write, durable | {ours_cuts[49]:.1f} | {ours_cuts[98]:.1f} |")
    print(f"| overhead | {ours_cuts[49] - calls_cuts[49]:.1f} | {ours_cuts[98] - calls_cuts[98]:.1f} |")
    print(f"\nCPU per submission, status polls included: {cpu:.1f} ms\n")


def _submission() -> dict[str, object]:
    sample: dict[str, object] = json.loads((ROOT / "app" / "sandbox" / "demo-submission.json").read_text())
    return {**sample, "submission_id": str(uuid.uuid4())}


def _last_link_at(client: httpx.Client, gitlab: str) -> float:
    """When the latest link, which is the third write, came in at GitLab, by GitLab's own log."""
    log = client.get(f"{gitlab}/_sandbox/requests").json()
    latest = next(each for each in reversed(log) if each["path"].endswith("/links"))
    return datetime.fromisoformat(latest["at"]).timestamp()


def _as_new(issue: Issue) -> NewIssue:
    """The order that makes the same issue once more."""
    return NewIssue(
        title=issue.title,
        description=issue.description,
        labels=issue.labels,
        assignee_id=issue.assignees[0].id if issue.assignees else None,
        due_date=issue.due_date,
        confidential=issue.confidential,
    )


def _three_calls(direct: PythonGitLab, orders: list[NewIssue]) -> None:
    first, second = (direct.create_issue(order).iid for order in orders)
    direct.link_issues(first, second)


if __name__ == "__main__":
    main()
