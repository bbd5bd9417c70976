"""`psplan demo`: the service, a sandbox GitLab and a sample submission on loopback, told as a story that is checked.

With and without `--exit` it is the same code: the story is what a newcomer reads and what a test holds the bot to.
"""

from __future__ import annotations

import secrets
import sys
import tempfile
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx
import structlog
from starlette.routing import Mount

from app.background import BackgroundServer
from app.clock import MovableClock, at
from app.events import Source, kind_in_words
from app.failure import Failure
from app.main import Service, create_app
from app.methodology import load_methodology
from app.sandbox.outbound import OutboundSender
from app.sandbox.page_salesforce import SERVICES
from app.sandbox.pages import page_routes
from app.sandbox.people import CAST, token_of
from app.sandbox.salesforce import SalesforceWorld
from app.sandbox.salesforce_login import CLIENT_ID, CLIENT_SECRET, ConnectedApp
from app.sandbox.salesforce_routes import create_salesforce_app
from app.sandbox.server import SandboxServer
from app.sandbox.slack import SIGNING_SECRET, TOKEN, SlackWorld
from app.sandbox.slack_routes import slack_routes
from app.sandbox.world import World
from app.settings import Settings, load_settings
from app.submit import TIMEOUT_S, Receipt, follow, send

_METHODOLOGY = Path(str(files("app.sandbox") / "demo-methodology.yaml"))
PATIENCE_S = 30.0
BOT = "ps-bot"
EM = "erin"
FIRST_LABEL = "proposal::Awaiting_Discovery"
FOLLOWS = "Intake::Needs-Info"
COMMAND, NEXT_LABEL, DONE = "/ps next", "proposal::Strawman_WIP", "white_check_mark"
POLL_S = 0.05
GRACE_S = 2.0
"""Nothing stays on its way for long on loopback."""


def demo(*, port: int, gitlab_port: int, stop_after_story: bool) -> int:
    """Run the story; then stop, or stay until Ctrl-C. Raises Failure where the story does not come true."""
    structlog.configure(processors=[structlog.contextvars.merge_contextvars, _live])
    clock = MovableClock()
    slack, salesforce = _workspace(clock), _organisation(clock)
    with (
        tempfile.TemporaryDirectory(prefix="psplan-demo-") as folder,
        _sandbox(gitlab_port, clock, slack, salesforce) as sandbox,
        BackgroundServer(create_salesforce_app(salesforce.world, ConnectedApp())) as organisation,
    ):
        settings = _settings(Path(folder), sandbox.url, organisation.url)
        app = create_app(settings, service=Service(settings, clock=clock, sleep=clock.sleep), is_open_house=True)
        with BackgroundServer(app, port=port) as service:
            _register_hook(sandbox.world, service.url, settings)
            slack.interactivity_url = f"{service.url}/webhooks/slack"
            token = settings.salesforce_webhook_tokens[0].get_secret_value()
            salesforce.url = f"{service.url}/webhooks/salesforce?token={token}"
            _say("PS Plan Bot demo", f"  sandbox GitLab  {sandbox.url}/", f"  the bot         {service.url}/", "")
            _tell_story(sandbox, service.url, settings)
            if not stop_after_story:
                _stay(sandbox.url, service.url, settings)
    return 0


def _workspace(clock: MovableClock) -> SlackWorld:
    """Everybody of the sandbox, and the channels of the methodology."""
    slack = SlackWorld(clock=clock)
    for person in CAST:
        slack.add_person(person.username)
    for name in load_methodology(_METHODOLOGY).slack.channels.values():
        if name is not None:
            slack.add_channel(name)
    return slack


def _organisation(clock: MovableClock) -> OutboundSender:
    """Everybody of the sandbox, and no opportunity yet."""
    world = SalesforceWorld(clock=clock)
    world.add("RecordType", Name=SERVICES)
    for person in CAST:
        world.add("User", Name=person.name, Email=f"{person.username}@example.com", Username=person.username)
    told = {"Opportunity": ("StageName",), "Case": ("PS_Plan_Id__c", "Status")}
    return OutboundSender(world, "", told, client=httpx.Client(timeout=TIMEOUT_S))


@contextmanager
def _sandbox(port: int, clock: MovableClock, slack: SlackWorld, salesforce: OutboundSender) -> Iterator[SandboxServer]:
    world = World(clock=lambda: at(clock()))
    _make_labels(world)
    routes = [
        Mount("/slack", routes=slack_routes(slack)),
        *page_routes(world, clock=clock, slack=slack, salesforce=salesforce),
    ]
    server = SandboxServer(world, port=port, extra_routes=routes)
    try:
        server.start()
    except OSError:  # taken, perhaps by another demo
        _say(f"Port {port} is taken: this sandbox has another address.")
        server = SandboxServer(world, extra_routes=routes)
        server.start()
    try:
        yield server
    finally:
        server.stop()


