"""A quarter of a small team, lived in a moment: nobody is told anything twice, nor when nobody works."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.quarter import by_clock, live


@pytest.mark.timeout(240)
def test_in_a_quarter_nobody_is_told_anything_twice_or_at_rest(tmp_path: Path) -> None:
    told = live(tmp_path, 6, seed=3)
    assert told.engagements == 6
    assert told.doubled == 0
    assert told.at_rest == []
    assert told.digests
    assert sum(sum(count.values()) for count in by_clock(told).values()) > 3
    assert told.in_slack
