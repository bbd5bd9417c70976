"""What GitLab has and the database lacks comes back, and until then nothing is made for it a second time."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from app.engine import lost
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.world import World
from tests.harness import Stage, errand, spoken, stage, submission, until
from tests.salesforce_stage import salesforce_stage, tell

KEY = "whsec_" + "cmVjb3JkLWtleS1vZi10aGUtdGVzdHM="
BLOCK = "```psplan-submission\ncustomer_name: Hand GmbH\nservices: [readiness]\n```"
BODY = submission()
NOTES_OF_4 = r"/issues/4/notes"


def sweep(folder: Path, *, rebuild: bool = False) -> dict[str, Any]:
    answer: dict[str, Any] = errand(folder, "sweep", rebuild=rebuild)["done"]
    return answer


def say(on: Stage, text: str, iid: int) -> None:
    on.world.add_note("erin", iid, text)


def labels(world: World, iid: int) -> set[str]:
    return set(world.label_titles(world.issue(iid)))


def status_notes(world: World) -> Counter[int]:
    """Issue → how many status notes it has."""
    notes = (note for note in world.notes.values() if note.body.startswith("<!-- psplan:status:"))
    return Counter(note.issue_iid for note in notes)


@pytest.fixture
def world(tmp_path: Path) -> World:
    """An adopted engagement (#1, #2) and one of the calculator (#3, #4), of which no database knows."""
    made = World(hook_delay_s=0.0)
    with stage(tmp_path / "first", made, record_keys=[KEY]) as on:
        on.world.create_issue("alice", title="Hand GmbH", description=BLOCK)
        assert on.quiet()
        on.submit(BODY)
        assert on.quiet()
    made.hooks = {}
    assert len(made.issues) == 4
    return made


def is_as_it_was(world: World) -> bool:
    return len(world.issues) == 4 and status_notes(world) == {1: 1, 2: 1, 3: 1, 4: 1} and not spoken(world)


@pytest.mark.parametrize("is_asked", [False, True], ids=["a plain sweep", "a rebuild"])
@pytest.mark.parametrize("faults", [0, 1], ids=["all well", "one answer 500"])
def test_a_sweep_over_an_empty_database_brings_back_before_it_looks(
    is_asked: bool, faults: int, world: World, tmp_path: Path
) -> None:
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        world.faults.add(Fault("GET", NOTES_OF_4, FaultKind.STATUS, status=500, times=faults))
        found = sweep(tmp_path / "second", rebuild=is_asked)
        assert (found["rebuilt"], found["troubles"]) == (2, [])
        assert on.quiet()
        assert is_as_it_was(world)
        assert sweep(tmp_path / "second")["rebuilt"] == 0
        assert on.quiet()
    assert is_as_it_was(world)


def test_a_service_that_starts_on_an_empty_database_brings_back_by_itself(world: World, tmp_path: Path) -> None:
    with stage(tmp_path / "second", world, record_keys=[KEY], sweep_interval_s=600) as on:
        assert until(lambda: on.metric("psplan_swept_timestamp_seconds") > 0)
        assert on.quiet()
        say(on, "/ps next", 1)
        assert on.quiet()
        assert "proposal::Awaiting_Discovery" in labels(world, 1)
    assert len(world.issues) == 4


def sends_a_label(on: Stage) -> None:
    on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])


def edits_the_block(on: Stage) -> None:
    text = (on.world.issue(1).description or "").replace("Hand GmbH", "Hand AG", 1)
    on.world.update_issue("alice", 1, description=text)


def takes_the_id_away(on: Stage) -> None:
    text = (on.world.issue(1).description or "").replace(
        "customer_name", f"submission_id: {'1' * 8}-1111-4111-8111-{'1' * 12}\ncustomer_name", 1
    )
    on.world.update_issue("alice", 1, description=text)


def comments(on: Stage) -> None:
    say(on, "/ps next", 1)


def comments_on_the_bots(on: Stage) -> None:
    say(on, "/ps next", 3)


def adopts(on: Stage) -> None:
    say(on, "/ps adopt", 1)


def submits_again(on: Stage) -> None:
    on.send(BODY)


@pytest.mark.parametrize(
    "event",
    [sends_a_label, edits_the_block, takes_the_id_away, comments, comments_on_the_bots, adopts, submits_again],
)
def test_what_comes_in_before_the_rebuild_waits_for_it_and_makes_nothing_twice(
    event: Callable[[Stage], None], world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost, "WAIT_S", 0.2)
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        event(on)
        assert until(lambda: on.waiting() > 0)
        assert until(lambda: on.world.count("GET", "search=") > 1), "it is looked for again and again"
        assert is_as_it_was(world) or event in {comments, comments_on_the_bots, adopts}
        assert len(world.issues) == 4
        sweep(tmp_path / "second")
        assert on.quiet()
        if event in {comments, sends_a_label}:
            assert "proposal::Awaiting_Discovery" in labels(world, 1)
        if event is comments_on_the_bots:
            assert "proposal::Awaiting_Discovery" in labels(world, 3)
    assert len(world.issues) == 4
    assert status_notes(world) == {1: 1, 2: 1, 3: 1, 4: 1}


