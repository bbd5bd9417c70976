"""What strangers can send over a socket: never a 5xx, never much memory, and honest senders hear 202 promptly."""

from __future__ import annotations

import gzip
import json
import re
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.harness import HOOK_TOKEN, KEY, Process, environment, submission, until
from tests.hostile.impatient import HEAD_S, MOST_CONNECTIONS

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

    def is_honest_sender_heard(self) -> float:
        """Seconds until an honest delivery is acknowledged."""
        began = time.monotonic()
        body = json.dumps({"object_kind": "comet", "x": str(uuid.uuid4())})
        with self.connect() as raw:
            raw.sendall(f"{GITLAB}Connection: close\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
            assert statuses(hear(raw)) == [202]
        return time.monotonic() - began


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


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("hostile")
    # nobody listens there: the doors need no GitLab
    process = Process(environment(folder, "http://127.0.0.1:9"), folder, module="tests.hostile.impatient")
    process.start()
    assert process.running is not None
    stderr = process.running.stderr
    assert stderr is not None
    # what is logged has to be read, or the service waits for it
    drain = threading.Thread(target=lambda: [None for _ in stderr], daemon=True)
    drain.start()
    try:
        known = Target(process)
        known.is_honest_sender_heard()
        known.idle_mb = known.memory_mb("VmRSS")
        yield known
        assert known.memory_mb("VmHWM") - known.idle_mb < MOST_GROWTH_MB
        assert process.running.poll() is None
    finally:
        with suppress(ValueError):
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


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_or_taken_in_and_nothing_breaks(case: str, target: Target) -> None:
    pieces, expected = HOSTILE[case]
    assert target.ask(*pieces) == expected


def test_a_body_without_end_is_cut_off(target: Target) -> None:
    for head, most, status in ((GITLAB, 26, 413), (CALCULATOR, 2, 413), (STRANGER, 2, 401)):
        chunk = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
        with target.connect() as raw:
            raw.sendall((head + CHUNKED).encode())
            sent = 0
            with suppress(ConnectionError):
                while sent < 2 * most:
                    raw.sendall(chunk)
                    sent += 1
            assert statuses(hear(raw)) in ([status], []), "a reset may overtake the answer"
    assert target.memory_mb("VmHWM") - target.idle_mb < MOST_GROWTH_MB


def test_who_does_not_finish_the_head_is_cut_off_and_who_drips_too(target: Target) -> None:
    began = time.monotonic()
    for drips in (b"", b"\r\n", b"X: y\r\n"):
        with target.connect() as raw:
            raw.sendall(b"POST /webhooks/gitlab HTTP/1.1\r\nHost: x\r\n" if drips != b"\r\n" else drips)
            with suppress(ConnectionError):
                for _ in range(40):
                    raw.settimeout(0.1)
                    with suppress(TimeoutError):
                        assert raw.recv(1) == b""
                        break
                    raw.sendall(drips)
                else:
                    pytest.fail("it was never cut off")
    assert time.monotonic() - began < 3 * (HEAD_S + 1.5)


def test_who_asked_before_and_then_drips_is_cut_off_too(target: Target) -> None:
    with target.connect() as raw:
        raw.sendall(sized(GITLAB, b"{}").replace(b"Connection: close\r\n", b""))
        assert statuses(raw.recv(1000)) == [202]
        raw.sendall(b"\r\n")
        assert hear(raw, 5.0) == b""
        raw.settimeout(0.1)
        assert raw.recv(1) == b""


@pytest.mark.parametrize("crowd", [200, 2 * MOST_CONNECTIONS])
def test_a_crowd_that_only_holds_connections_keeps_no_honest_sender_waiting(crowd: int, target: Target) -> None:
    with ExitStack() as held:
        for _ in range(crowd):
            raw = held.enter_context(target.connect())
            with suppress(ConnectionError):
                raw.sendall(b"POST /webhooks/gitlab HTTP/1.1\r\nX: ")
        waits = sorted(target.is_honest_sender_heard() for _ in range(20))
    assert waits[-1] < 1.0


SIGNED = f"POST /webhooks/calculator HTTP/1.1\r\nHost: x\r\n{AS_JSON}webhook-signature: v1,x\r\n"


def test_a_crowd_that_never_ends_its_bodies_keeps_no_honest_sender_waiting(target: Target) -> None:
    with ExitStack() as held:
        for _ in range(2 * MOST_CONNECTIONS):
            raw = held.enter_context(target.connect())
            with suppress(ConnectionError):
                raw.sendall(f"{SIGNED}Content-Length: 100\r\n\r\n{{".encode())
        waits = sorted(target.is_honest_sender_heard() for _ in range(20))
    assert waits[-1] < 1.0


def test_large_bodies_of_strangers_do_not_fill_the_memory(target: Target) -> None:
    with ExitStack() as held:
        for _ in range(100):
            raw = held.enter_context(target.connect())
            with suppress(ConnectionError, TimeoutError):
                raw.settimeout(0.5)
                raw.sendall(f"{SIGNED}Content-Length: {2**20}\r\n\r\n".encode() + b"x" * (2**20 - 1))
        assert target.is_honest_sender_heard() < 1.0
    assert target.memory_mb("VmHWM") - target.idle_mb < MOST_GROWTH_MB


def test_every_answer_to_the_hostile_is_counted_and_an_honest_submission_still_comes_in(target: Target) -> None:
    body = json.dumps(submission()).encode()
    assert until(lambda: target.ask(sized(CALCULATOR, body)) == [202])
