"""Deliveries about opportunities → events. A message says that something changed; what it says is read fresh where it
can be, because messages come late, twice and out of order.

The door stores what came in as the bot's own JSON, a body for each opportunity, whatever form it came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Final

import orjson

CHANGED: Final = "psplan_opportunity"
"""Kind of a delivery: something changed on an opportunity."""
READ: Final = "psplan_opportunity_read"
"""Kind of the bot's own delivery to an engagement: so its opportunity is now."""
WANTED: Final = "psplan_opportunity_wanted"
"""Kind of the bot's own delivery to an opportunity: so some of its fields should read."""
WRITTEN: Final = "psplan_opportunity_written"
"""Kind of the bot's own delivery to an engagement: what was written on its opportunity, and what was not."""


@dataclass(frozen=True, slots=True)
class OpportunityChanged:
    """Something changed on an opportunity; `fields` by their API names, as far as they were told, `at` when it came."""

    noun: ClassVar[str] = "change of an opportunity"
    opportunity: str
    fields: Mapping[str, Any]
    at: float


@dataclass(frozen=True, slots=True)
class OpportunityRead:
    """So an engagement's opportunity is (`at`: by Salesforce's clock, seconds since 1970): `values` by the names that
    the methodology gives to fields."""

    noun: ClassVar[str] = "opportunity"
    opportunity: str
    values: Mapping[str, str]
    at: float


@dataclass(frozen=True, slots=True)
class OpportunityWanted:
    """A field of an opportunity (by its API name) should say something; `written`: what the bot wrote there last.

    `number`: of the wish, so that the same may be wished again later.
    """

    noun: ClassVar[str] = "wish for an opportunity"
    engagement: str
    opportunity: str
    field: str
    value: str
    written: str | None
    number: int


@dataclass(frozen=True, slots=True)
class OpportunityWritten:
    """A field (by its API name) says now what was wished; or, `is_kept`, somebody else has written something there."""

    noun: ClassVar[str] = "answer of an opportunity"
    opportunity: str
    field: str
    value: str
    is_kept: bool


OpportunityEvent = OpportunityChanged | OpportunityRead | OpportunityWanted | OpportunityWritten


def opportunity_lane(key: str) -> str:
    """Where it is found out whose an opportunity is: a Salesforce that does not answer holds up no engagement."""
    return f"sfdc:{key}"


def changed_body(key: str, fields: Mapping[str, Any], at: float) -> bytes:
    """What `OpportunityChanged` is read from."""
    return orjson.dumps({"object_kind": CHANGED, "opportunity": key, "fields": fields, "at": at})


def read_record(key: str, values: Mapping[str, str], at: float) -> dict[str, Any]:
    """What `OpportunityRead` is read from."""
    return {"object_kind": READ, "opportunity": key, "values": dict(values), "at": at}


def record_of(event: OpportunityWanted | OpportunityWritten) -> dict[str, Any]:
    """What such an event is read from."""
    return {"object_kind": WANTED if isinstance(event, OpportunityWanted) else WRITTEN, **asdict(event)}


def read_opportunity_event(body: bytes) -> OpportunityEvent | None:
    """The event in a delivery about an opportunity; None where it is nothing that this bot knows of."""
    try:
        payload = orjson.loads(body)
        kind = payload.get("object_kind")
        if kind == CHANGED:
            return OpportunityChanged(payload["opportunity"], payload["fields"], float(payload["at"]))
        if kind == READ:
            return OpportunityRead(payload["opportunity"], payload["values"], float(payload["at"]))
        if kind in {WANTED, WRITTEN}:
            told = {name: value for name, value in payload.items() if name != "object_kind"}
            return OpportunityWanted(**told) if kind == WANTED else OpportunityWritten(**told)
    except (KeyError, TypeError, ValueError, AttributeError):
        return None
    return None
