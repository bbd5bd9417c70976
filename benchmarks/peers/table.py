"""The comparison as a table: medians over the rounds for what is timed, sums for what the kills cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median

from benchmarks.peers.phases import BURST, CONNECTIONS, RATE, Answers, Killed, Way

HEAD = (
    f"| | what it has done when it answers | acknowledgements/s, {CONNECTIONS} connections |"
    f" event to effect at {RATE:.0f}/s, p50 / p99 ms | CPU ms per event | effects/s, {BURST} events at once |"
    " events around the kills | of them told again | lost | doubled (told again) |\n"
    "| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |"
)


@dataclass(slots=True)
class Found:
    """What the rounds found of one contestant, or why there is nothing."""

    name: str
    answers: str
    lack: str | None
    answered: list[Answers] = field(default_factory=list)
    ways: list[Way] = field(default_factory=list)
    killed: list[Killed] = field(default_factory=list)

    def line(self) -> str:
        """As a line of the table."""
        if self.lack is not None:
            return f"| {self.name} | not measured: {self.lack} | | | | | | | | |"
        refused = sum(each.refused for each in self.answered)
        warning = f" ({refused:,} refused!)" if refused else ""
        return (
            f"| {self.name} | {self.answers} | {median([each.per_second for each in self.answered]):,.0f}{warning} |"
            f" {median([each.p50_ms for each in self.ways]):.1f} / {median([each.p99_ms for each in self.ways]):.1f} |"
            f" {median([each.cpu_ms for each in self.ways]):.1f} |"
            f" {median([each.burst_per_second for each in self.ways]):,.0f} |"
            f" {sum(each.acknowledged for each in self.killed):,} | {sum(each.repeated for each in self.killed):,} |"
            f" {sum(each.lost for each in self.killed):,} | {self._doubled()} |"
        )

    def _doubled(self) -> str:
        doubled = sum(each.doubled for each in self.killed)
        return f"{doubled:,} ({sum(each.doubled_by_repeating for each in self.killed):,})" if doubled else "0"
