"""The stand-in Slack behind a socket: its web API below `/api`, its incoming webhook below `/services`."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from app.sandbox.slack import SlackWorld


def slack_routes(world: SlackWorld) -> list[BaseRoute]:
    """The routes."""

    async def api(request: Request) -> Response:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        words = await _words(request)
        method = request.path_params["method"]
        status, headers, told = await run_in_threadpool(
            world.answer, method, token if scheme == "Bearer" else "", words
        )
        return JSONResponse(told, status, headers)

    async def webhook(request: Request) -> Response:
        status, text = await run_in_threadpool(world.webhook, await _words(request))
        return PlainTextResponse(text, status)

    return [
        Route("/api/{method}", api, methods=["POST"]),
        Route("/services/{rest:path}", webhook, methods=["POST"]),
    ]


def create_slack_app(world: SlackWorld) -> Starlette:
    """The stand-in as an ASGI application."""
    return Starlette(routes=slack_routes(world))


async def _words(request: Request) -> dict[str, Any]:
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        read = json.loads(body)
        return read if isinstance(read, dict) else {}
    return dict(parse_qsl(body.decode()))
