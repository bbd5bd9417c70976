"""A service that dies by kill -9 somewhere on the way and is started again, as a supervisor would; and who uses it.

Senders repeat what was not acknowledged. GitLab's deliveries come again by hand here, so that the points of a flow are
the same in each run: the bot hears of nothing but what a step tells it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from sqlalchemy import create_engine, text

from app.background import BackgroundServer
from app.failure import Failure
from app.sandbox.hook_shapes import issue_event, note_event
from app.sandbox.salesforce import SalesforceWorld
from app.sandbox.salesforce_login import CLIENT_ID, CLIENT_SECRET, ConnectedApp
from app.sandbox.salesforce_routes import create_salesforce_app
from app.sandbox.server import SandboxServer
from app.sandbox.slack import SlackWorld
from app.sandbox.slack_routes import create_slack_app
from app.sandbox.world import World
from tests.harness import HOOK_TOKEN, KEY, Process, Stage, end_state, environment, errand, own_methodology
from tests.post_office import PostOffice
from tests.salesforce_stage import HOOK_TOKEN as SALESFORCE_TOKEN
from tests.salesforce_stage import new_world, tell, tell_of_case
from tests.slack_stage import workspace

PATIENCE_S = 60.0
MOST_LIVES = 5
MORNING = "morning"


@dataclass
class Life:
    """The service, its GitLab, and what can be done to them; every step ends when the service has come to rest."""

    stage: Stage
    process: Process
    folder: Path
    slack: SlackWorld
    office: PostOffice
    sales: SalesforceWorld

    @property
    def world(self) -> World:
        """The sandbox."""
        return self.stage.world

    def submit(self, body: dict[str, Any]) -> None:
        """As the calculator does: until it is accepted."""
        self._persist(lambda: bool(self.stage.send(body)))
        self.rest()

    def say(self, by: str, text: str, *, iid: int = 1) -> int:
        """A comment that GitLab delivers."""
        number = self.write_unheard(by, text, iid=iid)
        self._deliver("Note Hook", note_event(self.world, self.world.notes[number], action="create"))
        return number

    def write_unheard(self, by: str, text: str, *, iid: int = 1) -> int:
        """A comment of which GitLab tells nobody."""
        note = self.world.add_note(by, iid, text).note
        assert note is not None
        return note.id

    def change(self, by: str, *, iid: int = 1, **fields: Any) -> None:
        """A change of an issue that GitLab delivers."""
        issue = self.world.update_issue(by, iid, **fields)
        self._tell_of(iid, by, "close" if not issue.is_open else "update")

    def open(self, by: str, title: str, description: str) -> None:
        """A new issue that GitLab delivers."""
        self._tell_of(self.world.create_issue(by, title=title, description=description).iid, by, "open")

    def press(self, who: str, button: str) -> None:
        """A button of the last request in the chat, until the press is accepted."""
        asked = [post for post in self.slack.posts if button in post.buttons][-1]
        user = next(person.id for person in self.slack.people.values() if person.name == who)
        body = self.slack.press(asked, button, user)
        url = f"{self.stage.url}/webhooks/slack"
        self._persist(lambda: self.slack.deliver(url, body) == httpx.codes.OK)
        self.rest()

    def change_opportunity(self, ident: str, **values: Any) -> None:
        """In Salesforce, which tells of it until that is accepted."""
        self.sales.change(ident, **values)
        self._persist(lambda: tell(self.stage.client, self.stage.url, ident))
        self.rest()

    def change_case(self, **values: Any) -> None:
        """The legal case, of which Salesforce tells."""
        (case,) = self.sales.of_kind("Case")
        self.sales.change(case.id, **values)
        self._persist(lambda: tell_of_case(self.stage.client, self.stage.url, self.sales, case.id))
        self.rest()

    def have_done(self, kind: str, **words: Any) -> dict[str, Any]:
        """An errand for the service; the answer is what the last life says."""
        answer: dict[str, Any] = errand(self.folder, kind, between=self.revive, **words)
        self.rest()
        return answer

    def lose_the_database(self) -> None:
        """Stopped, its file deleted, started again."""
        assert self.process.stop() == 0
        for file in self.folder.glob("psplan.sqlite3*"):
            file.unlink()
        self.process.start()

    def strike(self) -> None:
        """Every timer is due now; until all have struck, and what follows is done."""
        engine = create_engine(f"sqlite:///{self.folder / 'psplan.sqlite3'}")
        armed = "SELECT count(*) FROM timers WHERE due_at <= 1 AND (struck_at IS NULL OR struck_at < due_at)"

        def have_struck() -> bool:
            with engine.connect() as connection:
                return connection.execute(text(armed)).scalar() == 0

        with engine.begin() as connection:
            connection.execute(text("UPDATE timers SET due_at = 1, struck_at = NULL"))
        self._persist(have_struck)
        self.rest()
        engine.dispose()

    def dawn(self, day: str) -> None:
        """The morning of that day has come everywhere; until what is told then has been told."""
        engine = create_engine(f"sqlite:///{self.folder / 'psplan.sqlite3'}")
        begun = text("SELECT count(*) FROM deliveries WHERE kind = 'psplan_digest' AND key LIKE :day")

        def has_begun() -> bool:
            with engine.connect() as connection:
                return bool(connection.execute(begun, {"day": f"%{day}"}).scalar())

        (self.folder / MORNING).write_text(day)
        self._persist(has_begun)
        self.rest()
        engine.dispose()

    def wait_for_another_second(self) -> None:
        """GitLab's hooks tell times to the second: what is said in one and the same has no order in time."""
        now = int(time.time())
        while int(time.time()) == now:
            time.sleep(0.01)

    def rest(self) -> None:
        """Until nothing waits."""
        self._persist(lambda: self.stage.waiting() == 0)

    def revive(self) -> None:
        """Start it again where it has died; it dies no second time."""
        assert self.process.running is not None
        if self.process.running.poll() is None:
            return
        self.process.kill()
        assert self.process.lives < MOST_LIVES
        self.process.env["MORTAL_DIE_AT"] = "0"
        self.process.start()

    def _tell_of(self, iid: int, by: str, action: str) -> None:
        issue = self.world.issue(iid)
        told = issue_event(self.world, issue, user=self.world.user(by), action=action, changes={})
        self._deliver("Issue Hook", told)

    def _deliver(self, event: str, body: dict[str, Any]) -> None:
        headers = {
            "Content-Type": "application/json",
            "X-Gitlab-Token": HOOK_TOKEN,
            "X-Gitlab-Event": event,
            "Idempotency-Key": f"delivery-{len(self.world.requests)}-{event}",
        }
        content = json.dumps(body).encode()

        def is_taken() -> bool:
            answer = self.stage.client.post(f"{self.stage.url}/webhooks/gitlab", content=content, headers=headers)
            return answer.status_code == httpx.codes.ACCEPTED

        self._persist(is_taken)
        self.rest()

    def _persist(self, is_done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert time.monotonic() < deadline
            self.revive()
            try:
                if is_done():
                    return
            except (Failure, httpx.HTTPError):
                pass
            time.sleep(0.01)


@contextmanager
def life(
    folder: Path,
    *,
    die_at: int,
    points: Path,
    armed_by: Path,
    process_says: str = "",
    has_chat: bool = False,
    has_salesforce: bool = False,
) -> Iterator[Life]:
    """Started; dies at that point once it is armed (0: never). `process_says`: more lines of the process file."""
    slack, sales = workspace(), new_world()
    with (
        SandboxServer(World(hook_delay_s=0.0)) as sandbox,
        BackgroundServer(create_slack_app(slack)) as chat,
        BackgroundServer(create_salesforce_app(sales, ConnectedApp())) as salesforce,
        httpx.Client(timeout=10) as client,
        PostOffice() as office,
    ):
        more = {
            "MORTAL_ARMED_BY": str(armed_by),
            "MORTAL_DIE_AT": str(die_at),
            "MORTAL_POINTS": str(points),
            "MORTAL_MORNING": str(folder / MORNING),
            "PSPLAN_METHODOLOGY": str(own_methodology(folder, process_says)),
            "PSPLAN_RECORD_KEYS": KEY,
            "PSPLAN_SMTP_URL": office.url,
            "PSPLAN_SMTP_FROM": "ps-plan@example.com",
        }
        if has_chat:
            more |= {
                "PSPLAN_SLACK_TOKEN": slack.token,
                "PSPLAN_SLACK_SIGNING_SECRETS": slack.signing_secret,
                "PSPLAN_SLACK_API_URL": f"{chat.url}/api",
            }
        if has_salesforce:
            more |= {
                "PSPLAN_SALESFORCE_URL": salesforce.url,
                "PSPLAN_SALESFORCE_CLIENT_ID": CLIENT_ID,
                "PSPLAN_SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
                "PSPLAN_SALESFORCE_WEBHOOK_TOKENS": SALESFORCE_TOKEN,
            }
        process = Process(environment(folder, sandbox.url, **more), folder, module="tests.crash.mortal")
        process.start()
        try:
            yield Life(Stage(sandbox.world, process.url, client), process, folder, slack, office, sales)
            assert process.stop() == 0
        finally:
            process.kill()


def seen(on: Life) -> dict[str, Any]:
    """What people see in the end, with reactions, what stands in the chat and in Salesforce, and mail.

    A letter that was sent twice is one letter.
    """
    reactions = sorted((award.note_id or 0, award.name) for award in on.world.awards.values())
    said = sorted(
        (post.channel, post.thread_ts is None, _lasting(post.text), sorted(post.buttons)) for post in on.slack.posts
    )
    mail = sorted({(to, str(letter["Message-ID"])) for to, letter in on.office.letters})
    whispers = sorted(each["text"] for each in on.slack.whispers)
    records = [_plainly(each.values) for kind in ("Opportunity", "Case") for each in on.sales.of_kind(kind)]
    records += [{"submitted": _lasting(each.comment)} for each in on.sales.approvals]
    state = end_state(on.world)
    # the mark of a press holds the moment of it
    state["notes"] = [(iid, _lasting(re.sub(r"(?<=psplan:press:)\w+", "", note))) for iid, note in state["notes"]]
    in_chat = {"chat": said, "whispers": whispers}
    return {**state, "reactions": reactions, **in_chat, "mail": mail, "salesforce": records}


def _plainly(values: Mapping[str, Any]) -> dict[str, str]:
    return {name: _lasting(str(value)) for name, value in values.items()}


def _lasting(text: str) -> str:
    """Ports are others in each life of a test."""
    return re.sub(r"127\.0\.0\.1:\d+", "vendor", text)
