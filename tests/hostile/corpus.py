"""What strangers can send over a socket, and a running service that it is sent to."""

from __future__ import annotations

import gzip
import json
import re
import socket
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.harness import HOOK_TOKEN, KEY, Process, environment

MOST_GROWTH_MB = 64
TOKEN = f"X-Gitlab-Token: {HOOK_TOKEN}\r\n"
BEARER = f"Authorization: Bearer {KEY}\r\n"
AS_JSON = "Content-Type: application/json\r\n"
GITLAB = f"POST /webhooks/gitlab HTTP/1.1\r\nHost: x\r\n{TOKEN}{AS_JSON}"
CALCULATOR = f"POST /webhooks/calculator HTTP/1.1\r\nHost: x\r\n{BEARER}{AS_JSON}"
STRANGER = f"POST /webhooks/gitlab HTTP/1.1\r\nHost: x\r\n{AS_JSON}"


class Target:
    """A running service and how to talk to it in bytes."""

    def __init__(self, process: Process) -> None:
        self.process = process
        host, port = process.url.removeprefix("http://").split(":")
        self.address = (host, int(port))
        self.idle_mb = self.memory_mb("VmRSS")

    def memory_mb(self, name: str) -> float:
        assert self.process.running is not None
        status = Path(f"/proc/{self.process.running.pid}/status").read_text()
        return int(status.split(f"{name}:")[1].split()[0]) / 1024

    def connect(self) -> socket.socket:
        return socket.create_connection(self.address, timeout=20)

    def ask(self, *pieces: str | bytes) -> list[int]:
        """Send the pieces, hear everything until the connection ends or falls silent; the statuses."""
        with self.connect() as raw:
            with suppress(ConnectionError):
                for piece in pieces:
                    raw.sendall(piece if isinstance(piece, bytes) else piece.encode("latin-1"))
            return statuses(hear(raw))

    def deliver(self) -> tuple[list[int], float]:
        """An honest delivery: what it was answered, and after how many seconds."""
        began = time.monotonic()
        body = json.dumps({"object_kind": "comet", "x": str(uuid.uuid4())}).encode()
        return self.ask(sized(GITLAB, body)), time.monotonic() - began

    def growth_mb(self) -> float:
        """By how much its memory has grown at the most since it was at rest."""
        return self.memory_mb("VmHWM") - self.idle_mb


def hear(raw: socket.socket, patience_s: float = 8.0) -> bytes:
    """Everything until the peer closes; a reset counts as the end."""
    raw.settimeout(patience_s)
    heard = b""
    with suppress(ConnectionError, TimeoutError):
        while chunk := raw.recv(65536):
            heard += chunk
    return heard


def statuses(heard: bytes) -> list[int]:
    return [int(code) for code in re.findall(rb"HTTP/1\.1 (\d{3}) ", heard)]


@contextmanager
def target(folder: Path) -> Iterator[Target]:
    """Started, and ended whatever happens."""
    # nobody listens there: the doors need no GitLab
    process = Process(environment(folder, "http://127.0.0.1:9"), folder, module="tests.hostile.impatient")
    process.start()
    try:
        known = Target(process)
        known.deliver()
        known.idle_mb = known.memory_mb("VmRSS")
        yield known
    finally:
        process.kill()


def sized(head: str, body: bytes, more: str = "") -> bytes:
    """A whole request."""
    return f"{head}Connection: close\r\n{more}Content-Length: {len(body)}\r\n\r\n".encode("latin-1") + body


def deep(levels: int) -> bytes:
    return b"[" * levels + b"]" * levels


