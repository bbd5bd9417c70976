"""Ports for what is stopped and started again at the same address.

A port that the kernel picks (`port=0`) lies where it also picks the near ends of connections, so that between two lives
of a server any connection on the machine may take it. These lie below.
"""

from __future__ import annotations

import random
import socket
from typing import Final

PORTS: Final = range(20_000, 32_000)
"""Linux begins its own at 32,768 (ip(7), `ip_local_port_range`)."""
MOST_TRIES: Final = 100


def free_port() -> int:
    """A port that nobody listens at."""
    for port in random.sample(PORTS, MOST_TRIES):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise AssertionError(f"{MOST_TRIES} ports, and none is free")
