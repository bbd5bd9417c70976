"""`psplan submit`: sends a submission the way the calculator does, signed by Standard Webhooks, and may wait for it."""

from __future__ import annotations

import json
import sys
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
from standardwebhooks.webhooks import Webhook

from app.failure import Failure
from app.settings import CalculatorSettings, load_part

DEFAULT_URL = "http://127.0.0.1:8080"
TIMEOUT_S = 15.0
PATIENCE_S = 60.0
POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the service answered."""

    submission_id: str
    status_url: str


def submit_file(file: str, *, url: str | None, wait: bool, as_json: bool) -> int:
    """Send the file, print what came of it. Raises Failure or SettingsFault."""
    settings = load_part(CalculatorSettings)
    if not settings.calculator_keys:
        raise Failure("PSPLAN_CALCULATOR_KEYS is missing: it is what a submission is signed with")
    body = _read(file)
    base = url or settings.public_url or DEFAULT_URL
    with httpx.Client(timeout=TIMEOUT_S) as client:
        receipt = send(client, base, body, settings.calculator_keys[0].get_secret_value())
        outcome = follow(client, receipt, patience_s=PATIENCE_S) if wait else None
    if as_json:
        shown = outcome or {"submission_id": receipt.submission_id, "status_url": receipt.status_url}
        sys.stdout.write(json.dumps(shown, indent=2) + "\n")
    else:
        sys.stdout.write(f"Accepted: submission {receipt.submission_id}\nStatus:   {receipt.status_url}\n")
        sys.stdout.write("".join(f"{line}\n" for line in _tell(outcome)))
    if outcome is not None and outcome["state"] != "done":
        raise Failure(f"the submission is {outcome['state']}: {outcome['message']}")
    return 0


def send(client: httpx.Client, base_url: str, body: bytes, key: str) -> Receipt:
    """Post one signed submission. Raises Failure with what the service said."""
    ident = f"msg_{uuid.uuid4().hex}"
    now = datetime.now(UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": ident,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(key).sign(ident, now, body.decode()),
    }
    try:
        answer = client.post(f"{base_url.rstrip('/')}/webhooks/calculator", content=body, headers=headers)
    except httpx.HTTPError as fault:
        raise Failure(
            f"{base_url} does not answer ({type(fault).__name__}): is `psplan serve` running there?"
        ) from fault
    if answer.status_code != 202:
        raise Failure(_refusal(answer))
    held = answer.json()
    return Receipt(held["submission_id"], held["status_url"])


def follow(client: httpx.Client, receipt: Receipt, *, patience_s: float, poll_s: float = POLL_S) -> dict[str, Any]:
    """Ask for the status until the submission is done or failed, or patience ends; returns the last answer."""
    deadline = time.monotonic() + patience_s
    while True:
        try:
            answer = client.get(receipt.status_url)
        except httpx.HTTPError as fault:
            raise Failure(f"{receipt.status_url} does not answer ({type(fault).__name__})") from fault
        if answer.status_code != 200:
            raise Failure(_refusal(answer))
        held: dict[str, Any] = answer.json()
        if held["state"] in {"done", "failed"} or time.monotonic() > deadline:
            return held
        time.sleep(poll_s)


def _read(file: str) -> bytes:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
        json.loads(text)
    except OSError as fault:
        raise Failure(f"{file} cannot be read ({fault.strerror})") from fault
    except ValueError as fault:
        raise Failure(f"{file} is not JSON: {fault}") from fault
    return text.encode()


def _tell(outcome: dict[str, Any] | None) -> list[str]:
    if outcome is None:
        return []
    named = {"Scoping": outcome["scoping_issue"], "Intake": outcome["intake_issue"]}
    return [f"{name + ':':<10}{issue['web_url']}" for name, issue in named.items() if issue]


def _refusal(answer: httpx.Response) -> str:
    try:
        held = answer.json()
    except ValueError:
        return f"the service answered {answer.status_code}"
    faults = "".join(f"\n  {each['field']}: {each['problem']}" for each in held.get("errors", ()))
    detail = held.get("detail") or held.get("title") or ""
    if answer.status_code == 401:
        detail += "; PSPLAN_CALCULATOR_KEYS here is not one of the service's keys"
    return f"the service answered {answer.status_code}: {detail}{faults}"
