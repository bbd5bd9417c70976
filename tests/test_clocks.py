"""When a clock runs out."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app.clocks import due_at
from app.methodology.model import Clock, Counting


@pytest.mark.parametrize(
    ("start", "hours", "counts", "due"),
    [
        pytest.param("2026-11-20 12:00", 24, Counting.HOURS, "2026-11-21 12:00", id="hours run through the weekend"),
        pytest.param("2026-11-20 12:00", 24, Counting.BUSINESS_DAYS, "2026-11-23 12:00", id="Friday to Monday"),
        pytest.param("2026-11-21 12:00", 24, Counting.BUSINESS_DAYS, "2026-11-24 12:00", id="from a Saturday"),
        pytest.param("2026-11-17 09:00", 72, Counting.BUSINESS_DAYS, "2026-11-20 09:00", id="within a week"),
        pytest.param("2026-11-19 09:00", 48, Counting.BUSINESS_DAYS, "2026-11-23 09:00", id="over a weekend"),
    ],
)
def test_a_clock_runs_out(start: str, hours: int, counts: Counting, due: str) -> None:
    begun = datetime.fromisoformat(start).replace(tzinfo=UTC)
    assert due_at(begun, Clock(hours=hours, counts=counts)) == datetime.fromisoformat(due).replace(tzinfo=UTC)
