"""The sweep finds what no webhook told, once; it heals the webhook; a lost database comes back from GitLab."""

from __future__ import annotations

import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.people import token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from tests.harness import Process, Stage, add_hook, end_state, environment, errand, spoken, stage, submission, until

ADMIN = token_of("root")
SECOND_S = 1.1


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path, gitlab_admin_token=ADMIN) as running:
        running.submit(submission(estimate={"amount": 30000, "currency": "USD"}))
        assert running.quiet()
        sweep(tmp_path)
        assert running.quiet()
        yield running


def sweep(folder: Path, **words: Any) -> dict[str, Any]:
    answer: dict[str, Any] = errand(folder, "sweep", **words)["done"]
    return answer


@contextmanager
def deaf(on: Stage) -> Iterator[None]:
    """GitLab delivers nothing meanwhile, and does not try to."""
    kept, on.world.hooks = on.world.hooks, {}
    yield
    assert on.world.deliveries_idle(30)
    on.world.hooks = kept


def labels(on: Stage, iid: int) -> set[str]:
    return set(on.world.label_titles(on.world.issue(iid)))


def say(on: Stage, by: str, text: str, iid: int = 1) -> int:
    note = on.world.add_note(by, iid, text).note
    assert note is not None
    return note.id


def test_a_label_that_no_webhook_told_is_followed(on: Stage, tmp_path: Path) -> None:
    with deaf(on):
        on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    assert sweep(tmp_path)["changes"] == 1
    assert on.quiet()
    assert "Intake::Needs-Info" in labels(on, 2)


def test_a_command_that_no_webhook_told_is_carried_out_once(on: Stage, tmp_path: Path) -> None:
    with deaf(on):
        note = say(on, "erin", "/ps next")
    assert sweep(tmp_path)["comments"] == 1
    assert on.quiet()
    assert "proposal::Awaiting_Discovery" in labels(on, 1)
    assert sorted(a.name for a in on.world.awards.values() if a.note_id == note) == ["eyes", "white_check_mark"]
    assert [sweep(tmp_path)["comments"] for _ in range(2)] == [0, 0]
    assert "proposal::Awaiting_Discovery" in labels(on, 1)


def test_what_gitlab_told_already_is_found_by_no_sweep(on: Stage, tmp_path: Path) -> None:
    say(on, "erin", "/ps next")
    assert on.quiet()
    on.world.update_issue("erin", 1, add_labels=["proposal::Strawman_WIP"])
    say(on, "alice", "Looking forward to it.")
    assert on.quiet()
    for _ in range(2):
        found = sweep(tmp_path)
        assert (found["comments"], found["changes"], found["troubles"]) == (0, 0, [])


def test_a_change_that_gitlab_hides_in_a_throttled_time_is_found(on: Stage, tmp_path: Path) -> None:
    with deaf(on):
        on.world.update_issue("erin", 1, add_labels=["team: blue"])
        sweep(tmp_path)
        assert on.is_idle()
        before = on.world.issue(1).updated_at
        on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
        on.world.issue(1).updated_at = before
    assert sweep(tmp_path)["changes"] == 1


def test_a_comment_edited_meanwhile_orders_nothing_and_is_told_so(on: Stage, tmp_path: Path) -> None:
    with deaf(on):
        note = say(on, "erin", "Hello.")
        on.world.edit_note("root", 1, note, "/ps next")
        on.world.notes[note].updated_at = on.world.notes[note].created_at.replace(year=2030)
    sweep(tmp_path)
    assert on.quiet()
    assert "proposal::Awaiting_Discovery" not in labels(on, 1)
    assert sum("GitLab does not tell me by whom" in body for body in spoken(on.world)) == 1


def reacts(on: Stage, note: int) -> None:
    on.world.react("alice", 1, "thumbsup", note_id=note)


