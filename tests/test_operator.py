"""`psplan sweep` and `psplan deliveries replay`, with a running service and without one; what is kept for how long."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest
from sqlalchemy import func, select

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.store import retention
from app.store.schema import actions, deliveries
from app.store.store import open_store
from tests.command import run_psplan
from tests.harness import Process, Stage, add_hook, environment, spoken, submission

DAY_S = 24 * 3600.0


class Field:
    """A sandbox, a service that may run or not, and the command line beside it."""

    def __init__(self, folder: Path, sandbox: SandboxServer, client: httpx.Client) -> None:
        self.folder = folder
        self.world = sandbox.world
        self.env = environment(folder, sandbox.url)
        self.process = Process(self.env, folder)
        self.process.start()
        add_hook(self.world, self.process.url)
        self.stage = Stage(self.world, self.process.url, client)

    def psplan(self, *words: str) -> tuple[int, str, str]:
        ran = run_psplan(*words, folder=self.folder, env=self.env)
        return ran.code, ran.out, ran.err

    def replay(self, number: int) -> None:
        """Until it is done; where GitLab may have done a write of before after all, that is waited for first."""
        code, told, _ = self.psplan("deliveries", "replay", str(number))
        assert (code, told) == (0, f"delivery {number} is done now\n") or "to see whether" in told, told
        assert self.stage.quiet()

    def dead(self) -> list[int]:
        return [row["id"] for row in json.loads(self.psplan("deliveries", "list", "--state", "dead", "--json")[1])]

    def labels(self, iid: int) -> set[str]:
        return set(self.world.label_titles(self.world.issue(iid)))

    def park_a_command(self) -> int:
        """`/ps next` of Erin's meets a 403 and becomes a dead letter."""
        self.world.faults.add(Fault("PUT", r"/issues/\d+$", FaultKind.STATUS, status=403))
        self.world.add_note("erin", 1, "/ps next")
        assert self.stage.quiet()
        (dead,) = self.dead()
        return dead


@pytest.fixture
def field(tmp_path: Path) -> Iterator[Field]:
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        made = Field(tmp_path, sandbox, client)
        made.stage.submit(submission())
        assert made.stage.quiet()
        yield made
        made.process.stop()


@pytest.mark.parametrize("is_running", [True, False], ids=["beside a service", "alone"])
def test_a_dead_letter_is_run_again_and_what_was_said_of_it_is_taken_back(is_running: bool, field: Field) -> None:
    dead = field.park_a_command()
    assert sum("psplan:parked" in body for body in spoken(field.world)) == 1
    if not is_running:
        field.process.stop()
    assert field.psplan("deliveries", "replay", str(dead)) == (0, f"delivery {dead} is done now\n", "")
    assert "proposal::Awaiting_Discovery" in field.labels(1)
    assert not any("psplan:parked" in body for body in spoken(field.world))
    assert [a.name for a in field.world.awards.values()].count("x") == 0
    assert field.dead() == []
    assert field.psplan("deliveries", "list", "--state", "dead") == (0, "Nothing is dead.\n", "")


def test_one_that_was_half_done_is_finished_and_not_done_again(field: Field) -> None:
    field.world.faults.add(Fault("PUT", r"/issues/2$", FaultKind.STATUS, status=403))
    field.world.add_note("erin", 1, "/ps next")
    assert field.stage.quiet()
    (dead,) = field.dead()
    assert "proposal::Awaiting_Discovery" in field.labels(1)
    assert "Intake::Needs-Info" not in field.labels(2)
    assert field.psplan("deliveries", "replay", str(dead))[0] == 0
    assert "proposal::Awaiting_Discovery" in field.labels(1)
    assert "Intake::Needs-Info" in field.labels(2)


def test_what_a_half_done_one_had_to_say_is_said_when_it_is_run_again(field: Field) -> None:
    field.world.faults.add(Fault("POST", r"/issues/1/notes$", FaultKind.STATUS, status=403))
    field.world.add_note("erin", 1, "/ps next\n/ps nonsense")
    assert field.stage.quiet()
    (dead,) = field.dead()
    assert "proposal::Awaiting_Discovery" in field.labels(1)
    assert not any("I do not know" in body for body in spoken(field.world))
    field.replay(dead)
    assert sum("I do not know" in body for body in spoken(field.world)) == 1
    assert "proposal::Strawman_WIP" not in field.labels(1), "what was done is not done again"
    assert not any("psplan:parked" in body for body in spoken(field.world))


@pytest.mark.parametrize("is_running", [True, False], ids=["beside a service", "alone"])
def test_a_sweep_brings_up_to_date_what_was_missed(is_running: bool, field: Field) -> None:
    hooks, field.world.hooks = field.world.hooks, {}
    if not is_running:
        field.process.stop()
    field.psplan("sweep")
    field.world.add_note("erin", 1, "/ps next")
    code, told, _ = field.psplan("sweep")
    assert code == 0
    assert "missed until now: 1 comment and 0 changes" in told
    assert "brought up to date" in told
    assert "proposal::Awaiting_Discovery" in field.labels(1)
    assert "Intake::Needs-Info" in field.labels(2)
    assert "nothing was missed" in field.psplan("sweep")[1]
    field.world.hooks = hooks


