"""A web server that takes webhook deliveries and shows them to a test, and a clock that a test moves."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Delivery:
    """One delivery: headers as sent, the raw bytes and the parsed body."""

    headers: dict[str, str]
    raw: bytes
    body: dict[str, Any]

    @property
    def event(self) -> str:
        return self.headers["X-Gitlab-Event"]

    @property
    def action(self) -> str:
        return str(self.body["object_attributes"].get("action") or self.body["event_type"])


@dataclass(slots=True)
class FakeClock:
    """Stands still until it is moved."""

    now: datetime = field(default_factory=lambda: datetime(2026, 11, 22, 18, 0, 0, 123000, tzinfo=UTC))

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **interval: float) -> None:
        self.now += timedelta(**interval)


class _Server(ThreadingHTTPServer):
    # With the usual five, a burst of deliveries waits a second for TCP to try again.
    request_queue_size = 64


class Receiver:
    """Keeps what it is sent; `status` is what it answers."""

    def __init__(self) -> None:
        self.deliveries: list[Delivery] = []
        self.status = 200
        self._arrived = threading.Condition()
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                with receiver._arrived:
                    receiver.deliveries.append(Delivery(dict(self.headers), raw, json.loads(raw)))
                    receiver._arrived.notify_all()
                self.send_response(receiver.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: object) -> None:
                """Stay quiet."""

        self._server = _Server(("127.0.0.1", 0), Door)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hooks/gitlab"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def wait_for(self, wanted: Callable[[Delivery], bool], *, timeout_s: float = 5.0) -> Delivery:
        """The first delivery that is wanted; fails when none comes in time."""

        def found() -> Delivery | None:
            return next((delivery for delivery in self.deliveries if wanted(delivery)), None)

        with self._arrived:
            delivery = self._arrived.wait_for(found, timeout_s)
        assert delivery is not None, [(other.event, other.action) for other in self.deliveries]
        return delivery

    def told(self) -> list[tuple[str, str]]:
        """Event and action of everything that came, sorted, as order means nothing."""
        return sorted((delivery.event, delivery.action) for delivery in self.deliveries)
