"""Gates: which are needed, which are passed, which hold a move back. A yes is for one version of one document."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from app.machine.criteria import is_met
from app.machine.index import index_of
from app.machine.papers import digest_of
from app.machine.scene import Scene
from app.machine.standing import Paper, Standing, Verdict
from app.methodology.model import Methodology
from app.methodology.process import Document, Gate


class GateState(StrEnum):
    """How a gate stands now."""

    NOT_NEEDED = "not_needed"
    OPEN = "open"
    PASSED = "passed"
    FAILED = "failed"


_HOLDING = (GateState.OPEN, GateState.FAILED)


@dataclass(frozen=True, slots=True)
class Missing:
    """A gate that holds a move back: its name, what it is called, who can pass it."""

    gate: str
    title: str
    role: str


def gate_state(name: str, standing: Standing, scene: Scene, methodology: Methodology) -> GateState:
    """How a gate stands."""
    gate = methodology.gates[name]
    if not is_needed(gate, standing, scene, methodology):
        return GateState.NOT_NEEDED
    verdict = verdict_on(name, standing, methodology)
    if verdict is not None:
        return GateState.PASSED if verdict is Verdict.PASSED else GateState.FAILED
    if gate.proof is not None and is_met(methodology.criteria[gate.proof], standing, scene, methodology):
        return GateState.PASSED
    return GateState.OPEN


def verdict_on(name: str, standing: Standing, methodology: Methodology) -> Verdict | None:
    """What was said at a gate of the present version of its document; None: nothing was."""
    approval = standing.approvals.get(name)
    document = methodology.gates[name].document
    if approval is None or approval.version != standing.version(document):
        return None
    return approval.verdict if approval.digest == digest_of(document, standing, methodology) else None


def is_needed(gate: Gate, standing: Standing, scene: Scene, methodology: Methodology) -> bool:
    """Whether a gate concerns this engagement as it is now."""
    if gate.not_for_sku and scene.is_sku:
        return False
    if gate.unless is not None and is_met(methodology.criteria[gate.unless], standing, scene, methodology):
        return False
    if gate.above is None:
        return True
    worth = in_main_currency(standing.papers.get(Document.ESTIMATE.value), methodology)
    return worth is not None and worth > gate.above


def in_main_currency(estimate: Paper | None, methodology: Methodology) -> Decimal | None:
    """What an estimate is worth in the currency of thresholds; without a rate it counts as above any of them."""
    if estimate is None or estimate.amount is None:
        return None
    rate = methodology.money.rates.get(estimate.currency or methodology.money.currency)
    return Decimal("Infinity") if rate is None else estimate.amount * rate


def is_before(gate: Gate, to: str, methodology: Methodology) -> bool:
    """Whether a state lies at or behind a gate. Side states and bad ends lie behind none."""
    path = index_of(methodology).positions[gate.track]
    return to in path and path[to] >= path[gate.before]


def held_back(track: str, to: str, standing: Standing, scene: Scene, methodology: Methodology) -> tuple[Missing, ...]:
    """The blocking gates that a move to a state would skip."""
    return tuple(
        Missing(name, gate.title, gate.role)
        for name, gate in index_of(methodology).blocking[track, to]
        if gate_state(name, standing, scene, methodology) in _HOLDING
    )
