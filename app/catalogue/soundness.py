"""What no form can say of a catalogue: names that lead nowhere, and equations that do not give what they should."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from app.catalogue.equations import Equation, EquationFault, Value
from app.catalogue.model import Catalogue, Fact, FactKind, Prices, RoughTable
from app.layers import Found, Where, one_of

MOST_ROLES: Final = 12
MOST_ACTIVITIES: Final = 250
"""More of either no workbook has room for (app.documents.layout)."""


def unsound(catalogue: Catalogue, questions: frozenset[str] | None) -> Found:
    """Where something stands that cannot be used, and why."""
    for name, held, most in (
        ("roles", catalogue.roles, MOST_ROLES),
        ("activities", catalogue.activities, MOST_ACTIVITIES),
    ):
        if len(held) > most:
            yield (name,), f"are more than {most}: no workbook has room for them"
    for key, fact in catalogue.facts.items():
        yield from _fact(("facts", key), fact, questions)
    yield from _names(catalogue)
    for key, table in catalogue.rough.items():
        yield from _table(("rough", key), table, catalogue)
    yield from _prices(catalogue)
    yield from _values(catalogue)


def assumed(catalogue: Catalogue) -> dict[str, Value]:
    """Every fact as it is taken while nobody has answered."""
    return {key: fact.assume for key, fact in catalogue.facts.items()}


def tried(fact: Fact) -> tuple[Value, ...]:
    """What an answer may come to: the usual least and most, yes and no, or each choice."""
    match fact.kind:
        case FactKind.YES_NO:
            return (False, True)
        case FactKind.CHOICE:
            return tuple(dict.fromkeys([str(fact.assume), *fact.choices]))
    return () if fact.between is None else fact.between


def _fact(where: Where, fact: Fact, questions: frozenset[str] | None) -> Found:
    wanted = {FactKind.YES_NO: bool, FactKind.CHOICE: str}.get(fact.kind, Decimal)
    if not isinstance(fact.assume, wanted) or (wanted is Decimal and isinstance(fact.assume, bool)):
        yield (*where, "assume"), f"must be {_IN_WORDS[fact.kind]}"
    if (fact.kind is FactKind.CHOICE) != bool(fact.choices):
        yield where, "choices are for facts of the kind choice, which have some"
    if fact.between is not None and (wanted is not Decimal or fact.between[0] > fact.between[1]):
        yield (*where, "between"), "must be the least and the most of a number"
    for number, question in enumerate(fact.answered_by):
        if questions is not None and question not in questions:
            yield (*where, "answered_by", number), "no such question; " + one_of(sorted(questions), near=question)


_IN_WORDS: Mapping[FactKind, str] = {
    FactKind.YES_NO: "true or false",
    FactKind.CHOICE: "the name of a choice",
    FactKind.NUMBER: "a number",
    FactKind.SUM: "a number",
    FactKind.COUNT: "a number",
}


def _names(catalogue: Catalogue) -> Found:
    for where, equation in catalogue.equations().items():
        for name in sorted(equation.names - catalogue.facts.keys()):
            yield where, f"no such fact: {name}; " + one_of(catalogue.facts, near=name)
    for key, activity in catalogue.activities.items():
        for role in activity.hours:
            if role not in catalogue.roles:
                yield ("activities", key, "hours", role), "no such role; " + one_of(catalogue.roles, near=role)
        if activity.sku is not None and activity.sku not in catalogue.skus:
            problem = "no such catalogue item; " + one_of(catalogue.skus, near=activity.sku)
            yield ("activities", key, "sku"), problem
        if (activity.sku is None) != (activity.quantity is None):
            yield ("activities", key), "a catalogue item has a quantity, and a quantity is of a catalogue item"
        if activity.sku is None and not activity.hours:
            yield ("activities", key), "has neither hours nor a catalogue item"


def _table(where: Where, table: RoughTable, catalogue: Catalogue) -> Found:
    for name in ("rows", "columns"):
        fact = catalogue.facts.get(getattr(table, name))
        if fact is None:
            yield (*where, name), "no such fact; " + one_of(catalogue.facts, near=getattr(table, name))
        elif fact.kind in {FactKind.YES_NO, FactKind.CHOICE}:
            yield (*where, name), "must be a fact that is a number"
    for name, limits in (("up_to", table.up_to), ("columns_up_to", table.columns_up_to)):
        if list(limits) != sorted(set(limits)):
            yield (*where, name), "must grow"
    if len(table.ranges) != len(table.up_to) or any(len(row) != len(table.columns_up_to) for row in table.ranges):
        yield (*where, "ranges"), "must have a row for each of up_to, and in it a range for each of columns_up_to"
    if any(least > most for row in table.ranges for least, most in row):
        yield (*where, "ranges"), "the least comes first"


def _prices(catalogue: Catalogue) -> Found:
    held: list[tuple[Where, Prices]] = []
    for key, role in catalogue.roles.items():
        held += [(("roles", key, "price"), role.price), (("roles", key, "cost"), role.cost)]
    held += [(("skus", key, "price"), sku.price) for key, sku in catalogue.skus.items()]
    for where, prices in held:
        if catalogue.currency not in prices:
            yield where, f"has no price in {catalogue.currency}, the currency of this catalogue"


def _values(catalogue: Catalogue) -> Found:
    """Every equation with what is assumed, and with each fact at its least and its most."""
    facts = assumed(catalogue)
    for where, equation in catalogue.equations().items():
        if equation.names - catalogue.facts.keys():
            continue
        try:
            for known in _worlds(equation, facts, catalogue):
                equation.holds(known) if where[-1] == "when" else equation.number(known)
        except EquationFault as fault:
            yield where, str(fault)


def _worlds(equation: Equation, facts: Mapping[str, Value], catalogue: Catalogue) -> Iterator[Mapping[str, Value]]:
    yield facts
    for name in sorted(equation.names):
        for value in tried(catalogue.facts[name]):
            yield {**facts, name: value}
