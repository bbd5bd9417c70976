"""Secrets given as files are rotated while the service runs: no restart, no refusal on the way, nothing lost."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from app.live_secrets import LiveSecrets
from app.sandbox.people import token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.store import inbox
from app.store.database import open_beside
from tests.harness import (
    HOOK_TOKEN,
    KEY,
    Process,
    Stage,
    add_hook,
    environment,
    errand,
    settings_for,
    stage,
    submission,
    until,
)
from tests.test_rotation import NEW, OLD, as_bearer, as_calculator, with_signature, with_token

SOON_S = 8.0


def with_metrics_token(on: Stage, secret: str) -> int:
    return on.client.get(f"{on.url}/metrics", headers={"Authorization": f"Bearer {secret}"}).status_code


def from_outside(folder: Path) -> int:
    """How many deliveries are in the inbox that came through a door."""
    engine = open_beside(folder / "psplan.sqlite3")
    with engine.connect() as connection:
        rows = inbox.listed(connection, limit=10_000, state=None)
    engine.dispose()
    # what the sandbox tells of the issues that were made is told by the webhook as well
    return sum(row.source == "calculator" or row.kind == "comet" for row in rows)


class Mount:
    """A secret as Kubernetes mounts it: the file is a link into a folder, which is a link that is swapped."""

    def __init__(self, folder: Path, secret: str) -> None:
        self._folder, self._turn = folder, 0
        folder.mkdir()
        self.put(secret)
        self.path = folder / "secret"
        self.path.symlink_to(Path("..data") / "secret")

    def put(self, secret: str | None) -> None:
        """Swap; None: the new folder is without the secret."""
        self._turn += 1
        turn = self._folder / f"..{self._turn}"
        turn.mkdir()
        if secret is not None:
            (turn / "secret").write_text(secret + "\n")
        (self._folder / "..new").symlink_to(turn.name)
        os.replace(self._folder / "..new", self._folder / "..data")


@contextmanager
def running(folder: Path, setting: str, secret: str, **more: str) -> Iterator[tuple[Stage, Mount, Process]]:
    """The service as a process of its own, with one of its secrets in a mount."""
    world = World(hook_delay_s=0.0)
    mount = Mount(folder / "mount", secret)
    with SandboxServer(world) as sandbox, httpx.Client(timeout=10) as client:
        env = environment(folder, sandbox.url, **more)
        env.pop(setting, None)
        process = Process({**env, f"{setting}_FILE": str(mount.path)}, folder)
        process.start()
        add_hook(world, process.url)
        try:
            yield Stage(world, process.url, client), mount, process
        finally:
            process.stop()


DOORS: dict[str, tuple[str, Callable[[Stage, str], int], int]] = {
    "the webhook's token": ("PSPLAN_WEBHOOK_TOKENS", with_token, 202),
    "the webhook's signing key": ("PSPLAN_WEBHOOK_SIGNING_KEYS", with_signature, 202),
    "the calculator's key, signing": ("PSPLAN_CALCULATOR_KEYS", as_calculator, 202),
    "the calculator's key, as bearer": ("PSPLAN_CALCULATOR_KEYS", as_bearer, 202),
    "the bearer of the metrics": ("PSPLAN_METRICS_TOKEN", with_metrics_token, 200),
}


@pytest.mark.parametrize("door", DOORS)
def test_the_new_one_is_accepted_and_the_old_one_refused_as_soon_as_the_file_says_so(door: str, tmp_path: Path) -> None:
    setting, knock, accepted = DOORS[door]
    is_list, taken_in = setting != "PSPLAN_METRICS_TOKEN", 0

    def send(on: Stage, secret: str) -> int:
        nonlocal taken_in
        status = knock(on, secret)
        taken_in += status == 202
        return status

    with running(tmp_path, setting, OLD) as (on, mount, process):
        assert (send(on, OLD), send(on, NEW)) == (accepted, 401)
        if is_list:
            mount.put(f"{OLD},{NEW}")
            assert until(lambda: send(on, NEW) == accepted, patience_s=SOON_S)
            assert send(on, OLD) == accepted
        mount.put(NEW)
        # whoever sends with the new one is never refused once it is there, and the old one is gone within seconds
        assert until(lambda: send(on, OLD) == 401 and send(on, NEW) == accepted, patience_s=SOON_S)
        assert process.lives == 1
        assert from_outside(tmp_path) == taken_in
        told = "".join(process.said)
    assert "secret.renewed" in told
    assert OLD not in told
    assert NEW not in told


def test_the_bots_token_is_renewed_and_what_came_meanwhile_waits_for_it(tmp_path: Path) -> None:
    with running(tmp_path, "PSPLAN_GITLAB_TOKEN", token_of("ps-bot")) as (on, mount, process):
        assert on.submit(submission())["state"] == "done"
        assert on.quiet()
        old = on.world.tokens[token_of("ps-bot")]
        on.world.tokens["glpat-renewed"] = replace(old, id=4711, value="glpat-renewed")
        old.is_revoked = True
        receipt = on.send(submission())
        assert until(lambda: "answered 401" in "".join(process.said), patience_s=SOON_S), "it is tried, and waits"
        mount.put("glpat-renewed")
        assert on.follow(receipt)["state"] == "done"
        assert process.lives == 1
        told = "".join(process.said)
    assert "glpat-renewed" not in told


def test_the_operators_token_is_renewed(tmp_path: Path) -> None:
    with running(tmp_path, "PSPLAN_GITLAB_ADMIN_TOKEN", token_of("ps-bot")) as (_, mount, _process):
        assert "no Maintainer's" in errand(tmp_path, "sweep")["done"]["hook"]
        mount.put(token_of("root"))
        assert until(lambda: errand(tmp_path, "sweep")["done"]["hook"] == "well", patience_s=SOON_S)


def told(on: Stage) -> tuple[str, str | None]:
    """What /readyz says of all, and of secrets."""
    answer = on.client.get(f"{on.url}/readyz").json()
    return answer["status"], answer["checks"]["secrets"].get("reason")


def test_a_file_that_is_gone_is_an_alarm_and_the_last_good_value_stays(tmp_path: Path) -> None:
    with running(tmp_path, "PSPLAN_WEBHOOK_TOKENS", HOOK_TOKEN) as (on, mount, process):
        alarm = "PSPLAN_WEBHOOK_TOKENS_FILE cannot be used: the last good value is"
        assert told(on) == ("ready", None)
        mount.put(None)
        assert until(lambda: told(on) == ("degraded", alarm), patience_s=SOON_S)
        assert with_token(on, HOOK_TOKEN) == 202
        assert on.metric("psplan_secret_files_not_usable") == 1
        mount.put(HOOK_TOKEN)
        assert until(lambda: told(on) == ("ready", None), patience_s=SOON_S)
        errors = [each["event"] for each in map(json.loads, process.said) if each.get("level") == "error"]
        assert errors == ["secret.not_usable"], "said once, however often it is looked at"


UNUSABLE: dict[str, bytes | None] = {
    "that is gone": None,
    "that is empty": b"",
    "that holds nothing but a comma": b" ,\n",
    "that is no text": b"\xff\xfe",
    "with a malformed key": b"whsec_x",
    "of one good key and a malformed one": f"{NEW},whsec_x".encode(),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_nothing_is_taken_from_a_file(name: str, tmp_path: Path) -> None:
    file, hidden = tmp_path / "key", set[str]()
    file.write_text(KEY)
    settings = settings_for(tmp_path, "http://127.0.0.1", calculator_keys=[KEY])
    live = LiveSecrets(settings, {"calculator_keys": file}, hide=hidden.update)
    live.look()
    assert (live.settings, live.alarms) == (settings, [])
    content = UNUSABLE[name]
    file.unlink() if content is None else file.write_bytes(content)
    live.look()
    assert live.settings is settings
    assert live.alarms == ["PSPLAN_CALCULATOR_KEYS_FILE cannot be used: the last good value is"]
    file.write_text(f"{NEW},{OLD}")
    live.look()
    assert [each.get_secret_value() for each in live.settings.calculator_keys] == [NEW, OLD]
    assert live.alarms == []
    assert {NEW, OLD} <= hidden


def test_what_is_made_of_the_secrets_is_made_again_only_when_they_change(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text(OLD)
    live = LiveSecrets(settings_for(tmp_path, "http://127.0.0.1", calculator_keys=[OLD]), {"calculator_keys": file})
    made = live.of(lambda now: [each.get_secret_value() for each in now.calculator_keys])
    first = made()
    live.look()
    assert made() is first
    file.write_text(NEW)
    live.look()
    assert made() == [NEW]


def test_secrets_that_are_no_files_are_not_looked_at(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        assert with_token(on, HOOK_TOKEN) == 202
    assert not LiveSecrets(settings_for(tmp_path, "http://127.0.0.1")).is_watching
