"""The objects of the stand-in Salesforce and their fields: what can be asked for, and what can be written how."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Final

from app.salesforce_id import full_id


class SalesforceFault(Exception):
    """A refusal, as Salesforce documents it: a status, a code, words, and the fields that it is about."""

    def __init__(self, status: int, code: str, message: str, fields: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.fields = fields

    def body(self) -> list[dict[str, Any]]:
        """As it is answered."""
        named = {"fields": list(self.fields)} if self.fields else {}
        return [{"message": self.message, "errorCode": self.code, **named}]


@dataclass(frozen=True, slots=True)
class Field:
    """A field. `type`: id, text, picklist, date, datetime, number, boolean, or reference (to the object `to`)."""

    name: str
    type: str = "text"
    length: int = 255
    to: str | None = None
    is_external: bool = False
    is_unique: bool = True
    """Of an external id: no two records have the same."""
    is_required: bool = False
    is_fixed: bool = False
    """Nobody writes it."""
    among: tuple[str, ...] = ()
    """The values of a restricted picklist."""
    default: Any = None
    """What it holds when nobody has said."""

    @property
    def relation(self) -> str | None:
        """The first step of a path to the parent: `Account`, `Parent_Opportunity__r`."""
        if self.type != "reference":
            return None
        return self.name[:-3] + "__r" if self.name.endswith("__c") else self.name.removesuffix("Id")

    @property
    def empty(self) -> Any:
        """What it reads where nobody has written: a box that may be ticked is never null."""
        return False if self.type == "boolean" and self.default is None else self.default

    def checked(self, value: Any, kind: str) -> Any:
        """The value as it is kept. Raises SalesforceFault."""
        if value is None:
            return None
        try:
            return self._kept(value)
        except (TypeError, ValueError):
            wanted = "xsd:double" if self.type == "number" else self.type
            raise SalesforceFault(
                400, "JSON_PARSER_ERROR", f"Cannot deserialize instance of {wanted} from {value!r} ({kind})"
            ) from None

    def _kept(self, value: Any) -> Any:
        match self.type:
            case "number":
                if isinstance(value, bool) or not isinstance(value, Decimal):
                    raise TypeError
                return value
            case "boolean":
                if not isinstance(value, bool):
                    raise TypeError
                return value
            case "date":
                return date.fromisoformat(value).isoformat()
            case "reference":
                return self._referred(value)
        if not isinstance(value, str):
            raise TypeError
        if len(value) > self.length:
            words = f"{self.name}: data value too large: {value[:80]} (max length={self.length})"
            raise SalesforceFault(400, "STRING_TOO_LONG", words, (self.name,))
        if self.among and value not in self.among:
            words = f"{self.name}: bad value for restricted picklist field: {value}"
            raise SalesforceFault(400, "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST", words, (self.name,))
        return value.strip() or None

    def _referred(self, value: Any) -> str:
        try:
            return full_id(value)
        except (TypeError, ValueError):
            words = f"{self.name}: id value of incorrect type: {value}"
            raise SalesforceFault(400, "MALFORMED_ID", words, (self.name,)) from None


@dataclass(frozen=True, slots=True)
class Kind:
    """An object: the first three characters of its ids, and its fields."""

    name: str
    prefix: str
    fields: tuple[Field, ...]

    def field(self, name: str) -> Field | None:
        """By its name in any case."""
        return next((each for each in (*SYSTEM, *self.fields) if each.name.lower() == name.lower()), None)

    def parent(self, step: str) -> Field | None:
        """The reference that a path goes by."""
        return next((f for f in self.fields if f.relation is not None and f.relation.lower() == step.lower()), None)

    def required(self, name: str) -> Field:
        """Raises SalesforceFault where there is none."""
        found = self.field(name)
        if found is None:
            raise SalesforceFault(400, "INVALID_FIELD", f"No such column '{name}' on sobject of type {self.name}")
        return found


SYSTEM: Final = (
    Field("Id", "id", is_fixed=True),
    Field("CreatedDate", "datetime", is_fixed=True),
    Field("SystemModstamp", "datetime", is_fixed=True),
)
_IS_ACTIVE: Final = Field("IsActive", "boolean", default=True)
KINDS: Final = (
    Kind("Account", "001", (Field("Name", is_required=True),)),
    Kind("User", "005", (Field("Name", is_required=True), Field("Email"), Field("Username"), _IS_ACTIVE)),
    Kind("RecordType", "012", (Field("Name", is_required=True), Field("DeveloperName"), Field("SobjectType"))),
    Kind(
        "Opportunity",
        "006",
        (
            Field("Name", length=120, is_required=True),
            Field("StageName", "picklist", is_required=True),
            Field("RecordTypeId", "reference", to="RecordType"),
            Field("AccountId", "reference", to="Account"),
            Field("OwnerId", "reference", to="User"),
            Field("CloseDate", "date", is_required=True),
            Field("Amount", "number"),
            Field("ForecastCategoryName", "picklist"),
            Field("Customer_Folder_URL__c"),
            Field("Parent_Opportunity__c", "reference", to="Opportunity"),
            Field("Engagement_Manager__c", "reference", to="User"),
            Field("EM_Confidence_Rationale__c", length=32768),
            Field("Scoping_Issue_Link__c"),
            Field("Professional_Services_Value__c", "number"),
            Field("Proserve_Amount__c", "number"),
            Field("Finance_Approval_Status__c", "picklist"),
        ),
    ),
    Kind(
        "Case",
        "500",
        (
            Field("PS_Plan_Id__c", is_external=True),
            Field("Status", "picklist"),
            Field("Subject"),
            Field("Description", length=32000),
            Field("Opportunity__c", "reference", to="Opportunity"),
            Field("RecordTypeId", "reference", to="RecordType"),
            Field("OwnerId", "reference", to="User"),
        ),
    ),
)
