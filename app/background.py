"""A web app served from a thread of this process: for the demo, and for tests that want real HTTP."""

from __future__ import annotations

import socket
import threading
from types import TracebackType
from typing import Self

import uvicorn
from starlette.types import ASGIApp

from app.failure import Failure

START_TIMEOUT_S = 15.0
STOP_TIMEOUT_S = 40.0


class BackgroundServer:
    """A context manager around uvicorn in a thread; `url` is known once it is entered."""

    def __init__(self, app: ASGIApp, *, host: str = "127.0.0.1", port: int = 0) -> None:
        self._address = (host, port)
        self._server = uvicorn.Server(
            uvicorn.Config(app, log_config=None, access_log=False, lifespan="on", timeout_graceful_shutdown=2)
        )
        self._thread: threading.Thread | None = None
        self.url = ""

    def __enter__(self) -> Self:
        # IPPROTO_TCP by name: only then does asyncio set TCP_NODELAY on what is accepted; else answers lag 40 ms
        opened = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind(self._address)
        except OSError as fault:
            opened.close()
            raise Failure(f"cannot listen on {self._address[0]}:{self._address[1]} ({fault.strerror})") from fault
        host, port = opened.getsockname()
        self.url = f"http://{host}:{port}"
        up = threading.Event()
        self._thread = threading.Thread(target=self._run, args=(opened, up), name="service", daemon=True)
        self._thread.start()
        up.wait(START_TIMEOUT_S)
        if not self._server.started:
            raise Failure("the service did not start: its log says why")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.should_exit = True
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    def _run(self, opened: socket.socket, up: threading.Event) -> None:
        started = self._server.startup

        async def startup(sockets: list[socket.socket] | None = None) -> None:
            await started(sockets)
            up.set()

        self._server.startup = startup  # type: ignore[method-assign]
        try:
            self._server.run(sockets=[opened])
        finally:
            up.set()
            opened.close()
