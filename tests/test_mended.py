"""What a strict reader found in what the bot does about submissions, answers, comments and people: shown mended."""

from __future__ import annotations

import base64
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.engine import retry
from app.sandbox.faults import Fault, FaultKind
from tests.harness import Stage, spoken, stage, status_of, submission
from tests.test_process import BIG, answer, label, labels, pair, state, text, tick

SMALL = {"amount": 40000, "currency": "USD"}


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def adopted(on: Stage, by: str, **changes: object) -> int:
    """The number of an issue that somebody opens with a submission block."""
    block = {
        "customer_name": "Acme",
        "services": ["migration_scm"],
        "migration": {"sources": ["ghe"], "users": 7, "repos": 4},
        "sales_territory": "EMEA DACH",
        **changes,
    }
    issue = on.world.create_issue(
        by, title="Help", description=f"Please.\n\n```psplan-submission\n{json.dumps(block)}\n```\n"
    )
    assert on.quiet()
    return issue.iid


def test_another_persons_submission_raises_the_estimate_and_the_gate_holds(on: Stage) -> None:
    body = submission(estimate=SMALL)
    scoping = on.submit(body)["scoping_issue"]["iid"]
    label(on, "erin", scoping, "proposal::Estimate_Feedback")
    on.submit({**body, "requester_gitlab_username": "sam", "estimate": BIG})
    assert on.quiet()
    label(on, "erin", scoping, "proposal::SOW_WIP")
    assert state(on, scoping) == ["Estimate_Feedback"]


def test_who_writes_the_block_answers_for_its_estimate_whatever_name_stands_in_it(on: Stage) -> None:
    scoping = adopted(on, "tara", requester_gitlab_username="alice", requester_email="a@example.com", estimate=BIG)
    label(on, "erin", scoping, "proposal::Strawman_WIP")
    label(on, "tara", scoping, "TA::Approved")
    assert "TA::Approved" not in labels(on, scoping)


def test_another_estimate_makes_what_was_said_of_the_sow_fall(on: Stage) -> None:
    body = submission(estimate=SMALL)
    scoping = on.submit(body)["scoping_issue"]["iid"]
    label(on, "erin", scoping, "proposal::SOW_WIP")
    label(on, "ravi", scoping, "RDM::approved")
    assert "RDM::approved" in labels(on, scoping)
    on.submit({**body, "estimate": {"amount": 41000, "currency": "USD"}})
    assert on.quiet()
    assert "RDM::approved" not in labels(on, scoping)


def test_an_estimate_and_a_label_in_one_edit_of_an_adopted_issue_both_count(on: Stage) -> None:
    scoping = adopted(on, "alice", estimate=SMALL)
    label(on, "erin", scoping, "proposal::Estimate_Feedback")
    raised = text(on, scoping).replace("40000", "62000")
    on.world.update_issue("alice", scoping, description=raised, add_labels=["proposal::Strawman_WIP"])
    assert on.quiet()
    assert state(on, scoping) == ["Strawman_WIP"]
    assert "62,000" in status_of(on.world, scoping)
    label(on, "erin", scoping, "proposal::SOW_WIP")
    assert state(on, scoping) == ["Strawman_WIP"], "the raised estimate has to be reviewed"


def test_a_label_beside_a_block_that_says_the_same_or_nothing_usable_counts(on: Stage) -> None:
    scoping = adopted(on, "alice", estimate=SMALL)
    same = text(on, scoping).replace('"customer_name": "Acme"', '"customer_name":  "Acme"')
    on.world.update_issue("erin", scoping, description=same, add_labels=["proposal::Awaiting_Discovery"])
    assert on.quiet()
    assert state(on, scoping) == ["Awaiting_Discovery"]
    broken = text(on, scoping).replace('"migration_scm"', '"no such thing"')
    on.world.update_issue("erin", scoping, description=broken, add_labels=["proposal::Strawman_WIP"])
    assert on.quiet()
    assert state(on, scoping) == ["Strawman_WIP"]
    assert any("could not use" in words for words in spoken(on.world, scoping))


def test_words_of_the_status_note_that_come_and_go_are_written_each_time(on: Stage) -> None:
    scoping, _ = pair(on)
    given = list(on.world.issue(scoping).assignee_ids)
    assert given
    said = []
    for assignees in (given, [], given, [], given):
        on.world.update_issue("erin", scoping, assignee_ids=assignees)
        assert on.quiet()
        said.append("An EM is" in status_of(on.world, scoping))
    assert said == [False, True, False, True, False]


