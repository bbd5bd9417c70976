"""The catalogue: what Professional Services do, how many hours of whom it takes, what that costs, on which terms.

A team keeps a file of its own that begins with `extends: default` and holds what differs, as for the methodology.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, StringConstraints
from pydantic_core import PydanticCustomError

from app.catalogue.equations import Equation, EquationFault, read_equation
from app.methodology.parts import Block, Key, Plain
from app.submission.choices import EstimateType, Service

Code = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""A currency."""
Price = Annotated[Decimal, Field(ge=0, le=10_000_000, max_digits=12, decimal_places=4)]
Prices = Mapping[Code, Price]
Sku = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9][A-Z0-9.-]{1,59}$")]


def _equation(text: str) -> str:
    try:
        read_equation(text)
    except EquationFault as fault:
        raise PydanticCustomError("equation", "{problem}", {"problem": str(fault)}) from None
    return text


EquationText = Annotated[str, StringConstraints(min_length=1), AfterValidator(_equation)]
"""See app.catalogue.equations."""


class FactKind(StrEnum):
    """How an answer is read."""

    NUMBER = "number"
    """The first number in it: `4,321 repositories` is 4321."""
    SUM = "sum"
    """All numbers in it together: `12, 60` is 72."""
    COUNT = "count"
    """How many entries it has: `CI/CD, administration` is 2."""
    YES_NO = "yes_no"
    CHOICE = "choice"


class Fact(Block):
    """Something that equations know an engagement by."""

    title: Plain
    unit: Plain | None = None
    kind: FactKind = FactKind.NUMBER
    answered_by: tuple[Key, ...] = Field(min_length=1)
    """Questions, the first that has an answer counts."""
    choices: Mapping[Key, tuple[Annotated[str, StringConstraints(min_length=1, max_length=60)], ...]] = Field(
        default_factory=dict
    )
    """Of a choice: what it is → words of the answer that say so; the first that fits counts."""
    assume: Decimal | bool | Key
    """What is taken for it while nobody has answered."""
    between: tuple[Decimal, Decimal] | None = None
    """Of a number: the usual least and most, by which it is seen what an answer would change."""


class CostedRole(Block):
    """Who does the work. `price`: an hour of it on a quote; `cost`: what it costs us."""

    title: Plain
    price: Prices
    cost: Prices


class SkuEntry(Block):
    """Something with a fixed price for a piece."""

    title: Plain
    unit: Plain
    price: Prices


Wording = Annotated[Plain, StringConstraints(pattern=r"^[A-Z].*[.!?]$")]
"""A sentence of the SOW, or some; half of one is what a comma in a list without quotes leaves."""


class Activity(Block):
    """A line of an estimate: hours of roles, or pieces of a catalogue item."""

    title: Plain
    services: tuple[Service, ...] = Field(min_length=1)
    mode: Literal["remote", "onsite"] = "remote"
    when: EquationText | None = None
    """Where it is no part of every engagement with one of its services."""
    hours: Mapping[Key, EquationText] = Field(default_factory=dict)
    """Role → its hours."""
    sku: Sku | None = None
    quantity: EquationText | None = None
    """Of a catalogue item: how many. Its price counts then, and the hours are for costs and scheduling alone."""
    published: Plain | None = None
    """Where its figures come from. Without it they are examples: put your own there."""
    assumptions: tuple[Wording, ...] = ()
    prerequisites: tuple[Wording, ...] = ()
    deliverables: tuple[Wording, ...] = ()
    out_of_scope: tuple[Wording, ...] = ()


class RoughTable(Block):
    """A rough order of magnitude by two sizes, in thousands of one currency."""

    title: Plain
    when: EquationText
    currency: Code
    published: Plain | None = None
    rows: Key
    """The fact that chooses the row: the first that it does not exceed."""
    up_to: tuple[Decimal, ...] = Field(min_length=1)
    columns: Key
    columns_up_to: tuple[Decimal, ...] = Field(min_length=1)
    ranges: tuple[tuple[tuple[Decimal, Decimal], ...], ...]
    """For each row: least and most of each column."""
    plus: EquationText | None = None
    """Thousands on top of both."""


class SowRules(Block):
    """What stands in every SOW."""

    valid_days: int = Field(default=90, gt=0, le=730)
    """How long its prices hold."""
    billing: Mapping[EstimateType, Wording]
    travel: Wording
    expiry: Wording
    acceptance: Wording
    general: tuple[Wording, ...] = ()
    education: tuple[Wording, ...] = ()


class Catalogue(Block):
    """All of it."""

    version: Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9.-]{1,30}$")]
    """Stands in every workbook and SOW."""
    currency: Code
    """Where nobody has said another one."""
    contingency: Mapping[EstimateType, Annotated[Decimal, Field(ge=0, le=1)]] = Field(default_factory=dict)
    """Part of the consulting price that is put on top, by how it is billed."""
    hours_a_week: Annotated[Decimal, Field(gt=0, le=60)] = Decimal(32)
    """Of one person, on a project: the velocity that the intake is told."""
    target_margin: Annotated[Decimal, Field(ge=0, lt=1)] = Decimal("0.4")
    roles: Mapping[Key, CostedRole]
    skus: Mapping[Sku, SkuEntry] = Field(default_factory=dict)
    facts: Mapping[Key, Fact]
    activities: Mapping[Key, Activity]
    rough: Mapping[Key, RoughTable] = Field(default_factory=dict)
    sow: SowRules

    def equations(self) -> Mapping[tuple[str | int, ...], Equation]:
        """Every equation by its place in the file."""
        found: dict[tuple[str | int, ...], Equation] = {}
        for key, activity in self.activities.items():
            for name in ("when", "quantity"):
                text = getattr(activity, name)
                if text is not None:
                    found["activities", key, name] = read_equation(text)
            for role, text in activity.hours.items():
                found["activities", key, "hours", role] = read_equation(text)
        for key, table in self.rough.items():
            found["rough", key, "when"] = read_equation(table.when)
            if table.plus is not None:
                found["rough", key, "plus"] = read_equation(table.plus)
        return found