def test_a_dry_run_prints_what_would_be_done_and_does_nothing(field: Field) -> None:
    dead = field.park_a_command()
    writes = field.stage.writes()
    code, told, _ = field.psplan("deliveries", "replay", str(dead), "--dry-run")
    assert code == 0
    assert "would change the scoping issue: +proposal::Awaiting_Discovery" in told
    assert "because:" in told
    assert field.stage.writes() == writes
    assert field.dead() == [dead]
    as_json = json.loads(field.psplan("deliveries", "replay", str(dead), "--dry-run", "--json")[1])
    assert as_json["id"] == dead
    assert any("+proposal::Awaiting_Discovery" in action for action in as_json["actions"])


def test_a_dry_run_of_what_came_before_its_issue_was_adopted_is_decided_for_the_engagement(field: Field) -> None:
    issue = field.world.create_issue("erin", title="Hand GmbH")
    field.world.faults.add(Fault("POST", rf"/issues/{issue.iid}/notes", FaultKind.STATUS, status=403, times=3))
    field.world.add_note("erin", issue.iid, "/ps next")
    assert field.stage.quiet()
    (dead,) = field.dead()[-1:]
    field.world.faults.clear()
    field.world.add_note("erin", issue.iid, "/ps adopt")
    assert field.stage.quiet()
    told = field.psplan("deliveries", "replay", str(dead), "--dry-run")[1]
    assert "would change the scoping issue: +proposal::Awaiting_Discovery" in told
    field.psplan("deliveries", "replay", str(dead))
    assert field.stage.quiet()
    assert "proposal::Awaiting_Discovery" in field.labels(issue.iid), "and so it is done"


def test_a_replay_of_what_was_done_does_nothing_twice(field: Field) -> None:
    field.world.add_note("erin", 1, "/ps next")
    assert field.stage.quiet()
    rows = json.loads(field.psplan("deliveries", "list", "--json")[1])
    before = len(spoken(field.world)), field.labels(1)
    for row in rows:
        code, _, said = field.psplan("deliveries", "replay", str(row["id"]))
        assert code == 0 or "is not kept" in said
    assert field.stage.quiet()
    assert (len(spoken(field.world)), field.labels(1)) == before
    assert len(field.world.issues) == 2


def test_a_replay_that_fails_takes_nothing_back_that_was_done(field: Field) -> None:
    field.world.add_note("erin", 1, "/ps sow https://docs.google.com/document/d/1")
    assert field.stage.quiet()
    done = json.loads(field.psplan("deliveries", "list", "--state", "done", "--json")[1])[0]["id"]
    field.world.faults.add(Fault("GET", r"/issues/1$", FaultKind.STATUS, status=403))
    field.psplan("deliveries", "replay", str(done))
    assert field.stage.quiet()
    field.world.add_note("erin", 1, "/ps sow https://docs.google.com/document/d/1")
    assert field.stage.quiet()
    assert any("on record already" in body for body in spoken(field.world))


def test_a_replay_that_has_to_wait_says_that_it_goes_on_by_itself(field: Field) -> None:
    field.world.add_note("erin", 1, "/ps sow https://docs.google.com/document/d/1")
    assert field.stage.quiet()
    done = json.loads(field.psplan("deliveries", "list", "--state", "done", "--json")[1])[0]["id"]
    field.world.faults.add(Fault("GET", r"/issues/1$", FaultKind.STATUS, status=503))
    code, told, _ = field.psplan("deliveries", "replay", str(done))
    assert (code, told.partition(":")[0]) == (1, f"delivery {done} is not done yet, and goes on by itself")


@pytest.mark.parametrize("words", [("replay", "999"), ("replay", "999", "--dry-run"), ("show", "999")], ids=str)
def test_what_is_not_there_is_told_in_one_line(words: tuple[str, ...], field: Field) -> None:
    assert field.psplan("deliveries", *words) == (1, "", "psplan: there is no delivery 999\n")


def test_an_older_version_of_a_submission_is_not_run_again(field: Field) -> None:
    body = submission()
    field.stage.submit(body)
    field.stage.submit({**body, "customer_name": "Acme Europe"})
    rows = json.loads(field.psplan("deliveries", "list", "--json")[1])
    newest, oldest = [row["id"] for row in rows if row["source"] == "calculator"][:2]
    code, _, said = field.psplan("deliveries", "replay", str(oldest))
    assert code == 1
    assert f"followed by a newer version of the same submission: delivery {newest}" in said


def test_bodies_are_thrown_away_after_their_time_and_keys_and_dead_letters_stay(field: Field) -> None:
    dead = field.park_a_command()
    field.process.stop()
    store = open_store(field.folder / "psplan.sqlite3")
    try:
        now = field.world.clock().timestamp()
        before = store.read(lambda c: c.execute(select(func.count()).select_from(actions)).scalar_one())
        gone = [store.write(partial(retention.throw_away, limits=retention.Limits.of(30, now=now + 31 * DAY_S)))]
        gone.append(store.write(partial(retention.throw_away, limits=retention.Limits.of(30, now=now + 31 * DAY_S))))
        assert gone[0] > 0
        assert gone[1] == 0
        rows = store.read(lambda c: c.execute(select(deliveries)).all())
        assert {row.state for row in rows} == {"done", "dead"}
        assert [row.id for row in rows if row.body is not None] == [dead]
        after = store.read(lambda c: c.execute(select(func.count()).select_from(actions)).scalar_one())
        assert after == before, "their keys are what nothing is done twice by"
    finally:
        store.close()
