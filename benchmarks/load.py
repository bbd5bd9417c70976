"""A load generator on plain sockets: as little of its own cost as Python allows, the same for every contestant.

Closed loop: each connection sends as soon as it has its answer. Open loop: requests leave at random (Poisson) moments
of a fixed rate, whether or not earlier ones were answered, and a late answer counts from when it was due.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import sys
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter as clock  # the loop's own time stands still while it works
from typing import cast

import uvloop

Make = Callable[[], bytes]
CONNECTIONS_OPEN_LOOP = 64
PATIENCE_S = 60.0
"""So much longer than asked for a load may take; then it fails."""
_KEY = "key of the request"


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: answers per second, latencies in ms, refusals."""

    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int
    answered: int


class Client(asyncio.Protocol):
    """One connection that asks one thing at a time; see `connect`."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[bool] | None = None
        self.transport: asyncio.Transport | None = None
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class, which is no subclass

    def data_received(self, data: bytes) -> None:
        self.received += data
        if self.answer is not None and not self.answer.done() and _is_whole(self.received):
            self.answer.set_result(self.received[9:10] == b"2")
            self.received = b""

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionResetError("no answer"))

    async def ask(self, request: bytes) -> bool:
        """Whether the answer was 2xx. ConnectionResetError where there will be none."""
        assert self.transport is not None
        if self.transport.is_closing():
            raise ConnectionResetError("closed before")
        self.answer = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self.answer


def _is_whole(answer: bytes) -> bool:
    """Whether the answer has come to its end: what is left of it would be taken for the next one's beginning."""
    head, end, body = answer.partition(b"\r\n\r\n")
    head = head.lower()
    if b"\r\ntransfer-encoding: chunked" in head:
        return body.endswith(b"0\r\n\r\n")
    length = head.partition(b"\r\ncontent-length: ")[2].partition(b"\r\n")[0]
    return bool(end) and len(body) >= int(length or 0)


async def connect(port: int) -> Client:
    """A connection to loopback."""
    _, client = await asyncio.get_running_loop().create_connection(Client, "127.0.0.1", port)
    return client


def requests_for(path: str, body: bytes, headers: dict[str, str]) -> Make:
    """A maker of requests that differ in their Idempotency-Key only."""
    head, tail = request_of(path, body, {**headers, "Idempotency-Key": _KEY}).split(_KEY.encode())
    return lambda: head + str(uuid.uuid4()).encode() + tail


def request_of(path: str, body: bytes, headers: dict[str, str]) -> bytes:
    """One request."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{lines}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


def closed_loop(port: int, make: Make, *, connections: int, seconds: float, most: int = sys.maxsize) -> Load:
    """As many answers as so many connections can get; `most`: then it ends before its time."""

    async def run() -> Load:
        latencies: list[float] = []
        refused = asked = 0
        ends = clock() + seconds

        async def one() -> None:
            nonlocal refused, asked
            client = await connect(port)
            while (began := clock()) < ends and asked < most:
                asked += 1
                refused += not await client.ask(make())
                latencies.append(clock() - began)

        began = clock()
        async with asyncio.timeout(seconds + PATIENCE_S):
            await asyncio.gather(*(one() for _ in range(connections)))
        return _load(latencies, clock() - began, refused)

    return uvloop.run(run())


def open_loop(
    port: int, make: Make, *, rate: float, seconds: float, seed: int, connections: int = CONNECTIONS_OPEN_LOOP
) -> Load:
    """Answers at a fixed rate of asking."""

    async def run() -> Load:
        rng = random.Random(seed)
        idle: asyncio.Queue[Client] = asyncio.Queue()
        for _ in range(connections):
            idle.put_nowait(await connect(port))
        latencies: list[float] = []
        refused = 0

        async def one(due: float) -> None:
            nonlocal refused
            client = await idle.get()
            refused += not await client.ask(make())
            latencies.append(clock() - due)
            idle.put_nowait(client)

        began = due = clock()
        tasks = []
        while (due := due + rng.expovariate(rate)) < began + seconds:
            await asyncio.sleep(max(0.0, due - clock()))
            tasks.append(asyncio.create_task(one(due)))
        async with asyncio.timeout(PATIENCE_S):
            await asyncio.gather(*tasks)
        return _load(latencies, seconds, refused)

    return uvloop.run(run())


def _load(latencies: list[float], seconds: float, refused: int) -> Load:
    cuts = statistics.quantiles(latencies, n=100)
    return Load(len(latencies) / seconds, cuts[49] * 1000, cuts[98] * 1000, refused, len(latencies))