def replies(on: Stage, note: int) -> None:
    on.world.add_note("alice", 1, "Indeed.", in_discussion=on.world.notes[note].discussion_id)


@pytest.mark.parametrize("touch", [reacts, replies])
def test_what_only_touches_a_missed_comment_is_no_edit(
    touch: Callable[[Stage, int], None], on: Stage, tmp_path: Path
) -> None:
    with deaf(on):
        note = say(on, "erin", "/ps next")
        on.world.notes[note].created_at -= timedelta(minutes=1)
        touch(on, note)
    sweep(tmp_path)
    assert on.quiet()
    assert "proposal::Awaiting_Discovery" in labels(on, 1)


def test_an_edit_a_moment_after_is_an_edit(on: Stage, tmp_path: Path) -> None:
    with deaf(on):
        note = say(on, "erin", "Hello.")
        on.world.edit_note("root", 1, note, "/ps next")
        on.world.notes[note].created_at -= timedelta(milliseconds=200)
    sweep(tmp_path)
    assert on.quiet()
    assert "proposal::Awaiting_Discovery" not in labels(on, 1)


def test_an_issue_with_a_block_that_no_webhook_told_is_adopted(on: Stage, tmp_path: Path) -> None:
    with deaf(on):
        text = "```psplan-submission\ncustomer_name: Hand GmbH\nservices: [readiness]\n```"
        on.world.create_issue("alice", title="Hand GmbH", description=text)
    assert sweep(tmp_path)["changes"] == 1
    assert on.quiet()
    assert any("Hand GmbH - Project Scheduling Intake" in issue.title for issue in on.world.issues.values())


