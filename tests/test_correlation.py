"""One correlation id from a delivery to each of its effects: in every line of the log, on every try, in a replay."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from app.cli import main
from app.correlation import correlation_of, source_and_key
from app.sandbox.faults import Fault, FaultKind
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.submit import Receipt
from tests.harness import Process, Stage, add_hook, environment, errand, submission, until

WRITES = ["POST issue", "POST issue", "POST link", "POST note", "POST note"]


@contextmanager
def service(folder: Path) -> Iterator[tuple[Process, Stage]]:
    """`psplan serve` with its log as JSON, beside a sandbox."""
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        process = Process(environment(folder, sandbox.url), folder)
        process.start()
        try:
            yield process, Stage(sandbox.world, process.url, client)
        finally:
            process.stop()


def lines(process: Process, correlation: str | None = None) -> list[dict[str, Any]]:
    """What the log says, of one delivery or of all."""
    told = [json.loads(line) for line in list(process.said) if line.startswith("{")]
    return [each for each in told if correlation is None or each.get("correlation") == correlation]


def settled(process: Process, correlation: str, times: int = 1) -> list[dict[str, Any]]:
    """The lines of a delivery once it has been settled so often."""
    assert until(lambda: events(lines(process, correlation)).count("delivery.settled") == times)
    return lines(process, correlation)


def events(told: list[dict[str, Any]]) -> list[str]:
    return [each["event"] for each in told]


def correlation_from(process: Process, receipt: Receipt) -> str:
    """The id that the line about its receipt carries."""
    (first,) = [each for each in lines(process) if each["event"] == "delivery.received"]
    assert first["lane"] == receipt.submission_id
    return str(first["correlation"])


def test_every_line_from_receipt_to_last_effect_carries_the_id_and_so_does_a_replay(tmp_path: Path) -> None:
    with service(tmp_path) as (process, on):
        receipt = on.send(submission())
        assert on.follow(receipt)["state"] == "done"
        correlation = correlation_from(process, receipt)
        told = settled(process, correlation)
        assert events(told)[:2] == ["delivery.received", "delivery.decided"]
        assert [each["verb"] for each in told if each["event"] == "vendor.answered"] == WRITES
        assert all(each["vendor_request"] and each["action"] for each in told if each["event"] == "vendor.answered")
        astray = [each for each in lines(process) if "delivery" in each["event"] and each not in told]
        assert astray == []
        errand(tmp_path, "replay", id=1)
        again = settled(process, correlation, times=2)[len(told) :]
        assert events(again)[0] == "delivery.replayed"
        assert events(again)[-1] == "delivery.settled"


@pytest.mark.parametrize(
    ("fault", "told"),
    [
        (Fault("POST", r"/links$", FaultKind.STATUS, status=502), ["vendor.failed", "delivery.postponed"]),
        (Fault("POST", r"/issues$", FaultKind.STATUS, status=403), ["vendor.failed", "delivery.settled"]),
    ],
    ids=["a retry", "a dead letter"],
)
def test_what_goes_wrong_carries_it_too(fault: Fault, told: list[str], tmp_path: Path) -> None:
    with service(tmp_path) as (process, on):
        on.world.faults.add(fault)
        receipt = on.send(submission())
        assert until(lambda: told[1] in events(lines(process)))
        found = events(lines(process, correlation_from(process, receipt)))
        assert found[found.index(told[0]) : found.index(told[0]) + 2] == told


def test_a_webhook_s_delivery_is_known_by_gitlab_s_own_key(tmp_path: Path) -> None:
    with service(tmp_path) as (process, on):
        on.submit(submission())
        add_hook(on.world, process.url)
        on.world.add_note("erin", 1, "/ps status")
        assert on.quiet()
        sent = next(
            each for each in on.world.hook_logs.values() if each.request_headers["X-Gitlab-Event"] == "Note Hook"
        )
        correlation = f"gitlab:{sent.request_headers['Idempotency-Key']}"
        told = settled(process, correlation)
        assert events(told)[0] == "delivery.received"
        assert "vendor.answered" in events(told)


def test_the_id_leads_to_the_delivery(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with service(tmp_path) as (process, on):
        receipt = on.send(submission())
        on.follow(receipt)
        correlation = correlation_from(process, receipt)
        for name, value in process.env.items():
            monkeypatch.setenv(name, value)
        assert main(["deliveries", "show", correlation, "--json"]) == 0
        shown = json.loads(capsys.readouterr().out)
        assert (shown["id"], shown["correlation"]) == (1, correlation)
        assert main(["deliveries", "show", "gitlab:nobody-s"]) == 1
        assert "there is no delivery gitlab:nobody-s" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("key", "is_kept"),
    [("0f3c-11", True), ("Issue Hook:ab12", True), ("a:b", True), ("\x1b[2J", False), ("schlüssel", False)],
)
def test_an_id_is_plain_whatever_the_key(key: str, is_kept: bool) -> None:
    correlation = correlation_of("gitlab", key)
    assert (source_and_key(correlation) == ("gitlab", key)) is is_kept
    assert correlation.isascii()
    assert correlation.isprintable()
