"""`POST /webhooks/slack`: what people press in Slack. Verified, stored as it came, answered 200; decided later.

Slack wants its answer within three seconds, and says nothing again: what is stored is worked on whatever happens then.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass

import structlog
from fastapi import APIRouter, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import Response

from app.chat_events import FORM, ButtonPressed, read_chat_event, read_form
from app.clock import Clock
from app.correlation import correlated, correlation_of
from app.events import Source
from app.ingress.answers import documented, problem
from app.ingress.arrival import received
from app.ingress.body import BodyFault, Room, headers_of, read_body
from app.metrics import Metrics
from app.store.records import Acceptance
from app.store.schema import DeliveryState
from app.store.store import Accepted, Store
from app.store.writer import StoreBusy
from app.tracing import span
from app.verify import SlackSecrets

PATH = "/webhooks/slack"
LIMIT_BYTES = 1024 * 1024
KIND = "button"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class SlackDoor:
    """What the route needs."""

    secrets: Callable[[], SlackSecrets]
    store: Callable[[], Store]
    wake: Callable[[str], None]
    clock: Clock
    metrics: Metrics
    room: Room

    async def press(self, request: Request) -> Response:
        """Take in what was pressed."""
        answer = await self._press(request)
        if answer.status_code != 200:
            self.metrics.refused.labels("slack", str(answer.status_code)).inc()
        return answer

    async def _press(self, request: Request) -> Response:
        secrets = self.secrets()
        if not secrets:
            return problem(404)
        headers, now = headers_of(request.scope), self.clock()
        if not secrets.may_pass(headers, now=now):
            return problem(401)
        try:
            body = await read_body(request.receive, headers, limit_bytes=LIMIT_BYTES, room=self.room)
        except BodyFault as fault:
            return problem(fault.status)
        if not secrets.vouch(headers, body, now=now):
            return problem(401)
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media != "application/x-www-form-urlencoded":
            return problem(415, detail="Slack sends a form")
        try:
            if not body.startswith(FORM) or not isinstance(read_form(body), dict):
                return problem(400)
        except (ValueError, KeyError):
            return problem(400)
        return await self._store_it(body, now)

    async def _store_it(self, body: bytes, now: float) -> Response:
        event = read_chat_event(body)
        is_press = isinstance(event, ButtonPressed) and event.verdict is not None
        acceptance = Acceptance(
            source=Source.SLACK.value,
            key=hashlib.sha256(body).hexdigest(),  # each press has a `trigger_id` of its own
            lane=f"press:{event.engagement}"[:255] if isinstance(event, ButtonPressed) else "press:",
            kind=KIND,
            body=body if is_press else None,
            digest="",
            received_at=now,
            due_at=now,
            state=(DeliveryState.WAITING if is_press else DeliveryState.IGNORED).value,
            reason=None if is_press else "it decides nothing",
            settled_at=None if is_press else now,
        )
        with correlated(correlation_of(acceptance.source, acceptance.key)), span("receive", source="slack"):
            try:
                accepted = await self.store().accept(acceptance, wake=self.wake)
            except (StoreBusy, SQLAlchemyError, sqlite3.Error) as fault:
                log.error("delivery.not_stored", source="slack", fault=type(fault).__name__)
                return problem(503)
            received(acceptance, accepted)
        if accepted is Accepted.NEW:
            self.metrics.accepted.labels("slack").inc()
            self.wake(acceptance.lane)
        else:
            self.metrics.repeated.labels("slack").inc()
        return Response(status_code=200)


def slack_routes(door: SlackDoor) -> APIRouter:
    """The route for Slack's interactivity."""
    router = APIRouter(tags=["slack"])
    refusals = {
        400: "Not a form with a payload",
        401: "Not authentic, or too old",
        404: "Not configured",
        413: "Larger than 1 MiB",
        415: "Not a form",
        503: "Cannot be stored now",
    }

    @router.post(
        PATH,
        summary="Buttons that were pressed in Slack",
        response_class=Response,
        responses=documented(refusals),
        openapi_extra={
            "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {}}}}
        },
    )
    async def press(request: Request) -> Response:
        return await door.press(request)

    return router
