"""Prints the record of faults: `python -m benchmarks.faults`. An hour by default; `--only` picks rows."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable
from typing import Final

from app.cli_progress import Progress
from app.tell import Tell
from benchmarks.faults.acks import acknowledged_after_sync
from benchmarks.faults.away import away
from benchmarks.faults.clock import clock_set
from benchmarks.faults.disk import full_disk
from benchmarks.faults.everywhere import killed_everywhere
from benchmarks.faults.hostile import generated_requests, malformed_bytes
from benchmarks.faults.kills import random_kills, random_kills_of_replicas
from benchmarks.faults.late import applied_late
from benchmarks.faults.limits import obeyed, without_a_word
from benchmarks.faults.locked import locked
from benchmarks.faults.missed import partly_delivered
from benchmarks.faults.row import HEAD, Row
from benchmarks.faults.sick import input_output_errors
from benchmarks.faults.token import revoked
from benchmarks.faults.writes import performed_then_failed

ROWS: Final[dict[str, Callable[[argparse.Namespace, Tell], Iterable[Row]]]] = {
    "everywhere": lambda words, tell: killed_everywhere(tell, named=words.flow),
    "kills": lambda words, tell: [random_kills(words.kills, seed=words.seed, tell=tell)],
    "replicas": lambda words, tell: [random_kills_of_replicas(words.replica_kills, seed=words.seed, tell=tell)],
    "missed": lambda words, tell: [partly_delivered(words.histories, seed=words.seed, tell=tell)],
    "acks": lambda words, tell: [acknowledged_after_sync(words.acks, tell)],
    "disk": lambda *_: [full_disk()],
    "io": lambda *_: [input_output_errors()],
    "lock": lambda *_: [locked()],
    "clock": lambda *_: [clock_set()],
    "writes": lambda *_: [performed_then_failed()],
    "late": lambda *_: [applied_late()],
    "limits": lambda *_: (run() for run in (obeyed, without_a_word)),
    "away": lambda *_: [away()],
    "token": lambda *_: [revoked()],
    "hostile": lambda *_: (run() for run in (malformed_bytes, generated_requests)),
}


def main() -> int:
    """Run what is asked for; 1 where something is not as promised."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults")
    parser.add_argument("--kills", type=int, default=1_000)
    parser.add_argument("--replica-kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--acks", type=int, default=10_000)
    parser.add_argument("--flow", default="", help="only flows whose name has this in it")
    parser.add_argument("--histories", type=int, default=25)
    parser.add_argument("--only", choices=ROWS, action="append")
    words = parser.parse_args()
    print(HEAD, flush=True)
    is_good = True
    for name in words.only or ROWS:
        with Progress() as progress:
            for row in ROWS[name](words, progress):
                progress.clear()
                is_good &= row.is_good
                print(row.line(), flush=True)
    return 0 if is_good else 1


if __name__ == "__main__":
    sys.exit(main())
