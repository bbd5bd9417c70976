"""`psplan serve`: settings and files checked, then uvicorn until SIGTERM, which drains and exits 0."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.types import ASGIApp

from app.failure import Failure
from app.logs import set_up_logs
from app.main import create_app
from app.methodology import MethodologyFaults
from app.settings import Settings, load_settings
from app.store.database import DatabaseFault
from app.templates import TemplateFaults

KEEP_ALIVE_S = 65
MOST_CONNECTIONS = 1000
DRAIN_S = 10


class Server(uvicorn.Server):
    """uvicorn, except that SIGTERM ends in exit code 0: uvicorn itself raises the signal again after its shutdown."""

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


def server_config(app: ASGIApp, host: str, port: int) -> uvicorn.Config:
    """uvicorn as this service runs it."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        log_config=None,
        log_level="warning",
        access_log=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=DRAIN_S,
        limit_concurrency=MOST_CONNECTIONS,
        lifespan="on",
    )


def serve(host: str, port: int) -> int:
    """Run the service. Raises Failure or SettingsFault where it cannot start."""
    settings = load_settings()
    set_up_logs(style=settings.log_format, secrets=settings.secret_values())
    try:
        app = create_app(settings)
        asyncio.run(_run(app, settings, host, port))
    except (MethodologyFaults, TemplateFaults, DatabaseFault) as fault:
        raise Failure(str(fault)) from fault
    return 0


async def _run(app: ASGIApp, settings: Settings, host: str, port: int) -> None:
    server = Server(server_config(app, host, port))
    _say(f"PS Plan Bot for {settings.project} on {settings.gitlab_url}")
    if not settings.calculator_keys:
        _say("The calculator's door is closed: PSPLAN_CALCULATOR_KEYS is not set.")
    for name in settings.weak_keys():
        _say(f"{name} holds a key of less than 24 bytes: make a longer one.")
    serving = asyncio.create_task(server.serve())
    while not server.started and not serving.done():
        await asyncio.sleep(0.01)
    if server.started:
        shown = server.servers[0].sockets[0].getsockname()[1]
        _say(f"Listening on http://{host}:{shown} (deliveries: /webhooks/gitlab, submissions: /webhooks/calculator)")
    await serving
    if not server.started:
        raise Failure(f"cannot listen on {host}:{port}")


def _say(line: str) -> None:
    sys.stderr.write(line + "\n")
    sys.stderr.flush()
