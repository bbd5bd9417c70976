"""A running service beside a sandbox GitLab and a stand-in Slack, over real HTTP; and the way to a review."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.background import BackgroundServer
from app.sandbox.people import CAST
from app.sandbox.slack import SIGNING_SECRET, TOKEN, SlackPost, SlackWorld
from app.sandbox.slack_routes import create_slack_app
from app.sandbox.world import World
from tests.harness import Stage, own_methodology, stage, submission

MAIN, PUBSEC, EM, TA = (
    "professional-services",
    "professional-services-us-pubsec",
    "ps-engagement-mgrs",
    "ps-ta-ama",
)
SCOPING, INTAKE = 1, 2


@dataclass
class SlackStage:
    """Both vendors and the bot."""

    slack: SlackWorld
    gitlab: World
    bot: Stage
    slack_url: str

    def begin(self, **changes: Any) -> None:
        """An engagement, as far as its two issues."""
        assert self.bot.submit(submission(**changes))["state"] == "done"
        self.settle()

    def say(self, who: str, *lines: str) -> None:
        """Comment on the scoping issue, and wait for all that comes of it."""
        for line in lines:
            self.gitlab.add_note(who, SCOPING, line)
            self.settle()

    def settle(self) -> None:
        """Wait until everything is done."""
        assert self.bot.quiet()

    def ask_for_ta_review(self) -> SlackPost:
        """As far as the request to the TA; the message of it."""
        self.say("erin", "/ps next", "/ps next", "/ps estimate 62000 USD")
        return self.request()

    def request(self, channel: str = TA) -> SlackPost:
        """The last message with buttons to decide by."""
        return [post for post in self.slack.in_channel(channel) if "psplan_approve" in post.buttons][-1]

    def press(self, post: SlackPost, action: str, user: str, *, reason: str | None = None) -> int:
        """Somebody (a GitLab name, or an id of Slack's) presses a button; what the bot answered."""
        ids = {person.name: person.id for person in self.slack.people.values()}
        body = self.slack.press(post, f"psplan_{action}", ids.get(user, user), reason=reason)
        status = self.deliver(body)
        self.settle()
        return status

    def deliver(self, body: bytes, headers: dict[str, str] | None = None) -> int:
        """What Slack would send."""
        sent = self.slack.signed(body) if headers is None else headers
        return self.bot.client.post(f"{self.bot.url}/webhooks/slack", content=body, headers=sent).status_code

    def labels(self, iid: int = SCOPING) -> set[str]:
        """The labels of an issue."""
        return set(self.gitlab.label_titles(self.gitlab.issues[iid]))

    def comments(self, iid: int = SCOPING) -> list[str]:
        """The comments of an issue."""
        return [note.body for note in self.gitlab.notes_of(iid)]


def workspace() -> SlackWorld:
    """Everybody of the cast, and the four channels."""
    slack = SlackWorld()
    for person in CAST:
        slack.add_person(person.username)
    for name in (MAIN, PUBSEC, EM, TA):
        slack.add_channel(name)
    return slack


@contextmanager
def slack_stage(
    folder: Path,
    *,
    own: str = "",
    slack: SlackWorld | None = None,
    gitlab: World | None = None,
    webhook: bool = False,
    **more: Any,
) -> Iterator[SlackStage]:
    """All three. `webhook`: the simple form."""
    world = slack or workspace()
    with BackgroundServer(create_slack_app(world)) as server:
        bot = {
            "slack_token": TOKEN,
            "slack_signing_secrets": [SIGNING_SECRET],
            "slack_api_url": f"{server.url}/api",
        }
        form = {"slack_webhook_url": f"{server.url}/services/T/B/x"} if webhook else bot
        with stage(folder, gitlab, methodology=own_methodology(folder, own), **{**form, **more}) as running:
            yield SlackStage(world, running.world, running, server.url)
