"""Makes every check, all at the same time, each by itself: what one meets hides nothing of the others.

A check that does not end within the time is left alone; its thread ends with the process.
"""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Final

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient, Unchecked
from app.doctor.registry import CHECKS, Check
from app.errors import Permanent, Retry, attempt
from app.tell import Tell, unheard

PATIENCE_S: Final = 25.0
"""Several calls one after the other, each of which gives up by itself long before."""


def examine(
    patient: Patient,
    *,
    checks: Sequence[Check] = CHECKS,
    tell: Tell = unheard,
    patience_s: float = PATIENCE_S,
) -> list[Finding]:
    """What every check found, in the order of the checks."""
    arrived: queue.Queue[tuple[int, list[Finding]]] = queue.Queue()
    for number, each in enumerate(checks):
        threading.Thread(target=_run, args=(number, each, patient, arrived), daemon=True, name=each.subject).start()
    found = _gather(arrived, len(checks), tell, patience_s)
    late = [Finding(State.BROKEN, each.subject, f"no answer within {patience_s:.0f} s") for each in checks]
    return [finding for number, each in enumerate(late) for finding in found.get(number, [each])]


def _run(number: int, each: Check, patient: Patient, arrived: queue.Queue[tuple[int, list[Finding]]]) -> None:
    arrived.put((number, made(each, patient)))


def _gather(
    arrived: queue.Queue[tuple[int, list[Finding]]], count: int, tell: Tell, patience_s: float
) -> dict[int, list[Finding]]:
    until = time.monotonic() + patience_s
    found: dict[int, list[Finding]] = {}
    while len(found) < count:
        try:
            number, findings = arrived.get(timeout=max(0.0, until - time.monotonic()))
        except queue.Empty:
            break
        found[number] = findings
        tell("looking", len(found), count)
    return found


def made(check: Check, patient: Patient) -> list[Finding]:
    """What a check found, or what it met instead."""
    outcome = attempt(partial(_look, check, patient))
    if not isinstance(outcome, Exception):
        return outcome
    if isinstance(outcome, Unchecked):
        return [Finding(State.NOT_CHECKED, check.subject, str(outcome))]
    if isinstance(outcome, Retry | Permanent):
        return [Finding(State.BROKEN, check.subject, outcome.reason)]
    return [Finding(State.BROKEN, check.subject, f"a bug in psplan: {type(outcome).__name__}: {outcome}")]


def _look(check: Check, patient: Patient) -> list[Finding]:
    patient.need(*check.needs)
    return list(check.look(patient))
