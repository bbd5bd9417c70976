"""The postman of the sandbox: one thread that sends webhook deliveries over HTTP and reports what came back.

The thread starts with the first delivery and ends with `close()`, which drops what is still on its way. Every request
closes its connection, as GitLab's do. Certificates are not checked: the sandbox delivers on its own machine.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass

import httpx

TIMEOUT_S = 10.0
LONGEST_KEPT_ANSWER = 8192


@dataclass(frozen=True, slots=True)
class Parcel:
    """One request that is to be sent: where, with which headers and which bytes."""

    url: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a parcel; `status` is None when no answer came, `error` says why then."""

    status: int | None
    headers: dict[str, str]
    body: str
    duration_s: float
    error: str | None = None

    @property
    def is_success(self) -> bool:
        """GitLab counts 2xx and 3xx as success."""
        return self.status is not None and 200 <= self.status < 400


@dataclass(slots=True)
class _Shift:
    """One life of the delivery thread, from the first parcel to `close()`."""

    loop: asyncio.AbstractEventLoop
    stopped: asyncio.Event
    client: httpx.AsyncClient | None = None
    thread: threading.Thread | None = None

    def work(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_until_complete(self.stopped.wait())
            self.loop.run_until_complete(self._drop_all())
        finally:
            self.loop.close()

    async def _drop_all(self) -> None:
        others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        if self.client is not None:
            await self.client.aclose()

    async def post(self, parcel: Parcel) -> Outcome:
        if self.client is None:
            limits = httpx.Limits(max_keepalive_connections=0)
            self.client = httpx.AsyncClient(timeout=TIMEOUT_S, verify=False, trust_env=False, limits=limits)  # noqa: S501
        started = time.monotonic()
        try:
            answer = await self.client.post(parcel.url, content=parcel.body, headers=parcel.headers)
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            reason = str(problem) or type(problem).__name__
            return Outcome(None, {}, "", time.monotonic() - started, error=reason)
        seconds = time.monotonic() - started
        return Outcome(answer.status_code, dict(answer.headers), answer.text[:LONGEST_KEPT_ANSWER], seconds)


class Postman:
    """Sends parcels from a thread of its own; all methods may be called from any thread."""

    def __init__(self) -> None:
        self._idle = threading.Condition()
        self._in_flight = 0
        self._shift: _Shift | None = None

    def send(
        self, make: Callable[[], Parcel], *, delay_s: float, done: Callable[[Parcel, Outcome], None]
    ) -> Future[Outcome]:
        """Send after `delay_s` seconds what `make` returns then, and call `done` with the outcome, in the thread."""
        with self._idle:
            self._in_flight += 1
            shift = self._present_shift()
            future = asyncio.run_coroutine_threadsafe(_carry(shift, make, delay_s, done), shift.loop)
        future.add_done_callback(self._landed)
        return future

    def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is on its way; False if that took longer than `timeout_s` seconds."""
        with self._idle:
            return self._idle.wait_for(lambda: self._in_flight == 0, timeout_s)

    def close(self) -> None:
        """Drop what is on its way and end the thread; a later `send` starts a new one."""
        with self._idle:
            shift, self._shift = self._shift, None
        if shift is not None and shift.thread is not None:
            shift.loop.call_soon_threadsafe(shift.stopped.set)
            shift.thread.join()

    def _landed(self, _future: Future[Outcome]) -> None:
        with self._idle:
            self._in_flight -= 1
            if self._in_flight == 0:
                self._idle.notify_all()

    def _present_shift(self) -> _Shift:
        if self._shift is None:
            shift = self._shift = _Shift(asyncio.new_event_loop(), asyncio.Event())
            shift.thread = threading.Thread(target=shift.work, name="sandbox-postman", daemon=True)
            shift.thread.start()
        return self._shift


async def _carry(
    shift: _Shift, make: Callable[[], Parcel], delay_s: float, done: Callable[[Parcel, Outcome], None]
) -> Outcome:
    await asyncio.sleep(delay_s)
    parcel = make()
    outcome = await shift.post(parcel)
    done(parcel, outcome)
    return outcome
