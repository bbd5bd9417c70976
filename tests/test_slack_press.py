"""A button in Slack is a command in GitLab: same roles, same refusals, same record; nobody can forge one."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from app.store.database import open_beside
from app.store.outbox import engagement
from tests.slack_stage import EM, SCOPING, SlackStage, slack_stage

REASON = "the timeline leaves no room for the second wave"


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[SlackStage]:
    with slack_stage(tmp_path) as opened:
        opened.begin()
        yield opened


def approvals(folder: Path) -> dict[str, Any]:
    """What is on record, without the moment."""
    engine = open_beside(folder / "psplan.sqlite3")
    with engine.connect() as connection:
        (ident,) = connection.exec_driver_sql("select id from engagements").scalars()
        found = engagement(connection, ident)
    engine.dispose()
    assert found is not None
    record = found.standing.to_record()["approvals"]
    for each in record.values():
        each.pop("at")
        for paper in each["papers"].values():
            paper.pop("at")
    return record


@pytest.mark.parametrize(
    ("button", "reason", "command"),
    [("approve", None, "/ps ta approve"), ("reject", REASON, f"/ps ta reject {REASON}")],
)
def test_a_press_leaves_the_same_record_as_the_command(
    button: str, reason: str | None, command: str, tmp_path: Path
) -> None:
    records, labels = [], []
    for way in ("button", "comment"):
        folder = tmp_path / way
        folder.mkdir()
        with slack_stage(folder) as stage:
            stage.begin()
            asked = stage.ask_for_ta_review()
            if way == "button":
                assert stage.press(asked, button, "tara", reason=reason) == 200
            else:
                stage.say("tara", command)
            records.append(approvals(folder))
            labels.append(stage.labels())
    assert records[0] == records[1]
    assert records[0]["ta"]["by"] == "tara"
    assert labels[0] == labels[1]


def test_a_no_is_told_in_the_message_and_on_the_issue_with_its_reason(stage: SlackStage) -> None:
    asked = stage.ask_for_ta_review()
    stage.press(asked, "reject", "tara", reason=REASON)
    assert "sent back by tara on" in asked.text
    assert REASON in asked.text
    assert "psplan_reject" not in asked.buttons
    assert any("said in Slack" in each and REASON in each for each in stage.comments())


def test_a_no_without_a_reason_is_refused_and_told_to_the_one_who_pressed(stage: SlackStage) -> None:
    asked = stage.ask_for_ta_review()
    stage.press(asked, "reject", "tara")
    assert "TA::Changes-Requested" not in stage.labels()
    assert "A no needs its reason" in stage.slack.whispers[-1]["text"]
    assert "psplan_reject" in asked.buttons, "it still waits for an answer"


@pytest.mark.parametrize("who", ["ravi", "erin", "alice"])
def test_somebody_without_the_role_is_refused_and_told(who: str, stage: SlackStage) -> None:
    asked = stage.ask_for_ta_review()
    before = stage.comments()
    assert stage.press(asked, "approve", who) == 200
    assert "TA::Approved" not in stage.labels()
    told = stage.slack.whispers[-1]
    assert "That is for" in told["text"]
    assert told["user"] == next(person.id for person in stage.slack.people.values() if person.name == who)
    assert stage.comments() == before


def test_a_person_whom_nobody_knows_is_told_so_and_nothing_happens(stage: SlackStage) -> None:
    stranger = stage.slack.add_person("mallory", "mallory@elsewhere.example")
    asked = stage.ask_for_ta_review()
    writes = stage.bot.writes()
    assert stage.press(asked, "approve", stranger.id) == 200
    assert "I do not know who you are" in stage.slack.whispers[-1]["text"]
    assert stage.bot.writes() == writes


def test_a_guest_of_another_workspace_with_the_right_e_mail_is_nobody(stage: SlackStage) -> None:
    guest = stage.slack.add_person("tara-2", "tara@example.com")
    guest.is_stranger = True
    asked = stage.ask_for_ta_review()
    stage.press(asked, "approve", guest.id)
    assert "TA::Approved" not in stage.labels()


def test_where_the_map_names_a_slack_user_no_other_one_is_that_person(tmp_path: Path) -> None:
    own = '\nslack: {email: "{username}@example.com", users: {tara: U9999ZZZ}}\n'
    with slack_stage(tmp_path, own=own) as stage:
        stage.slack.add_person("tara-mapped", "somebody@example.com", ident="U9999ZZZ")
        stage.begin()
        asked = stage.ask_for_ta_review()
        assert "<@U9999ZZZ>" in asked.text
        stage.press(asked, "approve", "tara")
        assert "TA::Approved" not in stage.labels()
        stage.press(asked, "approve", "U9999ZZZ")
        assert "TA::Approved" in stage.labels()


def test_a_replayed_press_is_heard_once(stage: SlackStage) -> None:
    asked = stage.ask_for_ta_review()
    tara = next(person.id for person in stage.slack.people.values() if person.name == "tara")
    body = stage.slack.press(asked, "psplan_approve", tara)
    headers = stage.slack.signed(body)
    assert [stage.deliver(body, headers) for _ in range(3)] == [200, 200, 200]
    stage.settle()
    assert sum("said in Slack" in each for each in stage.comments()) == 1


def test_a_second_press_hears_that_it_was_approved_already(stage: SlackStage) -> None:
    asked = stage.ask_for_ta_review()
    tara = next(person.id for person in stage.slack.people.values() if person.name == "tara")
    bodies = [stage.slack.press(asked, "psplan_approve", tara) for _ in range(2)]
    for body in bodies:
        assert stage.deliver(body) == 200
    stage.settle()
    assert "approved already, by you" in stage.slack.whispers[-1]["text"]


def test_a_button_for_a_version_that_is_gone_is_refused_with_the_reason(stage: SlackStage) -> None:
    asked = stage.ask_for_ta_review()
    tara = next(person.id for person in stage.slack.people.values() if person.name == "tara")
    stale = stage.slack.press(asked, "psplan_approve", tara)
    stage.say("erin", "/ps estimate 90000 USD")
    assert stage.deliver(stale) == 200
    stage.settle()
    assert "TA::Approved" not in stage.labels()
    assert "version that is not on record any more" in stage.slack.whispers[-1]["text"]
    assert "overtaken" in asked.text
    newer = stage.request()
    assert newer.ts != asked.ts
    assert "90,000 USD" in newer.text
    stage.press(newer, "approve", "tara")
    assert "TA::Approved" in stage.labels()


def test_leadership_approves_in_slack_as_well(stage: SlackStage) -> None:
    stage.say("erin", "/ps next", "/ps next", "/ps estimate 900 USD", "/ps next", "/ps next")
    stage.say("erin", "/ps sow https://docs.google.com/document/d/1")
    stage.press(stage.request(EM), "approve", "ravi")
    stage.say("erin", "/ps submit")
    assert "proposal::Ready For Approval" in stage.labels()
    for who in ("rhea", "dana"):
        asked = [p for p in stage.slack.in_channel(EM) if "psplan_approve" in p.buttons]
        for post in asked:
            stage.press(post, "approve", who)
    assert "proposal::Approved" in stage.labels()


class TestTheDoor:
    def pressed(self, stage: SlackStage) -> bytes:
        asked = stage.ask_for_ta_review()
        tara = next(person.id for person in stage.slack.people.values() if person.name == "tara")
        return stage.slack.press(asked, "psplan_approve", tara)

    def test_what_is_forged_or_old_is_401(self, stage: SlackStage) -> None:
        body = self.pressed(stage)
        good = stage.slack.signed(body)
        wrong = {
            "another secret": stage.slack.signed(body, secret="another"),
            "too old": stage.slack.signed(body, at=time.time() - 301),
            "from the future": stage.slack.signed(body, at=time.time() + 302),
            "another body": stage.slack.signed(body + b"x"),
            "no signature": {k: v for k, v in good.items() if k != "X-Slack-Signature"},
            "no time": {k: v for k, v in good.items() if k != "X-Slack-Request-Timestamp"},
            "another time": {**good, "X-Slack-Request-Timestamp": str(int(time.time()) - 5)},
            "another version": {**good, "X-Slack-Signature": good["X-Slack-Signature"].replace("v0=", "v1=")},
        }
        assert {name: stage.deliver(body, headers) for name, headers in wrong.items()} == dict.fromkeys(wrong, 401)
        stage.settle()
        assert "TA::Approved" not in stage.labels()

    @pytest.mark.parametrize(
        ("body", "media", "status"),
        [
            (b"payload=%7B%7D", "application/json", 415),
            (b"payload=nothing", "application/x-www-form-urlencoded", 400),
            (b"payload=%5B%5D", "application/x-www-form-urlencoded", 400),
            (b"", "application/x-www-form-urlencoded", 400),
            (b'{"object_kind":"psplan_press"}', "application/x-www-form-urlencoded", 400),
            (b'{"object_kind":"psplan_press","payload=":1}', "application/x-www-form-urlencoded", 400),
            (b"payload=%7B%7D&payload=%7B%7D", "application/x-www-form-urlencoded", 400),
            (b"payload=%7B%22type%22%3A%22shortcut%22%7D", "application/x-www-form-urlencoded", 200),
            (b"payload=" + b"x" * (1024 * 1024), "application/x-www-form-urlencoded", 413),
        ],
    )
    def test_what_is_no_press_brings_about_nothing(
        self, body: bytes, media: str, status: int, stage: SlackStage
    ) -> None:
        headers = {**stage.slack.signed(body), "Content-Type": media}
        assert stage.deliver(body, headers) == status

    def test_any_of_several_secrets_is_accepted(self, tmp_path: Path) -> None:
        (tmp_path / "two").mkdir()
        with slack_stage(tmp_path / "two", slack_signing_secrets=["old", "new"]) as stage:
            body = b"payload=%7B%22type%22%3A%22shortcut%22%7D"
            told = [stage.deliver(body, stage.slack.signed(body, secret=each)) for each in ("old", "new", "other")]
            assert told == [200, 200, 401]

    def test_without_a_signing_secret_there_is_no_door_and_there_are_no_buttons(self, tmp_path: Path) -> None:
        (tmp_path / "none").mkdir()
        with slack_stage(tmp_path / "none", slack_signing_secrets=[]) as stage:
            assert stage.deliver(b"payload=%7B%7D") == 404
            stage.begin()
            stage.say("erin", "/ps next", "/ps next", "/ps estimate 62000 USD")
            assert not any("psplan_approve" in post.buttons for post in stage.slack.posts)
            assert any("/ps ta approve" in post.text for post in stage.slack.posts)


def test_an_issue_is_told_by_whom_where(stage: SlackStage) -> None:
    stage.press(stage.ask_for_ta_review(), "approve", "tara")
    (told,) = [each for each in stage.comments(SCOPING) if "said in Slack" in each]
    assert "`tara` said in Slack: `/ps ta approve`" in told
