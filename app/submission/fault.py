"""One thing that is wrong with a submission, named by its field, and the error that carries all of them."""

from __future__ import annotations

from dataclasses import dataclass

WHOLE = "submission"
"""The field name of a fault that concerns the submission as a whole."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with one field: its dotted name (`training.0.attendees`) and a sentence that helps."""

    field: str
    problem: str

    def __str__(self) -> str:
        return f"{self.field}: {self.problem}"


class SubmissionFaults(ValueError):
    """A submission cannot be accepted; every fault found is in `faults`, never only the first."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        self.faults = faults
        super().__init__("; ".join(map(str, faults)))
