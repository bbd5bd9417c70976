"""The sandbox as a web server: REST below `/api/v4`, a little GraphQL, control below `/_sandbox`, and pages if given.

The server runs in one thread of the calling process. `stop()` does not wait for anybody: open requests and deliveries
on their way are dropped, as a test or a demo that ends wants it.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.auto import AutoHTTPProtocol

from app.sandbox.api_graphql import PATH as GRAPHQL
from app.sandbox.clockwork import iso
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.gate import Gate
from app.sandbox.wire import PREFIX, TRANSPORT
from app.sandbox.world import World

START_TIMEOUT_S = 10.0
LOOPBACK = {"127.0.0.1", "::1", "testclient"}
BACKLOG = 512
LOCAL_NAMES = ["127.0.0.1", "localhost", "testserver"]


def create_sandbox_app(world: World, *, extra_routes: Sequence[BaseRoute] = ()) -> Starlette:
    """The sandbox as an ASGI application; `extra_routes` (pages) come after the API."""
    control = [
        Route("/requests", _requests, methods=["GET"]),
        Route("/faults", _faults, methods=["POST"]),
        Route("/reset", _reset, methods=["POST"]),
    ]
    gate = Gate(world)
    routes = [Mount(PREFIX, app=gate), Route(GRAPHQL, gate), Mount("/_sandbox", routes=control), *extra_routes]
    app = Starlette(routes=routes)
    app.state.world = world
    return app


def _is_far(request: HttpRequest) -> bool:
    return request.client is not None and request.client.host not in LOOPBACK


async def _requests(request: HttpRequest) -> Response:
    """The request log."""
    if _is_far(request):
        return Response(status_code=404)
    world: World = request.app.state.world
    with world.lock:
        rows = [
            {"method": r.method, "path": r.path, "status": r.status, "user": r.user, "at": iso(r.at)}
            for r in world.requests
        ]
    return JSONResponse(rows)


async def _faults(request: HttpRequest) -> Response:
    """Order a fault; the body has the fields of `Fault`."""
    if _is_far(request):
        return Response(status_code=404)
    try:
        order: dict[str, Any] = await request.json()
        fault = Fault(**{**order, "kind": FaultKind(order["kind"])})
    except (ValueError, KeyError, TypeError) as problem:
        return JSONResponse({"error": str(problem)}, status_code=400)
    request.app.state.world.faults.add(fault)
    return JSONResponse({"open": len(request.app.state.world.faults.open_orders())}, status_code=201)


async def _reset(request: HttpRequest) -> Response:
    """Forget all but people, tokens and hooks."""
    if _is_far(request):
        return Response(status_code=404)
    request.app.state.world.reset()
    return Response(status_code=204)


class _WithTransport(AutoHTTPProtocol):  # type: ignore[valid-type,misc]
    """uvicorn's HTTP protocol, with the socket in the scope, so that a fault can close it without an answer."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        inner: ASGIApp = self.config.loaded_app

        async def app(scope: Scope, receive: Receive, send: Send) -> None:
            scope[TRANSPORT] = transport
            # Only the end of the server cancels a request, and then nobody is left to be told.
            with contextlib.suppress(asyncio.CancelledError):
                await inner(scope, receive, send)

        self.app: ASGIApp = app


class _PromptServer(uvicorn.Server):
    """uvicorn without its polling: it runs until told to stop, and then drops what is open."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.is_up = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._ended: asyncio.Event | None = None

    async def main_loop(self) -> None:
        self._loop, self._ended = asyncio.get_running_loop(), asyncio.Event()
        self.is_up.set()
        await self._ended.wait()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        for opened in sockets or []:
            opened.close()
        for connection in list(self.server_state.connections):
            transport = getattr(connection, "transport", None)
            if transport is not None:
                transport.abort()
        for task in list(self.server_state.tasks):
            task.cancel()

    def end(self) -> None:
        """Stop from any thread."""
        if self._loop is not None and self._ended is not None:
            self._loop.call_soon_threadsafe(self._ended.set)


class SandboxServer:
    """A world behind a socket; a context manager, or `start()` and `stop()`.

    The world's `base_url` becomes the address of the server, unless it was given one of its own.
    """

    def __init__(
        self, world: World, *, host: str = "127.0.0.1", port: int = 0, extra_routes: Sequence[BaseRoute] = ()
    ) -> None:
        self.world = world
        self.app = create_sandbox_app(world, extra_routes=extra_routes)
        if host in LOCAL_NAMES:  # it knows no login: another site's name that leads here opens nothing
            self.app.add_middleware(TrustedHostMiddleware, allowed_hosts=LOCAL_NAMES)
        self.url = ""
        self._address = (host, port)
        self._server: _PromptServer | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> str:
        """Listen and serve; returns the URL. OSError if the port is taken."""
        opened = socket.create_server(self._address, backlog=BACKLOG)
        # asyncio sets this only on sockets that name their protocol; without it every answer waits 40 ms for an ACK.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = opened.getsockname()[:2]
        self.url = f"http://{host}:{port}"
        if not self.world.has_fixed_url:
            self.world.base_url = self.url
        config = uvicorn.Config(
            self.app,
            http=_WithTransport,
            ws="none",
            lifespan="off",
            proxy_headers=False,
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
        )
        server = self._server = _PromptServer(config)
        self._thread = threading.Thread(
            target=lambda: asyncio.run(server.serve(sockets=[opened])), name="sandbox-server", daemon=True
        )
        self._thread.start()
        if not server.is_up.wait(START_TIMEOUT_S):
            raise TimeoutError("the sandbox server did not come up")
        return self.url

    def stop(self) -> None:
        """Stop serving and delivering, and end both threads; harmless when it is not running."""
        if self._server is not None and self._thread is not None:
            self._server.end()
            self._thread.join()
        self._server = self._thread = None
        self.world.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
