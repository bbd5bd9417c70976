"""`POST /webhooks/gitlab`: the hot path, plain ASGI on raw bytes, no framework between socket and store.

Everything authentic that is JSON is answered 2xx, understood or not: four 4xx in a row and GitLab switches the hook
off. The answer has no body: GitLab keeps it for display only.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import orjson
import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp, Receive, Scope, Send

from app.correlation import correlated, correlation_of
from app.ingress.answers import problem
from app.ingress.arrival import Arrivals, received
from app.ingress.body import BodyFault, Room, headers_of, is_json, read_body
from app.ingress.depth import MOST_LEVELS, is_too_deep, stopped_by_depth
from app.metrics import Metrics
from app.store.records import Acceptance
from app.store.schema import DeliveryState
from app.store.store import Accepted, Store
from app.store.writer import StoreBusy
from app.tracing import span
from app.verify import GitLabSecrets

PATH = "/webhooks/gitlab"
PATHS = (PATH, PATH + "/")
"""A redirect to the right one would count as success for GitLab, and the event would be lost."""
LIMIT_BYTES = 25 * 1024 * 1024
"""GitLab's own limit."""

REFUSALS = {
    400: "Not parseable",
    401: "Not authentic",
    413: "Larger than 25 MiB",
    415: "Not JSON",
    503: "Cannot be stored now",
}
"""For the documentation."""

_WAITING = DeliveryState.WAITING.value

log = structlog.get_logger()


PROVED_ROOM_BYTES = 256 * 1024 * 1024
"""So much of larger bodies is held at once of senders who know the token."""


class GitLabDoor:
    """ASGI middleware that answers one path itself and hands everything else on."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        secrets: Callable[[], GitLabSecrets],
        arrivals: Arrivals,
        store: Callable[[], Store],
        wake: Callable[[str], None],
        metrics: Metrics,
        room: Room,
    ) -> None:
        self._app = app
        self._room = room
        self._proved = Room(PROVED_ROOM_BYTES)
        self._secrets = secrets
        self._arrivals = arrivals
        self._store = store
        self._wake = wake
        self._metrics = metrics
        self._accepted = metrics.accepted.labels("gitlab")
        self._repeated = metrics.repeated.labels("gitlab")
        self._ignored = metrics.settled.labels("gitlab", DeliveryState.IGNORED.value)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a delivery, or hand the request on."""
        if scope["type"] != "http" or scope["path"] not in PATHS or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        status = await self._take_in(scope, receive)
        if status != 202:
            self._metrics.refused.labels("gitlab", str(status)).inc()
            await problem(status)(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 202, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def _take_in(self, scope: Scope, receive: Receive) -> int:
        headers, secrets = headers_of(scope), self._secrets()
        if not secrets.may_pass(headers):
            return 401  # before the body is read: a stranger may not fill the memory with it
        try:
            room = self._room if secrets.goes_by_signature(headers) else self._proved
            body = await read_body(receive, headers, limit_bytes=LIMIT_BYTES, room=room)
        except BodyFault as fault:
            return fault.status
        if not secrets.vouch(headers, body):
            return 401
        if not is_json(headers):
            return 415
        try:
            payload = orjson.loads(body)
            too_deep = is_too_deep(body, payload)
        except orjson.JSONDecodeError as fault:
            payload, too_deep = None, stopped_by_depth(body, fault)
            if not too_deep:
                return 400
        why = f"nested more than {MOST_LEVELS} levels deep" if too_deep else None
        acceptance = self._arrivals.row(headers, body, payload if isinstance(payload, dict) else {}, unwanted=why)
        with correlated(correlation_of(acceptance.source, acceptance.key)), span("receive", source="gitlab"):
            try:
                accepted = await self._store().accept(acceptance, wake=self._wake)
            except (StoreBusy, SQLAlchemyError, sqlite3.Error) as fault:
                log.error("delivery.not_stored", source="gitlab", fault=type(fault).__name__)
                return 503
            if not self._store().is_rushed:  # while many wait, a line would cost half an answer
                received(acceptance, accepted)
        self._count(accepted, acceptance)  # outside: what is woken belongs to other deliveries as well
        return 202

    def _count(self, accepted: Accepted, acceptance: Acceptance) -> None:
        if accepted is not Accepted.NEW:
            self._repeated.inc()
            return
        self._accepted.inc()
        if acceptance.state == _WAITING:
            self._wake(acceptance.lane)
        else:
            self._ignored.inc()
