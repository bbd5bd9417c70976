"""A load generator on plain sockets: as little of its own cost as Python allows, the same for every contestant.

Closed loop: each connection sends as soon as it has its answer. Open loop: requests leave at random (Poisson) moments
of a fixed rate, whether or not earlier ones were answered, and a late answer counts from when it was due.
"""

from __future__ import annotations

import asyncio
import random
import statistics
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter as clock  # the loop's own time stands still while it works
from typing import cast

import uvloop

Make = Callable[[], bytes]
CONNECTIONS_OPEN_LOOP = 64


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a load: answers per second, latencies in ms, refusals."""

    per_second: float
    p50_ms: float
    p99_ms: float
    refused: int
    answered: int


class _Client(asyncio.Protocol):
    def __init__(self) -> None:
        self.answer: asyncio.Future[bool] | None = None
        self.transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)  # uvloop's own class, which is no subclass

    def data_received(self, data: bytes) -> None:
        if data.startswith(b"HTTP/1.1 ") and self.answer is not None and not self.answer.done():
            self.answer.set_result(data[9:12] == b"202")

    async def ask(self, request: bytes) -> bool:
        self.answer = asyncio.get_running_loop().create_future()
        assert self.transport is not None
        self.transport.write(request)
        return await self.answer


def requests_for(path: str, body: bytes, headers: dict[str, str]) -> Make:
    """A maker of requests that differ in their Idempotency-Key only."""
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    head = f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{lines}".encode()
    tail = f"Content-Length: {len(body)}\r\n\r\n".encode() + body
    return lambda: head + f"Idempotency-Key: {uuid.uuid4()}\r\n".encode() + tail


def closed_loop(port: int, make: Make, *, connections: int, seconds: float) -> Load:
    """As many answers as so many connections can get."""

    async def run() -> Load:
        loop = asyncio.get_running_loop()
        latencies: list[float] = []
        refused = 0
        ends = clock() + seconds

        async def one() -> None:
            nonlocal refused
            _, client = await loop.create_connection(_Client, "127.0.0.1", port)
            while (began := clock()) < ends:
                refused += not await client.ask(make())
                latencies.append(clock() - began)

        began = clock()
        await asyncio.gather(*(one() for _ in range(connections)))
        return _load(latencies, clock() - began, refused)

    return uvloop.run(run())


def open_loop(port: int, make: Make, *, rate: float, seconds: float, seed: int) -> Load:
    """Answers at a fixed rate of asking."""

    async def run() -> Load:
        loop = asyncio.get_running_loop()
        rng = random.Random(seed)
        idle: asyncio.Queue[_Client] = asyncio.Queue()
        for _ in range(CONNECTIONS_OPEN_LOOP):
            _, client = await loop.create_connection(_Client, "127.0.0.1", port)
            idle.put_nowait(client)
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
        await asyncio.gather(*tasks)
        return _load(latencies, seconds, refused)

    return uvloop.run(run())


def _load(latencies: list[float], seconds: float, refused: int) -> Load:
    cuts = statistics.quantiles(latencies, n=100)
    return Load(len(latencies) / seconds, cuts[49] * 1000, cuts[98] * 1000, refused, len(latencies))
