"""`/healthz`, `/readyz`, `/metrics`: alive, able to take in deliveries, and how it is going."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from fastapi import APIRouter, Request
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, PlainTextResponse, Response

from app.clock import Clock
from app.ingress.answers import documented, problem
from app.ingress.body import headers_of
from app.metrics import Metrics
from app.readiness import STORE_FAULTS, Check, Health, Readiness
from app.store.standing import Standing, standing
from app.store.store import Store
from app.verify import any_equal

_STATUS: Final = {Health.DEGRADED: "degraded", Health.BROKEN: "not ready"}


def health_routes(
    *,
    readiness: Readiness,
    store: Callable[[], Store],
    clock: Clock,
    metrics: Metrics,
    metrics_token: Callable[[], SecretStr | None],
) -> APIRouter:
    """The routes for probes and Prometheus."""
    router = APIRouter(tags=["operation"])

    @router.get("/healthz", summary="The process is alive")
    async def alive() -> Response:
        return JSONResponse({"status": "ok"})

    not_ready: dict[int | str, dict[str, Any]] = {503: {"description": "They cannot: `reason` says why"}}

    @router.get(
        "/readyz", summary="Deliveries can be stored, and what is not well; 503 with the reason", responses=not_ready
    )
    async def ready() -> Response:
        return _told(await run_in_threadpool(readiness.look))

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
        metrics.secrets_ill.set(len(readiness.alarms()))
        metrics.store_queue.set(store().queued)
        metrics.is_working.set(readiness.work_trouble() is None)
        metrics.sweep_interval_s.set(readiness.sweep_interval_s)
        try:
            _show(metrics, await run_in_threadpool(lambda: store().read(standing)), now=clock())
        except STORE_FAULTS:  # the counters are wanted most when the database is ill
            metrics.hide_standing()
        return Response(metrics.exposition(), media_type="text/plain; version=0.0.4; charset=utf-8")

    return router


def _told(checks: Sequence[Check]) -> Response:
    """`reason` is the gravest; `checks` has all, also where nothing is wrong."""
    ill = [check for check in checks if check.health in _STATUS]
    ill.sort(key=lambda check: check.health is not Health.BROKEN)
    told: dict[str, Any] = {"status": _STATUS[ill[0].health] if ill else "ready"}
    if ill:
        told["reason"] = ill[0].reason
    told["checks"] = {check.name: _as_json(check) for check in checks}
    return JSONResponse(told, 503 if ill and ill[0].health is Health.BROKEN else 200)


def _as_json(check: Check) -> dict[str, str]:
    state = {"state": check.health.value}
    return state if check.reason is None else {**state, "reason": check.reason}


def _show(metrics: Metrics, known: Standing, *, now: float) -> None:
    metrics.database_is_up.set(1)
    metrics.waiting.set(known.waiting)
    metrics.dead.set(known.dead)
    metrics.oldest_s.set(0.0 if known.oldest_at is None else max(0.0, now - known.oldest_at))
    metrics.clock_late_s.set(0.0 if known.clock_at is None else max(0.0, now - known.clock_at))
    metrics.swept_at.set(known.swept_at or 0.0)
    if known.hook_ill_since is not None:
        metrics.hook_is_well.set(known.hook_ill_since == 0)


def _may_read(request: Request, token: SecretStr) -> bool:
    scheme, _, given = headers_of(request.scope).get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and any_equal(given.strip(), [token.get_secret_value().encode()])
