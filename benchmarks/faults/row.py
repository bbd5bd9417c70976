"""One line of the record."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """What was done, how often, and what came of it; `is_good`: as promised."""

    fault: str
    times: str
    outcome: str
    is_good: bool

    def line(self) -> str:
        """As a line of a table."""
        return f"| {self.fault} | {self.times} | {self.outcome} | {'yes' if self.is_good else '**no**'} |"


HEAD = "| what was done | how often | what came of it | as promised |\n| --- | --- | --- | --- |"
