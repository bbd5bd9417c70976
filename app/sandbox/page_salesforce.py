"""The page of the stand-in Salesforce: opportunities with stages and what the bot wrote there, and legal cases."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import httpx
from starlette.responses import Response
from starlette.routing import Route

from app.sandbox.outbound import OutboundSender
from app.sandbox.page_frame import Frame, Visit, go
from app.sandbox.refusals import Refused, not_found
from app.sandbox.salesforce import SalesforceRecord, SalesforceWorld
from app.submission.choices import SfdcStage

SALESFORCE_PATH: Final = "/-/salesforce"
SERVICES: Final = "Professional Services Only"
FINANCE: Final = "Finance_Approval_Status__c"
CLOSES_ON: Final = "2099-03-31"
DECISIONS: Final = ("Approved", "Rejected")
STATUSES: Final = ("New", "Working", "Stamped", "Rejected")
WRITTEN: Final = {
    "Scoping_Issue_Link__c": "Scoping issue",
    "Engagement_Manager__r.Name": "Engagement Manager",
    "EM_Confidence_Rationale__c": "EM confidence",
    "Professional_Services_Value__c": "Services value",
}


@dataclass(frozen=True, slots=True)
class CaseView:
    """A legal case as the page shows it."""

    id: str
    subject: str
    status: str


@dataclass(frozen=True, slots=True)
class OpportunityView:
    """An opportunity as the page shows it."""

    id: str
    name: str
    account: str
    stage: str
    fields: dict[str, Any]
    link: str | None
    is_submitted: bool
    finance: str | None
    cases: list[CaseView]


def salesforce_page_routes(frame: Frame, world: SalesforceWorld, sender: OutboundSender) -> list[Route]:
    """The page, and what its forms do: what somebody does in Salesforce, which then tells the bot."""
    frame.offer(salesforce_path=SALESFORCE_PATH)
    frame.watch(lambda: state_of(world))

    def look(visit: Visit) -> Response:
        shown = [_view(each, world) for each in reversed(world.of_kind("Opportunity"))]
        stages = [stage.value for stage in SfdcStage]
        return frame.page(
            visit, "salesforce.html", opportunities=shown, stages=stages, statuses=STATUSES, decisions=DECISIONS
        )

    def create(visit: Visit) -> Response:
        customer = visit.field("customer")[:80] or "Globex AG"
        make_opportunity(world, customer, owner=visit.user.username)
        return _told(sender, f"The opportunity of {customer} is there.")

    def move(visit: Visit) -> Response:
        record, stage = _found(world, visit, "Opportunity"), visit.field("stage")
        if stage not in {each.value for each in SfdcStage}:
            raise Refused(400, {"message": "stage must be one of Salesforce's"})
        world.change(record.id, StageName=stage)
        return _told(sender, f"{record.values['Name']} is at {stage}.")

    def decide(visit: Visit) -> Response:
        record, word = _found(world, visit, "Opportunity"), visit.field("word")
        if word not in DECISIONS or not record.is_locked:
            raise not_found("Approval Not Found")
        world.decide(record.id, **{FINANCE: word})
        return _told(sender, f"Finance says: {word}.")

    def set_status(visit: Visit) -> Response:
        record, status = _found(world, visit, "Case"), visit.field("status")
        if status not in STATUSES:
            raise Refused(400, {"message": "status must be one of: " + ", ".join(STATUSES)})
        world.change(record.id, Status=status)
        return _told(sender, f"The legal case is {status}.")

    return [
        frame.reading(SALESFORCE_PATH, look),
        frame.writing(f"{SALESFORCE_PATH}/create", create),
        frame.writing(f"{SALESFORCE_PATH}/move", move),
        frame.writing(f"{SALESFORCE_PATH}/decide", decide),
        frame.writing(f"{SALESFORCE_PATH}/case", set_status),
    ]


def state_of(world: SalesforceWorld) -> int:
    """Another number after everything that can be seen."""
    with world.lock:
        locks = sum(each.is_locked for each in world.records.values())
        return hash((len(world.records), world.writes, locks))


def make_opportunity(world: SalesforceWorld, customer: str, *, owner: str) -> str:
    """With the button Create Services Opportunity; its id."""
    kinds = {each.values["Name"]: each.id for each in world.of_kind("RecordType")}
    email = f"{owner}@example.com"
    user = next((each.id for each in world.of_kind("User") if each.values.get("Email") == email), None)
    return world.add(
        "Opportunity",
        Name=f"{customer} - Professional Services",
        StageName=SfdcStage.SCOPING.value,
        CloseDate=CLOSES_ON,
        RecordTypeId=kinds[SERVICES],
        AccountId=world.add("Account", Name=customer),
        OwnerId=user or world.user,
    )


def _found(world: SalesforceWorld, visit: Visit, kind: str) -> SalesforceRecord:
    record = world.records.get(visit.field("id"))
    if record is None or record.kind != kind or record.is_deleted:
        raise not_found(f"{kind} Not Found")
    return record


def _told(sender: OutboundSender, said: str) -> Response:
    try:
        sender.send()
    except httpx.HTTPError:
        raise Refused(502, {"message": "the bot does not answer"}) from None
    return go(SALESFORCE_PATH, said=f"{said} Salesforce has told the bot.")


def _view(record: SalesforceRecord, world: SalesforceWorld) -> OpportunityView:
    fields = {title: world.value(record.id, path) for path, title in WRITTEN.items()}
    link = fields.pop("Scoping issue")
    cases = [each for each in world.of_kind("Case") if each.values.get("Opportunity__c") == record.id]
    return OpportunityView(
        id=record.id,
        name=str(record.values["Name"]),
        account=str(world.value(record.id, "Account.Name") or "no account"),
        stage=str(record.values["StageName"]),
        fields={title: value for title, value in fields.items() if value is not None},
        link=link if isinstance(link, str) and link.startswith(("http://", "https://")) else None,
        is_submitted=record.is_locked,
        finance=world.value(record.id, FINANCE),
        cases=[
            CaseView(each.id, str(each.values.get("Subject", "")), str(each.values.get("Status") or "New"))
            for each in cases
        ],
    )