def _make_labels(world: World) -> None:
    """The labels of the methodology with their colours, as they would be in a PS Plan that was set up."""
    for title, label in load_methodology(_METHODOLOGY).labels.items():
        world.create_label("root", title, color=label.colour, description=label.description)


def _settings(folder: Path, gitlab_url: str, salesforce_url: str) -> Settings:
    """Complete, so that nothing of the caller's own environment leads the demo to a real GitLab."""
    return load_settings(
        _env_file=None,
        gitlab_url=gitlab_url,
        gitlab_token=token_of(BOT),
        gitlab_admin_token=token_of("root"),
        gitlab_limits="api=0",
        project="ps/ps-plan",
        public_url=None,
        webhook_tokens=[secrets.token_urlsafe(24)],
        webhook_signing_keys=[],
        calculator_keys=["whsec_" + b64encode(secrets.token_bytes(32)).decode()],
        calculator_origins=[],
        record_keys=[],
        metrics_token=None,
        database_url=f"sqlite:///{folder / 'demo.sqlite3'}",
        methodology=_METHODOLOGY,
        templates=None,
        grace_s=GRACE_S,
        slack_token=TOKEN,
        slack_signing_secrets=[SIGNING_SECRET],
        slack_webhook_url=None,
        slack_api_url=f"{gitlab_url}/slack/api",
        salesforce_webhook_tokens=[secrets.token_urlsafe(24)],
        salesforce_organization_id=None,
        salesforce_url=salesforce_url,
        salesforce_client_id=CLIENT_ID,
        salesforce_client_secret=CLIENT_SECRET,
        salesforce_private_key=None,
        salesforce_username=None,
    )


def _register_hook(world: World, service_url: str, settings: Settings) -> None:
    kinds = ("issues_events", "confidential_issues_events", "note_events", "confidential_note_events")
    token = settings.webhook_tokens[0].get_secret_value()
    on = dict.fromkeys(kinds, True)
    world.add_hook("root", f"{service_url}/webhooks/gitlab", token=token, push_events=False, **on)


def _tell_story(sandbox: SandboxServer, service_url: str, settings: Settings) -> None:
    body = (files("app.sandbox") / "demo-submission.json").read_bytes()
    _say("1. Alice (account executive) runs the services calculator. It posts a signed submission to the bot.")
    with httpx.Client(timeout=TIMEOUT_S) as client:
        began = time.monotonic()
        receipt = send(client, service_url, body, settings.calculator_keys[0].get_secret_value())
        outcome = follow(client, receipt, patience_s=PATIENCE_S)
        took_s = time.monotonic() - began
        _check(outcome["state"] == "done", f"the submission is {outcome['state']}: {outcome['message']}")
        gitlab = httpx.Client(
            base_url=f"{sandbox.url}/api/v4/projects/2", headers={"PRIVATE-TOKEN": token_of("root")}, timeout=TIMEOUT_S
        )
        with gitlab:
            _tell_issues(gitlab, outcome, took_s)
            _check_writes(sandbox.world)
            _first_touch(gitlab, outcome)
            _first_command(gitlab, outcome)
        again = send(client, service_url, body, settings.calculator_keys[0].get_secret_value())
        _check_no_double(client, again, outcome, sandbox.world)
    _say("5. The calculator sends the same submission again: still two issues.", "")


def _tell_issues(gitlab: httpx.Client, outcome: dict[str, Any], took_s: float) -> None:
    _say(f"2. {took_s:.1f} s later, in PS Plan:")
    for name in ("scoping_issue", "intake_issue"):
        link = outcome[name]
        _check(link is not None, f"there is no {name.replace('_', ' ')}")
        issue = gitlab.get(f"/issues/{link['iid']}").raise_for_status().json()
        names = ", ".join(f"@{person['username']}" for person in issue["assignees"]) or "nobody"
        _say(f"   #{issue['iid']}  {issue['title']}", f"       {issue['web_url']}")
        _say(f"       assigned to {names}; labels: {', '.join(issue['labels'])}")
    linked = gitlab.get(f"/issues/{outcome['scoping_issue']['iid']}/links").raise_for_status().json()
    _check([each["iid"] for each in linked] == [outcome["intake_issue"]["iid"]], "the two issues are not linked")
    _say("   They are linked to each other.")


def _check_writes(world: World) -> None:
    writes = world.count("POST", ".") + world.count("PUT", ".") + world.count("DELETE", ".")
    _check(writes == 5, f"it took {writes} writes, not five: two issues, their link, a status note on each")


