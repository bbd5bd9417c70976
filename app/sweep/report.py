"""What a sweep found, for the log, the command line and the metrics."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import structlog

log = structlog.get_logger()


@dataclass(slots=True)
class Swept:
    """Counts of one sweep. `lanes`: where there is work now; `troubles`: what could not be looked at, and why.

    `cut`: lists that are longer than what is read at once; where there is a way to go on, the next sweep does.
    """

    issues: int = 0
    looked_into: int = 0
    comments: int = 0
    changes: int = 0
    from_log: int = 0
    rebuilt: int = 0
    opportunities: int = 0
    hook: str = "not looked at"
    lanes: set[str] = field(default_factory=set)
    troubles: list[str] = field(default_factory=list)
    cut: list[str] = field(default_factory=list)

    def was_cut(self, told: str) -> None:
        """A list was longer than what is read of it."""
        log.warning("sweep.list_cut", told=told)
        self.cut.append(told)

    @property
    def missed(self) -> int:
        """How much had not been delivered."""
        return self.comments + self.changes + self.from_log

    def to_record(self) -> dict[str, Any]:
        """As JSON."""
        return {**asdict(self), "lanes": sorted(self.lanes)}

    def in_words(self) -> list[str]:
        """For a terminal."""
        told = [f"looked at {_number(self.issues, 'issue')}, into {self.looked_into} that had changed"]
        found = f"{_number(self.comments, 'comment')} and {_number(self.changes, 'change')}"
        if self.missed:
            told.append(f"missed until now: {found}")
        elif not self.troubles:
            told.append("nothing was missed")
        if self.from_log:
            told.append(f"taken from GitLab's log of failed deliveries: {self.from_log}")
        if self.opportunities:
            told.append(f"changed in Salesforce: {_number(self.opportunities, 'opportunity', 'opportunities')}")
        if self.rebuilt:
            told.append(f"rebuilt from GitLab: {_number(self.rebuilt, 'engagement')}")
        told.append(f"webhook: {self.hook}")
        told += [f"longer than is read at once: {each}" for each in self.cut]
        return told + [f"trouble: {each}" for each in self.troubles]


def _number(count: int, noun: str, many: str | None = None) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {many or noun + 's'}"
