"""`POST /webhooks/calculator` and `GET /submissions/{id}`: the calculator's door.

The form is validated before the 202, because its sender deserves to hear what is wrong with it.
"""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import orjson
import structlog
from fastapi import APIRouter, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool
from starlette.responses import JSONResponse, Response

from app.clock import Clock, at
from app.correlation import correlated, correlation_of
from app.events import SUBMISSION, Source, read_submission
from app.ingress.answers import documented, problem
from app.ingress.arrival import received
from app.ingress.body import BodyFault, Room, headers_of, is_json, read_body
from app.ingress.depth import MOST_LEVELS, is_too_deep
from app.keys import RecordKeys
from app.metrics import Metrics
from app.progress import progress
from app.store import inbox
from app.store.records import Acceptance
from app.store.schema import DeliveryState
from app.store.store import Accepted, Store
from app.store.writer import StoreBusy
from app.submission import Submission, SubmissionFaults, submission_json_schema
from app.tracing import span
from app.verify import Keyring

LIMIT_BYTES = 1024 * 1024

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class CalculatorDoor:
    """What the two routes need."""

    keyring: Callable[[], Keyring]
    record_keys: RecordKeys
    store: Callable[[], Store]
    wake: Callable[[str], None]
    clock: Clock
    metrics: Metrics
    public_url: str | None
    room: Room

    async def submit(self, request: Request) -> Response:
        """Take in a submission."""
        answer = await self._submit(request)
        if answer.status_code != 202:
            self.metrics.refused.labels("calculator", str(answer.status_code)).inc()
        return answer

    async def _submit(self, request: Request) -> Response:
        keyring = self.keyring()
        if not keyring:
            return problem(404)
        headers = headers_of(request.scope)
        if "webhook-signature" not in headers and not keyring.bears(headers):
            return problem(401)  # before the body is read: only a signature needs it to be judged
        try:
            room = None if keyring.bears(headers) else self.room
            body = await read_body(request.receive, headers, limit_bytes=LIMIT_BYTES, room=room)
        except BodyFault as fault:
            return problem(fault.status)
        is_authentic = keyring.bears(headers) or keyring.signed(headers, body)
        if not is_authentic or not is_json(headers):
            return problem(415 if is_authentic else 401)
        now = self.clock()
        try:
            if is_too_deep(body, orjson.loads(body)):
                return problem(400, detail=f"Nested more than {MOST_LEVELS} levels deep")
            submission = read_submission(body, today=at(now).date())
        except orjson.JSONDecodeError as fault:
            return problem(400, detail=f"Not JSON: {fault.msg} at line {fault.lineno}, column {fault.colno}")
        except SubmissionFaults as faults:
            return problem(422, faults=[(each.field, each.problem) for each in faults.faults])
        return await self._store_it(request, headers, body, submission, now)

    async def _store_it(
        self, request: Request, headers: dict[str, str], body: bytes, submission: Submission, now: float
    ) -> Response:
        ident = str(submission.submission_id)
        digest = hashlib.sha256(body).hexdigest()
        given = headers.get("idempotency-key") or headers.get("webhook-id")
        acceptance = Acceptance(
            source=Source.CALCULATOR.value,
            key=(given or digest)[:255],
            lane=ident,
            kind=SUBMISSION,
            body=body,
            digest=digest,
            received_at=now,
            due_at=now,
            state=DeliveryState.WAITING.value,
        )
        with correlated(correlation_of(acceptance.source, acceptance.key)), span("receive", source="calculator"):
            try:
                accepted = await self._accept(acceptance, has_key=given is not None)
            except (StoreBusy, SQLAlchemyError, sqlite3.Error) as fault:
                log.error("delivery.not_stored", source="calculator", fault=type(fault).__name__)
                return problem(503)
        if accepted is Accepted.OTHER_BODY:
            used = ("Idempotency-Key", "was used before, for other content: give each message a key of its own")
            return problem(422, faults=[used])
        if accepted is Accepted.NEW:
            self.metrics.accepted.labels("calculator").inc()
            self.wake(ident)
        else:
            self.metrics.repeated.labels("calculator").inc()
        return JSONResponse(
            {"submission_id": ident, "status_url": self._status_url(request, ident)}, 202, {"Cache-Control": "no-store"}
        )

    async def _accept(self, acceptance: Acceptance, *, has_key: bool) -> Accepted:
        accepted = await self.store().accept(acceptance, wake=self.wake)
        received(acceptance, accepted)
        if accepted is Accepted.KNOWN and not has_key:
            return await self._accept_return(acceptance)
        return accepted

    async def _accept_return(self, acceptance: Acceptance) -> Accepted:
        """Content that was sent before without a key: a repetition, unless something else was sent in between.

        Then it is a change back to what it was, and as much a revision as the change before it.
        """
        store = self.store()
        ask = partial(inbox.latest_submission, lane=acceptance.lane)
        latest = await run_in_threadpool(store.read, ask)
        if latest is None or latest[1] == acceptance.digest:
            return Accepted.KNOWN
        anew = acceptance._replace(key=f"{acceptance.digest}:{latest[0]}")
        accepted = await store.accept(anew, wake=self.wake)
        with correlated(correlation_of(anew.source, anew.key)):
            received(anew, accepted)
        return accepted

    def _status_url(self, request: Request, ident: str) -> str:
        base = self.public_url or str(request.base_url).rstrip("/")
        return f"{base}/submissions/{ident}?token={self.record_keys.token_of(ident)}"

    async def status(self, request: Request, submission_id: str) -> Response:
        """How far a submission is; 404 for whoever may not know."""
        ident = submission_id.lower()
        token = request.query_params.get("token", "")
        if not (self.keyring().bears(headers_of(request.scope)) or self.record_keys.is_token_of(ident, token)):
            return problem(404)
        store = self.store()
        found = await run_in_threadpool(store.read, partial(progress, ident=ident))
        return problem(404) if found is None else JSONResponse(found, headers={"Cache-Control": "no-store"})


class _SchemaResponse(JSONResponse):
    media_type = "application/schema+json"


def calculator_routes(door: CalculatorDoor) -> APIRouter:
    """The routes with their documentation."""
    router = APIRouter(tags=["calculator"])
    schema = {"application/json": {"schema": submission_json_schema()}}
    refusals = documented(
        {
            400: "Not parseable",
            401: "Not authentic",
            404: "This door is closed: no calculator key is configured",
            413: "Larger than 1 MiB",
            415: "Not JSON",
            422: "Well-formed but wrong: every fault by its field",
            503: "Cannot be stored now: send it again",
        }
    )

    @router.post(
        "/webhooks/calculator",
        status_code=202,
        summary="Submit the services calculator",
        openapi_extra={"requestBody": {"required": True, "content": schema}},
        responses={202: {"description": "Stored: `submission_id` and `status_url`"}, **refusals},
    )
    async def submit(request: Request) -> Response:
        return await door.submit(request)

    @router.get(
        "/submissions/{submission_id}",
        summary="How far a submission is",
        responses=documented({404: "Unknown, or not for the one who asks"}),
    )
    async def status(request: Request, submission_id: str) -> Response:
        return await door.status(request, submission_id)

    @router.get("/schemas/submission.json", summary="JSON Schema of a submission", response_class=_SchemaResponse)
    async def schema_page() -> Response:
        return _SchemaResponse(submission_json_schema())

    return router
