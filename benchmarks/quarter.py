"""A quarter of a team in one run: `python -m benchmarks.quarter`. What people were told, counted; what was told twice.

The whole service beside a stand-in GitLab and Slack, over loopback; only time is moved (tests/quarter.py).
"""

from __future__ import annotations

import argparse
import logging
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog

from app.cli_progress import Progress
from tests.quarter import BEGIN, LENGTH, Told, by_clock, live


def main() -> None:
    """Live, count, print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--engagements", type=int, default=200)
    words.add_argument("--seed", type=int, default=1)
    given = words.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Progress() as progress:
        told = live(Path(folder), given.engagements, seed=given.seed, tell=progress)
    print(_table(told, time.perf_counter() - began))


def _table(told: Told, took_s: float) -> str:
    reminded = sum(count["near"] for count in by_clock(told).values())
    escalated = sum(count["over"] for count in by_clock(told).values())
    rows = [
        ("engagements", told.engagements),
        ("days", f"{LENGTH.days}, from {BEGIN:%Y-%m-%d}"),
        ("moments at which something happened", f"{told.moments:,}"),
        *(
            (f"clock {name}: reminded, told that it is over", f"{count['near']}, {count['over']}")
            for name, count in by_clock(told).items()
        ),
        ("all clocks: reminded, told that it is over", f"{reminded}, {escalated}"),
        ("told in Slack as well", len(told.in_slack)),
        ("closed after two months without a word", told.closed),
        *(
            (f"digests of {person}", count)
            for person, count in sorted(Counter(person for person, _ in told.digests).items())
        ),
        ("told twice", told.doubled),
        ("told on a holiday, at a weekend or at night", len(told.at_rest)),
        ("seconds", f"{took_s:.0f}"),
    ]
    return "\n".join(["| of a quarter | |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows)])


if __name__ == "__main__":
    main()