def test_a_failed_delivery_is_taken_from_gitlabs_log_and_not_worked_on_twice(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with SandboxServer(world) as sandbox:
        process = Process(environment(tmp_path, sandbox.url, PSPLAN_GITLAB_ADMIN_TOKEN=ADMIN), tmp_path)
        process.start()
        add_hook(world, process.url)
        process.stop()
        text = "```psplan-submission\ncustomer_name: Hand GmbH\nservices: [readiness]\n```"
        world.create_issue("alice", title="Hand GmbH", description=text)
        assert world.deliveries_idle(30)
        process.start()
        found = sweep(tmp_path)
        assert found["from_log"] == 1
        assert until(lambda: len(world.issues) == 2)
        process.stop()
        process.start()
        assert sweep(tmp_path)["from_log"] == 0
        process.stop()
    assert len(world.issues) == 2


def test_a_disabled_hook_is_switched_on_again_and_what_was_not_sent_is_found(on: Stage, tmp_path: Path) -> None:
    (hook,) = on.world.hooks.values()
    on.world.auto_disable, hook.failures = True, 40
    on.world.update_issue("erin", 1, add_labels=["proposal::Awaiting_Discovery"])
    found = sweep(tmp_path)
    assert found["hook"] == "was disabled by GitLab, and is switched on again"
    assert on.quiet()
    assert "Intake::Needs-Info" in labels(on, 2)
    assert on.metric("psplan_hook_is_well") == 1


def test_where_there_is_no_hook_the_sweep_says_so_and_the_metric_tells_it(on: Stage, tmp_path: Path) -> None:
    on.world.hooks = {}
    assert sweep(tmp_path)["hook"] == "there is none that points here"
    assert on.metric("psplan_hook_is_well") == 0


def test_a_hook_of_the_group_is_no_alarm_as_long_as_deliveries_come_by_it(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path, world, gitlab_admin_token=ADMIN) as on:
        groups, world.hooks = world.hooks, {}
        assert sweep(tmp_path)["hook"] == "there is none that points here", "nothing has come yet"
        world.hooks = groups  # delivers, and the project's list does not show it
        on.submit(submission())
        assert on.quiet()
        world.hooks = {}
        assert "by a hook of its group" in sweep(tmp_path)["hook"]
        assert on.metric("psplan_hook_is_well") == 1


def test_the_first_sweep_has_a_disabled_hook_tested_when_the_service_listens(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with SandboxServer(world) as sandbox, httpx.Client(timeout=10) as client:
        more = {"PSPLAN_GITLAB_ADMIN_TOKEN": ADMIN, "PSPLAN_SWEEP_INTERVAL_S": "600"}
        process = Process(environment(tmp_path, sandbox.url, **more), tmp_path)
        process.start()
        add_hook(world, process.url)
        (hook,) = world.hooks.values()
        process.stop()
        world.create_issue("alice", title="GitLab tests with an issue that is there")
        world.auto_disable, hook.failures = True, 40
        process.start()
        assert until(lambda: Stage(world, process.url, client).metric("psplan_hook_is_well") == 1)
        assert hook.failures == 0
        process.stop()


def test_without_a_maintainers_token_the_rest_of_the_sweep_is_done(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        on.submit(submission())
        found = sweep(tmp_path)
        assert "no Maintainer's" in found["hook"]
        assert found["issues"] == 2


def test_a_lost_database_comes_back_from_gitlab(tmp_path: Path) -> None:
    """The same people then end where they would have ended, and a submission sent again makes no second pair."""
    body = submission(estimate={"amount": 62000, "currency": "USD"})
    world = World(hook_delay_s=0.0)
    key = "whsec_" + "cmVjb3JkLWtleS1vZi10aGUtdGVzdHM="
    with stage(tmp_path / "first", world, record_keys=[key]) as on:
        on.submit(body)
        for by, text in [("erin", "/ps next"), ("erin", "/ps next"), ("erin", "/ps next"), ("tara", "/ps ta approve")]:
            say(on, by, text)
            assert on.quiet()
    world.hooks = {}
    note = say(Stage(world, "", None), "erin", "/ps agree")  # type: ignore[arg-type]
    before = end_state(world)
    with stage(tmp_path / "second", world, record_keys=[key]) as on:
        found = sweep(tmp_path / "second", rebuild=True)
        assert (found["rebuilt"], found["troubles"]) == (1, [])
        assert on.quiet()
        assert found["comments"] == 1, "only what was said since"
        assert "white_check_mark" in {a.name for a in world.awards.values() if a.note_id == note}
        assert on.submit(body)["scoping_issue"]["iid"] == 1
        assert len(world.issues) == len(before["issues"]) == 2
        say(on, "erin", "/ps next")
        assert on.quiet()
        assert "proposal::SOW_WIP" in labels(on, 1), "the TA's yes was not lost"


def test_a_restored_back_up_is_brought_forward_to_what_gitlab_knows(tmp_path: Path) -> None:
    """What was decided since the back-up is not taken back, a yes at a gate above all."""
    world = World(hook_delay_s=0.0)
    key = "whsec_" + "cmVjb3JkLWtleS1vZi10aGUtdGVzdHM="
    first, second = tmp_path / "first", tmp_path / "second"
    with stage(first, world, record_keys=[key]) as on:
        on.submit(submission(estimate={"amount": 62000, "currency": "USD"}))
        say(on, "erin", "/ps next")
        assert on.quiet()
    shutil.copytree(first, second)
    world.hooks = {}
    with stage(first, world, record_keys=[key]) as on:
        for by, text in [("erin", "/ps next"), ("erin", "/ps next"), ("tara", "/ps ta approve"), ("erin", "/ps agree")]:
            say(on, by, text)
            assert on.quiet()
        was = labels(on, 1)
    world.hooks = {}
    before = len(spoken(world))
    with stage(second, world, record_keys=[key]) as on:
        found = sweep(second, rebuild=True)
        assert (found["rebuilt"], found["comments"], found["troubles"]) == (1, 0, [])
        assert on.quiet()
        assert (labels(on, 1), len(spoken(world))) == (was, before), "nothing is taken back, and nothing said again"
        assert sweep(second, rebuild=True)["rebuilt"] == 0
        say(on, "erin", "/ps next")
        assert on.quiet()
        assert "proposal::SOW_WIP" in labels(on, 1), "the TA's yes was not lost"


@pytest.mark.parametrize("is_heard", [True, False], ids=["before the loss", "since"])
def test_after_a_loss_an_edit_that_nobody_heard_is_told_and_one_that_was_heard_is_not(
    is_heard: bool, tmp_path: Path
) -> None:
    key = "whsec_" + "cmVjb3JkLWtleS1vZi10aGUtdGVzdHM="
    world = World(hook_delay_s=0.0)
    with stage(tmp_path / "first", world, record_keys=[key]) as on:
        on.submit(submission())
        note = say(on, "erin", "/ps next")
        assert on.quiet()
        time.sleep(SECOND_S)  # GraphQL tells whole seconds
        if is_heard:
            world.edit_note("erin", 1, note, "/ps next\n/ps next")
            assert on.quiet()
            time.sleep(SECOND_S)
            say(on, "erin", "/ps answer users_current 800")
            assert on.quiet()
    world.hooks = {}
    if not is_heard:
        world.edit_note("erin", 1, note, "/ps hold")
    with stage(tmp_path / "second", world, record_keys=[key]) as on:
        sweep(tmp_path / "second", rebuild=True)
        assert on.quiet()
    assert sum("GitLab does not tell me by whom" in body for body in spoken(world)) == (not is_heard)
    assert "proposal::On_hold" not in world.label_titles(world.issue(1))


def test_a_record_that_is_not_ours_brings_the_engagement_back_without_its_approvals(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path / "first", world) as on:
        on.submit(submission(estimate={"amount": 62000, "currency": "USD"}))
        for by, text in [("erin", "/ps next"), ("erin", "/ps next"), ("erin", "/ps next"), ("tara", "/ps ta approve")]:
            say(on, by, text)
            assert on.quiet()
    world.hooks = {}
    with stage(tmp_path / "second", world) as on:
        found = sweep(tmp_path / "second", rebuild=True)
        assert found["rebuilt"] == 1
        assert "approvals must be given again" in found["troubles"][0]
        assert on.quiet()
        status = sorted(each.issue_iid for each in world.notes.values() if each.body.startswith("<!-- psplan:status:"))
        assert status == [1, 2], "one note for each issue, as before"
        say(on, "erin", "/ps next")
        assert on.quiet()
        assert "proposal::SOW_WIP" not in labels(on, 1)


@pytest.mark.parametrize("iids", [(1,), (2,), (1, 2)], ids=str)
def test_an_engagement_comes_back_also_where_somebody_has_deleted_the_bots_markers(
    iids: tuple[int, ...], tmp_path: Path
) -> None:
    world = World(hook_delay_s=0.0)
    key = "whsec_" + "cmVjb3JkLWtleS1vZi10aGUtdGVzdHM="
    with stage(tmp_path / "first", world, record_keys=[key]) as on:
        on.submit(submission(estimate={"amount": 62000, "currency": "USD"}))
        for by, text in [("erin", "/ps next"), ("erin", "/ps next"), ("erin", "/ps next"), ("tara", "/ps ta approve")]:
            say(on, by, text)
            assert on.quiet()
    world.hooks = {}
    for iid in iids:
        text = re.sub("<!-- psplan:.*? -->", "", world.issue(iid).description or "")
        world.update_issue("erin", iid, description=text)
    with stage(tmp_path / "second", world, record_keys=[key]) as on:
        found = sweep(tmp_path / "second", rebuild=True)
        assert (found["rebuilt"], found["troubles"]) == (1, [])
        assert on.quiet()
        add_hook(world, on.url)
        say(on, "erin", "/ps agree")
        say(on, "erin", "/ps next")
        assert on.quiet()
        assert "proposal::SOW_WIP" in labels(on, 1), "the TA's yes was not lost"


def test_a_revision_is_in_the_record_that_a_lost_database_comes_back_from(tmp_path: Path) -> None:
    body = submission()
    changed = {**body, "customer_name": "Acme Europe"}
    world = World(hook_delay_s=0.0)
    key = "whsec_" + "cmVjb3JkLWtleS1vZi10aGUtdGVzdHM="
    with stage(tmp_path / "first", world, record_keys=[key]) as on:
        on.submit(body)
        assert on.quiet()
        on.submit(changed)
        assert on.quiet()
    said = len(spoken(world))
    world.hooks = {}
    with stage(tmp_path / "second", world, record_keys=[key]) as on:
        assert sweep(tmp_path / "second", rebuild=True)["rebuilt"] == 1
        on.submit(changed)
        assert on.quiet()
    assert len(spoken(world)) == said, "it is known, and told nobody again"


def test_a_missed_command_before_mere_talk_with_the_bot_is_carried_out(on: Stage, tmp_path: Path) -> None:
    with deaf(on):
        say(on, "erin", "/ps next")
        say(on, "alice", "@ps-bot thank you very much")
    sweep(tmp_path)
    assert on.quiet()
    assert "proposal::Awaiting_Discovery" in labels(on, 1)


def test_an_issue_that_cannot_be_looked_into_keeps_no_other_from_it(on: Stage, tmp_path: Path) -> None:
    on.submit(submission())
    assert on.quiet()
    sweep(tmp_path)
    assert on.quiet()
    with deaf(on):
        say(on, "erin", "Hello.")
        say(on, "erin", "/ps next", iid=3)
    on.world.faults.add(Fault("GET", r"/issues/1/notes", FaultKind.STATUS, status=500, times=99))
    found = sweep(tmp_path)
    assert found["troubles"]
    assert found["hook"] == "well"
    assert on.quiet()
    assert "proposal::Awaiting_Discovery" in labels(on, 3)


def test_a_comment_that_its_author_took_back_meanwhile_is_not_taken_from_gitlabs_log(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with SandboxServer(world) as sandbox:
        process = Process(environment(tmp_path, sandbox.url, PSPLAN_GITLAB_ADMIN_TOKEN=ADMIN), tmp_path)
        process.start()
        add_hook(world, process.url)
        with httpx.Client(timeout=10) as client:
            on = Stage(world, process.url, client)
            on.submit(submission())
            assert on.quiet()
            process.stop()
            note = say(on, "erin", "/ps lost budget")
            assert world.deliveries_idle(30)
            world.edit_note("erin", 1, note, "Forget it.")
            assert world.deliveries_idle(30)
            process.start()
            sweep(tmp_path)
            assert on.quiet()
        process.stop()
    assert world.issue(1).is_open


def test_a_copied_record_on_another_issue_redirects_nothing(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    key = "whsec_" + "cmVjb3JkLWtleS1vZi10aGUtdGVzdHM="
    with stage(tmp_path / "first", world, record_keys=[key]) as on:
        on.submit(submission())
        assert on.quiet()
    world.hooks = {}
    world.create_issue("alice", title="Copy", description=world.issue(1).description)
    (status,) = [each.body for each in world.notes_of(1) if each.body.startswith("<!-- psplan:status:")]
    world.add_note("ps-bot", 3, status)
    with stage(tmp_path / "second", world, record_keys=[key]) as on:
        found = sweep(tmp_path / "second", rebuild=True)
        assert found["rebuilt"] == 1
        assert "not its own" in found["troubles"][0]
        assert on.quiet()
        world.update_issue("erin", 3, add_labels=["proposal::Awaiting_Discovery"])
        add_hook(world, on.url)
        say(on, "erin", "/ps next", iid=1)
        assert on.quiet()
    assert "proposal::Awaiting_Discovery" in labels(on, 1)
