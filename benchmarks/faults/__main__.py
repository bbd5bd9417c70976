"""Prints the record of faults: `python -m benchmarks.faults`. Minutes by default, an hour with `--kills 1000`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable

from benchmarks.faults.acks import acknowledged_after_sync
from benchmarks.faults.disk import full_disk
from benchmarks.faults.kills import random_kills
from benchmarks.faults.row import HEAD, Row


def main() -> int:
    """Run what is asked for; 1 where something is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--acks", type=int, default=10_000)
    parser.add_argument("--only", choices=["kills", "acks", "disk"], action="append")
    words = parser.parse_args()
    rows: dict[str, Callable[[], Row]] = {
        "kills": lambda: random_kills(words.kills, seed=words.seed),
        "acks": lambda: acknowledged_after_sync(words.acks),
        "disk": full_disk,
    }
    print(HEAD, flush=True)
    is_good = True
    for name, run in rows.items():
        if words.only is None or name in words.only:
            row = run()
            is_good &= row.is_good
            print(row.line(), flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
