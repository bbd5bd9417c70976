"""What the process has to do with Salesforce: which field means what, who owns it, and which stages are labels.

A field that the quote owns is never written, whatever else the file says.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, Field, StringConstraints, field_validator
from pydantic_core import PydanticCustomError

from app.methodology.parts import Block, Plain
from app.methodology.process import Matter, Saying
from app.submission.choices import SfdcStage

STAGE: Final = "{stage}"
PLACEHOLDERS: Final = ("{customer}", "{sow}", "{issue}", "{opportunity}", "{amount}")
_KNOWN: Final = re.compile("|".join(map(re.escape, PLACEHOLDERS)))
NOT_KNOWN: Final = "not on record"
_ADDRESS: Final = rf"(?:\S*|{NOT_KNOWN})"
_SHAPES: Final = {"{sow}": _ADDRESS, "{issue}": _ADDRESS, "{opportunity}": _ADDRESS}

FieldName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,2}$", max_length=160)
]
"""The API name of a field, or the path to one of a parent (`Account.Name`)."""


def _template(text: str) -> str:
    """Raises where it holds what nothing is known to stand for."""
    for name in re.findall(r"\{[^{}]*\}|[{}]", _KNOWN.sub("", text)):
        raise PydanticCustomError(
            "methodology", "holds {name}; known are {known}", {"name": name, "known": ", ".join(PLACEHOLDERS)}
        )
    return text


def _is_among(status: str | None, words: tuple[str, ...]) -> bool:
    return (status or "").strip().casefold() in {each.casefold() for each in words}


ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*$", max_length=80)]
"""What Salesforce's API calls an object or a field."""
Template = Annotated[str, StringConstraints(min_length=1, max_length=1000), AfterValidator(_template)]
"""Text with what is known of the engagement in it."""


class Reads(StrEnum):
    """What is read of an opportunity."""

    STAGE = "stage"
    RECORD_TYPE = "record_type"
    CUSTOMER = "customer"
    OWNER_EMAIL = "owner_email"
    CLOSE_DATE = "close_date"
    CUSTOMER_FOLDER = "customer_folder"
    PARENT = "parent"
    TERRITORY = "territory"
    FINANCE = "finance"


class Fills(StrEnum):
    """What the bot knows that may stand in a field of an opportunity."""

    SCOPING_ISSUE = "scoping_issue"
    ENGAGEMENT_MANAGER = "engagement_manager"
    CONFIDENCE = "confidence"
    SERVICES_VALUE = "services_value"


IN_WORDS: Final = {Matter.FINANCE: "the approval of Finance", Matter.LEGAL_CASE: "the legal approval case"}
SAYING_OF: Final = {Matter.FINANCE: Saying.FINANCE_APPROVED, Matter.LEGAL_CASE: Saying.LEGAL_STAMPED}
"""What their yes says of the SOW."""


class Elsewhere(Block):
    """An approval that is asked for in Salesforce, where `on_enter.request` of a state says so; and how it reads."""

    given: Annotated[tuple[Plain, ...], Field(min_length=1)]
    """The status that is a yes to the SOW as it is then."""
    refused: tuple[Plain, ...] = ()
    """The status that is a no: the Engagement Manager is told."""

    def is_given(self, status: str | None) -> bool:
        """Whether a status is a yes."""
        return _is_among(status, self.given)

    def is_refused(self, status: str | None) -> bool:
        """Whether it is a no."""
        return _is_among(status, self.refused)


class FinanceApproval(Elsewhere):
    """The opportunity is submitted to its approval process; the status is the field that is read as `finance`."""

    comment: Template = "SOW: {sow}. Scoping issue: {issue}"
    """For whoever approves. Known: {customer}, {sow}, {issue}, {opportunity}, {amount}."""


