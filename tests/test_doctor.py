"""`psplan doctor` as a command: it only looks, tells in lines or JSON, mends what is safe, is held up by nothing."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from app import doctor
from app.cli_patient import patient_of
from app.doctor import Check, Finding, Patient, State
from app.errors import Permanent, VendorDown
from app.sandbox import Fault, FaultKind
from app.settings_survey import survey
from app.store.examine import examine_sqlite
from app.store.schema import SCHEMA_VERSION
from app.store.store import open_store
from tests.harness import HOOK_TOKEN, KEY, stage
from tests.operating import Desk, desk, furnish


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch, capsys) as made:
        yield made


@pytest.fixture
def ready(bare: Desk) -> Desk:
    furnish(bare)
    return bare


def test_a_project_that_is_set_up_is_well(ready: Desk) -> None:
    ran = ready.psplan("doctor")
    states = {line.split("  ")[0] for line in ran.out.splitlines()[:22]}
    assert (ran.code, states) == (0, {"ok", "not configured"}), ran.out
    assert "\n\n19 ok, 4 not configured, in " in ran.out


def test_what_bars_the_way_is_told_as_it_is(ready: Desk) -> None:
    ready.world.faults.add(Fault("GET", r"/projects/[^/?]+(\?|$)", FaultKind.STATUS, times=99, status=503))
    told = {each["reason"] for each in ready.psplan("doctor", "--json").json if each["state"] == "not checked"}
    assert told == {"GitLab answered 503 to GET project"}, "and not that there were no such project"


def test_the_doctor_only_looks(ready: Desk) -> None:
    ready.psplan("doctor")
    assert ready.writes() == 0
    assert list(ready.folder.iterdir()) == [], "no database, no lock, no key is made"


def test_columns_stand_below_each_other_and_a_pipe_gets_no_colour(bare: Desk) -> None:
    lines = bare.psplan("doctor").out.splitlines()[:22]
    assert {line[14:16] for line in lines} == {"  "}
    assert all(line[16] != " " for line in lines)
    assert not any("\033" in line for line in lines)


def test_json_has_all_that_a_program_needs(bare: Desk) -> None:
    found = bare.psplan("doctor", "--json").json
    webhook = next(each for each in found if each["subject"] == "webhook")
    assert webhook == {
        "subject": "webhook",
        "state": "broken",
        "reason": f"there is none that leads to {bare.hook_url}",
        "mend": "psplan setup",
        "can_be_fixed": True,
    }


def test_fix_mends_what_setup_would_make_and_looks_again(bare: Desk) -> None:
    ran = bare.psplan("doctor", "--fix")
    assert ran.code == 0, ran.out
    assert "+  label SLA::breached (#B22222)" in ran.out
    assert "19 ok, 4 not configured" in ran.out
    before = bare.writes()
    assert bare.psplan("doctor", "--fix").code == 0
    assert bare.writes() == before, "nothing was left to mend"


def test_fix_touches_nothing_that_a_person_made(ready: Desk) -> None:
    form = ".gitlab/issue_templates/services-request.md"
    ready.world.edit_file("root", form, b"mine", branch="main")
    ready.world.create_label("root", "proposal::Writing")
    ready.world.add_hook("root", "https://old.example.com/webhooks/gitlab")
    assert ready.psplan("doctor", "--fix").code == 0
    assert ready.writes() == 0


def test_a_fix_that_is_refused_says_why_and_the_others_are_made(bare: Desk) -> None:
    del bare.env["PSPLAN_GITLAB_ADMIN_TOKEN"]
    ran = bare.psplan("doctor", "--fix")
    assert ".md on main: GitLab answered 403 to POST file" in ran.out
    assert "ok              labels" in ran.out


def test_no_secret_is_shown(bare: Desk) -> None:
    for words in (["doctor"], ["doctor", "--json"], ["setup"], ["setup", "--json"]):
        ran = bare.psplan(*words)
        for secret in ("glpat-", HOOK_TOKEN, KEY.removeprefix("whsec_")):
            assert secret not in ran.out + ran.err


# One check


def look(*checks: Check, patience_s: float = 5.0) -> list[Finding]:
    return doctor.examine(_patient(), checks=checks, patience_s=patience_s)


def _patient() -> Patient:
    return patient_of(survey(_env_file=None))


def fails(fault: Exception) -> Check:
    def raise_it(_: Patient) -> list[Finding]:
        raise fault

    return Check("this one", (), raise_it)


FINE = Check("another", (), lambda _: [Finding(State.OK, "another", "well")])


@pytest.mark.parametrize(
    ("check", "reason"),
    [
        (fails(Permanent("refused")), "refused"),
        (fails(VendorDown("silent")), "silent"),
        (fails(KeyError("x")), "a bug in psplan: KeyError: 'x'"),
    ],
    ids=["refused", "down", "a bug"],
)
def test_what_one_check_meets_hides_nothing_of_the_others(check: Check, reason: str) -> None:
    assert look(check, FINE) == [Finding(State.BROKEN, "this one", reason), *FINE.look(_patient())]


def test_a_check_that_does_not_end_is_left_alone() -> None:
    ended = threading.Event()
    began = time.monotonic()
    stuck = Check("stuck", (), lambda _: [Finding(State.OK, "stuck", str(ended.wait(30)))])
    assert look(stuck, FINE, patience_s=0.3) == [
        Finding(State.BROKEN, "stuck", "no answer within 0 s"),
        *FINE.look(_patient()),
    ]
    ended.set()
    assert time.monotonic() - began < 10


def test_checks_are_made_side_by_side() -> None:
    together = threading.Barrier(8, timeout=10)

    def meet(_: Patient) -> list[Finding]:
        return [Finding(State.OK, "met", str(together.wait() >= 0))]

    assert {each.reason for each in look(*[Check("met", (), meet)] * 8)} == {"True"}


# The database


def test_a_database_in_use_is_looked_at_beside_the_service(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        seen = examine_sqlite(tmp_path / "psplan.sqlite3")
        assert (seen.version, seen.is_in_use, seen.fault) == (SCHEMA_VERSION, True, None)
        assert on.client.get(f"{on.url}/readyz").status_code == 200
    seen = examine_sqlite(tmp_path / "psplan.sqlite3")
    assert (seen.version, seen.is_in_use, seen.fault) == (SCHEMA_VERSION, False, None)


def test_a_running_service_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with stage(tmp_path) as on, desk(tmp_path, monkeypatch, capsys) as beside:
        beside.env |= {"PSPLAN_PUBLIC_URL": on.url, "PSPLAN_GITLAB_URL": on.world.base_url}
        assert beside.psplan("setup").code == 0
        ran = beside.psplan("doctor")
        assert ran.code == 0, ran.out
        assert f"can be written, tables {SCHEMA_VERSION}; a running psplan uses it" in ran.out
        assert f"ok              public address    {on.url} answers" in ran.out


def test_looking_leaves_the_lock_to_others(tmp_path: Path) -> None:
    path = tmp_path / "psplan.sqlite3"
    open_store(path).close()
    examine_sqlite(path)
    with FileLock(path.with_name(path.name + ".lock"), timeout=0):
        assert examine_sqlite(path).is_in_use


EXAMINE = """
import os, pathlib, sys
from app.store.examine import examine_sqlite
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everything
seen = examine_sqlite(pathlib.Path(sys.argv[1]))
print(seen.fault, "|", seen.mend)
"""


def test_a_database_that_this_user_cannot_write_is_told_so() -> None:
    with tempfile.TemporaryDirectory() as made:
        folder, path = Path(made), Path(made) / "psplan.sqlite3"
        folder.chmod(0o755)
        open_store(path).close()
        path.chmod(0o444)
        ran = subprocess.run(
            [sys.executable, "-c", EXAMINE, str(path)],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            cwd="/",
            capture_output=True,
            text=True,
            check=False,
        )
    assert "it cannot be written (" in ran.stdout, ran.stderr
    assert "have to belong to the user who runs psplan" in ran.stdout