def _first_touch(gitlab: httpx.Client, outcome: dict[str, Any]) -> None:
    """The EM sets a label; GitLab's webhook brings it to the bot, and the process goes on, on both issues."""
    scoping, intake = outcome["scoping_issue"]["iid"], outcome["intake_issue"]["iid"]
    headers = {"PRIVATE-TOKEN": token_of(EM)}
    gitlab.put(f"/issues/{scoping}", json={"add_labels": FIRST_LABEL}, headers=headers).raise_for_status()
    deadline = time.monotonic() + PATIENCE_S
    while FOLLOWS not in gitlab.get(f"/issues/{intake}").raise_for_status().json()["labels"]:
        _check(time.monotonic() < deadline, f"{FIRST_LABEL} on #{scoping} did not bring {FOLLOWS} to #{intake}")
        time.sleep(POLL_S)
    while not any("● Awaiting Discovery" in each["body"] for each in _notes(gitlab, scoping)):
        _check(time.monotonic() < deadline, "the status note does not say where it stands")
        time.sleep(POLL_S)
    _say(f"3. Erin (EM) sets {FIRST_LABEL} on #{scoping}. GitLab's webhook tells the bot, which moves #{intake}")
    _say(f"   to {FOLLOWS} and brings the status note up to date: where it stands, what is missing, who is next.")


def _first_command(gitlab: httpx.Client, outcome: dict[str, Any]) -> None:
    """The EM says in a comment what is to be done; the bot does it and says so by a reaction."""
    scoping = outcome["scoping_issue"]["iid"]
    headers = {"PRIVATE-TOKEN": token_of(EM)}
    said = gitlab.post(f"/issues/{scoping}/notes", json={"body": COMMAND}, headers=headers).raise_for_status().json()
    deadline = time.monotonic() + PATIENCE_S
    emoji = f"/issues/{scoping}/notes/{said['id']}/award_emoji"
    while DONE not in {each["name"] for each in gitlab.get(emoji).raise_for_status().json()}:
        _check(time.monotonic() < deadline, f"{COMMAND} was not answered")
        time.sleep(POLL_S)
    labels = gitlab.get(f"/issues/{scoping}").raise_for_status().json()["labels"]
    _check(NEXT_LABEL in labels, f"{COMMAND} did not bring {NEXT_LABEL}")
    _say(f"4. Erin writes {COMMAND} in a comment on #{scoping}. The bot reacts, and sets {NEXT_LABEL}.")


def _notes(gitlab: httpx.Client, iid: int) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = gitlab.get(f"/issues/{iid}/notes").raise_for_status().json()
    return found


def _check_no_double(client: httpx.Client, again: Receipt, outcome: dict[str, Any], world: World) -> None:
    repeated = follow(client, again, patience_s=PATIENCE_S)
    _check(repeated == outcome, "the same submission brought something else")
    made = world.count("POST", r"/issues(\?|$)")
    _check(made == 2, f"{made} issues were made")


def _stay(url: str, service_url: str, settings: Settings) -> None:
    key = settings.calculator_keys[0].get_secret_value()  # made for this demo, and forgotten with it
    try:
        _say(
            f"Your turn: open {url}/ in a browser, choose who you are, and label, tick, answer, or say /ps help.",
            "The buttons at the top let an hour, a day or a week pass: watch who hears of what, in Slack as well.",
            "Another submission, FILE as README says under Running it:",
            f"  PSPLAN_CALCULATOR_KEYS={key} .venv/bin/psplan submit --wait --url {service_url} FILE",
            "Salesforce is a stand-in as well; psplan doctor looks at it with",
            f"  PSPLAN_SALESFORCE_URL={settings.salesforce_url} PSPLAN_SALESFORCE_CLIENT_ID={CLIENT_ID}",
            f"  PSPLAN_SALESFORCE_CLIENT_SECRET={CLIENT_SECRET}",
            "What reaches the bot is shown here. Ctrl-C ends the demo and forgets everything.",
            "",
        )
        threading.Event().wait()
    except KeyboardInterrupt:
        _say("", "Bye.")


def _live(_logger: object, _method: str, entry: MutableMapping[str, Any]) -> str:
    """What a spectator wants to see of the log: what came in and what became of it; and whatever is wrong."""
    name = entry["event"]
    if name == "delivery.settled":
        if entry["source"] == Source.SALESFORCE and entry["state"] == "ignored":
            raise structlog.DropEvent  # Salesforce knows nothing of the opportunity in the story
        because = f" ({entry['reason']})" if entry["reason"] else ""
        return f"   bot: {kind_in_words(entry['kind'], entry['source'])} → {entry['state']}{because}"
    if _method in {"warning", "error"}:
        return f"   bot: {name} " + " ".join(f"{k}={v}" for k, v in entry.items() if k not in {"event", "exc_info"})
    raise structlog.DropEvent


def _check(came_true: bool, otherwise: str) -> None:
    if not came_true:
        raise Failure(f"the story did not come true: {otherwise}")


def _say(*lines: str) -> None:
    for line in lines:
        sys.stdout.write(line + "\n")
    sys.stdout.flush()
