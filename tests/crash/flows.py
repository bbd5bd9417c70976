"""Every kind of flow through the service, to be ended by kill -9 at each of its points.

A flow is prepared undisturbed; from then on the process may die; and something undisturbed comes after it, which shows
that the service goes on from there as if nothing had been.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from app.chat_events import Announced, ButtonPressed, PressHeard, Whispered
from app.events import (
    ClockStruck,
    CommentPosted,
    DigestDue,
    IssueChanged,
    LetterWritten,
    Parked,
    SubmissionReceived,
)
from app.operations import REPLAY, SWEEP
from app.salesforce_events import (
    Asked,
    CaseChanged,
    CaseRead,
    CaseWanted,
    FinanceWanted,
    OpportunityChanged,
    OpportunityRead,
    OpportunityWanted,
    OpportunityWritten,
)
from app.sandbox.faults import Fault, FaultKind
from app.slack_blocks import APPROVE
from tests.crash.life import Life, life, seen
from tests.harness import submission
from tests.salesforce_stage import new_opportunity

ID: Final = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
FIRST: Final = submission(submission_id=ID)
CHANGED: Final = submission(submission_id=ID, customer_name="Acme Europe SE", services=["migration_scm", "security"])
BY_HAND: Final = submission(submission_id="0d1f4c1e-6a43-4a55-9f53-0c5b8f4f2a77", services=["readiness"])
BLOCK: Final = f"```psplan-submission\n{json.dumps(BY_HAND)}\n```"
SOME_DAY: Final = "2099-12-01"
FOR_EVER: Final = 10**9

Step = Callable[[Life], object]


def nothing(_: Life) -> None:
    """No step."""


@dataclass(frozen=True, slots=True)
class Flow:
    """What happens, and which kinds of event and errand the service works on meanwhile."""

    name: str
    step: Step
    through: frozenset[object]
    before: Step = nothing
    after: Step = nothing
    process_says: str = ""
    """More lines of the process file."""
    has_chat: bool = False
    has_salesforce: bool = False


def _begun(on: Life) -> None:
    on.submit(FIRST)


def _talked(on: Life) -> None:
    _begun(on)
    on.say("erin", "/ps next")
    on.say("erin", "/ps answer users_current 800")


def _refused(on: Life) -> None:
    """GitLab lets the bot change no issue."""
    _begun(on)
    on.world.faults.add(Fault("PUT", r"/issues/\d+$", FaultKind.STATUS, status=403, times=FOR_EVER))


def _parked(on: Life) -> None:
    """A comment that could not be carried out, and an administrator who has seen to it since."""
    _refused(on)
    on.say("erin", "/ps next")
    on.world.faults.clear()


def _missed(on: Life) -> None:
    _begun(on)
    on.have_done(SWEEP)  # so that what is known is known
    on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    on.write_unheard("erin", "/ps answer users_current 800")
    on.write_unheard("erin", "/ps nonsense")


def _talked_of(on: Life) -> None:
    """Somebody said a word of which GitLab told nobody: only a clock looks for it."""
    _begun(on)
    on.write_unheard("erin", "I will look into this today.")


def _yesterday(on: Life) -> None:
    """There is an issue for digests, with one of the day before."""
    _begun(on)
    on.world.create_issue("root", title="Digests")
    on.dawn("2026-11-23")


def _asked_in_the_chat(on: Life) -> None:
    """A TA is asked for their yes, with buttons."""
    _begun(on)
    on.say("erin", "/ps next\n/ps next\n/ps estimate 62000 USD")


def _opportunity(on: Life) -> str:
    """The one of Salesforce's."""
    known = on.sales.of_kind("Opportunity")
    return known[0].id if known else new_opportunity(on.sales)


def _begun_in_salesforce(on: Life) -> None:
    """An engagement whose opportunity Salesforce knows."""
    on.submit({**FIRST, "sfdc_opportunity_url": _opportunity(on)})


def _ready_for_approval(on: Life) -> None:
    """Only the yes of PS leadership is missing."""
    _begun_in_salesforce(on)
    for who, words in (
        ("erin", "/ps stage strawman\n/ps estimate 62000 USD"),
        ("tara", "/ps ta approve"),
        ("erin", "/ps stage SOW_WIP\n/ps sow https://docs.google.com/document/d/2"),
        ("ravi", "/ps rdm approve"),
        ("erin", "/ps submit"),
        ("rhea", "/ps revenue approve"),
    ):
        on.say(who, words)
        on.wait_for_another_second()


def _move_opportunity(stage: str) -> Step:
    return lambda on: on.change_opportunity(_opportunity(on), StageName=stage)


def _lost(on: Life) -> None:
    _talked(on)
    on.lose_the_database()


def _replay(on: Life) -> None:
    on.have_done(REPLAY, id=2)


def _next(on: Life) -> None:
    on.say("erin", "/ps next")


