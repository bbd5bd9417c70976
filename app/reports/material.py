"""What reports are made of: engagements, their moves and the verdicts, for some of them or for all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Final
from zoneinfo import ZoneInfo

from app.methodology.model import Methodology
from app.methodology.parts import IssueKind
from app.methodology.process import ENDS, Kind, Track
from app.pipeline import Entered, Judged, Listed

NO_QUARTER: Final = "no date"
NO_SEGMENT: Final = "no segment"


@dataclass(frozen=True)
class Material:
    """What the reports are made of: engagements at their place on the scoping track, their moves, and verdicts."""

    engagements: Sequence[Listed]
    entered: Sequence[Entered]
    judged: Sequence[Judged]
    methodology: Methodology
    now: datetime

    @cached_property
    def track(self) -> Track:
        """The track that everything is counted on."""
        return self.methodology.tracks[scoping_track(self.methodology)]

    @cached_property
    def visits(self) -> Mapping[str, Sequence[Entered]]:
        """Engagement → its moves in the order of time."""
        found: dict[str, list[Entered]] = defaultdict(list)
        for each in self.entered:
            found[each.engagement_id].append(each)
        return found

    def kind(self, engagement: Listed) -> Kind:
        """What its state means; a state that the methodology no longer has is a step."""
        state = self.track.states.get(engagement.state)
        return Kind.STEP if state is None else state.kind

    def title(self, state: str) -> str:
        """What a state is called."""
        return self.track.states[state].title if state in self.track.states else state

    def closing_day(self, engagement: Listed) -> date | None:
        """When it ended; of what has not ended, when it is expected to."""
        if self.kind(engagement) in ENDS:
            return self.day(engagement.since)
        return None if engagement.expected_close is None else date.fromisoformat(engagement.expected_close)

    def day(self, moment: float) -> date:
        """The day of a moment, where the team works."""
        return datetime.fromtimestamp(moment, UTC).astimezone(ZoneInfo(self.methodology.time_zone)).date()

    def quarter(self, engagement: Listed) -> str:
        """In which quarter it closed, or is expected to."""
        day = self.closing_day(engagement)
        return NO_QUARTER if day is None else self.methodology.fiscal.quarter(day)

    def worth(self, engagement: Listed) -> Decimal:
        """Its estimate in the methodology's currency; nothing where there is none, or no rate for its currency."""
        rate = self.methodology.money.rates.get(engagement.currency or "")
        return Decimal(0) if engagement.amount is None or rate is None else Decimal(engagement.amount) * rate

    def only(self, *, quarter: str | None, segment: str | None) -> Material:
        """The same for the engagements of one closing quarter, or segment."""
        kept = [
            each
            for each in self.engagements
            if quarter in {None, self.quarter(each)} and segment in {None, each.segment or NO_SEGMENT}
        ]
        if len(kept) == len(self.engagements):
            return self
        idents = {each.engagement_id for each in kept}
        return Material(
            kept,
            [each for each in self.entered if each.engagement_id in idents],
            [each for each in self.judged if each.engagement_id in idents],
            self.methodology,
            self.now,
        )

    @cached_property
    def quarters(self) -> tuple[str, ...]:
        """All closing quarters, the earliest first."""
        days = {day for each in self.engagements if (day := self.closing_day(each)) is not None}
        fiscal = self.methodology.fiscal
        known = {fiscal.place(day): fiscal.quarter(day) for day in days}
        dated = tuple(known[place] for place in sorted(known))
        return (*dated, NO_QUARTER) if any(self.closing_day(each) is None for each in self.engagements) else dated

    @cached_property
    def segments(self) -> tuple[str, ...]:
        """All segments that there are engagements of."""
        return tuple(sorted({each.segment or NO_SEGMENT for each in self.engagements}))


def scoping_track(methodology: Methodology) -> str:
    """The track that an engagement is counted on: that of its scoping issue."""
    return next((name for name, track in methodology.tracks.items() if track.on is IssueKind.SCOPING), "")
