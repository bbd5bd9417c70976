"""What the status note says in each state, and what it must never do: call anybody, run anything, change for nothing.

`RENEW_GOLDEN=1 pytest tests/test_status_note.py` writes the whole example in tests/golden anew.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.engagement import EngagementId
from app.keys import RecordKeys
from app.machine.scene import IssueView, Scene
from app.machine.standing import Approval, Paper, Place, Standing, Verdict
from app.methodology import Methodology, load_methodology
from app.methodology.parts import IssueKind
from app.sandbox.quick_actions import extract
from app.signed_record import seal, unseal
from app.status_note import StatusView, Waiting, status_mark, status_note, waiting_on
from app.text import find_markers
from tests.properties.gfm_model import read
from tests.properties.strategies import nasty_texts
from tests.walks import with_digests

GOLDEN = Path(__file__).parent / "golden" / "status_note_estimate_feedback.md"
SCOPING, INTAKE = IssueKind.SCOPING, IssueKind.INTAKE
ACME = EngagementId("7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b")
METHODOLOGY = load_methodology(None)
PEOPLE = {"em": ("erin",), "ta": ("tara", "tom"), "account_team": ("alice",), "leadership": ("lea",), "pc": ("petra",)}
ESTIMATE = "https://docs.google.com/spreadsheets/d/1"


def at(day: int) -> float:
    return datetime(2026, 11, day, 9, tzinfo=UTC).timestamp()


def estimate(amount: str = "62000", *, version: int = 2, day: int = 21, url: str | None = ESTIMATE) -> Paper:
    return Paper(version, "erin", at(day), url, Decimal(amount), "USD", "ff")


def sow(*, day: int = 19) -> Paper:
    return Paper(1, "erin", at(day), "https://docs.google.com/document/d/2")


def yes(by: str, *, version: int = 1, day: int = 20) -> Approval:
    return Approval(Verdict.PASSED, by, at(day), version, papers={"estimate": estimate("60000", version=version)})


def no(by: str, *, version: int = 1, day: int = 20) -> Approval:
    return Approval(Verdict.FAILED, by, at(day), version, papers={"sow": sow()}, words="too thin")


def view(
    proposal: str = "estimate_feedback",
    intake: str = "needs_info",
    *,
    on: IssueKind = SCOPING,
    left: str | None = None,
    scene: dict[str, Any] | None = None,
    people: dict[str, tuple[str, ...]] | None = None,
    alone: bool = False,
    **facts: Any,
) -> StatusView:
    places = {"proposal": Place(proposal, at(20), left), "intake": Place(intake, at(18))}
    if alone:
        places.pop("proposal")
    return StatusView(
        engagement=ACME,
        on=on,
        standing=with_digests(Standing(places=places, **facts), METHODOLOGY),
        scene=Scene(issues={kind: IssueView(frozenset(), is_open=True) for kind in IssueKind}, **(scene or {})),
        bot="psplan-bot",
        people=PEOPLE if people is None else people,
        other_iid=13 if on is SCOPING else 12,
        opportunity_url="https://example.my.salesforce.com/0061",
    )


def note(*states: str, methodology: Methodology = METHODOLOGY, **changes: Any) -> str:
    return status_note(view(*states, **changes), methodology)


def above_fold(text: str) -> str:
    return text.partition("<details>")[0]


FEEDBACK: dict[str, Any] = {
    "papers": {"estimate": estimate()},
    "approvals": {"ta": yes("tara", day=19)},
    "asked": {"ta": 2},
}


def test_a_whole_note_reads_as_the_example_that_is_kept() -> None:
    written = note(**FEEDBACK)
    if os.environ.get("RENEW_GOLDEN"):
        GOLDEN.parent.mkdir(exist_ok=True)
        GOLDEN.write_text(written + "\n", encoding="utf-8")
    assert written + "\n" == GOLDEN.read_text(encoding="utf-8")


HEADLINES = {
    "at the start": (
        {"proposal": "open"},
        "**Stage 1 of 4, Positioning: An EM looks at the request for the first time** (Open), since 2026-11-20",
    ),
    "under way": (
        {"proposal": "estimate_feedback"},
        "**Stage 2 of 4, Scoping: Iterate and review the estimate** (Estimate Feedback), since 2026-11-20",
    ),
    "the intake": (
        {"on": INTAKE},
        "**Scheduling: Gather what scheduling needs** (Needs Info); the engagement is at stage 2 of 4, Scoping, "
        "since 2026-11-18",
    ),
    "an intake of its own": (
        {"on": INTAKE, "alone": True},
        "**Stage 3 of 4, Delivery Prep: Gather what scheduling needs** (Needs Info), since 2026-11-18",
    ),
    "on hold": (
        {"proposal": "on_hold", "left": "sow_wip"},
        "**On Hold: May still happen; the timing slipped** (Scoping), since 2026-11-20",
    ),
    "won": (
        {"proposal": "closed_won"},
        "**Closed Won: The engagement is won** (Scoping), on 2026-11-20",
    ),
    "lost": ({"proposal": "closed_lost"}, "**Closed Lost: The engagement was lost** (Scoping), on 2026-11-20"),
    "cancelled": (
        {"on": INTAKE, "intake": "cancelled"},
        "**Cancelled: Not going to happen** (Scheduling), on 2026-11-18",
    ),
}


@pytest.mark.parametrize(("changes", "headline"), HEADLINES.values(), ids=HEADLINES)
def test_it_begins_with_its_marker_and_says_in_the_words_of_the_methodology_where_the_issue_stands(
    changes: dict[str, Any], headline: str
) -> None:
    lines = note(**changes).split("\n")
    assert lines[:3] == [status_mark(ACME, changes.get("on", SCOPING)), "", headline]


def test_the_path_shows_what_is_behind_and_what_is_ahead() -> None:
    assert "\n✓ Draft → ✓ Needs Info → ● Ready → ○ Staffing → ○ Staffed → ○ Scheduled\n" in note(
        "sow_wip", "ready", on=INTAKE
    )


WAITING = {
    "the owner of what is missing": (
        {"proposal": "awaiting_discovery", "scene": {"open_questions": ("users_current",)}},
        Waiting(("account_team",), at(20), ("Every required question is answered",)),
    ),
    "all who own something that is missing": (
        {"proposal": "estimate_feedback"},
        Waiting(
            ("em", "account_team"),
            at(20),
            (
                "Customer and account team agree on price and scope",
                "The contract terms are known (MSA, or standard terms)",
            ),
        ),
    ),
    "the DRI when nothing is missing": (
        {"proposal": "awaiting_discovery"},
        Waiting(("em",), at(20), ("the move to Strawman",)),
    ),
    "who reviews, since the document is there": (
        {"proposal": "estimate_feedback", **FEEDBACK},
        Waiting(("ta",), at(21), ("TA review",)),
    ),
    "who reviews, since the state was entered": (
        {"proposal": "ready_for_approval", "papers": {"sow": sow()}, "asked": {"rdm": 1, "leadership": 1},
         "approvals": {"rdm": yes("rita")}},
        Waiting(("leadership",), at(20), ("Approval of PS leadership",)),
    ),
    "who reviews, since an earlier state": (
        {"proposal": "estimate_feedback", "papers": {"estimate": estimate(day=17)}, "asked": {"ta": 2}},
        Waiting(("ta",), at(17), ("TA review",)),
    ),
    "who reviewed and asked for changes": (
        {"proposal": "sow_wip", "papers": {"sow": sow()}, "asked": {"rdm": 1}, "approvals": {"rdm": no("rita")}},
        Waiting(("em",), at(20), ("RDM review",)),
    ),
    "nobody for a review of an older version": (
        {"proposal": "awaiting_discovery", "papers": {"estimate": estimate()}, "asked": {"ta": 1}},
        Waiting(("em",), at(20), ("the move to Strawman",)),
    ),
    "nobody on hold": ({"proposal": "on_hold", "left": "sow_wip", **FEEDBACK}, None),
    "nobody when won": ({"proposal": "closed_won"}, None),
    "nobody when lost": ({"proposal": "closed_lost"}, None),
    "nobody at the last state": ({"on": INTAKE, "intake": "scheduled"}, None),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "expected"), WAITING.values(), ids=WAITING)
def test_it_waits_on(changes: dict[str, Any], expected: Waiting | None) -> None:
    seen = view(**changes)
    assert waiting_on(seen.on, seen.standing, seen.scene, METHODOLOGY) == expected


SAID = {
    "whom it waits on, with names as code and a date": (
        {"proposal": "estimate_feedback", **FEEDBACK},
        "**Waiting on:** Technical Architect (`tara`, `tom`) since 2026-11-21: TA review",
    ),
    "several whom it waits on": (
        {"proposal": "estimate_feedback"},
        "**Waiting on:** Engagement Manager (`erin`) and Account team (`alice`) since 2026-11-20",
    ),
    "the first of many names": (
        {"proposal": "open", "people": {"em": ("a", "b", "c", "d", "e")}},
        "Engagement Manager (`a`, `b`, `c`, 2 more)",
    ),
    "that nobody is named": ({"proposal": "open", "people": {}}, "Engagement Manager (nobody is named)"),
    "a gate that holds the move back, in bold": (
        {"proposal": "estimate_feedback", **FEEDBACK},
        "**Missing for SOW:** (what is bold holds the move back)\n\n- **TA review**: asked for (Technical Architect)\n"
        "- Customer and account team agree on price and scope (Engagement Manager; `/ps agree`)\n",
    ),
    "a gate that asks for changes": (
        {"proposal": "sow_wip", "papers": {"sow": sow()}, "approvals": {"rdm": no("rita")}},
        "- **RDM review**: changes requested (Regional Delivery Manager; "
        "`rita` said no to SOW version 1 on 2026-11-20: `too thin`)",
    ),
    "a gate that only advises, once": (
        {"proposal": "sow_wip"},
        "- Cost sheet (COGS): open (Engagement Manager; `/ps cogs URL`)\n"
        "- The SOW is on record (Engagement Manager; `/ps sow URL`)\n"
        "- Account team and customer reviewed the SOW (Engagement Manager; "
        "tick “SOW data reviewed by the account team”)\n",
    ),
    "what is there already": (
        {"proposal": "sow_wip", "papers": {"sow": sow()}, "approvals": {"rdm": yes("rita")}},
        "- Already there: RDM review",
    ),
    "that nothing is missing": ({"proposal": "awaiting_discovery"}, "**Missing for Strawman:** nothing\n"),
    "the way on": ({"proposal": "open"}, "- To Awaiting Discovery: `/ps next` (or label "
    "`proposal::Awaiting_Discovery`), even if something"),
    "the way on when nothing is missing": (
        {"proposal": "awaiting_discovery"}, "- To Strawman: `/ps next` (or label `proposal::Strawman_WIP`)\n",
    ),
    "the way on behind a gate": (
        {"proposal": "sow_wip"},
        "- To Ready For Approval: `/ps next` (or label `proposal::Ready For Approval`), when what is bold is there\n",
    ),
    "the way on that is gone by itself": (
        {"proposal": "approved", "papers": {"sow": sow()},
         "approvals": {"rdm": yes("rita"), "revenue": yes("rob"), "leadership": yes("lea")}},
        "- To Closed Won: `/ps next` (or label `proposal::Closed_Won`), or by itself as soon as: "
        "Salesforce says closed-won\n",
    ),
    "how a review is answered of what is not on record": (
        {"proposal": "sow_wip"},
        "- RDM review (Regional Delivery Manager): label `RDM::approved` or `RDM::changes-requested`\n",
    ),
    "how a review is answered": (
        {"proposal": "estimate_feedback", **FEEDBACK},
        "- TA review (Technical Architect): `/ps ta approve` or `/ps ta reject REASON` (or label "
        "`TA::Approved` or `TA::Changes-Requested`)\n",
    ),
    "a yes that is the move itself": (
        {"proposal": "ready_for_approval", "papers": {"sow": sow()}},
        "- Approval of PS leadership (PS leadership): `/ps approve` or `/ps reject REASON` (or "
        "label `proposal::Approved`)\n- Or else:",
    ),
    "the other ways": (
        {"proposal": "estimate_feedback"},
        "- Or else: Strawman `/ps back`, Closed Lost `/ps lost REASON`, On Hold `/ps hold`",
    ),
    "where an issue on hold goes back to": (
        {"proposal": "on_hold", "left": "sow_wip"},
        "**Waiting on:** nobody while it is on hold. It was at **SOW**.\n\n**Next:**\n\n"
        "- To resume: `/ps resume`, or take the label `proposal::On_hold` off; it goes back to SOW.\n",
    ),
    "how a lost one is opened again": (
        {"proposal": "closed_lost", "left": "sow_wip"},
        "**To open it again:** `/ps resume`, or reopen the issue; it goes back to SOW. That is "
        "for the Engagement Manager (`erin`).",
    ),
    "what is missing at the end": (
        {"proposal": "closed_lost"}, "**Still missing:** The reason is set (Engagement Manager)\n",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), SAID.values(), ids=SAID)
def test_above_the_fold_it_says(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in above_fold(note(**changes))


FOLDED = {
    "who passed a gate, when, and which version": (
        {"approvals": {"ta": yes("tara", version=2)}, "papers": {"estimate": estimate()}},
        "| TA review | passed | `tara`, 2026-11-20, estimate version 2 |",
    ),
    "that a yes was for an older version": (
        {**FEEDBACK}, "| TA review | asked for | `tara` said yes to estimate version 1 on 2026-11-19 (changed since) |",
    ),
    "that a gate is not needed": (
        {"papers": {"estimate": estimate("50000")}}, "| TA review | not needed | — |",
    ),
    "who can pass a gate": ({}, "| Legal stamp | open | Legal |"),
    "that a gate is passed by what is on record": (
        {"papers": {"cogs": sow()}}, "| Cost sheet (COGS) | passed | by what is on record |",
    ),
    "a document with its worth and place": (
        {"papers": {"estimate": estimate()}},
        "- Estimate: version 2, `62,000 USD` (fixed fee), \u200b[`open it`](https://docs.google.com/spreadsheets/d/1), "
        "`erin`, 2026-11-21\n",
    ),
    "a document elsewhere as code": (
        {"papers": {"estimate": estimate(url="https://evil.example/x")}}, "`https://evil.example/x`",
    ),
    "the version of a document, however often it was opened again": (
        {"papers": {"sow": sow()}, "reopened": {"sow": 1}},
        "- SOW: version 1, \u200b[`open it`](https://docs.google.com/document/d/2), `erin`, 2026-11-19\n",
    ),
    "the other track in one line": ({}, "- Scheduling (#13)\n"),
    "the other track, from the intake": ({"on": INTAKE}, "- Scoping (#12)\n"),
    "the opportunity": ({}, "- Salesforce: \u200b[`services opportunity`](https://example.my.salesforce.com/0061)\n"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "sentence"), FOLDED.values(), ids=FOLDED)
def test_below_the_fold_it_says(changes: dict[str, Any], sentence: str) -> None:
    assert sentence in note(**changes).partition("<details>")[2]


def test_the_intake_lists_the_first_fields_in_short_and_what_is_not_ready() -> None:
    missing = ("sow_link", "customer_contacts", *list(METHODOLOGY.intake_fields)[10:20])
    text = note(on=INTAKE, scene={"fields_missing": missing, "ticked": frozenset({"readiness.close_plan"})})
    assert "**Fields to fill:** SOW or order form; Customer contacts; " in text
    assert "; and 4 more\n" in text
    assert "- Forecast category is Commit (Account team)\n" in text
    assert "Close plan is agreed" not in text
    assert "This issue is filled in" not in text, "the fields say it"
    assert "**Missing for Ready:**" not in text, "the two lists say it"


def test_a_filled_intake_lists_nothing() -> None:
    text = note(
        "sow_wip", "ready", on=INTAKE, scene={"ticked": frozenset(f"readiness.{k}" for k in METHODOLOGY.readiness)}
    )
    assert "Fields to fill" not in text
    assert "Not ready" not in text
    assert "**Missing for Staffing:**\n\n- A PC is named (Project Coordinator; `/ps staff pc @USER`)\n" in text


def test_documents_stand_on_the_intake_only_where_there_is_no_scoping_issue() -> None:
    both = view(on=INTAKE, **FEEDBACK)
    alone = replace(both, scene=Scene(issues={INTAKE: IssueView(frozenset(), is_open=True)}), other_iid=None)
    assert "Estimate: version" not in status_note(both, METHODOLOGY)
    assert "Estimate: version" in status_note(alone, METHODOLOGY)


def test_an_issue_without_states_has_a_note_all_the_same() -> None:
    tracks = {"proposal": METHODOLOGY.tracks["proposal"]}
    text = note(on=INTAKE, methodology=METHODOLOGY.model_copy(update={"tracks": tracks}))
    assert "This issue has no states of its own." in text
    assert "(#12)" in text


def test_commands_stand_in_the_list_of_what_is_next() -> None:
    text = above_fold(note("sow_wip", papers={"sow": sow()}))
    assert "`/ps rdm approve` or `/ps rdm reject REASON`" in text
    assert "- More: `/ps help`, `/ps status`" in text


def test_of_a_pause_it_says_until_when_and_why() -> None:
    paused = view("on_hold", left="sow_wip")
    place = replace(paused.standing.places["proposal"], until="2027-01-10", words="budget `freeze`")
    held = replace(paused, standing=paused.standing.at("proposal", place))
    assert "since 2026-11-20, until 2027-01-10: `budget `&#96;`freeze`&#96;" in status_note(held, METHODOLOGY)


STATES = [(SCOPING, name) for name in METHODOLOGY.tracks["proposal"].states] + [
    (INTAKE, name) for name in METHODOLOGY.tracks["intake"].states
]


def in_state(on: IssueKind, state: str, **facts: Any) -> StatusView:
    return view(state, on=on, **facts) if on is SCOPING else view(intake=state, on=on, **facts)


@pytest.mark.parametrize(("on", "state"), STATES, ids=[state for _, state in STATES])
def test_in_every_state_it_calls_nobody_runs_nothing_and_can_be_read_on_a_phone(on: IssueKind, state: str) -> None:
    missing = tuple(METHODOLOGY.intake_fields)
    text = status_note(in_state(on, state, scene={"fields_missing": missing}, **FEEDBACK), METHODOLOGY)
    reading = read(text)
    assert [each for each in reading.live if not re.match(r"issue: '#1[23]\)", each)] == []
    assert extract(text).commands == ()
    assert len(reading.shown) < 2_800
    assert max(line.count("|") for line in text.split("\n")) <= 4, "three columns"
    assert [marker.kind for marker in find_markers(text)] == ["status"]


def test_what_happens_on_the_other_track_changes_nothing() -> None:
    before = note("sow_wip", "needs_info", **FEEDBACK)
    after = note(
        "sow_wip", "ready", scene={"fields_missing": ("sow_number",), "ticked": frozenset({"readiness.close_plan"})},
        **FEEDBACK,
    )  # fmt: skip
    assert before == after
    quiet = note("sow_wip", "staffing", on=INTAKE)
    assert quiet == note("sow_wip", "staffing", on=INTAKE, **FEEDBACK)


def test_the_order_in_which_facts_were_recorded_does_not_matter() -> None:
    papers = {"sow": sow(), "estimate": estimate(), "cogs": sow()}
    assert note(papers=papers) == note(papers=dict(reversed(papers.items())))


def test_the_record_behind_the_note_can_be_read() -> None:
    keys = RecordKeys([b"k" * 32])
    for on, state in STATES:
        seen = in_state(on, state)
        record = seal(seen.standing.to_record(), keys, engagement=ACME, on=on)
        whole = f"{status_note(seen, METHODOLOGY)}\n\n{record}"
        assert unseal(whole, keys, engagement=ACME, on=on) == seen.standing.to_record()


@settings(deadline=None)
@given(words=nasty_texts(), other=nasty_texts())
def test_no_word_of_a_stranger_breaks_it(words: str, other: str) -> None:
    seen = view(
        papers={"estimate": Paper(1, words, at(3), other, Decimal("1"), other, words)},
        approvals={"ta": Approval(Verdict.PASSED, other, at(3), 1)},
        scene={"fields_missing": (words,)},
        people={"em": (words, other)},
    )
    for on in IssueKind:
        text = status_note(replace(seen, on=on, opportunity_url=words, bot=other), METHODOLOGY)
        plain = status_note(replace(view(papers={"estimate": estimate()}), on=on), METHODOLOGY)
        assert [each for each in read(text).live if not re.match(r"issue: '#13\)", each)] == []
        assert extract(text).commands == ()
        assert read(text).html == read(plain).html
        assert [marker.kind for marker in find_markers(text)] == ["status"]


@given(seconds=st.integers(int(at(20)), int(at(20)) + 3600))
def test_it_changes_with_the_day_only(seconds: int) -> None:
    standing = Standing(places={"proposal": Place("sow_wip", seconds)})
    assert status_note(replace(view(), standing=standing), METHODOLOGY) == status_note(
        replace(view(), standing=Standing(places={"proposal": Place("sow_wip", at(20))})), METHODOLOGY
    )
    assert not re.search(r"\d\d:\d\d", note())
