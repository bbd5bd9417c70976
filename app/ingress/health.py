"""`/healthz`, `/readyz`, `/metrics`: alive, able to take in deliveries, and how it is going."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

from fastapi import APIRouter, Request
from pydantic import SecretStr
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.clock import Clock
from app.ingress.answers import documented, problem
from app.ingress.body import headers_of
from app.metrics import Metrics
from app.store import inbox
from app.store.schema import DeliveryState
from app.store.store import Store
from app.verify import any_equal


def health_routes(
    *,
    store: Callable[[], Store],
    clock: Clock,
    metrics: Metrics,
    metrics_token: Callable[[], SecretStr | None],
    alarms: Callable[[], Sequence[str]],
) -> APIRouter:
    """The routes for probes and Prometheus. `alarms`: what has to be mended, although deliveries are taken in."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", summary="The process is alive")
    async def alive() -> Response:
        return JSONResponse({"status": "ok"})

    not_ready: dict[int | str, dict[str, Any]] = {503: {"description": "They cannot: `reason` says why"}}

    @router.get("/readyz", summary="Deliveries can be stored; 503 with the reason otherwise", responses=not_ready)
    async def ready() -> Response:
        fault = await run_in_threadpool(_fault_of, store)
        if fault is None:
            told = list(alarms())
            return JSONResponse({"status": "ready", "alarms": told} if told else {"status": "ready"})
        return JSONResponse({"status": "not ready", "reason": fault}, 503)

    @router.get(
        "/metrics",
        summary="Prometheus metrics",
        response_class=PlainTextResponse,
        responses=documented({401: "A bearer is configured, and this is not it"}),
    )
    async def read_metrics(request: Request) -> Response:
        token = metrics_token()
        if token is not None and not _may_read(request, token):
            return problem(401)
        metrics.secrets_ill.set(len(alarms()))
        with suppress(SQLAlchemyError, sqlite3.Error):  # the counters are wanted most when the database is ill
            waiting, dead, oldest = await run_in_threadpool(lambda: store().read(_backlog))
            metrics.waiting.set(waiting)
            metrics.dead.set(dead)
            metrics.oldest_s.set(0.0 if oldest is None else max(0.0, clock() - oldest))
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _fault_of(store: Callable[[], Store]) -> str | None:
    try:
        store().probe()
    except (SQLAlchemyError, sqlite3.Error, TimeoutError) as fault:
        return f"the database cannot be written: {getattr(fault, 'orig', None) or type(fault).__name__}"
    return None


def _backlog(connection: Connection) -> tuple[int, int, float | None]:
    return (
        inbox.count(connection, DeliveryState.WAITING),
        inbox.count(connection, DeliveryState.DEAD),
        inbox.oldest_waiting(connection),
    )


def _may_read(request: Request, token: SecretStr) -> bool:
    scheme, _, given = headers_of(request.scope).get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and any_equal(given.strip(), [token.get_secret_value().encode()])
