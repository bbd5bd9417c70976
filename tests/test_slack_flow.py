"""Slack hears what happens in GitLab: one thread for each engagement and channel, updated rather than repeated."""

from __future__ import annotations

from pathlib import Path

from tests.slack_stage import EM, MAIN, PUBSEC, TA, slack_stage


def test_a_new_engagement_is_one_thread_in_the_main_channel(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        stage.begin(customer_name="Acme GmbH")
        root, begun = stage.slack.in_channel(MAIN)
        assert root.thread_ts is None
        assert "Acme GmbH" in root.text
        assert "Scoping: *Open*" in root.text
        assert "Engagement Manager: erin" in root.text
        assert begun.thread_ts == root.ts
        assert "A new request" in begun.text
        erin = next(person.id for person in stage.slack.people.values() if person.name == "erin")
        assert f"<@{erin}>" in begun.text
        assert [stage.slack.in_channel(each) for each in (PUBSEC, EM, TA)] == [[], [], []]


def test_the_head_of_a_thread_is_updated_and_not_repeated(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        stage.begin()
        stage.say("erin", "/ps next")
        root = stage.slack.in_channel(MAIN)[0]
        assert len(stage.slack.in_channel(MAIN)) == 2
        assert root.edits >= 1
        assert "Scoping: *Awaiting Discovery*" in root.text


def test_a_review_is_asked_for_with_buttons_and_answered_in_place(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        stage.begin()
        asked = stage.ask_for_ta_review()
        tara = next(person.id for person in stage.slack.people.values() if person.name == "tara")
        assert f"<@{tara}>" in asked.text
        assert "62,000 USD" in asked.text
        assert set(asked.buttons) == {"psplan_approve", "psplan_reject", "psplan_open"}
        stage.say("tara", "/ps ta approve")
        assert set(asked.buttons) == {"psplan_open"}
        assert "approved by tara" in asked.text
        assert len(stage.slack.in_channel(TA)) == 2


def test_a_button_pressed_by_the_right_role_is_the_command(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        stage.begin()
        asked = stage.ask_for_ta_review()
        assert stage.press(asked, "approve", "tara") == 200
        assert "TA::Approved" in stage.labels()
        assert "approved by tara" in asked.text
        assert any("`tara` said in Slack: `/ps ta approve`" in each for each in stage.comments())
