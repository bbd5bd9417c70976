"""What the process has to do with Salesforce: which field means what, who owns it, and which stages are labels.

A field that the quote owns is never written, whatever else the file says.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field, StringConstraints

from app.methodology.parts import Block, Plain

STAGE: Final = "{stage}"

FieldName = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*){0,2}$", max_length=160)
]
"""The API name of a field, or the path to one of a parent (`Account.Name`)."""


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


class SalesforceRules(Block):
    """The block `salesforce` of the file."""

    stage_label: Annotated[str, StringConstraints(pattern=r"^[^{}]*\{stage\}[^{}]*$")] = "SFDC::{stage}"
    """The label that mirrors a stage."""
    record_type: Plain = "Professional Services Only"
    """An opportunity of this type is an engagement of its own: a new one begins it."""
    reads: Mapping[Reads, FieldName] = Field(default_factory=dict)
    writes: Mapping[Fills, FieldName] = Field(default_factory=dict)
    """Fields that Engagement Managers own."""
    users: tuple[FieldName, ...] = ()
    """Those of `writes` that name a user of Salesforce, who is found by e-mail (as `mail` knows it)."""
    quote_owns: tuple[FieldName, ...] = ()
    """Fields that are filled from the quote, and never written."""

    def label_of(self, stage: str) -> str:
        """The label of a stage."""
        return self.stage_label.replace(STAGE, stage)

    def looks_at(self, name: str) -> str:
        """What is read to see what a field says: of a user the e-mail."""
        return f"{name.removesuffix('__c')}__r.Email" if name in self.users else name

    def is_stage_label(self, label: str) -> bool:
        """Whether a label mirrors some stage."""
        before, _, after = self.stage_label.partition(STAGE)
        return label.startswith(before) and label.endswith(after)

    def owned_twice(self) -> Iterator[tuple[tuple[str, ...], str]]:
        """Fields that are to be written and are the quote's: where in the block, and the sentence."""
        for what, name in self.writes.items():
            if name in self.quote_owns:
                yield ("writes", what.value), f"{name} is filled from the quote (`quote_owns`), so nobody may write it"
