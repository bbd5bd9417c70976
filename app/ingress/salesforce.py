"""`POST /webhooks/salesforce`: Outbound Messages (SOAP) and HTTP callouts of a Flow (JSON), stored before the answer.

Whoever sends them bears a token, in the address or as bearer, or signs what it sends, which an Outbound Message cannot;
that says whose organisation it is of. What is not acknowledged Salesforce sends again for a day; a callout comes once,
and what it did not bring the sweep finds.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import sqlite3
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
import structlog
from fastapi import APIRouter, Request
from sqlalchemy.exc import SQLAlchemyError
from starlette.responses import JSONResponse, Response

from app.clock import Clock
from app.correlation import correlated, correlation_of
from app.events import Source
from app.ingress.answers import documented, problem
from app.ingress.arrival import received
from app.ingress.body import BodyFault, headers_of, is_json, read_body
from app.methodology.salesforce import LegalCase
from app.metrics import Metrics
from app.opportunity import KEY_CHARS, opportunity_key
from app.salesforce_events import (
    CaseChanged,
    OpportunityChanged,
    SalesforceEvent,
    body_of,
    case_lane,
    kind_of,
    opportunity_lane,
)
from app.salesforce_soap import ACK, OutboundMessage, SoapFault, read_outbound
from app.store.records import Acceptance
from app.store.schema import DeliveryState
from app.store.store import Accepted, Store
from app.store.writer import StoreBusy
from app.tracing import span
from app.verify import SalesforceSecrets

PATH: Final = "/webhooks/salesforce"
LIMIT_BYTES: Final = 1024 * 1024
MOST_CALLED_OUT: Final = 100
MOST_FIELDS: Final = 200
XML: Final = frozenset({"text/xml", "application/xml", "application/soap+xml"})
NO_RECORD: Final = "must be the id of an opportunity (15 or 18 characters, 006…), or `case` with the engagement's id"
_ENGAGEMENT: Final = re.compile(r"[A-Za-z0-9-]{1,64}")
_NAMES_OF_ID: Final = ("opportunity_id", "opportunityId", "OpportunityId", "Id", "id", "recordId", "record_id")
_NAMES_OF_ORGANIZATION: Final = ("organization_id", "organizationId", "OrganizationId")
_NAMES_OF_EVENT: Final = ("event_id", "eventId", "InterviewGuid", "notification_id")

log = structlog.get_logger()

Faults = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Told:
    """One record of a message: an opportunity, or the legal case of an engagement, by that.

    `key`: what the sender calls the message, the same when it is sent again.
    """

    record: str
    fields: Mapping[str, Any]
    key: str | None
    is_case: bool = False

    @property
    def lane(self) -> str:
        """Where it is worked on."""
        return case_lane(self.record) if self.is_case else opportunity_lane(self.record)

    def event(self, now: float) -> SalesforceEvent:
        """What it is in the inbox."""
        made = CaseChanged if self.is_case else OpportunityChanged
        return made(self.record, self.fields, now)


class Refused(Exception):
    """The message is not taken; `status` and what is wrong, by field."""

    def __init__(self, status: int, *, detail: str | None = None, faults: Faults | None = None) -> None:
        super().__init__(status)
        self.status, self.detail, self.faults = status, detail, faults or []


@dataclass(frozen=True, slots=True)
class SalesforceDoor:
    """What the route needs. `organization`: the only one that is heard; None: any that has the token. `case`: how the
    legal approval cases are known; None: there are none."""

    secrets: Callable[[], SalesforceSecrets]
    organization: str | None
    case: LegalCase | None
    store: Callable[[], Store]
    wake: Callable[[str], None]
    clock: Clock
    new_id: Callable[[], str]
    metrics: Metrics

    async def tell(self, request: Request) -> Response:
        """Take in what is told of opportunities."""
        answer = await self._tell(request)
        if answer.status_code >= 300:
            self.metrics.refused.labels("salesforce", str(answer.status_code)).inc()
        return answer

    async def _tell(self, request: Request) -> Response:
        secrets = self.secrets()
        if not secrets:
            return problem(404)
        headers, given = headers_of(request.scope), request.query_params.get("token", "")
        if not secrets.may_pass(headers, given):
            return problem(401)
        try:
            body = await read_body(request.receive, headers, limit_bytes=LIMIT_BYTES)
            if not secrets.vouch(headers, given, body):
                return problem(401)
            told, is_soap = self._read(headers, body)
        except BodyFault as fault:
            return problem(fault.status)
        except Refused as refused:
            return problem(refused.status, detail=refused.detail, faults=refused.faults)
        if not await self._store_all(told):
            return problem(503)
        if is_soap:
            return Response(ACK, media_type="text/xml; charset=utf-8")
        return JSONResponse({"accepted": len(told)}, 202)

    def _read(self, headers: Mapping[str, str], body: bytes) -> tuple[list[Told], bool]:
        """What is told, and whether in SOAP. Raises Refused."""
        media = headers.get("content-type", "").partition(";")[0].strip().lower()
        if media in XML or media.endswith("+xml"):
            return self._from_soap(body), True
        if is_json(headers):
            return self._from_flow(headers, body), False
        raise Refused(415, detail="Salesforce sends XML, or JSON from a Flow")

    def _from_soap(self, body: bytes) -> list[Told]:
        try:
            message = read_outbound(body)
        except SoapFault as fault:
            raise Refused(400, detail=f"Not an Outbound Message: {fault}") from fault
        self._demand_organization(message.organization)
        return list(_told_by(message, self.case))

    def _from_flow(self, headers: Mapping[str, str], body: bytes) -> list[Told]:
        try:
            held = orjson.loads(body)
        except orjson.JSONDecodeError as fault:
            raise Refused(400, detail=f"Not JSON: {fault.msg}") from fault
        rows = held if isinstance(held, list) else [held]
        if not rows or len(rows) > MOST_CALLED_OUT:
            raise Refused(422, faults=[("", f"between 1 and {MOST_CALLED_OUT} opportunities are expected")])
        given = headers.get("idempotency-key") or headers.get("webhook-id")
        told, faults = [], Faults()
        for number, row in enumerate(rows):
            where = f"{number}." if isinstance(held, list) else ""
            if not isinstance(row, dict):
                faults.append((where.rstrip("."), "must be an object"))
                continue
            self._demand_organization(_first(row, _NAMES_OF_ORGANIZATION) or self.organization)
            one = _told_by_flow(row, f"{given}:{number}" if given else None, self.case)
            if one is None:
                faults.append((f"{where}opportunity_id", NO_RECORD))
            else:
                told.append(one)
        if faults:
            raise Refused(422, faults=faults)
        return told

    def _demand_organization(self, told: str | None) -> None:
        wanted = self.organization
        if wanted is not None and (told or "")[:KEY_CHARS] != wanted[:KEY_CHARS]:
            raise Refused(401)

    async def _store_all(self, told: Sequence[Told]) -> bool:
        """Whether all of it is in the inbox: one answer stands for the whole message."""
        now = self.clock()
        rows = [self._row(each, now) for each in told]
        outcomes = await asyncio.gather(*map(self._store_one, rows))
        return all(outcomes)

    async def _store_one(self, row: Acceptance) -> bool:
        with correlated(correlation_of(row.source, row.key)), span("receive", source="salesforce"):
            try:
                accepted = await self.store().accept(row, wake=self.wake)
            except (StoreBusy, SQLAlchemyError, sqlite3.Error) as fault:
                log.error("delivery.not_stored", source="salesforce", fault=type(fault).__name__)
                return False
            received(row, accepted)
        if accepted is Accepted.NEW:
            self.metrics.accepted.labels("salesforce").inc()
            self.wake(row.lane)
        else:
            self.metrics.repeated.labels("salesforce").inc()
        return True

    def _row(self, told: Told, now: float) -> Acceptance:
        event = told.event(now)
        return Acceptance(
            source=Source.SALESFORCE.value,
            key=self.new_id() if told.key is None else f"told:{hashlib.sha256(told.key.encode()).hexdigest()}",
            lane=told.lane,
            kind=kind_of(event),
            body=body_of(event),
            digest="",
            received_at=now,
            due_at=now,
            state=DeliveryState.WAITING.value,
        )


def _told_by(message: OutboundMessage, case: LegalCase | None) -> Iterable[Told]:
    """The opportunities and legal cases among the records, but for cases that are none of the bot's.

    A workflow of another object was pointed here by mistake, and is told so.
    """
    for each in message.notifications:
        if case is not None and each.kind == case.object:
            engagement = _engagement_of(each.fields, case)
            if engagement is not None:
                yield Told(engagement, each.fields, f"notification:{each.id}", is_case=True)
            continue
        key = opportunity_key(each.fields.get("Id"))
        if key is None:
            raise Refused(
                422, faults=[("sObject.Id", "is not the id of an opportunity: which object is this message of?")]
            )
        yield Told(key, each.fields, f"notification:{each.id}")


def _engagement_of(fields: Mapping[str, Any], case: LegalCase) -> str | None:
    """The engagement that a case says to be of."""
    found = str(fields.get(case.external_id) or "").strip()
    return found if _ENGAGEMENT.fullmatch(found) else None


def _told_by_flow(row: Mapping[str, Any], given: str | None, case: LegalCase | None) -> Told | None:
    """One record of a callout: a legal case in `case`; an opportunity in `opportunity`, or beside everything else."""
    told_case = row.get("case")
    if case is not None and isinstance(told_case, dict):
        engagement, event = _engagement_of(told_case, case), _first(row, _NAMES_OF_EVENT)
        key = given or (f"flow:{event}:{engagement}" if event else None)
        return None if engagement is None else Told(engagement, _plain(told_case), key, is_case=True)
    inner = row.get("opportunity")
    fields = inner if isinstance(inner, dict) else row
    named = inner if isinstance(inner, str) else _first(fields, _NAMES_OF_ID) or _first(row, _NAMES_OF_ID)
    key = opportunity_key(named)
    event = _first(row, _NAMES_OF_EVENT)
    return None if key is None else Told(key, _plain(fields), given or (f"flow:{event}:{key}" if event else None))


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {
        str(name)[:200]: value
        for name, value in list(fields.items())[:MOST_FIELDS]
        if isinstance(value, str | int | float | bool) or value is None
    }


def _first(row: Mapping[str, Any], names: Sequence[str]) -> str | None:
    return next((value for name in names if isinstance(value := row.get(name), str) and value), None)


def salesforce_routes(door: SalesforceDoor) -> APIRouter:
    """The route for what Salesforce tells."""
    router = APIRouter(tags=["salesforce"])
    refusals = {
        400: "Not an Outbound Message, or not JSON",
        401: "Not authentic, or of another organisation",
        404: "Not configured",
        413: "Larger than 1 MiB",
        415: "Neither XML nor JSON",
        422: "Names no opportunity",
        503: "Cannot be stored now: send it again",
    }
    content: dict[str, Any] = {"text/xml": {"schema": {"type": "string"}}, "application/json": {"schema": {}}}

    @router.post(
        PATH,
        summary="What changed on opportunities and legal cases: Outbound Messages, and callouts of a Flow",
        response_class=Response,
        responses={202: {"description": "A callout is stored"}, **documented(refusals)},
        openapi_extra={"requestBody": {"required": True, "content": content}},
    )
    async def tell(request: Request) -> Response:
        return await door.tell(request)

    return router
