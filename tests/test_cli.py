"""The command line: exit codes, one clear line where something is wrong, and what the commands print."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import main
from app.reference import renewed
from app.sandbox.faults import Fault, FaultKind
from tests.harness import KEY, environment, stage, submission, until

ROOT = Path(__file__).parents[1]


def psplan(*words: str, folder: Path, **env: str) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PSPLAN_")}
    return subprocess.run(
        [sys.executable, "-m", "app", *words],
        cwd=folder,
        env={**clean, "PYTHONPATH": str(ROOT), **env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    "words", [["frobnicate"], ["serve", "--port", "seventy"], ["serve", "--port", "70000"], ["deliveries"], []]
)
def test_wrong_words_end_with_2(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert "usage: psplan" in capsys.readouterr().err


def broken_template(folder: Path) -> dict[str, str]:
    templates = folder / "templates"
    templates.mkdir()
    for shipped in (ROOT / "issue_templates").glob("*.md"):
        (templates / shipped.name).write_text(shipped.read_text().replace("{{ ssot }}", "{{ ssott }}"))
    return {"PSPLAN_TEMPLATES": str(templates)}


def broken_methodology(folder: Path) -> dict[str, str]:
    (folder / "m.yaml").write_text("extends: default\nrouting:\n  default_emm: jane\n")
    return {"PSPLAN_METHODOLOGY": str(folder / "m.yaml")}


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        pytest.param(lambda _: {"PSPLAN_GITLAB_URL": ""}, "PSPLAN_GITLAB_URL is missing", id="no GitLab"),
        pytest.param(lambda _: {"PSPLAN_WEBHOOK_TOKENS": ""}, "PSPLAN_WEBHOOK_TOKENS is missing", id="no secret"),
        pytest.param(lambda _: {"PSPLAN_DATABASE_URL": "sqlite:////proc/x/y"}, "cannot be written", id="no disk"),
        pytest.param(broken_template, "scoping.md:", id="a placeholder nobody knows"),
        pytest.param(broken_methodology, "m.yaml:3", id="a key nobody knows"),
    ],
)
def test_a_start_that_cannot_be_is_one_line_and_exit_1(spoil: object, says: str, tmp_path: Path) -> None:
    env = environment(tmp_path, "http://127.0.0.1:1", **spoil(tmp_path))  # type: ignore[operator]
    ended = psplan("serve", "--port", "0", folder=tmp_path, **env)
    assert ended.returncode == 1, ended.stderr
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr
    assert any(line.startswith("psplan: ") for line in ended.stderr.splitlines())


def test_a_port_that_is_taken_is_one_line_and_exit_1(tmp_path: Path) -> None:
    with stage(tmp_path / "a") as on:
        env = environment(tmp_path, "http://127.0.0.1:1")
        ended = psplan("serve", "--port", on.url.rsplit(":", 1)[1], folder=tmp_path, **env)
    assert ended.returncode == 1
    assert "cannot listen on" in ended.stderr
    assert "(Address already in use); --host and --port" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_second_service_on_the_same_database_says_so(tmp_path: Path) -> None:
    with stage(tmp_path):
        ended = psplan("serve", "--port", "0", folder=tmp_path, **environment(tmp_path, "http://127.0.0.1:1"))
    assert ended.returncode == 1
    assert "in use by another psplan process" in ended.stderr


def test_submit_and_look_at_what_came_of_it(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        file = tmp_path / "submission.json"
        file.write_text(json.dumps(submission()))
        env = {
            "PSPLAN_CALCULATOR_KEYS": KEY,
            "PSPLAN_PUBLIC_URL": on.url,
            "PSPLAN_DATABASE_URL": f"sqlite:///{tmp_path / 'psplan.sqlite3'}",
        }
        sent = psplan("submit", str(file), "--wait", folder=tmp_path, **env)
        assert sent.returncode == 0, sent.stderr
        assert "/-/issues/1" in sent.stdout
        assert on.quiet()
        listed = json.loads(psplan("deliveries", "list", "--json", folder=tmp_path, **env).stdout)
        first = next(each for each in listed if each["source"] == "calculator")
        assert {"id", "source", "state", "received_at", "attempts", "reason"} <= set(first)
        assert (first["state"], first["attempts"]) == ("done", 0)
        shown = psplan("deliveries", "show", str(first["id"]), folder=tmp_path, **env)
        assert "decided: create the scoping issue; create the intake issue; " in shown.stdout
        assert "create the scoping issue" in shown.stdout
        assert "Acme" not in shown.stdout, "the journal holds no words of a customer"
        assert psplan("deliveries", "show", "999", folder=tmp_path, **env).returncode == 1


def test_a_delivery_that_waits_tells_why_and_how_often_it_was_tried(tmp_path: Path) -> None:
    env = {"PSPLAN_DATABASE_URL": f"sqlite:///{tmp_path / 'psplan.sqlite3'}"}
    with stage(tmp_path) as on:
        on.world.faults.add(Fault("POST", "/issues$", FaultKind.STATUS, status=409, times=99))
        on.send(submission())
        assert until(lambda: "2 tries failed" in psplan("deliveries", "list", folder=tmp_path, **env).stdout)
        assert "GitLab answered 409" in psplan("deliveries", "show", "1", folder=tmp_path, **env).stdout


@pytest.mark.parametrize(
    ("content", "says"),
    [
        pytest.param("{", "is not JSON", id="broken"),
        pytest.param('{"customer_name": ""}', "customer_name", id="with faults"),
        pytest.param(None, "cannot be read", id="not there"),
    ],
)
def test_a_file_that_cannot_be_submitted_is_told_why(content: str | None, says: str, tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        file = tmp_path / "submission.json"
        if content is not None:
            file.write_text(content)
        ended = psplan("submit", str(file), "--url", on.url, folder=tmp_path, PSPLAN_CALCULATOR_KEYS=KEY)
    assert ended.returncode == 1
    assert says in ended.stderr
    assert "Traceback" not in ended.stderr


def test_submitting_to_nobody_says_so(tmp_path: Path) -> None:
    (tmp_path / "s.json").write_text("{}")
    ended = psplan("submit", "s.json", "--url", "http://127.0.0.1:1", folder=tmp_path, PSPLAN_CALCULATOR_KEYS=KEY)
    assert ended.returncode == 1
    assert "does not answer" in ended.stderr


def test_the_methodology_that_ships_is_in_order_and_can_be_shown(tmp_path: Path) -> None:
    checked = psplan("methodology", "check", folder=tmp_path)
    assert (checked.returncode, checked.stderr) == (0, "")
    shown = psplan("methodology", "show", folder=tmp_path)
    (tmp_path / "shown.yaml").write_text(shown.stdout)
    assert psplan("methodology", "check", "shown.yaml", folder=tmp_path).returncode == 0, (
        "what is shown is a methodology"
    )


def test_a_wrong_methodology_is_refused_with_file_and_line(tmp_path: Path) -> None:
    broken_methodology(tmp_path)
    ended = psplan("methodology", "check", "m.yaml", folder=tmp_path)
    assert ended.returncode == 1
    assert "m.yaml:3" in ended.stderr


def test_the_demo_tells_a_story_that_comes_true(tmp_path: Path) -> None:
    ended = psplan("demo", "--exit", folder=tmp_path, PSPLAN_GITLAB_URL="https://real.example.com", PSPLAN_PROJECT="x")
    assert ended.returncode == 0, ended.stderr
    assert "They are linked to each other." in ended.stdout
    assert "vendor.failed" not in ended.stdout
    assert list(tmp_path.iterdir()) == [], "it leaves nothing behind"


def _hear_interrupts() -> None:
    """A shell lets what it runs in the background ignore them, and that is inherited."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def test_the_demo_stays_until_it_is_told_to_stop(tmp_path: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "app", "demo", "--gitlab-port", "0"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=_hear_interrupts,  # noqa: PLW1509  (it takes no lock)
    )
    assert process.stdout is not None
    assert any(line.startswith("Your turn: ") for line in process.stdout)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0
    process.stdout.close()


def test_the_tables_of_the_readme_are_what_the_code_says() -> None:
    readme = (ROOT / "README.md").read_text()
    assert renewed(readme) == readme, "run `make docs`"
    assert readme.count("<!-- generated: ") == 3
