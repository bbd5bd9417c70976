"""How many tests run side by side under `make test`."""

from __future__ import annotations

import os


def pytest_xdist_auto_num_workers() -> int:
    """Half as many again as there are cores: a good part of the tests waits for a disk, a timer or another process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return cores + cores // 2
