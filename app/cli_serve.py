"""`psplan serve`: settings and files checked, then uvicorn until SIGTERM, which drains and exits 0."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Literal

import uvicorn
from starlette.types import ASGIApp

from app.failure import Failure
from app.layers import FileFaults
from app.live_secrets import LiveSecrets, watched_files
from app.logs import set_up_logs
from app.main import Service, create_app
from app.settings import load_settings
from app.store.database import DatabaseFault
from app.templates import TemplateFaults
from app.tracing import TracingFault, end_traces, set_up_traces

KEEP_ALIVE_S = 65
MOST_CONNECTIONS = 1000
DRAIN_S = 10
BACKLOG = 2048


class Server(uvicorn.Server):
    """uvicorn, except that SIGTERM ends in exit code 0: uvicorn itself raises the signal again after its shutdown."""

    def __init__(self, config: uvicorn.Config, stop_soon: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop_soon = stop_soon

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Tell the work at once; open requests are waited for meanwhile."""
        self._stop_soon()
        super().handle_exit(sig, frame)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on the first signal, at once on the second."""
        loop = asyncio.get_running_loop()
        for sign in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(sign, self.handle_exit, sign, None)
        try:
            yield
        finally:
            for sign in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(sign)


def serve(host: str, port: int) -> int:
    """Run the service. Raises Failure or SettingsFault where it cannot start."""
    settings = load_settings()
    hide = set_up_logs(style=settings.log_format, secrets=settings.secret_values())
    try:
        traces = set_up_traces()
        service = Service(settings, live=LiveSecrets(settings, watched_files(), hide=hide))
        config = _config(create_app(settings, service=service))
        with _listening(host, port) as opened, asyncio.Runner(loop_factory=config.get_loop_factory()) as runner:
            runner.run(_run(service, config, opened))
        end_traces(traces)
    except (FileFaults, TemplateFaults, DatabaseFault, TracingFault) as fault:
        raise Failure(str(fault)) from fault
    return 0


def _config(app: ASGIApp) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_protocol(),
        ws="none",
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        limit_concurrency=MOST_CONNECTIONS,
        lifespan="off",  # opened and closed below: uvicorn would answer a fault at the start with a traceback
    )


def _protocol() -> type[asyncio.Protocol] | Literal["auto"]:
    if sys.platform == "win32":
        return "auto"  # httptools is not installed there
    from app.ingress.connection import Connection

    return Connection


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        opened = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as fault:
        why = str(fault.strerror).partition(" (while ")[0]  # Python says the address once more behind it
        raise Failure(f"cannot listen on {host}:{port} ({why}); --host and --port choose another address") from fault
    with opened:
        yield opened


async def _run(service: Service, config: uvicorn.Config, opened: socket.socket) -> None:
    settings = service.settings
    _say(f"PS Plan Bot for {settings.project} on {settings.gitlab_url}")
    if not settings.calculator_keys:
        _say("The calculator's door is closed: PSPLAN_CALCULATOR_KEYS is not set.")
    for name in settings.weak_keys():
        _say(f"{name} holds a key of less than 24 bytes: make a longer one.")
    await service.open()
    try:
        server = Server(config, service.stop_soon)
        serving = asyncio.create_task(server.serve(sockets=[opened]))
        while not server.started and not serving.done():
            await asyncio.sleep(0.005)
        service.listening()
        host, port = opened.getsockname()[:2]
        _say(f"Listening on http://{host}:{port} (deliveries: /webhooks/gitlab, submissions: /webhooks/calculator)")
        await serving
    finally:
        is_finished = await service.close()
    if not is_finished:
        _leave()


def _leave() -> None:
    """End although a thread still waits for an answer: the interpreter would wait with it, and be killed for that.

    What it was about is on record, as it is after a kill, and the next start goes on with it.
    """
    sys.stderr.flush()
    os._exit(0)


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
