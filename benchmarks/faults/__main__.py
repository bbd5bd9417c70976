"""Prints the record of faults: `python -m benchmarks.faults`. A quarter of an hour by default; `--only` picks rows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence

from benchmarks.faults.acks import acknowledged_after_sync
from benchmarks.faults.away import away
from benchmarks.faults.clock import clock_set
from benchmarks.faults.disk import full_disk
from benchmarks.faults.hostile import generated_requests, malformed_bytes
from benchmarks.faults.kills import random_kills
from benchmarks.faults.late import applied_late
from benchmarks.faults.limits import obeyed, without_a_word
from benchmarks.faults.locked import locked
from benchmarks.faults.row import HEAD, Row
from benchmarks.faults.sick import input_output_errors
from benchmarks.faults.token import revoked
from benchmarks.faults.writes import performed_then_failed

NAMES = (
    "kills", "acks", "disk", "io", "lock", "clock", "writes", "late", "limits", "away", "token", "hostile",
)  # fmt: skip


def main() -> int:
    """Run what is asked for; 1 where something is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--acks", type=int, default=10_000)
    parser.add_argument("--only", choices=NAMES, action="append")
    words = parser.parse_args()
    rows: dict[str, Sequence[Callable[[], Row]]] = {
        "kills": [lambda: random_kills(words.kills, seed=words.seed)],
        "acks": [lambda: acknowledged_after_sync(words.acks)],
        "disk": [full_disk],
        "io": [input_output_errors],
        "lock": [locked],
        "clock": [clock_set],
        "writes": [performed_then_failed],
        "late": [applied_late],
        "limits": [obeyed, without_a_word],
        "away": [away],
        "token": [revoked],
        "hostile": [malformed_bytes, generated_requests],
    }
    print(HEAD, flush=True)
    is_good = True
    for name in words.only or NAMES:
        for run in rows[name]:
            row = run()
            is_good &= row.is_good
            print(row.line(), flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
