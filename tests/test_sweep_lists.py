"""A list longer than what one sweep reads of it is told, and the sweeps after it go on: nothing is missed for ever."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.adapters import gitlab, gitlab_overview, pages
from app.sandbox.people import token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.sweep import comments, hook
from app.sweep.report import Swept
from tests.harness import Process, Stage, add_hook, environment, errand, stage, submission

KEY = "whsec_" + "cmVjb3JkLWtleS1vZi10aGUtdGVzdHM="
BLOCK = "```psplan-submission\ncustomer_name: Hand {} GmbH\nservices: [readiness]\n```"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)
MOST_SWEEPS = 8


def sweep(on: Stage, folder: Path, **words: Any) -> dict[str, Any]:
    """Once, and all that was found has been worked on."""
    answer: dict[str, Any] = errand(folder, "sweep", **words)["done"]
    assert on.is_idle()
    return answer


def sweeps_until(is_so: Callable[[], bool], on: Stage, folder: Path) -> list[str]:
    """Sweep as often as it takes; all that was said to be cut short on the way."""
    told: list[str] = []
    for _ in range(MOST_SWEEPS):
        if is_so():
            return told
        told += sweep(on, folder)["cut"]
    assert is_so(), told
    return told


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    """Nothing is delivered; sweeps alone tell."""
    with stage(tmp_path) as running:
        running.submit(submission())
        assert running.quiet()
        sweep(running, tmp_path)
        running.world.hooks = {}
        yield running


def labels(on: Stage, iid: int) -> set[str]:
    return set(on.world.label_titles(on.world.issue(iid)))


def test_open_issues_are_gone_through_in_parts_round_and_round(
    on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitlab_overview, "MOST_ISSUES", 2)
    made = [on.world.create_issue("alice", title=f"Hand {n}", description=BLOCK.format(n)).iid for n in range(3)]
    for number, iid in enumerate([1, 2, *made]):
        # too old for the list of what was changed; each of another age
        issue = on.world.issue(iid)
        issue.created_at = issue.updated_at = LONG_AGO + timedelta(days=number)
    told = sweeps_until(lambda: all("Services Calculator" in labels(on, iid) for iid in made), on, tmp_path)
    assert any(each.startswith("open issues: 2 are read at once") for each in told)
    on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    on.world.issue(1).updated_at = LONG_AGO
    sweeps_until(lambda: "Intake::Needs-Info" in labels(on, 2), on, tmp_path)


def test_changed_issues_are_gone_through_in_the_order_of_their_changes(
    on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitlab_overview, "MOST_ISSUES", 2)
    for number in range(5):
        made = on.world.create_issue("alice", title=f"Noise {number}")
        on.world.update_issue("alice", made.iid, state_event="close")
    on.world.add_note("erin", 1, "/ps lost budget")
    for iid in (1, 2):
        on.world.update_issue("erin", iid, state_event="close")
    for number, iid in enumerate([3, 4, 5, 6, 7, 1, 2]):
        on.world.issue(iid).updated_at += timedelta(milliseconds=5 * number)
    told = sweeps_until(lambda: "proposal::Closed_Lost" in labels(on, 1), on, tmp_path)
    assert any(each.startswith("changed issues: 2 are read at once") for each in told)


def test_more_missed_comments_than_one_sweep_takes_are_carried_out_in_their_order(
    on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(comments, "MOST_COMMENTS", 2)
    notes = [on.world.add_note("erin", 1 + n % 2, f"/ps estimate {n}000 USD tm").note for n in range(1, 6)]
    for number, note in enumerate(notes):
        assert note is not None
        note.created_at = note.updated_at = note.created_at + timedelta(seconds=number)
    on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    found = sweep(on, tmp_path)
    assert found["comments"] == 2
    assert found["cut"] == ["comments of #2: 3 are left to the next sweep"], found
    sweeps_until(lambda: "Intake::Needs-Info" in labels(on, 2), on, tmp_path)
    status = next(each.body for each in on.world.notes_of(1) if each.body.startswith("<!-- psplan:status:"))
    assert "5,000" in status, "the latest order is the last one carried out"
    assert sweep(on, tmp_path)["cut"] == []


def test_a_history_of_which_the_oldest_part_is_left_out_is_told(
    on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (pages, gitlab):
        monkeypatch.setattr(module, "PER_PAGE", 2)
        monkeypatch.setattr(module, "MOST_PAGES", 2)
    for number in range(9):
        on.world.update_issue("erin", 1, add_labels=[f"team: {number}"])
    on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    found = sweep(on, tmp_path)
    assert "history of #1: its oldest part is left out" in found["cut"]
    assert "Intake::Needs-Info" in labels(on, 2), "what is now is read from the issue itself"


def test_gitlabs_log_is_read_on_where_the_sweep_before_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "LOG_PAGES", 1)
    monkeypatch.setattr(gitlab_overview, "FAILED_PER_PAGE", 2)
    world = World(hook_delay_s=0.0)
    with SandboxServer(world) as sandbox:
        process = Process(environment(tmp_path, sandbox.url), tmp_path)
        process.start()
        add_hook(world, process.url)
        url = process.url
        process.stop()
        for number in range(5):
            issue = world.create_issue("alice", title=f"Hand {number}", description=BLOCK.format(number))
            issue.created_at = issue.updated_at = LONG_AGO
            world.update_issue("alice", issue.iid, state_event="close")
            issue.updated_at = LONG_AGO
        assert world.deliveries_idle(30)
        with stage(tmp_path, world, gitlab_admin_token=token_of("root"), public_url=url) as on:
            answers = [sweep(on, tmp_path) for _ in range(7)]
    assert sum(each["from_log"] for each in answers) >= 5
    assert any("GitLab's log of failed deliveries" in told for told in answers[0]["cut"])
    assert [each["from_log"] for each in answers[-2:]] == [0, 0]


def test_a_rebuild_of_more_issues_than_are_read_goes_on_when_it_is_asked_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gitlab_overview, "MOST_ISSUES", 3)
    world = World(hook_delay_s=0.0)
    with stage(tmp_path / "first", world, record_keys=[KEY]) as on:
        for _ in range(3):
            on.submit(submission())
        assert on.quiet()
    world.hooks = {}
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        found = [sweep(on, tmp_path / "second", rebuild=True) for _ in range(3)]
    assert sum(each["rebuilt"] for each in found) == 3
    assert any(each.startswith("all issues: 3 are read; rebuild again") for each in found[0]["cut"])


def test_what_was_cut_is_said_on_the_terminal() -> None:
    told = Swept(cut=["open issues: 10000 are read at once, the next sweep goes on after #7"]).in_words()
    assert any("longer than is read at once: open issues: 10000" in each for each in told)
