"""The reports against three engagements whose numbers are worked out by hand."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.methodology import load_methodology
from app.pages.plots import plot
from app.pipeline import Entered, Judged, Listed
from app.reports import Material, made, names

DAY = 86_400.0
HOUR = 3_600.0
BEGUN = datetime(2026, 3, 2, 9, tzinfo=UTC).timestamp()  # a Monday in Q127: that year begins in February
NOW = datetime(2026, 6, 1, tzinfo=UTC)


def _listed(ident: str, state: str, since: float, **more: Any) -> Listed:
    given: dict[str, Any] = {
        "engagement_id": ident,
        "customer": ident,
        "segment": "SMB",
        "leads": "erin",
        "is_confidential": False,
        "amount": None,
        "currency": None,
        "expected_close": None,
        "due": None,
        "begun_at": BEGUN,
        "scoping_url": None,
        "intake_url": None,
        "state": state,
        "since": since,
        "roles": "em",
        "what": "",
        "waits_since": None,
    }
    return Listed(**{**given, **more})


def _went(ident: str, *way: tuple[str, float]) -> list[Entered]:
    """States with the days after the beginning at which they were entered; `<` before a name is a step back."""
    found, came_from = [], None
    for state, days in way:
        name = state.removeprefix("<")
        found.append(Entered(ident, came_from, name, BEGUN + days * DAY, state != name))
        came_from = name
    return found


# won: 2 days open, 4 in discovery, 6 as a strawman, then straight to the end on day 20
# lost: 1 day open, 3 in discovery, back to open, lost on day 10
# open: 90 days where it began
MATERIAL = Material(
    [
        _listed("won", "closed_won", BEGUN + 20 * DAY, amount="1000.50", currency="EUR"),
        _listed("lost", "closed_lost", BEGUN + 10 * DAY, segment="Ent_EMEA"),
        _listed("open", "open", BEGUN, expected_close="2026-09-30"),
    ],
    [
        *_went("won", ("open", 0), ("awaiting_discovery", 2), ("strawman_wip", 6), ("sow_wip", 12), ("closed_won", 20)),
        *_went("lost", ("open", 0), ("awaiting_discovery", 1), ("<open", 4), ("closed_lost", 10)),
        *_went("open", ("open", 0)),
    ],
    [
        Judged("won", "ta", "failed", "tara", BEGUN, BEGUN + 10 * HOUR),
        Judged("won", "ta", "passed", "tara", BEGUN, BEGUN + 30 * HOUR),
    ],
    load_methodology(),
    NOW,
)


@pytest.mark.parametrize(
    ("name", "row"),
    [
        pytest.param("funnel", ("Open", 3, 100.0, 1), id="all three began"),
        pytest.param("funnel", ("Awaiting Discovery", 2, 66.7, 0), id="two came to discovery, one of them went back"),
        pytest.param("funnel", ("Estimate Feedback", 1, 33.3, 0), id="what was skipped was passed"),
        pytest.param("win-rate", ("Q127 SMB", 1, 0, 100.0, Decimal(1101)), id="1,000.50 EUR are 1,100.55 USD"),
        pytest.param("win-rate", ("Q127 Ent_EMEA", 0, 1, 0.0, Decimal(0)), id="the lost one is of another segment"),
        pytest.param("time-in-state", ("Open", 3, 2.0, 6.0), id="1, 2 and 6 days in Open; what lasts is not counted"),
        pytest.param("time-in-state", ("Awaiting Discovery", 2, 3.5, 4.0), id="3 and 4 days in discovery"),
        pytest.param("first-touch", ("Q127", 2, 36.0, 48.0, 33.3), id="24 h are in time, 48 h and never are not"),
        pytest.param("reviews", ("TA review", 2, 20.0, 30.0, 50.0), id="10 and 30 hours, one of them sent back"),
        pytest.param("rework", ("Open", 1, 1), id="one step back"),
        pytest.param("backlog", ("Open", 0, 0, 0, 0, 1), id="open for longer than eight weeks"),
    ],
)
def test_a_report_says(name: str, row: tuple[object, ...]) -> None:
    assert row in made(name, MATERIAL).rows


@pytest.mark.parametrize(
    ("quarter", "segment", "kept"),
    [
        (None, None, {"won", "lost", "open"}),
        ("Q127", None, {"won", "lost"}),
        ("Q327", None, {"open"}),
        ("Q127", "SMB", {"won"}),
        ("Q427", None, set()),
    ],
)
def test_it_is_made_for_a_closing_quarter_and_a_segment(
    quarter: str | None, segment: str | None, kept: set[str]
) -> None:
    some = MATERIAL.only(quarter=quarter, segment=segment)
    assert {each.engagement_id for each in some.engagements} == kept
    assert {each.engagement_id for each in some.entered} == kept


@pytest.mark.parametrize("name", names())
def test_of_nothing_a_report_is_made_and_not_drawn(name: str) -> None:
    nothing = Material([], [], [], load_methodology(), NOW)
    assert plot(made(name, nothing)) is None


@pytest.mark.parametrize("name", names())
def test_the_longest_bar_or_mark_fills_the_picture(name: str) -> None:
    drawn = plot(made(name, MATERIAL))
    assert drawn is not None
    ends = [part.x + part.width for bar in drawn.bars for part in bar.parts]
    marks = [bar.mark for bar in drawn.bars if bar.mark is not None]
    assert max(ends + marks) == pytest.approx(100, abs=0.2)
