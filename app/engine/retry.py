"""When a failed try is tried again: a schedule with jitter, then the dead letters.

The steps add up to more than 45 hours: an outage over a night and a day costs nothing but time.
"""

from __future__ import annotations

import random

SCHEDULE_S = (2.0, 10.0, 60.0, 5 * 60.0, 30 * 60.0, 2 * 3600.0, 6 * 3600.0, 12 * 3600.0, 24 * 3600.0)
JITTER = 0.2
MOST_DEATHS = 3
SHORTEST_WAIT_S = 1.0
"""However short a Retry-After is."""
LONGEST_WAIT_S = 24 * 3600.0
"""A vendor's Retry-After beyond this is not believed."""
MOST_AGE_S = 7 * 24 * 3600.0
"""A delivery that only ever meets Retry-After is parked after a week."""
LEAST_UPTIME_S = 24 * 3600.0
"""And not before the service has tried for a day: what is found after a long standstill is old, and not yet tried."""


def wait_s(attempts: int, rng: random.Random) -> float | None:
    """Seconds until the next try after so many failed ones; None: no more."""
    if attempts >= len(SCHEDULE_S):
        return None
    return SCHEDULE_S[attempts] * rng.uniform(1 - JITTER, 1 + JITTER)
