"""The process in the sandbox: gates that hold, what people are told, the status note, answers that flow, lost time."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import Process, Stage, add_hook, environment, spoken, stage, status_of, submission

BIG = {"amount": 62000, "currency": "USD"}


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def pair(on: Stage, **changes: object) -> tuple[int, int]:
    outcome = on.submit(submission(**changes))
    return outcome["scoping_issue"]["iid"], outcome["intake_issue"]["iid"]


def label(on: Stage, by: str, iid: int, *names: str, away: tuple[str, ...] = ()) -> None:
    on.world.update_issue(by, iid, add_labels=list(names), remove_labels=list(away))
    assert on.quiet()


def labels(on: Stage, iid: int) -> set[str]:
    return set(on.world.label_titles(on.world.issue(iid)))


def state(on: Stage, iid: int, scope: str = "proposal") -> list[str]:
    return [name.partition("::")[2] for name in labels(on, iid) if name.startswith(f"{scope}::")]


def text(on: Stage, iid: int) -> str:
    return on.world.issue(iid).description or ""


def answer(on: Stage, by: str, iid: int, key: str, words: str) -> None:
    """A person writes into the answer cell of a table."""
    row = next(line for line in text(on, iid).split("\n") if f"`{key}` |" in line)
    todo = "**to-do**" if "**to-do**" in row else "to-do"
    on.world.update_issue(
        by, iid, description=text(on, iid).replace(row, row.replace(f"| {todo} |", f"| {words} |", 1))
    )
    assert on.quiet()


def tick(on: Stage, by: str, iid: int, words: str) -> None:
    on.world.update_issue(by, iid, description=text(on, iid).replace(f"- [ ] {words}", f"- [x] {words}"))
    assert on.quiet()


def test_a_move_past_a_blocking_gate_is_put_back_with_one_comment_that_names_who_can_help(on: Stage) -> None:
    scoping, _ = pair(on, estimate=BIG)
    label(on, "erin", scoping, "proposal::Estimate_Feedback")
    before = len(spoken(on.world))
    label(on, "alice", scoping, "proposal::SOW_WIP")
    assert state(on, scoping) == ["Estimate_Feedback"]
    (told,) = spoken(on.world)[before:]
    assert "TA review" in told
    assert "tara" in told
    assert "@alice" in told


def test_a_move_that_only_lacks_information_stands_and_the_gaps_are_listed(on: Stage) -> None:
    scoping, _ = pair(on)
    label(on, "erin", scoping, "proposal::Ready For Approval", away=())
    assert state(on, scoping) == [], "the RDM has to say yes first"
    label(on, "erin", scoping, "proposal::SOW_WIP")
    assert state(on, scoping) == ["SOW_WIP"]
    assert "The SOW is on record" in status_of(on.world, scoping)


def test_a_yes_by_somebody_without_the_role_is_taken_off_and_told_once(on: Stage) -> None:
    scoping, _ = pair(on, estimate=BIG)
    label(on, "erin", scoping, "proposal::Strawman_WIP")
    before = len(spoken(on.world))
    label(on, "erin", scoping, "TA::Approved")
    assert "TA::Approved" not in labels(on, scoping)
    assert len(spoken(on.world)) == before + 1
    label(on, "tara", scoping, "TA::Approved")
    assert {"TA::Approved"} <= labels(on, scoping)
    assert "TA::Needs-Review" not in labels(on, scoping)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("proposal:Closed_Lost", "Closed_Lost"),
        ("proposal::closed_lost", "Closed_Lost"),
        ("proposal::Cost Estimate", "Strawman_WIP"),
        ("proposal::Writing", "SOW_WIP"),
        ("proposal::strawman-wip", "Strawman_WIP"),
        ("proposal::Awaiting_Discovry", "Awaiting_Discovery"),
    ],
)
def test_another_spelling_is_written_as_it_should_be(written: str, means: str, on: Stage) -> None:
    scoping, _ = pair(on)
    label(on, "erin", scoping, written)
    assert state(on, scoping) == [means]
    assert written not in labels(on, scoping)


def test_a_label_that_is_none_of_ours_is_never_touched(on: Stage) -> None:
    scoping, intake = pair(on)
    foreign = {"priority::1", "team: blue", "proposal", "Customer::Acme"}
    label(on, "erin", scoping, *foreign, "proposal::Strawman_WIP")
    label(on, "erin", intake, *foreign)
    assert foreign <= labels(on, scoping)
    assert foreign <= labels(on, intake)


def test_closing_asks_how_it_ended_and_opening_again_goes_on(on: Stage) -> None:
    scoping, _ = pair(on)
    label(on, "erin", scoping, "proposal::Strawman_WIP")
    before = len(spoken(on.world))
    on.world.update_issue("erin", scoping, state_event="close")
    assert on.quiet()
    (told,) = spoken(on.world)[before:]
    assert "proposal::Closed_Won" in told
    assert "proposal::Closed_Lost" in told
    on.world.update_issue("erin", scoping, state_event="reopen")
    assert on.quiet()
    assert state(on, scoping) == ["Strawman_WIP"]
    assert len(spoken(on.world)) == before + 1


def test_lost_cancels_the_intake_and_the_em_can_take_it_back(on: Stage) -> None:
    scoping, intake = pair(on)
    label(on, "erin", scoping, "proposal::Strawman_WIP")
    label(on, "erin", scoping, "proposal::Closed_Lost")
    assert not on.world.issue(scoping).is_open
    assert not on.world.issue(intake).is_open
    assert state(on, intake, "Intake") == ["Cancelled"]
    on.world.update_issue("alice", scoping, state_event="reopen")
    assert on.quiet()
    assert not on.world.issue(scoping).is_open, "only an EM opens it again"
    on.world.update_issue("erin", scoping, state_event="reopen")
    assert on.quiet()
    assert (state(on, scoping), state(on, intake, "Intake")) == (["Strawman_WIP"], ["Needs-Info"])
    assert on.world.issue(scoping).is_open
    assert on.world.issue(intake).is_open


def test_what_happened_while_the_bot_was_away_is_treated_the_same(tmp_path: Path) -> None:
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        process = Process(environment(tmp_path, sandbox.url), tmp_path)
        process.start()
        on = Stage(sandbox.world, process.url, client)
        scoping, intake = pair(on, estimate=BIG)
        assert process.stop() == 0
        on.world.update_issue("erin", scoping, add_labels=["proposal::Strawman_WIP"])
        on.world.update_issue("tara", scoping, add_labels=["TA::Approved"])
        on.world.update_issue("erin", scoping, add_labels=["proposal::SOW_WIP"])
        on.world.update_issue("alice", scoping, add_labels=["proposal::Approved"])
        process.start()
        add_hook(on.world, process.url)
        on.world.update_issue("sam", scoping, title="Something else entirely")
        assert on.quiet()
        assert state(on, scoping) == ["SOW_WIP"]
        assert "TA::Approved" in labels(on, scoping)
        assert "RDM::needs-review" not in labels(on, scoping), "there is no SOW yet"
        assert state(on, intake, "Intake") == ["Needs-Info"]
        assert process.stop() == 0


def test_an_answer_in_the_question_table_flows_into_the_intake_and_no_word_is_lost(on: Stage) -> None:
    scoping, intake = pair(on)
    methodology_row = next(line for line in text(on, intake).split("\n") if "`language` |" in line)
    assert "to-do" in methodology_row
    answer(on, "erin", intake, "language", "German and English")
    answer(on, "alice", scoping, "deadline", "before the licence ends")
    flowed = next(line for line in text(on, intake).split("\n") if "`deadline` |" in line)
    assert "before the licence ends" in flowed
    kept = next(line for line in text(on, intake).split("\n") if "`language` |" in line)
    assert "German and English" in kept


def test_a_filled_intake_is_ready_by_itself_and_the_coordinator_is_asked_once(on: Stage) -> None:
    _, intake = pair(on)
    keys = re.findall(
        r"^\| .* \| (?:\*\*)?to-do(?:\*\*)? \| (?:Draft|Ready) \| .* \| `(\w+)` \|$", text(on, intake), re.M
    )
    for key in keys:
        answer(on, "erin", intake, key, f"answer to {key}")
    assert state(on, intake, "Intake") != ["Ready"]
    for words in re.findall(r"^- \[ \] (.*)$", text(on, intake), re.M):
        tick(on, "erin", intake, words)
    assert state(on, intake, "Intake") == ["Ready"]
    asked = [words for words in spoken(on.world, intake) if "@cora" in words]
    assert len(asked) == 1


def test_the_status_note_is_one_edited_and_made_again_when_somebody_deleted_it(on: Stage) -> None:
    scoping, _ = pair(on)
    label(on, "erin", scoping, "proposal::Awaiting_Discovery")
    assert "Awaiting Discovery" in status_of(on.world, scoping)
    (note,) = [n for n in on.world.notes_of(scoping) if n.body.startswith("<!-- psplan:status:")]
    on.world.edit_note("root", scoping, note.id, "I know better.")
    label(on, "erin", scoping, "proposal::Strawman_WIP")
    assert "Strawman" in status_of(on.world, scoping)
    assert "I know better" not in status_of(on.world, scoping)
    on.world.delete_note("root", scoping, note.id)
    label(on, "erin", scoping, "proposal::Estimate_Feedback")
    assert "Estimate Feedback" in status_of(on.world, scoping)


@pytest.mark.parametrize(
    "names",
    [("proposal::Awaiting_Discovery",), ("proposal::Strawman_WIP",), ("proposal::Closed_Lost",), ("TA::Approved",)],
)
def test_a_label_costs_at_most_one_put_for_each_issue_and_one_edit_of_its_note(
    names: tuple[str, ...], on: Stage
) -> None:
    scoping, intake = pair(on, estimate=BIG)
    label(on, "erin", scoping, "EM_Status::ToDo")
    label(on, "erin", intake, "Intake::Needs-Info")
    before = len(on.world.requests)
    label(on, "erin", scoping, *names)
    mine = [each for each in on.world.requests[before:] if each.user == "ps-bot"]
    for iid in (scoping, intake):
        assert sum(each.method == "PUT" and each.path.endswith(f"/issues/{iid}") for each in mine) <= 1
        assert sum(each.method == "PUT" and f"/issues/{iid}/notes/" in each.path for each in mine) <= 1


def test_a_raised_estimate_arms_the_gate_again_and_the_yes_to_the_old_one_falls(on: Stage) -> None:
    body = submission(estimate={"amount": 50000, "currency": "USD"})
    scoping = on.submit(body)["scoping_issue"]["iid"]
    label(on, "erin", scoping, "proposal::SOW_WIP")
    assert state(on, scoping) == ["SOW_WIP"], "50,000 is not above 50,000"
    assert on.submit({**body, "estimate": BIG})["state"] == "done"
    assert on.quiet()
    assert "TA::Needs-Review" in labels(on, scoping)
    label(on, "tara", scoping, "TA::Approved")
    assert on.submit({**body, "estimate": {"amount": 90000, "currency": "USD"}})["state"] == "done"
    assert on.quiet()
    assert "TA::Approved" not in labels(on, scoping)
    assert "TA::Needs-Review" in labels(on, scoping)
    assert len([words for words in spoken(on.world, scoping) if "@tara" in words]) == 2, "once for each version"


def test_a_role_is_held_by_the_people_of_the_segment(tmp_path: Path) -> None:
    file = tmp_path / "own.yaml"
    file.write_text(
        "extends: default\n"
        "roles:\n  em: {users: [erin]}\n  ta: {users: [tara], segments: {Ent_EMEA: {users: [ravi]}}}\n"
        "routing: {default_em: erin}\n"
    )
    with stage(tmp_path, methodology=file) as on:
        scoping, _ = pair(on, estimate=BIG)
        label(on, "erin", scoping, "proposal::Strawman_WIP")
        assert any("@ravi" in words for words in spoken(on.world, scoping))
        label(on, "tara", scoping, "TA::Approved")
        assert "TA::Approved" not in labels(on, scoping)
        on.world.update_issue("tara", scoping, add_labels=["Segment::Ent_APAC"], remove_labels=["Segment::Ent_EMEA"])
        assert on.quiet()
        label(on, "tara", scoping, "TA::Approved")
        assert "TA::Approved" not in labels(on, scoping), "a label does not choose its own judge"
        label(on, "ravi", scoping, "TA::Approved")
        assert "TA::Approved" in labels(on, scoping)
        label(on, "erin", scoping, "Segment::Ent_APAC", away=("Segment::Ent_EMEA",))
        label(on, "erin", scoping, "TA::Approved")
        assert "TA::Approved" in labels(on, scoping), "the yes of before stands"


def test_who_closed_and_opened_before_an_end_says_nothing_about_opening_after_it(on: Stage) -> None:
    scoping, _ = pair(on)
    for who, event in (("alice", "close"), ("erin", "reopen")):
        on.world.update_issue(who, scoping, state_event=event)
        assert on.quiet()
    label(on, "erin", scoping, "proposal::Closed_Lost")
    on.world.update_issue("alice", scoping, state_event="reopen")
    assert on.quiet()
    assert state(on, scoping) == ["Closed_Lost"]
    assert not on.world.issue(scoping).is_open
    before = len(spoken(on.world))
    on.world.update_issue("erin", scoping, state_event="reopen")
    assert on.quiet()
    assert on.world.issue(scoping).is_open
    assert state(on, scoping) == []
    assert not any(name.startswith("close_qtr::") for name in labels(on, scoping))
    assert not [words for words in spoken(on.world)[before:] if "@alice" in words]


def test_deliveries_that_wait_together_share_one_look_at_the_issues(on: Stage) -> None:
    scoping, _ = pair(on)
    assert on.quiet()
    before = on.world.count("GET", rf"/issues/{scoping}$")
    on.world.faults.add(Fault("GET", rf"/issues/{scoping}$", FaultKind.PERFORM_THEN_HANG, seconds=1.0))
    for number in range(20):  # the first one's look takes its time, and the others wait behind it
        on.world.update_issue("erin", scoping, add_labels=[f"team: {number}"])
    assert on.quiet()
    assert on.world.count("GET", rf"/issues/{scoping}$") - before <= 3
