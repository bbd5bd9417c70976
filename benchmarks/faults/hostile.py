"""Bytes and requests that no honest sender sends: is anybody answered 5xx, does an honest sender wait, does it grow?

What is sent is the corpus of the tests (tests/hostile). The service is the one of those tests: it waits for strangers a
tenth as long as by default, so that this is over in a minute.
"""

from __future__ import annotations

import tempfile
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

from schemathesis import Case
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response

from app.sandbox.world import World
from benchmarks.faults.row import Row
from benchmarks.faults.scene import scene
from tests.hostile.corpus import HOSTILE, MOST_GROWTH_MB, Target, target
from tests.hostile.generated import ask_everything, must_conform

ROUNDS = 20
ATTACKERS = 6
HONEST = 2
LONGEST_WAIT_S = 2.0
EXAMPLES = 300


def malformed_bytes() -> Row:
    """The whole corpus, many times, from several sides, and honest senders among them."""
    is_over = threading.Event()
    cases = list(HOSTILE) * ROUNDS
    with tempfile.TemporaryDirectory() as name, target(Path(name)) as attacked, ThreadPoolExecutor() as honest:
        senders = [honest.submit(_deliver_until, is_over, attacked) for _ in range(HONEST)]
        try:
            with ThreadPoolExecutor(ATTACKERS) as attackers:
                heard = list(attackers.map(lambda case: attacked.ask(*HOSTILE[case][0]), cases))
        finally:
            is_over.set()
        answers = [each for sender in senders for each in sender.result()]
        grown_mb = attacked.growth_mb()
    faults = sum(status >= 500 for statuses in heard for status in statuses)
    unexpected = sum(statuses != HOSTILE[case][1] for case, statuses in zip(cases, heard, strict=True))
    unheard = sum(statuses != [202] for statuses, _ in answers)
    slowest_s = max(seconds for _, seconds in answers)
    outcome = (
        f"{faults} answered 5xx, {unexpected} otherwise than they should be; of {len(answers):,} honest deliveries "
        f"meanwhile {unheard} not acknowledged, the slowest after {slowest_s:.2f} s; memory grew by {grown_mb:.0f} MB"
    )
    is_good = faults == unexpected == unheard == 0 and slowest_s < LONGEST_WAIT_S and grown_mb < MOST_GROWTH_MB
    return Row(f"malformed HTTP of {len(HOSTILE)} kinds over raw sockets", f"{len(cases):,}", outcome, is_good)


def _deliver_until(is_over: threading.Event, attacked: Target) -> list[tuple[list[int], float]]:
    answers = []
    while not is_over.is_set():
        answers.append(attacked.deliver())
    return answers


def generated_requests() -> Row:
    """What schemathesis makes up from the OpenAPI document, in three names."""
    heard: Counter[int] = Counter()
    conforming: Counter[bool] = Counter()

    def hear(case: Case[Any], answer: Response) -> None:
        heard[answer.status_code] += 1
        conforms = False
        with suppress(FailureGroup):
            must_conform(case, answer)
            conforms = True
        conforming[conforms] += 1

    with scene(World(hook_delay_s=0.0)) as on:
        operations = ask_everything(on.url, hear, examples=EXAMPLES)
    faults = sum(count for status, count in heard.items() if status >= 500)
    outcome = f"{faults} answered 5xx, {conforming[False]} otherwise than the document says"
    what = f"requests to the {len(operations)} operations of the OpenAPI document, made up by schemathesis"
    return Row(what, f"{heard.total():,}", outcome, faults == conforming[False] == 0 and heard.total() > 0)
