"""Equations of the catalogue: small expressions over facts, in exact decimals; never Python.

`8 + 2 * waves(repos, 200) if target == "saas" else 0`. There are numbers, names of facts, words in quotes (to compare
with), + - * / //, comparisons, `and`, `or`, `not`, `if … else`, and the functions below. What an equation gives is a
number of hours or of pieces, a yes or a no.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal, DecimalException, localcontext
from functools import lru_cache
from typing import Any, Final

from simpleeval import InvalidExpression, SimpleEval

MOST_CHARS: Final = 400
MOST_NODES: Final = 120
LARGEST: Final = Decimal(10) ** 9
"""No engagement has a billion of anything."""

Value = Decimal | bool | str


class EquationFault(ValueError):
    """It cannot be read, or gives nothing that can be counted; the text says why, for whoever keeps the catalogue."""


def _ceil(number: Decimal) -> Decimal:
    return number.to_integral_value(ROUND_CEILING)


def _floor(number: Decimal) -> Decimal:
    return number.to_integral_value(ROUND_FLOOR)


def _waves(number: Decimal, size: Decimal) -> Decimal:
    """So many waves of at most that size."""
    return _ceil(number / size)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "ceil": _ceil,
    "floor": _floor,
    "max": max,
    "min": min,
    "waves": _waves,
}
_OPERATORS: Final[Mapping[type[ast.AST], Callable[..., Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: lambda a, b: _floor(a / b),
    ast.USub: operator.neg,
    ast.Not: operator.not_,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
}
_NODES: Final = (
    *(ast.Expression, ast.Constant, ast.Name, ast.Load, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.And, ast.Or),
    *(ast.Compare, ast.IfExp, ast.Call),
    *_OPERATORS,
)


class _Exact(SimpleEval):  # type: ignore[misc]  # the library says nothing of its types
    """Numbers are decimals, so that 0.1 is a tenth."""

    def _eval_constant(self, node: ast.Constant) -> Value:
        if isinstance(node.value, bool | str):
            return node.value
        return Decimal(str(node.value))


@dataclass(frozen=True, slots=True)
class Equation:
    """An expression that was read; `names`: the facts in it."""

    text: str
    names: frozenset[str]
    tree: Any

    def value(self, facts: Mapping[str, Value]) -> Value:
        """What it gives. Raises EquationFault."""
        evaluator = _Exact(operators=dict(_OPERATORS), functions=dict(FUNCTIONS), names=dict(facts))
        try:
            with localcontext(Context(prec=28)):
                found = evaluator.eval(self.text, previously_parsed=self.tree)
        except (InvalidExpression, DecimalException, TypeError, ValueError, AttributeError, RecursionError) as fault:
            raise EquationFault(f"{self.text!r} cannot be worked out: {type(fault).__name__}") from fault
        if isinstance(found, bool | str):
            return found
        if not isinstance(found, Decimal) or not found.is_finite() or abs(found) > LARGEST:
            raise EquationFault(f"{self.text!r} gives no number that can be counted")
        return found

    def number(self, facts: Mapping[str, Value]) -> Decimal:
        """A number that is not negative. Raises EquationFault."""
        found = self.value(facts)
        if isinstance(found, bool) or not isinstance(found, Decimal):
            raise EquationFault(f"{self.text!r} gives no number")
        if found < 0:
            raise EquationFault(f"{self.text!r} gives a negative number")
        return found

    def holds(self, facts: Mapping[str, Value]) -> bool:
        """Whether it is so. Raises EquationFault."""
        found = self.value(facts)
        if not isinstance(found, bool):
            raise EquationFault(f"{self.text!r} is neither true nor false")
        return found


@lru_cache(maxsize=4096)
def read_equation(text: str) -> Equation:
    """Raises EquationFault."""
    if len(text) > MOST_CHARS:
        raise EquationFault(f"is longer than {MOST_CHARS} characters")
    try:
        tree = ast.parse(text.strip(), mode="eval")
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        raise EquationFault(f"{text!r} is no equation") from None
    nodes = list(ast.walk(tree))
    if len(nodes) > MOST_NODES:
        raise EquationFault("is too long for one equation")
    for node in nodes:
        _demand_known(node, text)
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    names = frozenset(node.id for node in nodes if isinstance(node, ast.Name)) - called
    return Equation(text.strip(), names, tree.body)


def _demand_known(node: ast.AST, text: str) -> None:
    if not isinstance(node, _NODES):
        raise EquationFault(f"{text!r} holds what no equation may hold ({type(node).__name__})")
    if isinstance(node, ast.Constant) and not isinstance(node.value, bool | int | float | str):
        raise EquationFault(f"{text!r} holds {node.value!r}")
    if isinstance(node, ast.Call) and (
        not isinstance(node.func, ast.Name) or node.func.id not in FUNCTIONS or node.keywords
    ):
        raise EquationFault(f"{text!r} calls what is not there; functions: {', '.join(FUNCTIONS)}")
