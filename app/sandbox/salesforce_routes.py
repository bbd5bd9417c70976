"""The stand-in Salesforce behind a socket: its token endpoint, and its REST API with errors as documented."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final
from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from app.sandbox.salesforce import SalesforceWorld
from app.sandbox.salesforce_kinds import SalesforceFault
from app.sandbox.salesforce_login import ConnectedApp, log_in

_DATA: Final = "/services/data/{version}"

Do = Callable[[Request, Any], tuple[int, Any]]
"""Status and body, of a request and what was sent with it."""


def salesforce_routes(world: SalesforceWorld, app: ConnectedApp) -> list[BaseRoute]:
    """The routes."""

    async def token(request: Request) -> Response:
        given = dict(parse_qsl((await request.body()).decode(), keep_blank_values=True))
        own_url = str(request.base_url).rstrip("/")
        try:
            status, told = await run_in_threadpool(world.call, "login", lambda: log_in(app, world, given, own_url))
        except SalesforceFault as fault:
            status, told = fault.status, {"error": fault.code.lower(), "error_description": fault.message}
        return _json(told, status)

    def userinfo(_: Request, __: Any) -> tuple[int, Any]:
        return 200, {"sub": world.user, "user_id": world.user, "organization_id": world.organization}

    def route(operation: str, method: str, path: str, do: Do) -> Route:
        return Route(path, _endpoint(world, app, operation, do), methods=[method])

    record, by_key = "/sobjects/{kind}/{ident}", "/sobjects/{kind}/{external}/{key:path}"
    return [
        Route("/services/oauth2/token", token, methods=["POST"]),
        route("userinfo", "GET", "/services/oauth2/userinfo", userinfo),
        route("query", "GET", f"{_DATA}/query", lambda r, _: world.query(r.query_params.get("q", ""))),
        route("query", "GET", f"{_DATA}/query/{{cursor}}", lambda r, _: world.more(r.path_params["cursor"])),
        route("limits", "GET", f"{_DATA}/limits", lambda _, __: world.limits()),
        route("submit", "POST", f"{_DATA}/process/approvals/", lambda _, b: world.submit(b.get("requests"))),
        route("create", "POST", f"{_DATA}/sobjects/{{kind}}", lambda r, b: world.create(_of(r, "kind"), b)),
        route("read", "GET", _DATA + record, lambda r, _: world.record(*_named(r), r.query_params.get("fields"))),
        route("update", "PATCH", _DATA + record, lambda r, b: world.update(*_named(r), b)),
        route("upsert", "PATCH", _DATA + by_key, lambda r, b: world.upsert(*_keyed(r), b)),
    ]


def create_salesforce_app(world: SalesforceWorld, app: ConnectedApp) -> Starlette:
    """The stand-in as an ASGI application."""
    return Starlette(routes=salesforce_routes(world, app))


def _endpoint(world: SalesforceWorld, app: ConnectedApp, operation: str, do: Do) -> Callable[[Request], Any]:
    async def answer(request: Request) -> Response:
        body = await request.body()
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme != "Bearer" or not app.is_taken(token, world.clock()):
            fault = SalesforceFault(401, "INVALID_SESSION_ID", "Session expired or invalid")
            return _json(fault.body(), 401)
        try:
            given = _read(body)
            status, told = await run_in_threadpool(world.call, operation, lambda: do(request, given))
        except SalesforceFault as fault:
            status, told = fault.status, fault.body()
        return _json(told, status, {"Sforce-Limit-Info": f"api-usage={world.calls_used}/{world.calls_max}"})

    return answer


def _read(body: bytes) -> dict[str, Any]:
    try:
        read = json.loads(body, parse_float=Decimal, parse_int=Decimal) if body else {}
    except ValueError:
        raise SalesforceFault(400, "JSON_PARSER_ERROR", "The HTTP entity body is not JSON") from None
    if not isinstance(read, dict):
        raise SalesforceFault(400, "JSON_PARSER_ERROR", "The HTTP entity body must be an object")
    return read


def _json(told: Any, status: int, headers: dict[str, str] | None = None) -> Response:
    body = b"" if status == 204 else json.dumps(told, default=_number).encode()
    return Response(body, status, headers, media_type="application/json")


def _number(value: Any) -> Any:
    """As Salesforce shows a number: with a point in it."""
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(type(value).__name__)


def _of(request: Request, name: str) -> str:
    return str(request.path_params[name])


def _named(request: Request) -> tuple[str, str]:
    return _of(request, "kind"), _of(request, "ident")


def _keyed(request: Request) -> tuple[str, str, str]:
    return _of(request, "kind"), _of(request, "external"), _of(request, "key")