CHUNKED = "Transfer-Encoding: chunked\r\n\r\n"
HOSTILE: dict[str, tuple[tuple[str | bytes, ...], list[int]]] = {
    "a length that is no number": ((GITLAB, "Content-Length: many\r\n\r\n{}"), [400]),
    "a negative length": ((GITLAB, "Content-Length: -1\r\n\r\n{}"), [400]),
    "a length beyond all numbers": ((GITLAB, f"Content-Length: {'9' * 400}\r\n\r\n{{}}"), [400]),
    "two lengths": ((GITLAB, "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} "), [400]),
    "length and chunks": ((GITLAB, "Content-Length: 2\r\n", CHUNKED, "2\r\n{}\r\n0\r\n\r\n"), [400]),
    "a body shorter than told": ((GITLAB, "Content-Length: 9\r\n\r\n{}"), [400]),
    "a body longer than told": ((GITLAB, "Content-Length: 2\r\n\r\n{}{}{}"), [400]),
    "chunks of no size": ((GITLAB, CHUNKED, "zz\r\n{}\r\n0\r\n\r\n"), [400]),
    "a chunk of a size beyond all numbers": ((GITLAB, CHUNKED, "f" * 40, "\r\n{}"), [400]),
    "a chunk that is longer than it says": ((GITLAB, CHUNKED, "1\r\n{}\r\n0\r\n\r\n"), [400]),
    "two tokens, the first one wrong": ((sized(f"{STRANGER}X-Gitlab-Token: no\r\n{TOKEN}", b"{}"),), [401]),
    "two types, the first one wrong": (
        (sized(GITLAB.replace(AS_JSON, f"Content-Type: x/y\r\n{AS_JSON}"), b"{}"),),
        [415],
    ),
    "a header of a mebibyte": ((GITLAB, "X: ", "x" * 2**20, "\r\n\r\n"), [400]),
    "a hundred thousand headers": ((GITLAB, "X: x\r\n" * 100_000, "\r\n"), [400]),
    "an address of a mebibyte": (("GET /", "x" * 2**20, " HTTP/1.1\r\n\r\n"), [400]),
    "a header without a name": ((GITLAB, ": x\r\n\r\n"), [400]),
    "a NUL in a header": ((GITLAB, "X: a\x00b\r\n\r\n"), [400]),
    "bytes in the address": (("GET /\xff\xfe HTTP/1.1\r\nHost: x\r\n\r\n",), [400]),
    "no address": (("OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",), [404]),
    "a tunnel": (("CONNECT a:1 HTTP/1.1\r\nHost: x\r\n\r\n",), [400]),
    "another protocol": ((b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,), [400]),
    "words": (("hello, is anybody there\r\n\r\n",), [400]),
    "an upgrade to a socket": (
        (sized("GET /healthz HTTP/1.1\r\nHost: x\r\n", b"", "Upgrade: websocket\r\nConnection: upgrade\r\n"),),
        [200],
    ),
    "a gibibyte from a stranger": ((STRANGER, f"Content-Length: {2**30}\r\n\r\n", b"x" * 2**20), [401]),
    "a gibibyte from GitLab": ((GITLAB, f"Content-Length: {2**30}\r\n\r\n", b"x" * 2**20), [413]),
    "a gibibyte from the calculator": ((CALCULATOR, f"Content-Length: {2**30}\r\n\r\n", b"x" * 2**20), [413]),
    "a body where none is asked for": (("POST /healthz HTTP/1.1\r\nHost: x\r\n", CHUNKED, "1\r\nx\r\n"), [405]),
    "no UTF-8 from GitLab": ((sized(GITLAB, b'{"a": "\xff\xfe"}'),), [400]),
    "no UTF-8 from the calculator": ((sized(CALCULATOR, b'{"a": "\xff\xfe"}'),), [400]),
    "half a pair of surrogates": ((sized(CALCULATOR, rb'{"customer_name": "\ud800"}'),), [400]),
    "a packed body": ((sized(GITLAB, gzip.compress(b" " * 2**24), "Content-Encoding: gzip\r\n"),), [400]),
    "64 levels from GitLab": ((sized(GITLAB, deep(64)),), [202]),
    "65 levels from GitLab": ((sized(GITLAB, deep(65)),), [202]),
    "a hundred thousand levels from GitLab": ((sized(GITLAB, deep(100_000)),), [202]),
    "65 levels from the calculator": ((sized(CALCULATOR, b'{"more": ' + deep(65) + b"}"),), [400]),
    "a hundred thousand levels from the calculator": ((sized(CALCULATOR, deep(100_000)),), [400]),
    "two requests at once": (
        (sized(GITLAB, b"{}").replace(b"Connection: close\r\n", b"") + sized(GITLAB, b"{}"),),
        [202, 202],
    ),
}