class LegalCase(Elsewhere):
    """The legal approval case: one for each engagement, opened by the bot, found again by an external id."""

    object: ApiName = "Case"
    external_id: ApiName
    """The field that holds the engagement's id."""
    status: FieldName = "Status"
    fields: Mapping[ApiName, Template] = Field(default_factory=dict)
    """What a new case is filled with; a field with {sow} or {amount} is written again when these have changed, unless
    somebody else has written there.
    Known: {customer}, {sow}, {issue}, {opportunity}, {amount}."""

    def is_ours(self, field: str, text: str) -> bool:
        """Whether a text is one of the bot's own: nobody has written anything else there."""
        parts = _KNOWN.split(self.fields[field])
        found = [_SHAPES.get(each, r"[^\n]*") for each in _KNOWN.findall(self.fields[field])]
        shape = re.escape(parts[0]) + "".join(one + re.escape(part) for one, part in zip(found, parts[1:], strict=True))
        return re.fullmatch(shape, text) is not None

    @property
    def follows(self) -> frozenset[str]:
        """The fields that are written again."""
        return frozenset(name for name, text in self.fields.items() if "{sow}" in text or "{amount}" in text)


class SalesforceRules(Block):
    """The block `salesforce` of the file."""

    stage_label: Annotated[str, StringConstraints(pattern=r"^[^{}]*\{stage\}[^{}]*$")] = "SFDC::{stage}"
    """The label that mirrors a stage."""
    record_type: Plain = "Professional Services Only"
    """An opportunity of this type is an engagement of its own: a new one begins it."""
    reads: Mapping[Reads, FieldName] = Field(default_factory=dict)
    writes: Mapping[Fills, ApiName] = Field(default_factory=dict)
    """Fields that Engagement Managers own."""
    users: tuple[ApiName, ...] = ()
    """Those of `writes` that name a user of Salesforce, who is found by e-mail (as `mail` knows it)."""
    quote_owns: tuple[ApiName, ...] = ()
    """Fields that are filled from the quote, and never written."""
    finance: FinanceApproval | None = None
    legal_case: LegalCase | None = None

    def label_of(self, stage: str) -> str:
        """The label of a stage."""
        return self.stage_label.replace(STAGE, stage)

    @field_validator("reads", "writes", mode="before")
    @classmethod
    def _without_none(cls, value: object) -> object:
        """`null` takes away what the file inherits."""
        return {name: each for name, each in value.items() if each is not None} if isinstance(value, dict) else value

    @property
    def elsewhere(self) -> dict[Matter, Elsewhere]:
        """What is decided in Salesforce."""
        found: dict[Matter, Elsewhere | None] = {Matter.FINANCE: self.finance, Matter.LEGAL_CASE: self.legal_case}
        return {matter: rules for matter, rules in found.items() if rules is not None}

    def looks_at(self, name: str) -> str:
        """What is read to see what a field says: of a user the e-mail."""
        return f"{name.removesuffix('__c')}__r.Email" if name in self.users else name

    @staticmethod
    def fill(text: str, known: Mapping[str, str]) -> str:
        """A text with what its placeholders stand for; what looks like one in a value stays as it is."""
        return _KNOWN.sub(lambda found: known[found[0]], text)

    def is_stage_label(self, label: str) -> bool:
        """Whether a label mirrors some stage."""
        return label in {self.label_of(stage.value) for stage in SfdcStage}

    def contradictions(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Fields that are to be written and are the quote's; an approval nobody can read: where, and the sentence."""
        if self.finance is not None and Reads.FINANCE not in self.reads:
            yield ("finance",), "its status is the field that is read as `finance`, and `reads` does not name one"
        quoted = {name.casefold() for name in self.quote_owns}
        read = {name.casefold(): what for what, name in self.reads.items()}
        written = dict[str, Fills]()
        for what, name in self.writes.items():
            place, key = ("writes", what.value), name.casefold()
            if key in quoted:
                yield place, f"{name} is filled from the quote (`quote_owns`), so nobody may write it"
            if key in read:
                yield place, f"{name} is read as `{read[key]}`, so it is somebody else's"
            if key in written:
                yield place, f"{name} is written as `{written[key]}` already"
            written[key] = what
            if name in self.users and not name.endswith("__c"):
                yield place, f"{name} names no user in a way that is known here: a field of your own ends in `__c`"
        for number, name in enumerate(self.users):
            if name not in self.writes.values():
                yield ("users", str(number)), f"{name} is none of `writes`"
