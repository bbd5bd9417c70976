"""GitLab delivers nothing, half or all of what people do, some of it twice and late: is the end the same?"""

from __future__ import annotations

import random

from app.logs import set_up_logs
from app.tell import Tell
from benchmarks.faults.row import Row
from tests.histories import FREE, GATED, lived

LONGEST = 8


def partly_delivered(histories: int, *, seed: int, tell: Tell) -> Row:
    """Random histories of an engagement, each lived with every probability of delivery.

    Half delivered, an order that depends on the one before it is refused by design where that one is found after it: so
    these histories have none.
    """
    set_up_logs(style="console", secrets=[], is_quiet=True)
    rng = random.Random(seed)
    things, others = 0, {0.0: 0, 0.5: 0}
    for number in range(histories):
        tell("histories", number, histories)
        for share, steps in ((0.0, {**FREE, **GATED}), (0.5, FREE)):
            names = rng.choices(list(steps), k=rng.randint(2, LONGEST))
            things += len(names)
            luck = rng.randrange(2**16)
            ends = [lived([steps[each] for each in names], delivered=part, seed=luck) for part in (share, 1.0)]
            others[share] += ends[0] != ends[1]
    outcome = (
        f"{things} comments, labels and assignments; up to five deliveries of each history come again, in any order; "
        f"another end than with all delivered: {others[0.0]} with none delivered, {others[0.5]} with half"
    )
    return Row("webhooks delivered with probability 0, ½ and 1", str(2 * histories), outcome, not any(others.values()))
