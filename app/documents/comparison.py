"""What differs between two versions of an estimate, as rows for a table that people read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from app.documents.estimate import NOTHING, Estimate, Line


@dataclass(frozen=True, slots=True)
class Change:
    """One row: `what` may be somebody's own words. None on one side: it was not there, or is there no more."""

    what: str
    before: Decimal | None
    after: Decimal | None
    unit: str

    @property
    def by(self) -> Decimal:
        """How much more it is now."""
        return (self.after or NOTHING) - (self.before or NOTHING)


def changes_between(before: Estimate, after: Estimate) -> tuple[Change, ...]:
    """Rates, hours and pieces that differ, each in the order of the later version; then what is gone."""
    return (*_rates(before, after), *_lines(before, after))


def _rates(before: Estimate, after: Estimate) -> Iterator[Change]:
    if before.currency != after.currency:
        return
    for role, rate in after.rates.items():
        known = before.rates.get(role)
        if known is not None and known.price != rate.price:
            yield Change(f"{rate.title}, an hour", known.price, rate.price, after.currency)
    if before.contingency != after.contingency:
        yield Change("Put on top", before.contingency * 100, after.contingency * 100, "%")


def _lines(before: Estimate, after: Estimate) -> Iterator[Change]:
    known = {_name(line): line for line in before.lines}
    for line in after.lines:
        old = known.pop(_name(line), None)
        if old is None:
            yield Change(line.title, None, _amount(line), _unit(line))
        elif _amount(old) != _amount(line) or (old.hours != line.hours):
            yield Change(line.title, _amount(old), _amount(line), _unit(line))
    for line in known.values():
        yield Change(line.title, _amount(line), None, _unit(line))


def _name(line: Line) -> str:
    return line.key or f"own: {line.title}"


def _amount(line: Line) -> Decimal:
    return line.total_hours if line.quantity is None else line.quantity


def _unit(line: Line) -> str:
    return "hours" if line.quantity is None else "pieces"
