"""No secret is found in anything that the service produces: logs, answers, comments, metrics, database, commands."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest
import structlog

from app.cli import main
from app.logs import set_up_logs
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.people import token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.submit import follow, send
from tests.harness import Process, environment, submission, until


def key(name: str) -> str:
    return "whsec_" + base64.b64encode(f"canary-of-the-{name}-key-0123456789".encode()).decode()


SECRETS = {
    "PSPLAN_GITLAB_TOKEN": token_of("ps-bot"),
    "PSPLAN_GITLAB_ADMIN_TOKEN": "glpat-canary/of+the&maintainer",
    "PSPLAN_WEBHOOK_TOKENS": "canary-hook-token",
    "PSPLAN_WEBHOOK_SIGNING_KEYS": key("hook"),
    "PSPLAN_CALCULATOR_KEYS": key("calculator"),
    "PSPLAN_RECORD_KEYS": key("record"),
    "PSPLAN_METRICS_TOKEN": "canary-of-the-metrics",
}
ROOT = Path(__file__).parents[2]


def forms(secret: str) -> Iterable[bytes]:
    """The secret as it is and as it might be wrapped."""
    body = secret.removeprefix("whsec_")
    yield secret.encode()
    yield body.encode()
    yield quote(secret, safe="").encode()
    yield base64.b64encode(secret.encode()).rstrip(b"=")
    if body != secret:
        yield base64.b64decode(body)


def found_in(produced: dict[str, bytes]) -> list[str]:
    return [
        f"{name} in {place}"
        for place, text in produced.items()
        for name, secret in SECRETS.items()
        if any(form in text for form in forms(secret))
    ]


def run(words: list[str], env: dict[str, str], folder: Path) -> bytes:
    """What a command prints."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PSPLAN_")}
    told = subprocess.run(
        [sys.executable, "-m", "tests.hostile.talkative", *words],
        env={**clean, **env, "PYTHONPATH": str(ROOT)},
        cwd=folder,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return told.stdout + told.stderr


class Everything:
    """A client that keeps whatever it is answered."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.heard = b""
        self.client = httpx.Client(timeout=10, event_hooks={"response": [self.keep]})

    def keep(self, answer: httpx.Response) -> None:
        answer.read()
        self.heard += repr(answer.headers.multi_items()).encode() + answer.content

    def post(self, path: str, body: bytes, **headers: str) -> int:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        named = {"Content-Type": "application/json", **named}
        return self.client.post(f"{self.url}{path}", content=body, headers=named).status_code


def try_everything(everything: Everything, world: World) -> None:
    """A life with failures on both sides of the service."""
    key, hook = SECRETS["PSPLAN_CALCULATOR_KEYS"], SECRETS["PSPLAN_WEBHOOK_TOKENS"]
    world.faults.add(Fault("*", r".", FaultKind.STATUS, status=401, times=2))
    world.faults.add(Fault("POST", r"/links$", FaultKind.PERFORM_THEN_502))
    first = send(everything.client, everything.url, json.dumps(submission()).encode(), key)
    assert follow(everything.client, first, patience_s=60)["state"] == "done"
    world.add_note("erin", 1, "/ps status\n/ps next\n/ps nonsense")
    assert until(lambda: any("nonsense" in note.body for note in world.notes.values() if note.author_id != 1))
    world.faults.add(Fault("POST", r"/issues$", FaultKind.STATUS, status=403))
    refused = send(everything.client, everything.url, json.dumps(submission()).encode(), key)
    assert follow(everything.client, refused, patience_s=60)["state"] == "failed"
    for secret in SECRETS.values():
        everything.post(f"/webhooks/gitlab?token={quote(secret)}", b"{}", X_Gitlab_Token=secret)
        everything.post("/webhooks/calculator", b"{}", Authorization=f"Bearer {secret}")
        everything.post(
            "/webhooks/calculator", json.dumps({"customer_name": 7}).encode(), Authorization=f"Basic {secret}"
        )
        everything.client.get(f"{everything.url}/metrics", headers={"Authorization": f"Bearer {secret}"})
        everything.client.get(f"{everything.url}/submissions/x?token={quote(secret)}")
        everything.client.get(f"{everything.url}/nothing/{quote(secret, safe='')}")
    assert everything.post("/webhooks/gitlab", b"{", X_Gitlab_Token=hook) == 400
    for path in ("/healthz", "/readyz", "/help", "/openapi.json", "/docs", "/schemas/submission.json"):
        everything.client.get(f"{everything.url}{path}")


@pytest.mark.parametrize("as_files", [False, True], ids=["in the environment", "in files"])
def test_no_secret_leaves_by_any_door(as_files: bool, tmp_path: Path) -> None:
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox:
        env = {**environment(tmp_path, sandbox.url), **SECRETS}
        if as_files:
            (tmp_path / "secrets").mkdir()
            for name, secret in SECRETS.items():
                (tmp_path / "secrets" / name).write_text(secret + "\n")
                env[f"{name}_FILE"] = str(tmp_path / "secrets" / name)
                del env[name]
        process = Process(env, tmp_path, module="tests.hostile.talkative")
        process.start()
        assert process.running is not None
        everything = Everything(process.url)
        token = SECRETS["PSPLAN_WEBHOOK_TOKENS"]
        sandbox.world.add_hook(
            "root", f"{process.url}/webhooks/gitlab", token=token, push_events=False, note_events=True
        )
        try:
            try_everything(everything, sandbox.world)
        finally:
            process.running.terminate()
            assert process.listening is not None
            process.listening.join(30)
            process.stop()
        log = "".join(process.said).encode()
        assert b'"level": "debug"' in log, "the libraries talked"
        assert b"answered 401" in log
        world = sandbox.world
        written = [note.body for note in world.notes.values()]
        written += [f"{issue.title}\n{issue.description}" for issue in world.issues.values()]
        database = {path.name: path.read_bytes() for path in tmp_path.glob("psplan.sqlite3*")}
        assert database
        produced = {
            "the log": log,
            "answers": everything.heard,
            "comments and issues": "\n".join(written).encode(),
            "psplan deliveries list": run(["deliveries", "list"], env, tmp_path),
            "psplan deliveries show": b"".join(
                run(["deliveries", "show", str(n), "--json"], env, tmp_path) for n in (1, 2)
            ),
            "a start on a port that is none": run(["serve", "--host", "256.0.0.1"], env, tmp_path),
            **database,
        }
    assert found_in(produced) == []


@pytest.mark.parametrize("name", SECRETS)
def test_a_start_with_a_wrong_setting_shows_no_secret(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for setting, value in {**environment(tmp_path, "nowhere"), **SECRETS, name: "canary with blanks"}.items():
        monkeypatch.setenv(setting, value)
    assert main(["serve"]) == 1
    told = capsys.readouterr().err.encode()
    assert told.startswith(b"psplan: PSPLAN_")
    assert b"canary" not in told
    assert found_in({"stderr": told}) == []


@pytest.mark.parametrize(
    "text",
    [
        "{secret}",
        "Bearer {secret}.",
        "GET /x?token={quoted}&y",
        "only {body} of it",
        "Authorization: Basic {packed}",
    ],
)
def test_the_log_cuts_out_a_secret_in_every_form(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    secret = SECRETS["PSPLAN_RECORD_KEYS"]
    before = structlog.get_config()
    try:
        set_up_logs(style="json", secrets=[secret])
        said = text.format(
            secret=secret,
            quoted=quote(secret, safe=""),
            body=secret.removeprefix("whsec_"),
            packed=base64.b64encode(secret.encode()).decode(),
        )
        structlog.get_logger().info(
            "x", a=said, b=[said], c={"d": said}, d={said: 1}, e=ValueError(said), f=said.encode()
        )
        heard = capsys.readouterr().err
        assert heard.count("[secret]") == 6
        assert found_in({"the log": heard.encode()}) == []
    finally:
        structlog.configure(**before)
