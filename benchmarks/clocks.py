"""What armed clocks cost while none is due: `python -m benchmarks.clocks`, services side by side in the same seconds.

Each is `psplan serve` with so many timers that are due in a year; the CPU time is the process' own, from the kernel.
"""

from __future__ import annotations

import argparse
import sqlite3
import statistics
import time
from collections import defaultdict
from contextlib import ExitStack, closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks.contestants import Contestant, psplan, sandbox
from benchmarks.rounds import counted

ARMED: Final = (0, 10_000, 100_000)
YEAR_S: Final = 365 * 86_400.0
WARM_UP_S: Final = 3.0
"""The start reads the members and looks for what the database lacks."""


def main() -> None:
    """Run the rounds and print."""
    words = argparse.ArgumentParser(prog="python -m benchmarks.clocks", description=__doc__)
    words.add_argument("--rounds", type=int, default=3)
    words.add_argument("--seconds", type=float, default=20.0, help="of each round")
    given = words.parse_args()
    used: dict[int, list[float]] = defaultdict(list)
    memory: dict[int, float] = {}
    with ExitStack() as stack:
        gitlab = stack.enter_context(sandbox())
        services = {armed: _with_clocks(stack, gitlab, armed) for armed in ARMED}
        time.sleep(WARM_UP_S)
        for _ in counted(given.rounds, "idle"):
            before = {armed: each.cpu_s() for armed, each in services.items()}
            time.sleep(given.seconds)
            for armed, each in services.items():
                used[armed].append((each.cpu_s() - before[armed]) / given.seconds * 1000)
        memory = {armed: each.memory_mb() for armed, each in services.items()}
    print("| armed clocks | CPU ms per idle second | memory MB |\n| --- | --- | --- |")
    for armed in ARMED:
        print(f"| {armed:,} | {statistics.median(used[armed]):.1f} | {memory[armed]:.0f} |")


def _with_clocks(stack: ExitStack, gitlab: str, armed: int) -> Contestant:
    folder = Path(stack.enter_context(TemporaryDirectory()))
    service = stack.enter_context(psplan(folder, gitlab))
    rows = [(f"lane-{number}", time.time() + YEAR_S + number) for number in range(armed)]
    with closing(sqlite3.connect(folder / "bench.sqlite3", timeout=30)) as database, database:
        database.executemany("INSERT INTO timers (lane, due_at) VALUES (?, ?)", rows)
    return service


if __name__ == "__main__":
    main()
