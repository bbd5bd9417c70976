"""Ports for what is stopped and started again at the same address.

A port that the kernel picks (`port=0`) lies where it also picks the near ends of connections, so that between two lives
of a server any connection on the machine may take it. These lie below, and none is given out twice: not by one process,
and not by two that run parts of one suite side by side.
"""

from __future__ import annotations

import os
import random
import socket
import threading
from collections.abc import Iterator
from typing import Final

PORTS: Final = range(20_000, 32_000)
"""Linux begins its own at 32,768 (ip(7), `ip_local_port_range`)."""


def free_port() -> int:
    """A port that nobody listens at, and that nobody else is told of."""
    with _one_at_a_time:
        for port in _mine:
            with socket.socket() as probe:
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port
    raise AssertionError("all ports have been given out")


def _share() -> Iterator[int]:
    """Those of this worker of pytest-xdist, in an order in which another run of the suite hardly has them too."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    ports = list(PORTS[worker :: int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))])
    return iter(random.sample(ports, len(ports)))


_one_at_a_time = threading.Lock()
_mine = _share()
