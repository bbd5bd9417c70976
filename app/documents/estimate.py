"""An estimate: lines of hours and pieces, in one currency; worked out from facts and catalogue, and counted together.

Money is decimal and rounded once for each line, to a hundredth, so that sums are sums of what is shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Final

from app.catalogue.equations import Value, read_equation
from app.catalogue.model import Activity, Catalogue, RoughTable
from app.catalogue.soundness import tried
from app.documents.facts import Known
from app.submission.choices import EstimateType, Service

CENT: Final = Decimal("0.01")
HALF_HOUR: Final = Decimal("0.5")
THOUSAND: Final = 1000
MOST_MISSING: Final = 5
NOTHING: Final = Decimal(0)


class NoPrice(ValueError):
    """The catalogue has no price in this currency; `currencies` are those that it has for everything."""

    def __init__(self, currency: str, currencies: tuple[str, ...]) -> None:
        super().__init__(currency)
        self.currency, self.currencies = currency, currencies


@dataclass(frozen=True, slots=True)
class Rate:
    """A role in one currency: what an hour is sold for, and what it costs."""

    title: str
    price: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class Line:
    """An activity. Of a catalogue item `quantity` and `unit_price` make the price; else the hours do.

    `key`: in the catalogue; None: somebody put it in by hand. `is_education`: sold apart from consulting.
    """

    key: str | None
    title: str
    hours: Mapping[str, Decimal]
    sku: str | None = None
    quantity: Decimal | None = None
    unit_price: Decimal | None = None
    is_education: bool = False

    @property
    def total_hours(self) -> Decimal:
        """Of all roles."""
        return sum(self.hours.values(), NOTHING)


@dataclass(frozen=True, slots=True)
class Rough:
    """A rough order of magnitude; `least` and `most` are None where it is above the table, and the EM prices it."""

    title: str
    currency: str
    least: Decimal | None
    most: Decimal | None


@dataclass(frozen=True, slots=True)
class Missing:
    """A fact that nobody has said, and between which totals the answer would decide."""

    key: str
    least: Decimal
    most: Decimal

    @property
    def swing(self) -> Decimal:
        """How much it might change."""
        return self.most - self.least


@dataclass(frozen=True, slots=True)
class Estimate:
    """All of it, in one currency. `contingency`: part of the consulting price that is put on top."""

    catalogue: str
    currency: str
    form: EstimateType
    rates: Mapping[str, Rate]
    lines: tuple[Line, ...]
    contingency: Decimal = NOTHING
    facts: Mapping[str, Known] = field(default_factory=dict)

    def price_of(self, line: Line) -> Decimal:
        """What a line is sold for."""
        if line.unit_price is not None and line.quantity is not None:
            return _money(line.quantity * line.unit_price)
        return _money(sum((hours * self.rates[role].price for role, hours in line.hours.items()), NOTHING))

    def cost_of(self, line: Line) -> Decimal:
        """What it costs."""
        return _money(sum((hours * self.rates[role].cost for role, hours in line.hours.items()), NOTHING))

    def hours_of(self, role: str) -> Decimal:
        """Of one role."""
        return sum((line.hours.get(role, NOTHING) for line in self.lines), NOTHING)

    @property
    def hours(self) -> Decimal:
        """Of all roles."""
        return sum((line.total_hours for line in self.lines), NOTHING)

    @property
    def digest(self) -> str:
        """Of what it says, in short: by it two drafts of one version are told apart."""
        lines = [(x.key, x.title, sorted(x.hours.items()), x.quantity, x.unit_price) for x in self.lines]
        rates = [(key, rate.price, rate.cost) for key, rate in self.rates.items()]
        said = repr((self.catalogue, self.currency, self.form.value, lines, rates, self.contingency))
        return hashlib.sha256(said.encode("utf-8", "surrogatepass")).hexdigest()[:12]

    @property
    def consulting(self) -> Decimal:
        """Without education and without what is put on top."""
        return sum((self.price_of(line) for line in self.lines if not line.is_education), NOTHING)

    @property
    def education(self) -> Decimal:
        """The classes."""
        return sum((self.price_of(line) for line in self.lines if line.is_education), NOTHING)

    @property
    def on_top(self) -> Decimal:
        """For what is not foreseen; catalogue items have their price and nothing on top."""
        by_hours = (line for line in self.lines if not line.is_education and line.unit_price is None)
        return _money(sum((self.price_of(line) for line in by_hours), NOTHING) * self.contingency)

    @property
    def total(self) -> Decimal:
        """What it is sold for."""
        return self.consulting + self.on_top + self.education

    @property
    def cost(self) -> Decimal:
        """What it costs us."""
        return sum((self.cost_of(line) for line in self.lines), NOTHING)

    @property
    def margin(self) -> Decimal:
        """Part of the total that is left, between 0 and 1; 0 where nothing is sold."""
        return NOTHING if self.total == 0 else ((self.total - self.cost) / self.total).quantize(Decimal("0.0001"))


def draft(
    facts: Mapping[str, Known],
    services: Iterable[Service],
    catalogue: Catalogue,
    *,
    currency: str,
    form: EstimateType,
) -> Estimate:
    """A straw-man. Raises NoPrice, and EquationFault for facts that an equation can do nothing with."""
    values, chosen = {key: known.value for key, known in facts.items()}, frozenset(services)
    lines = tuple(
        _line(key, activity, values, catalogue, currency)
        for key, activity in catalogue.activities.items()
        if chosen & set(activity.services) and (activity.when is None or read_equation(activity.when).holds(values))
    )
    return Estimate(
        catalogue=catalogue.version,
        currency=currency,
        form=form,
        rates=rates_in(currency, catalogue),
        lines=tuple(line for line in lines if line.total_hours > 0 or line.quantity),
        contingency=catalogue.contingency.get(form, NOTHING),
        facts=facts,
    )


def missing_most(
    estimate: Estimate, services: Iterable[Service], catalogue: Catalogue, most: int = MOST_MISSING
) -> tuple[Missing, ...]:
    """The facts that nobody has said whose answers would change the total most, the largest first."""
    chosen, found = tuple(services), list[Missing]()
    for key, known in estimate.facts.items():
        if not known.is_assumed:
            continue
        answers = ({**estimate.facts, key: replace(known, value=value)} for value in tried(catalogue.facts[key]))
        totals = [
            draft(facts, chosen, catalogue, currency=estimate.currency, form=estimate.form).total for facts in answers
        ]
        if totals and max(totals) > min(totals):
            found.append(Missing(key, min(totals), max(totals)))
    found.sort(key=lambda each: (-each.swing, each.key))
    return tuple(found[:most])


def rough_of(facts: Mapping[str, Known], services: Iterable[Service], catalogue: Catalogue) -> Rough | None:
    """What the tables say of it; None: none is about such an engagement."""
    values = {key: known.value for key, known in facts.items()}
    if Service.MIGRATION_SCM not in set(services):
        return None
    for table in catalogue.rough.values():
        if read_equation(table.when).holds(values):
            return _looked_up(table, values)
    return None


def _looked_up(table: RoughTable, values: Mapping[str, Value]) -> Rough:
    row = _place(values[table.rows], table.up_to)
    column = _place(values[table.columns], table.columns_up_to)
    if row is None or column is None:
        return Rough(table.title, table.currency, None, None)
    plus = NOTHING if table.plus is None else read_equation(table.plus).number(values)
    least, most = table.ranges[row][column]
    return Rough(table.title, table.currency, (least + plus) * THOUSAND, (most + plus) * THOUSAND)


def _place(value: Value, limits: tuple[Decimal, ...]) -> int | None:
    """The first limit that the value does not exceed."""
    assert isinstance(value, Decimal)  # noqa: S101  (soundness looks that the fact is a number)
    return next((number for number, limit in enumerate(limits) if value <= limit), None)


def rates_in(currency: str, catalogue: Catalogue) -> dict[str, Rate]:
    """The roles in one currency. Raises NoPrice."""
    held = [*(each.price for each in catalogue.roles.values()), *(each.cost for each in catalogue.roles.values())]
    held += [each.price for each in catalogue.skus.values()]
    if any(currency not in prices for prices in held):
        known = tuple(code for code in held[0] if all(code in prices for prices in held))
        raise NoPrice(currency, known)
    return {key: Rate(each.title, each.price[currency], each.cost[currency]) for key, each in catalogue.roles.items()}


def _line(key: str, activity: Activity, values: Mapping[str, Value], catalogue: Catalogue, currency: str) -> Line:
    hours = {role: _hours(read_equation(text).number(values)) for role, text in activity.hours.items()}
    quantity = None if activity.quantity is None else read_equation(activity.quantity).number(values)
    price = None if activity.sku is None else catalogue.skus[activity.sku].price.get(currency)
    if activity.sku is not None and price is None:
        raise NoPrice(currency, ())
    return Line(
        key=key,
        title=activity.title,
        hours={role: each for role, each in hours.items() if each > 0},
        sku=activity.sku,
        quantity=quantity,
        unit_price=price,
        is_education=Service.TRAINING in activity.services,
    )


def _hours(number: Decimal) -> Decimal:
    """Up to the next half hour."""
    return (number / HALF_HOUR).to_integral_value(ROUND_CEILING) * HALF_HOUR


def _money(number: Decimal) -> Decimal:
    return number.quantize(CENT, ROUND_HALF_UP)