def test_the_last_answer_on_the_scoping_issue_makes_the_intake_ready_at_once(on: Stage) -> None:
    scoping, intake = pair(on)
    label(on, "erin", scoping, "proposal::Awaiting_Discovery")
    row = r"^\| .* \| (?:\*\*)?to-do(?:\*\*)? \| (?:Draft|Ready) \| .* \| `(\w+)` \|$"
    keys = re.findall(row, text(on, intake), re.MULTILINE)
    last = next(key for key in keys if f"`{key}` |" in text(on, scoping))
    for key in keys:
        if key != last:
            answer(on, "erin", intake, key, f"x {key}")
    for words in re.findall(r"^- \[ \] (.*)$", text(on, intake), re.MULTILINE):
        tick(on, "erin", intake, words)
    assert state(on, intake, "Intake") == ["Needs-Info"]
    answer(on, "alice", scoping, last, "2027-12-01")
    assert state(on, intake, "Intake") == ["Ready"]


def test_a_scoping_issue_that_a_revision_adds_gets_its_status_note(on: Stage) -> None:
    body = submission(commercial_form="sku", services=["training"])
    on.submit(body)
    custom = {**body, "commercial_form": "custom", "services": ["migration_scm"], "estimate": BIG}
    scoping = on.submit(custom)["scoping_issue"]["iid"]
    assert on.quiet()
    assert "62,000" in status_of(on.world, scoping)
    label(on, "erin", scoping, "proposal::Strawman_WIP")
    assert state(on, scoping) == ["Strawman_WIP"]


def test_an_engagement_whose_intake_issue_is_gone_goes_on_with_the_other(
    on: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "SCHEDULE_S", (0.05,) * 9)
    scoping, intake = pair(on, estimate=BIG)
    label(on, "erin", scoping, "proposal::Estimate_Feedback")
    on.world.delete_issue("root", intake)
    label(on, "erin", scoping, "SFDC::6-Awaiting Signature")
    label(on, "alice", scoping, "proposal::SOW_WIP")
    assert state(on, scoping) == ["Estimate_Feedback"]
    assert on.metric('psplan_deliveries_settled_total{source="gitlab",state="dead"}') == 0


def test_a_submission_that_is_too_large_for_a_note_is_left_out_of_its_record(on: Stage) -> None:
    noise = random.Random(1)
    more = {f"x{number}": base64.b64encode(noise.randbytes(700)).decode() for number in range(600)}
    scoping, _ = pair(on, **more)
    note = status_of(on.world, scoping)
    assert "<!-- psplan-record v1 " in note
    assert len(note) < 200_000
    label(on, "erin", scoping, "proposal::Strawman_WIP")
    assert state(on, scoping) == ["Strawman_WIP"]


def test_a_status_note_that_is_made_anew_while_gitlab_hangs_is_made_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "SCHEDULE_S", (0.05,) * 9)
    with stage(tmp_path, gitlab_timeout_s=0.5) as on:
        scoping, _ = pair(on)
        label(on, "erin", scoping, "proposal::Awaiting_Discovery")
        on.world.delete_note("root", scoping, _status_note(on, scoping))
        on.world.faults.add(Fault("POST", r"/notes$", FaultKind.PERFORM_THEN_HANG, seconds=1.0, user="ps-bot"))
        label(on, "erin", scoping, "proposal::Strawman_WIP")
        assert "Strawman" in status_of(on.world, scoping), "and there is one only"


def _status_note(on: Stage, iid: int) -> int:
    (note,) = [each.id for each in on.world.notes_of(iid) if each.body.startswith("<!-- psplan:status:")]
    return note


TWO_GROUPS = """extends: default
roles: {em: {users: [erin]}, ta: {groups: [ps/technical-architects, ps/gone]}}
routing: {default_em: erin}
"""


def test_a_group_that_is_gone_takes_nothing_from_the_other_and_a_stranger_is_refused_in_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retry, "SCHEDULE_S", (0.05,) * 9)
    own = tmp_path / "own.yaml"
    own.write_text(TWO_GROUPS, encoding="utf-8")
    with stage(tmp_path, methodology=own) as on:
        scoping, _ = pair(on, estimate=BIG)
        label(on, "erin", scoping, "proposal::Strawman_WIP")
        label(on, "alice", scoping, "TA::Approved")
        assert "TA::Approved" not in labels(on, scoping)
        assert on.world.count("GET", r"groups/ps%2Fgone/") >= 3, "what is not known is asked for again before"
        label(on, "tara", scoping, "TA::Approved")
        assert "TA::Approved" in labels(on, scoping)


def test_a_comment_that_gitlab_refuses_takes_no_status_note_with_it(on: Stage) -> None:
    scoping, _ = pair(on)
    label(on, "erin", scoping, "proposal::Estimate_Feedback")
    before, said = status_of(on.world, scoping), len(spoken(on.world))
    on.world.faults.add(Fault("POST", r"/notes$", FaultKind.STATUS, status=403, user="ps-bot"))
    on.world.update_issue("erin", scoping, add_labels=["proposal::SOW_WIP", "TA::Approved"])
    assert on.quiet()
    assert state(on, scoping) == ["SOW_WIP"]
    assert status_of(on.world, scoping) != before
    assert all("psplan:parked" in body for body in spoken(on.world)[said:]), "only that it could not be said"
