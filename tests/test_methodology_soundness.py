"""A process that cannot work is refused: names that lead nowhere, dead ends, circles, gates that nobody can pass."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.layers import FileFaults
from app.methodology import load_methodology

GREY = 'colour: "#123456", description: x'


def faults_of(folder: Path, text: str) -> list[str]:
    """Faults of a file that extends the default, with what it says on line 2 and after."""
    path = folder / "own.yaml"
    path.write_text(f"extends: default\n{text}", encoding="utf-8")
    with pytest.raises(FileFaults) as caught:
        load_methodology(path)
    return [fault.removeprefix(f"{folder}/own.yaml:") for fault in caught.value.faults]


def nobody(what: str, name: str) -> str:
    return f"no {what} is called '{name}'; "


STATE = "tracks: {proposal: {states: {sow_wip: {%s}}}}"
PULL = STATE % "on_enter: {pull: [{track: %s, to: %s, from: [%s]}]}"
MOVE = "automatic: {own: {track: %s, from: [%s], to: %s, when: [%s], why: x}}"
START = "starts: {delivery_prep: {%s}}"

DANGLING: list[tuple[str, str, str, str]] = [
    ("a state's stage", STATE % "stage: scopin", "tracks.proposal.states.sow_wip.stage", nobody("stage", "scopin")),
    ("a state's DRI", STATE % "dri: boss", "tracks.proposal.states.sow_wip.dri", nobody("role", "boss")),
    ("a state's criterion", STATE % "leave: [x]", "tracks.proposal.states.sow_wip.leave.0", nobody("criterion", "x")),
    ("a state to go back to", STATE % "back: [x]", "tracks.proposal.states.sow_wip.back.0", nobody("state", "x")),
    (
        "a state's ask",
        STATE % "on_enter: {ask: [x]}",
        "tracks.proposal.states.sow_wip.on_enter.ask.0",
        nobody("ask", "x"),
    ),
    (
        "the track of a pull",
        PULL % ("x", "ready", ""),
        "tracks.proposal.states.sow_wip.on_enter.pull.0.track",
        nobody("track", "x"),
    ),
    (
        "the state of a pull",
        PULL % ("intake", "sow_wip", "draft"),
        "tracks.proposal.states.sow_wip.on_enter.pull.0.to",
        nobody("state", "sow_wip"),
    ),
    (
        "where a pull begins",
        PULL % ("intake", "ready", "x"),
        "tracks.proposal.states.sow_wip.on_enter.pull.0.from.0",
        nobody("state", "x"),
    ),
    (
        "who reopens",
        "tracks: {intake: {reopened_by: boss}}",
        "tracks.intake.reopened_by",
        nobody("role", "boss"),
    ),
    ("a criterion's owner", "criteria: {won: {owner: boss}}", "criteria.won.owner", nobody("role", "boss")),
    ("who must set it", "criteria: {won: {set_by: boss}}", "criteria.won.set_by", nobody("role", "boss")),
    (
        "a box of a stage",
        "criteria: {won: {ticked: [scoping.sows]}}",
        "criteria.won.ticked.0",
        nobody("box to tick", "scoping.sows") + "did you mean 'scoping.sow'? ",
    ),
    (
        "a box of the readiness",
        "criteria: {won: {ticked: [scoping.sow, readiness.x]}}",
        "criteria.won.ticked.1",
        nobody("box to tick", "readiness.x"),
    ),
    ("a criterion's field", "criteria: {won: {field: x}}", "criteria.won.field", nobody("intake field", "x")),
    ("a criterion's label", "criteria: {won: {labels: [x]}}", "criteria.won.labels.0", nobody("label", "x")),
    (
        "a criterion's state",
        "criteria: {won: {states: [proposal.x]}}",
        "criteria.won.states.0",
        nobody("state", "proposal.x"),
    ),
    (
        "a label of the readiness",
        "readiness: {close_plan: {labels: [x]}}",
        "readiness.close_plan.labels.0",
        nobody("label", "x"),
    ),
    ("a gate's role", "gates: {ta: {role: boss}}", "gates.ta.role", nobody("role", "boss")),
    ("a gate's track", "gates: {ta: {track: x}}", "gates.ta.track", nobody("track", "x")),
    ("a gate's state", "gates: {ta: {before: sow_wp}}", "gates.ta.before", nobody("state", "sow_wp")),
    ("where a gate asks", "gates: {ta: {ask_in: [x]}}", "gates.ta.ask_in.0", nobody("state", "x")),
    ("a gate's label", "gates: {ta: {labels: {failed: x}}}", "gates.ta.labels.failed", nobody("label", "x")),
    ("a gate's proof", "gates: {ta: {proof: x}}", "gates.ta.proof", nobody("criterion", "x")),
    ("a gate's exception", "gates: {ta: {unless: x}}", "gates.ta.unless", nobody("criterion", "x")),
    ("who is asked", "asks: {scheduling: {roles: [pc, x]}}", "asks.scheduling.roles.1", nobody("role", "x")),
    (
        "what an ask lists",
        "asks: {scheduling: {missing: [x]}}",
        "asks.scheduling.missing.0",
        nobody("criterion", "x"),
    ),
    ("a move's track", MOVE % ("x", "open", "won", "won"), "automatic.own.track", nobody("track", "x")),
    ("where a move begins", MOVE % ("intake", "x", "ready", "won"), "automatic.own.from.0", nobody("state", "x")),
    ("where a move ends", MOVE % ("intake", "draft", "x", "won"), "automatic.own.to", nobody("state", "x")),
    (
        "when a move is made",
        MOVE % ("intake", "draft", "ready", "x"),
        "automatic.own.when.0",
        nobody("criterion", "x"),
    ),
    ("when something begins", START % "when: [x]", "starts.delivery_prep.when.0", nobody("criterion", "x")),
    ("whom a start asks", START % "ask: [x]", "starts.delivery_prep.ask.0", nobody("ask", "x")),
    (
        "what a start pulls",
        START % "pull: [{track: intake, to: x}]",
        "starts.delivery_prep.pull.0.to",
        nobody("state", "x"),
    ),
    ("what a spelling means", 'spellings: {"a:b": {means: c, why: x}}', "spellings.a:b.means", nobody("label", "c")),
    ("who is invited", "meetings: {prep: {invites: [pm, x]}}", "meetings.prep.invites.1", "no role or word of `staff`"),
    ("the field of a meeting", "meetings: {prep: {field: x}}", "meetings.prep.field", nobody("intake field", "x")),
    ("the label of the quarter", 'fiscal: {label: "q::{quarter}"}', "fiscal.label", nobody("label family", "q::*")),
    (
        "the option of a switch",
        "switches: {handoff: {is: px}}",
        "switches.handoff.is",
        nobody("option", "px") + "allowed: pm, pc",
    ),
    ("the own currency", "money: {currency: SEK}", "money.rates", "lacks the methodology's own currency 'SEK'"),
]


@pytest.mark.parametrize(("text", "place", "says"), [case[1:] for case in DANGLING], ids=[case[0] for case in DANGLING])
def test_a_name_that_leads_nowhere_is_told_once_by_line_and_place(
    text: str, place: str, says: str, tmp_path: Path
) -> None:
    (fault,) = faults_of(tmp_path, text)
    if place == "money.rates":
        assert re.match(r"default\.yaml:\d+: money\.rates: ", fault)
    else:
        assert fault.startswith(f"2: {place}: {says}")
        assert "allowed: " in fault


BEHIND = (
    "allowed: awaiting_discovery, strawman_wip, estimate_feedback, sow_wip, ready_for_approval, approved, closed_won"
)
LABEL = "2: tracks.proposal.states.sow_wip.label: "
ROUND = "goes round in a circle without end: "
FORWARD = "is not forward, and only people move back; allowed: "
UNSOUND: list[tuple[str, str, list[str]]] = [
    (
        "a second state without a label",
        STATE % "label: null",
        [
            "2: tracks.proposal.states.sow_wip.label: is missing: only the first state (open) may be without, "
            "no other could be reached"
        ],
    ),
    (
        "a label outside the scope",
        STATE % 'label: "TA::Needs-Review"',
        [LABEL + "'TA::Needs-Review' is not in the scope of the track; allowed: proposal::…"],
    ),
    (
        "a label that is one scope deeper",
        f'{STATE % "label: proposal::a::b"}\nlabels: {{"proposal::a::b": {{{GREY}, on: [scoping]}}}}',
        [LABEL + "'proposal::a::b' is not in the scope of the track; allowed: proposal::…"],
    ),
    (
        "a label of two states",
        STATE % 'label: "proposal::Strawman_WIP"',
        [LABEL + "'proposal::Strawman_WIP' is the label of proposal.strawman_wip already"],
    ),
    (
        "a label of the wrong issue",
        'labels:\n  "proposal::SOW_WIP": {on: [intake]}',
        [
            "default: tracks.proposal.states.sow_wip.label: 'proposal::SOW_WIP' does not stand on the scoping issue; "
            "by its `on` it is allowed on: intake"
        ],
    ),
    (
        "a gate's label of the wrong issue",
        "gates: {ta: {labels: {asked: Project Scheduling Intake}}}",
        [
            "2: gates.ta.labels.asked: 'Project Scheduling Intake' does not stand on the scoping issue; "
            "by its `on` it is allowed on: intake"
        ],
    ),
    (
        "one label for two answers",
        'gates: {ta: {labels: {failed: "TA::Approved"}}}',
        ["2: gates.ta.labels.failed: 'TA::Approved' says passed already"],
    ),
    (
        "a box of anybody beside a label of somebody",
        "criteria: {salesforce_won: {ticked: [sow_execution.closed_won]}}",
        [
            "default: criteria.salesforce_won.set_by: only of labels is known who set them; "
            "with it a criterion has no fact, ticked, field, states or said"
        ],
    ),
    (
        "a spelling that is a label",
        'spellings: {"Lost::budget": {means: null, why: x}}',
        ["2: spellings.Lost::budget: is a label of this file and would always be taken away"],
    ),
    (
        "a spelling that is the label of a state",
        'spellings: {"proposal::SOW_WIP": {means: null, why: x}}',
        [
            "2: spellings.proposal::SOW_WIP: is a label of this file and would always be taken away; "
            "the state proposal.sow_wip could never be reached"
        ],
    ),
    (
        "a word of two meetings",
        "meetings: {prep: {words: [intro]}}",
        ["2: meetings.prep.words.0: 'intro' is a word of 'pm_intro' already"],
    ),
    (
        "a field of two meetings",
        "meetings: {prep: {field: pm_intro}}",
        ["2: meetings.prep.field: 'pm_intro' is the field of 'pm_intro' already"],
    ),
    (
        "a field of a meeting and of another command",
        "meetings: {prep: {field: kickoff_date}}",
        ["2: meetings.prep.field: 'kickoff_date' is filled by the command 'schedule' already"],
    ),
    (
        "a field that says itself which meeting fills it",
        "intake_fields: {booking: {written_by: meeting prep}}",
        ["2: intake_fields.booking.written_by: of a meeting `field` of its block in `meetings` says this"],
    ),
    (
        "a gate without a yes",
        "gates:\n  ta: {labels: {passed: null}}",
        ["3: gates.ta: nobody could ever pass it: it needs `labels.passed` or `proof`"],
    ),
    (
        "a gate before the start",
        "gates: {ta: {before: open}}",
        [f"2: gates.ta.before: nothing comes before the first state; {BEHIND}"],
    ),
    (
        "a gate before a hold",
        "gates: {ta: {before: on_hold}}",
        [f"2: gates.ta.before: 'on_hold' is a state of kind hold, off the path; {BEHIND}"],
    ),
    (
        "a gate before a bad end",
        "gates: {po: {before: closed_lost}}",
        [f"2: gates.po.before: 'closed_lost' is a state of kind lost, off the path; {BEHIND}"],
    ),
    (
        "a gate whose proof lies behind it",
        "gates: {approved_first: {proof: won}}",
        ["2: gates.approved_first.proof: nobody could ever pass it: 'won' is met only behind this gate"],
    ),
    (
        "a criterion without a sign",
        "criteria: {own: {title: x, owner: em}}",
        ["2: criteria.own: nothing can ever meet it; give it one of: fact, ticked, field, labels, states, said"],
    ),
    (
        "a proof without a sign",
        "criteria: {was_approved: {states: []}}",
        [
            "2: criteria.was_approved: nothing can ever meet it, so nothing passes the gate 'approved_first'; "
            "give it one of: fact, ticked, field, labels, states, said"
        ],
    ),
    (
        "a readiness that waits for itself",
        "readiness: {close_plan: {fact: readiness}}",
        [
            "2: readiness.close_plan.fact: an item of the readiness cannot wait for the readiness; "
            "allowed: assignee, segment, questions, intake_fields, estimate, sow, cogs, legal_case"
        ],
    ),
    (
        "a stage called like the readiness",
        "stages:\n  readiness: {title: x, dri: em, supported_by: x, steps: {a: x}}",
        ["3: stages.readiness: this name is taken: `readiness.item` is an item of the readiness"],
    ),
    (
        "a move that goes back",
        MOVE % ("intake", "staffed", "draft", "won"),
        [
            f"2: automatic.own.from.0: from 'staffed' to 'draft' {FORWARD}none"
        ],
    ),
    (
        "a move to where it is",
        MOVE % ("intake", "draft, ready", "ready", "won"),
        [
            "2: automatic.own.from.1: from 'ready' to 'ready' is not forward, and only people move back; "
            "allowed: draft, needs_info"
        ],
    ),
    (
        "moves in a circle over a side state",
        "automatic:\n"
        "  away: {track: proposal, from: [sow_wip], to: on_hold, when: [won], why: x}\n"
        "  home: {track: proposal, from: [on_hold], to: sow_wip, when: [won], why: x}",
        [f"3: automatic.away: {ROUND}proposal.sow_wip → proposal.on_hold → proposal.sow_wip"],
    ),
    (
        "a pull that turns a move round",
        "automatic: {intake_ready: {from: [draft]}}\n"
        "tracks:\n"
        "  intake:\n"
        "    states:\n"
        "      ready: {on_enter: {pull: [{track: intake, to: draft}]}}",
        [f"2: automatic.intake_ready: {ROUND}intake.draft → intake.ready → intake.draft"],
    ),
    (
        "two tracks that pull each other",
        "tracks:\n"
        "  proposal: {states: {sow_wip: {on_enter: {pull: [{track: intake, to: staffed}]}}}}\n"
        "  intake: {states: {staffed: {on_enter: {pull: [{track: proposal, to: sow_wip}]}}}}",
        ["3: tracks.proposal.states.sow_wip.on_enter.pull.0: goes round in a circle without end: "
         "proposal.sow_wip → intake.staffed → proposal.sow_wip"],
    ),
    (
        "a state that pulls itself",
        STATE % "on_enter: {pull: [{track: proposal, to: sow_wip}]}",
        ["2: tracks.proposal.states.sow_wip.on_enter.pull.0: goes round in a circle without end: "
         "proposal.sow_wip → proposal.sow_wip"],
    ),
    (
        "a track without an end",
        "tracks:\n  intake:\n    states:\n      cancelled: {kind: step}",
        ["4: tracks.intake.states: none of them is an end; give one of them the kind won, lost or cancelled"],
    ),
    (
        "a closing that cannot be lost",
        "tracks:\n  proposal:\n    states:\n      closed_lost: {kind: cancelled}",
        ["4: tracks.proposal.states: lack a state of kind lost, though `closing_asks` asks for it"],
    ),
    (
        "two holds",
        "tracks: {proposal: {states: {awaiting_discovery: {kind: hold}}}}",
        [
            "default: tracks.proposal.states.on_hold.kind: "
            "'awaiting_discovery' is the hold of this track already; one is enough"
        ],
    ),
    (
        "a first state that is an end",
        "tracks: {intake: {states: {draft: {kind: cancelled}}}}",
        ["2: tracks.intake.states.draft.kind: the first state is where an issue begins; allowed: step"],
    ),
    (
        "the own currency at a rate",
        "money: {currency: EUR}",
        ["default: money.rates.EUR: is the methodology's own currency; its rate must be 1"],
    ),
    (
        "an option that changes switches",
        "switches: {timers: {options: {hours: {changes: {switches: {handoff: {is: pc}}}}}}}",
        ["2: switches.timers.options.hours.changes.switches: an option cannot change switches"],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in UNSOUND], ids=[case[0] for case in UNSOUND])
def test_a_process_that_cannot_work_is_refused_with_exactly_this(
    text: str, expected: list[str], tmp_path: Path
) -> None:
    found = faults_of(tmp_path, text)
    # lines of the default move when it is edited
    assert [re.sub(r"^default\.yaml:\d+:", "default:", fault) for fault in found] == expected


def test_two_tracks_cannot_share_a_scope(tmp_path: Path) -> None:
    own = f"""\
tracks:
  again:
    title: Again
    on: scoping
    scope: Proposal
    reopened_by: em
    states:
      one: {{title: One, label: "Proposal::One", stage: scoping, step: x, dri: em}}
      two: {{title: Two, label: "Proposal::Two", kind: lost, stage: scoping, step: x, dri: em}}
labels:
  "Proposal::One": {{{GREY}, on: [scoping]}}
  "Proposal::Two": {{{GREY}, on: [scoping]}}
"""
    assert faults_of(tmp_path, own) == ["6: tracks.again.scope: is the scope of the track 'proposal' already"]


def test_a_gate_that_only_warns_may_have_no_yes(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_text("extends: default\ngates: {ta: {weight: warn, labels: {passed: null}}}\n")
    assert load_methodology(path).gates["ta"].labels.passed is None
