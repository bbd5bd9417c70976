"""Deliveries about Salesforce → events. A message says that something changed; what it says is read fresh where it can
be, because messages come late, twice and out of order.

The door stores what came in as the bot's own JSON, a body for each record, whatever form it came in.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
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
CASE_WANTED: Final = "psplan_case_wanted"
"""Kind of the bot's own delivery to an opportunity: its engagement needs a legal approval case, as things are now."""
CASE_CHANGED: Final = "psplan_case"
"""Kind of a delivery: something changed on a legal approval case."""
CASE_READ: Final = "psplan_case_read"
"""Kind of the bot's own delivery to an engagement: so its case is now."""
FINANCE_WANTED: Final = "psplan_finance_wanted"
"""Kind of the bot's own delivery to an opportunity: it is to be submitted for the approval of Finance."""
ASKED: Final = "psplan_asked"
"""Kind of the bot's own delivery to an engagement: Finance or Legal were asked, or could not be yet."""
NOW: Final = 0.0
"""When a change came of which nobody told: whatever was read of the record before is too old."""


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


@dataclass(frozen=True, slots=True)
class CaseWanted:
    """An engagement needs a legal approval case, filled with what is known now. `number`: as of a wish for a field."""

    noun: ClassVar[str] = "wish for a legal case"
    engagement: str
    opportunity: str
    digest: str
    number: int


@dataclass(frozen=True, slots=True)
class CaseChanged:
    """Something changed on the legal approval case of an engagement; `fields` as far as they were told."""

    noun: ClassVar[str] = "change of a legal case"
    engagement: str
    fields: Mapping[str, Any]
    at: float


@dataclass(frozen=True, slots=True)
class CaseRead:
    """So an engagement's legal approval case is; `case`: its id, None where nobody could look."""

    noun: ClassVar[str] = "legal case"
    case: str | None
    status: str | None
    at: float


@dataclass(frozen=True, slots=True)
class FinanceWanted:
    """An opportunity is to be submitted for the approval of Finance; `known`: the status that the engagement knew."""

    noun: ClassVar[str] = "wish for the approval of Finance"
    engagement: str
    opportunity: str
    digest: str
    known: str | None
    number: int


@dataclass(frozen=True, slots=True)
class Asked:
    """Others were asked in Salesforce (`matter`) about the SOW of this digest, when their status was this one."""

    noun: ClassVar[str] = "question in Salesforce"
    opportunity: str
    matter: str
    digest: str
    status: str | None


_MODIFIED: Final = ("SystemModstamp", "LastModifiedDate")

SalesforceEvent = (
    OpportunityChanged
    | OpportunityRead
    | OpportunityWanted
    | OpportunityWritten
    | CaseWanted
    | CaseChanged
    | CaseRead
    | FinanceWanted
    | Asked
)

_KINDS: Final[Mapping[str, type[SalesforceEvent]]] = {
    CHANGED: OpportunityChanged,
    READ: OpportunityRead,
    WANTED: OpportunityWanted,
    WRITTEN: OpportunityWritten,
    CASE_WANTED: CaseWanted,
    CASE_CHANGED: CaseChanged,
    CASE_READ: CaseRead,
    FINANCE_WANTED: FinanceWanted,
    ASKED: Asked,
}


def opportunity_lane(key: str) -> str:
    """Where it is found out whose an opportunity is: a Salesforce that does not answer holds up no engagement."""
    return f"sfdc:{key}"


def writing_lane(key: str) -> str:
    """Where is written on an opportunity: a record that is locked while it waits for a yes holds up no reading."""
    return f"sfdc-write:{key}"


def legal_lane(engagement: str) -> str:
    """Where its legal case is opened: what waits for a locked opportunity does not hold that up. Finance is asked where
    the opportunity is written, behind what is to be written before it is locked."""
    return f"sfdc-legal:{engagement}"


def case_lane(engagement: str) -> str:
    """Where the legal approval case of an engagement is read."""
    return f"sfdc-case:{engagement}"


IN_WORDS: Final[Mapping[str, str]] = {
    CHANGED: "a change in Salesforce",
    READ: "an opportunity in Salesforce",
    WANTED: "a wish for Salesforce",
    WRITTEN: "an answer of Salesforce",
    CASE_WANTED: "a legal case is needed",
    CASE_CHANGED: "a change of a legal case",
    CASE_READ: "a legal case in Salesforce",
    FINANCE_WANTED: "the approval of Finance is needed",
    ASKED: "somebody was asked in Salesforce",
}
"""The kinds as people read them."""
WISHES: Final[Mapping[str, str]] = {
    WANTED: "a field of the opportunity",
    CASE_WANTED: "the legal approval case",
    FINANCE_WANTED: "the request for the approval of Finance",
}
"""Of these, what Salesforce did not take is told to whoever leads the engagement."""


def changed_at(fields: Mapping[str, Any]) -> float | None:
    """When a record was changed last, as a message about it says; None where it says nothing of it."""
    return next((moment for name in _MODIFIED if (moment := _moment(fields.get(name))) is not None), None)


def _moment(text: Any) -> float | None:
    try:
        return None if not text else datetime.fromisoformat(str(text)).timestamp()
    except ValueError:
        return None


def kind_of(event: SalesforceEvent) -> str:
    """Of the delivery that holds it."""
    return next(kind for kind, made in _KINDS.items() if isinstance(event, made))


def record_of(event: SalesforceEvent) -> dict[str, Any]:
    """What an event is read from."""
    return {"object_kind": kind_of(event), **asdict(event)}


def body_of(event: SalesforceEvent) -> bytes:
    """The same, as it is stored."""
    return orjson.dumps(record_of(event))


def read_salesforce_event(body: bytes) -> SalesforceEvent | None:
    """The event in a delivery about Salesforce; None where it is nothing that this bot knows of."""
    try:
        payload = orjson.loads(body)
        made = _KINDS.get(payload.pop("object_kind", None))
        return None if made is None else made(**payload)
    except (TypeError, ValueError, AttributeError):
        return None
