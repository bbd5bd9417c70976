"""A balancer before the replicas: each connection goes to one that takes it, by turns."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import count
from urllib.parse import urlsplit

CONNECT_S = 1.0
SILENCE_S = 60.0
PIECE = 65_536


@contextmanager
def balancer(urls: Sequence[str]) -> Iterator[str]:
    """Listens on loopback; its address."""
    ports = [urlsplit(url).port for url in urls]
    listening = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        with suppress(OSError):  # closed, at the end
            for turn in count():
                client, _ = listening.accept()
                threading.Thread(
                    target=_carry, args=(client, [*ports[turn % 2 :], *ports[: turn % 2]]), daemon=True
                ).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        with suppress(OSError):
            listening.shutdown(socket.SHUT_RDWR)
        listening.close()


def _carry(client: socket.socket, ports: Sequence[int | None]) -> None:
    with client:
        client.settimeout(SILENCE_S)
        for port in ports:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port or 0), timeout=CONNECT_S) as replica:
                replica.settimeout(SILENCE_S)
                answering = threading.Thread(target=_pour, args=(replica, client), daemon=True)
                answering.start()
                _pour(client, replica)
                answering.join(SILENCE_S)
                return


def _pour(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):  # either end may die; so does the other then
        while piece := source.recv(PIECE):
            sink.sendall(piece)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_WR)