FLOWS: Final = (
    Flow("a new submission", _begun, frozenset({SubmissionReceived}), after=_next),
    Flow("a revision", lambda on: on.submit(CHANGED), frozenset({SubmissionReceived}), before=_begun, after=_next),
    Flow(
        "a comment with commands",
        lambda on: on.say("erin", "/ps next\n/ps answer users_current 800\n/ps nonsense"),
        frozenset({CommentPosted}),
        before=_begun,
        after=_next,
    ),
    Flow(
        "a label that a person set",
        lambda on: on.change("erin", add_labels=["proposal::Awaiting_Discovery"]),
        frozenset({IssueChanged}),
        before=_begun,
        after=_next,
    ),
    Flow(
        "an issue that is closed",
        lambda on: on.change("erin", state_event="close"),
        frozenset({IssueChanged}),
        before=_begun,
        after=lambda on: on.change("erin", state_event="reopen"),
    ),
    Flow(
        "an issue that a person opened with a block",
        lambda on: on.open("alice", "Please scope this", BLOCK),
        frozenset({IssueChanged}),
        after=_next,
    ),
    Flow(
        "a comment that cannot be carried out, and is parked",
        lambda on: on.say("erin", "/ps next"),
        frozenset({CommentPosted, Parked}),
        before=_refused,
    ),
    Flow("a parked comment that is run again", _replay, frozenset({REPLAY, Parked}), before=_parked, after=_next),
    Flow(
        "a sweep that finds a label and two comments",
        lambda on: on.have_done(SWEEP),
        frozenset({SWEEP, IssueChanged, CommentPosted}),
        before=_missed,
        after=_next,
    ),
    Flow(
        "a meeting that is proposed, and mailed",
        lambda on: on.say("petra", f"/ps meeting pm-intro propose {SOME_DAY} 10:00", iid=2),
        frozenset({CommentPosted, LetterWritten}),
        before=_begun,
        after=lambda on: on.say("petra", f"/ps meeting pm-intro propose {SOME_DAY} 11:00", iid=2),
    ),
    Flow("a clock that strikes", lambda on: on.strike(), frozenset({ClockStruck}), before=_talked_of, after=_next),
    Flow(
        "a morning with a digest",
        lambda on: on.dawn("2026-11-24"),
        frozenset({DigestDue}),
        before=_yesterday,
        after=_next,
        # one who gets it: two lanes would write in either order
        process_says="digest: {issue: 3, overview: []}",
    ),
    Flow(
        "a review that is asked for in the chat",
        lambda on: on.say("erin", "/ps estimate 62000 USD"),
        frozenset({CommentPosted, Announced}),
        before=lambda on: (_begun(on), on.say("erin", "/ps next\n/ps next")),
        after=_next,
        has_chat=True,
    ),
    Flow(
        "a button that approves",
        lambda on: on.press("tara", APPROVE),
        frozenset({ButtonPressed, PressHeard, Announced}),
        before=_asked_in_the_chat,
        after=_next,
        has_chat=True,
    ),
    Flow(
        "a button pressed by somebody who may not",
        lambda on: on.press("alice", APPROVE),
        frozenset({ButtonPressed, PressHeard, Whispered}),
        before=_asked_in_the_chat,
        after=lambda on: on.press("tara", APPROVE),
        has_chat=True,
    ),
    Flow(
        "a new opportunity, which begins an engagement",
        _move_opportunity("3-Technical Evaluation"),
        frozenset({OpportunityChanged, OpportunityRead, OpportunityWanted, OpportunityWritten, SubmissionReceived}),
        before=_opportunity,
        after=_next,
        has_salesforce=True,
    ),
    Flow(
        "a new stage of an opportunity",
        _move_opportunity("4-Proposal"),
        frozenset({OpportunityChanged, OpportunityRead}),
        before=_begun_in_salesforce,
        after=_move_opportunity("5-Negotiating"),
        has_salesforce=True,
    ),
    Flow(
        "an estimate that an opportunity shows",
        lambda on: on.say("erin", "/ps estimate 62000 USD"),
        frozenset({CommentPosted, OpportunityWanted, OpportunityWritten}),
        before=_begun_in_salesforce,
        after=lambda on: on.say("erin", "/ps estimate 70000 USD"),
        has_salesforce=True,
    ),
    Flow(
        "a yes of leadership, with which a legal case is opened and Finance asked",
        lambda on: on.say("dana", "/ps approve"),
        frozenset({CommentPosted, CaseWanted, CaseChanged, CaseRead, FinanceWanted, Asked}),
        before=_ready_for_approval,
        after=lambda on: on.change_case(Status="Stamped"),
        has_salesforce=True,
    ),
    Flow(
        "a lost database that is rebuilt from GitLab",
        lambda on: on.have_done(SWEEP, rebuild=True),
        frozenset({SWEEP}),
        before=_lost,
        after=_next,
    ),
)


def live_through(folder: Path, flow: Flow, *, die_at: int) -> tuple[dict[str, Any], list[str]]:
    """The flow with one death on the way (0: none): what people see in the end, and the points that were passed."""
    folder.mkdir()
    points, armed_by = folder / "points", folder / "armed"
    with life(
        folder,
        die_at=die_at,
        points=points,
        armed_by=armed_by,
        process_says=flow.process_says,
        has_chat=flow.has_chat,
        has_salesforce=flow.has_salesforce,
    ) as on:
        flow.before(on)
        armed_by.touch()
        flow.step(on)
        passed = points.read_text().splitlines()
        on.process.env.pop("MORTAL_POINTS")
        flow.after(on)
        return seen(on), passed