def test_a_new_submission_does_not_wait_for_what_was_lost(world: World, tmp_path: Path) -> None:
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        assert on.submit(submission())["scoping_issue"]["iid"] == 5
        assert sweep(tmp_path / "second")["rebuilt"] == 2
        assert on.quiet()
    assert len(world.issues) == 6


def test_an_opportunity_that_is_told_of_before_the_rebuild_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lost, "WAIT_S", 0.2)
    world, first, second = World(hook_delay_s=0.0), tmp_path / "first", tmp_path / "second"
    with salesforce_stage(first, world, record_keys=[KEY]) as on:
        on.begin(on.opportunity())
        sales = on.world
    world.hooks = {}
    with salesforce_stage(second, world, sales, record_keys=[KEY]) as on:
        (ident,) = [each.id for each in sales.of_kind("Opportunity")]
        assert tell(on.bot.client, on.bot.url, ident)
        assert until(lambda: on.bot.waiting() > 0)
        assert len(world.issues) == 2
        assert sweep(second)["rebuilt"] == 1
        assert on.bot.quiet()
    assert len(world.issues) == 2


@pytest.mark.parametrize("is_lost", [True, False], ids=["an empty database", "a database that knows it"])
def test_a_marker_that_a_person_forged_or_copied_holds_nothing_up(is_lost: bool, world: World, tmp_path: Path) -> None:
    (copied,) = re.findall("<!-- psplan:scoping:[^>]*>", world.issue(3).description or "")
    mark = copied if not is_lost else f"<!-- psplan:scoping:{'2' * 8}-2222-4222-8222-{'2' * 12} -->"
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        if not is_lost:
            sweep(tmp_path / "second")
        world.create_issue("alice", title="Forged", description=f"{mark}\n\n{BLOCK}")
        assert on.quiet()
    assert len(world.issues) == 6


@pytest.mark.parametrize("status", [403, 500])
def test_an_issue_that_cannot_be_read_keeps_back_its_own_engagement_alone(
    status: int, world: World, tmp_path: Path
) -> None:
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        world.faults.add(Fault("GET", NOTES_OF_4, FaultKind.STATUS, status=status, times=4 if status == 500 else 2))
        for rebuilt in (1, 0):
            found = sweep(tmp_path / "second", rebuild=True)
            assert found["rebuilt"] == rebuilt
            assert any(f"#4 could not be read: GitLab answered {status}" in each for each in found["troubles"])
            assert on.quiet()
            assert is_as_it_was(world)
        found = sweep(tmp_path / "second")
        assert (found["rebuilt"], found["troubles"]) == (1, []), "it is tried again without being asked to"
        assert on.quiet()
    assert is_as_it_was(world)


def test_where_the_issues_cannot_be_listed_for_the_rebuild_nothing_is_looked_into(world: World, tmp_path: Path) -> None:
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        world.faults.add(Fault("GET", r"/issues\?.*state=all.*created", FaultKind.STATUS, status=500, times=1))
        found = sweep(tmp_path / "second", rebuild=True)
        assert (found["issues"], found["rebuilt"]) == (0, 0)
        assert "nothing else was looked into" in found["troubles"][1]
        assert on.quiet()
        assert sweep(tmp_path / "second")["rebuilt"] == 2
        assert on.quiet()
    assert is_as_it_was(world)


def test_a_back_up_is_not_looked_into_where_its_latest_record_could_not_be_read(world: World, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(first, second)
    with stage(first, world, record_keys=[KEY]) as on:
        say(on, "/ps next", 3)
        assert on.quiet()
    world.hooks = {}
    said = len(spoken(world))
    with stage(second, world, record_keys=[KEY]) as on:
        world.faults.add(Fault("GET", NOTES_OF_4, FaultKind.STATUS, status=500, times=2))
        assert sweep(second, rebuild=True)["rebuilt"] == 0
        assert on.quiet()
        assert "proposal::Awaiting_Discovery" in labels(world, 3), "the old standing was not taken for the true one"
        assert sweep(second)["rebuilt"] == 1
        assert on.quiet()
    assert "proposal::Awaiting_Discovery" in labels(world, 3)
    assert (len(world.issues), len(spoken(world))) == (4, said)


def test_a_back_up_that_lacks_an_engagement_gets_it_back_without_being_asked(world: World, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    shutil.copytree(first, second)
    with stage(first, world, record_keys=[KEY]) as on:
        world.create_issue("alice", title="Later GmbH", description=BLOCK.replace("Hand", "Later"))
        assert on.quiet()
    world.hooks = {}
    with stage(second, world, record_keys=[KEY]) as on:
        found = sweep(second)
        assert any("the next sweep begins with a rebuild" in each for each in found["troubles"])
        assert sweep(second)["rebuilt"] == 1
        assert sweep(second)["troubles"] == []
        assert on.quiet()
    assert len(world.issues) == 6
    assert status_notes(world) == dict.fromkeys(range(1, 7), 1)
