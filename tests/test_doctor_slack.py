"""What `psplan doctor` says of Slack, as it should be and with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.background import BackgroundServer
from app.sandbox.slack import SIGNING_SECRET, TOKEN, SlackWorld
from app.sandbox.slack_routes import create_slack_app
from tests.harness import own_methodology
from tests.operating import Desk, desk, furnish
from tests.slack_stage import TA, workspace


@dataclass
class Office:
    """An operator's desk, with Slack."""

    desk: Desk
    slack: SlackWorld


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    slack = workspace()
    with desk(tmp_path, monkeypatch, capsys) as made, BackgroundServer(create_slack_app(slack)) as server:
        furnish(made)
        made.env |= {
            "PSPLAN_SLACK_TOKEN": TOKEN,
            "PSPLAN_SLACK_SIGNING_SECRETS": SIGNING_SECRET,
            "PSPLAN_SLACK_API_URL": f"{server.url}/api",
        }
        yield Office(made, slack)


def of_slack(office: Office) -> tuple[list[str], int]:
    ran = office.desk.psplan("doctor", "--json")
    return [f"{each['state']}: {each['reason']}" for each in ran.json if each["subject"] == "Slack"], ran.code


def test_slack_as_it_should_be_is_one_line(office: Office) -> None:
    assert of_slack(office) == (["ok: ps-plan in Sandbox, with buttons"], 0)
    assert office.slack.posts == [], "nothing is sent to find it out"


def scopes(without: str) -> Callable[[Office], None]:
    def change(office: Office) -> None:
        held = [each for each in office.slack.scopes.split(",") if each != without]
        office.slack.scopes = ",".join(held)

    return change


def setting(name: str, value: str) -> Callable[[Office], None]:
    return lambda office: office.desk.env.update({name: value})


def without(*names: str) -> Callable[[Office], None]:
    def change(office: Office) -> None:
        for name in names:
            del office.desk.env[name]

    return change


def process(own: str) -> Callable[[Office], None]:
    return lambda office: office.desk.env.update(PSPLAN_METHODOLOGY=str(own_methodology(office.desk.folder, own)))


def left_out(office: Office) -> None:
    office.slack.outside.add(TA)
    scopes("chat:write.public")(office)


@pytest.mark.parametrize(
    ("spoil", "told", "code"),
    [
        pytest.param(
            setting("PSPLAN_SLACK_TOKEN", "xoxb-old"),
            "broken: Slack answered 'invalid_auth' to auth.test",
            1,
            id="a token that is not taken",
        ),
        pytest.param(
            setting("PSPLAN_SLACK_API_URL", "http://127.0.0.1:9/api"),
            "broken: Slack cannot be reached (ConnectError)",
            1,
            id="nothing answers",
        ),
        pytest.param(scopes("chat:write"), "broken: the token has no scope chat:write", 1, id="may not speak"),
        pytest.param(
            scopes("channels:history"),
            "warning: the token has no scope channels:history, to see, after an answer was lost, whether a message was "
            "sent",
            0,
            id="may not read",
        ),
        pytest.param(
            lambda office: office.slack.channels.pop(TA),
            f"broken: the bot sees no channel {TA} (slack.channels.ta)",
            1,
            id="a channel that is not there",
        ),
        pytest.param(left_out, f"broken: the bot is not in {TA} (slack.channels.ta)", 1, id="not invited"),
        pytest.param(
            process("slack: {users: {tara: U0LEFTUS}}"),
            "broken: nobody of the workspace is U0LEFTUS (slack.users.tara)",
            1,
            id="somebody who has left",
        ),
        pytest.param(
            process("slack: {email: null}"),
            "warning: nobody is called there: the methodology knows neither slack.users nor slack.email",
            0,
            id="nobody is known",
        ),
        pytest.param(
            without("PSPLAN_SLACK_SIGNING_SECRETS"),
            "warning: PSPLAN_SLACK_SIGNING_SECRETS is not set: requests have no buttons to answer by",
            0,
            id="no signing secret",
        ),
        pytest.param(
            without("PSPLAN_SLACK_TOKEN", "PSPLAN_SLACK_SIGNING_SECRETS"),
            "not configured: nobody is told there; everything is said in GitLab",
            0,
            id="no Slack",
        ),
        pytest.param(
            process("tracks: 7"),
            "not checked: its channels: the methodology has to be mended first",
            1,
            id="no methodology",
        ),
    ],
)
def test_what_is_wrong_is_told(spoil: Callable[[Office], None], told: str, code: int, office: Office) -> None:
    spoil(office)
    lines, ended = of_slack(office)
    assert told in lines
    assert ended == code


def test_an_incoming_webhook_is_not_tried(office: Office) -> None:
    without("PSPLAN_SLACK_TOKEN", "PSPLAN_SLACK_SIGNING_SECRETS")(office)
    setting("PSPLAN_SLACK_WEBHOOK_URL", office.desk.env["PSPLAN_SLACK_API_URL"])(office)
    lines, _ = of_slack(office)
    assert lines == ["ok: announcements by an incoming webhook, which nothing but a message would try"]
    assert office.slack.calls == []
