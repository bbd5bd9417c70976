"""What goes wrong in one part of a sweep keeps no other part from being done."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.engine.deciding import Decider
from app.events import CommentPosted
from app.sandbox.faults import Fault, FaultKind
from tests.harness import Stage, stage, submission
from tests.test_sweep import ADMIN, deaf, labels, say, sweep

SCOPING = (1, 3, 5, 7, 9, 11)
NOT_SHOWN = r"/issues/[13579]/notes"


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    """Six engagements at rest."""
    with stage(tmp_path, gitlab_admin_token=ADMIN) as running:
        for number in range(len(SCOPING)):
            running.submit(submission(customer_name=f"Customer {number}"))
        assert running.quiet()
        sweep(tmp_path)
        assert running.quiet()
        sweep(tmp_path)
        yield running


@pytest.mark.parametrize("status", [409, 500])
def test_engagements_that_gitlab_does_not_show_keep_the_sweep_from_no_other(
    status: int, on: Stage, tmp_path: Path
) -> None:
    with deaf(on):
        for iid in SCOPING:
            say(on, "erin", "/ps next", iid=iid)
    on.world.faults.add(Fault("GET", NOT_SHOWN, FaultKind.STATUS, status=status, times=9999))
    found = sweep(tmp_path)
    assert len(found["troubles"]) == 5
    assert on.quiet()
    assert "proposal::Awaiting_Discovery" in labels(on, 11)
    assert on.metric('psplan_vendor_open{vendor="gitlab"}') == 0, "GitLab itself answers"
    on.world.faults.clear()
    sweep(tmp_path)
    assert on.quiet()
    assert all("proposal::Awaiting_Discovery" in labels(on, iid) for iid in SCOPING)


def test_a_sweep_that_has_to_end_early_lets_the_next_one_begin_behind_it(on: Stage, tmp_path: Path) -> None:
    with deaf(on):
        for iid in SCOPING:
            say(on, "erin", "/ps next", iid=iid)
    for carried_out in (0, 5):
        # nothing is shown of the first engagement, and nothing of the list that is asked for then
        on.world.faults.add(Fault("GET", "/issues/1/notes", FaultKind.STATUS, status=500))
        on.world.faults.add(Fault("GET", r"/issues\?.*updated_after", FaultKind.STATUS, status=500, skip=1))
        found = sweep(tmp_path)
        assert found["comments"] == carried_out
        assert "the next sweep goes on from here" in found["troubles"][1]
        assert on.quiet()
        assert not on.world.faults.open_orders()
    assert sweep(tmp_path)["comments"] == 1
    assert on.quiet()
    assert all("proposal::Awaiting_Discovery" in labels(on, iid) for iid in SCOPING)


def test_what_is_a_bug_to_decide_on_is_parked_and_what_was_said_after_it_is_carried_out(
    on: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Decider.decide

    def decide(self: Decider, event: Any, *rest: Any, **more: Any) -> Any:
        if isinstance(event, CommentPosted) and "ODD" in event.body:
            raise KeyError("odd")
        return real(self, event, *rest, **more)

    monkeypatch.setattr(Decider, "decide", decide)
    with deaf(on):
        say(on, "erin", "/ps answer users_current ODD")
        say(on, "erin", "/ps next")
    assert sweep(tmp_path)["comments"] == 2
    assert on.quiet()
    assert on.metric("psplan_deliveries_dead") == 1
    assert "proposal::Awaiting_Discovery" in labels(on, 1)
    found = sweep(tmp_path)
    assert (found["comments"], found["troubles"]) == (0, [])
    assert on.metric("psplan_deliveries_dead") == 1


@pytest.mark.parametrize(("status", "troubles"), [(404, 0), (403, 1), (500, 1)])
def test_a_webhook_is_healed_whether_or_not_gitlab_shows_its_log(
    status: int, troubles: int, on: Stage, tmp_path: Path
) -> None:
    (hook,) = on.world.hooks.values()
    on.world.auto_disable, hook.failures = True, 40
    on.world.faults.add(Fault("GET", r"/hooks/\d+/events", FaultKind.STATUS, status=status, times=99))
    found = sweep(tmp_path)
    assert found["hook"] == "was disabled by GitLab, and is switched on again"
    assert hook.failures == 0
    assert len(found["troubles"]) == troubles, "before 17.3 GitLab keeps no log, which is no trouble"
