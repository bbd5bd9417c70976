"""Slack down, slow, limiting or refusing: GitLab work goes on, nothing is said twice, what cannot pass is parked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from app.actions import PostMessage
from app.chat import ChatTeller
from app.chat_message import ChatMessage
from app.ports import Posted, SoughtPost
from app.slack_text import own
from app.snapshot import ChatPost
from app.store.database import open_beside
from tests.harness import submission, until
from tests.slack_stage import EM, MAIN, PUBSEC, TA, slack_stage, workspace


def dead(folder: Path) -> list[tuple[str, str]]:
    engine = open_beside(folder / "psplan.sqlite3")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select kind, reason from deliveries where state = 'dead'").all()
    engine.dispose()
    return [(row.kind, row.reason) for row in rows]


def evidence(folder: Path) -> list[dict[str, Any]]:
    engine = open_beside(folder / "psplan.sqlite3")
    with engine.connect() as connection:
        rows = connection.exec_driver_sql("select evidence from actions where kind = 'post_message'").scalars()
        found = [json.loads(row) for row in rows if row]
    engine.dispose()
    return found


@pytest.mark.parametrize(
    "trouble",
    [
        {"status": 500},
        {"error": "internal_error"},
        {"error": "ratelimited", "status": 429, "retry_after": 1},
        {"error": "ratelimited", "retry_after": 1},
        {"error": "invalid_auth"},
        {"error": "not_in_channel"},
    ],
    ids=["500", "internal error", "429", "ok false ratelimited", "token in rotation", "not invited yet"],
)
def test_gitlab_work_is_done_meanwhile_and_the_message_comes_later(trouble: dict[str, Any], tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        stage.slack.trouble("chat.postMessage", **trouble)
        assert stage.bot.submit(submission())["state"] == "done"
        assert until(lambda: len(stage.slack.in_channel(MAIN)) == 2)
        stage.settle()
        assert [post.thread_ts is None for post in stage.slack.in_channel(MAIN)] == [True, False]
        assert dead(tmp_path) == []


def test_while_slack_is_away_the_process_goes_on_in_gitlab(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        stage.slack.trouble("*", status=503, times=10_000)
        assert stage.bot.submit(submission())["state"] == "done"
        stage.gitlab.add_note("erin", 1, "/ps next")
        assert until(lambda: "proposal::Awaiting_Discovery" in stage.labels())
        assert stage.slack.posts == []


def test_what_slack_never_takes_is_a_dead_letter_of_that_channel_alone(tmp_path: Path) -> None:
    slack = workspace()
    del slack.channels[TA]
    with slack_stage(tmp_path, slack=slack) as stage:
        stage.begin()
        stage.say("erin", "/ps next", "/ps next", "/ps estimate 62000 USD")
        assert ("psplan_announcement", "Slack answered 'channel_not_found' to chat.postMessage") in dead(tmp_path)
        assert any("The estimate is on record" in post.text for post in stage.slack.in_channel(MAIN))
        assert any("TA review" in each for each in stage.comments()), "GitLab asks for the review all the same"


def test_an_answer_that_is_lost_on_the_way_doubles_nothing(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        stage.slack.trouble("chat.postMessage", status=502, after=True)
        stage.begin()
        assert until(lambda: len(stage.slack.in_channel(MAIN)) == 2)
        stage.settle()
        root, reply = stage.slack.in_channel(MAIN)
        assert reply.thread_ts == root.ts, "it was found by its mark"
        assert any(each.get("found") for each in evidence(tmp_path))
        stage.say("erin", "/ps next")
        assert root.edits >= 1


def test_where_nobody_may_look_it_is_taken_as_sent_and_the_evidence_says_so(tmp_path: Path) -> None:
    slack = workspace()
    slack.scopes = "chat:write"
    with slack_stage(tmp_path, slack=slack) as stage:
        stage.slack.trouble("chat.postMessage", status=502, after=True)
        stage.begin()
        assert until(lambda: len(stage.slack.in_channel(MAIN)) == 2)
        stage.settle()
        assert any("taken_as_sent" in each for each in evidence(tmp_path))


def test_an_incoming_webhook_announces_and_asks_nothing(tmp_path: Path) -> None:
    with slack_stage(tmp_path, webhook=True) as stage:
        stage.begin(customer_name="Acme GmbH")
        stage.say("erin", "/ps next")
        (said,) = stage.slack.webhook_posts
        text = json.dumps(said)
        assert "Acme GmbH" in text
        assert "A new request" in text
        assert "psplan_approve" not in text
        assert stage.slack.posts == []


def test_a_webhook_whose_answer_is_lost_says_nothing_twice(tmp_path: Path) -> None:
    with slack_stage(tmp_path, webhook=True) as stage:
        stage.slack.trouble("webhook", status=502, after=True)
        stage.begin()
        stage.settle()
        assert len(stage.slack.webhook_posts) == 1
        assert any("taken_as_sent" in each for each in evidence(tmp_path))


def test_us_public_sector_is_told_in_its_own_channel_only(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        stage.begin(pubsec_us=True, customer_name="Department of Lakes")
        stage.say("evan", "/ps next", "/ps next", "/ps estimate 62000 USD")
        assert {post.channel for post in stage.slack.posts} == {stage.slack.channels[PUBSEC]}
        assert any("psplan_approve" in post.buttons for post in stage.slack.in_channel(PUBSEC))


def test_without_that_channel_it_is_told_nowhere(tmp_path: Path) -> None:
    with slack_stage(tmp_path, own="\nslack: {channels: {pubsec: null}}\n") as stage:
        stage.begin(pubsec_us=True)
        stage.say("evan", "/ps next", "/ps next", "/ps estimate 62000 USD")
        assert stage.slack.posts == []


def test_what_turns_out_to_be_us_public_sector_is_taken_back_elsewhere(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        first = submission(customer_name="Department of Lakes")
        assert stage.bot.submit(first)["state"] == "done"
        stage.settle()
        assert stage.bot.submit({**first, "pubsec_us": True})["state"] == "done"
        stage.settle()
        assert all("Lakes" not in post.text for post in stage.slack.in_channel(MAIN))
        stage.say("erin", "/ps next", "/ps next", "/ps estimate 62000 USD")
        assert all("Lakes" not in post.text for name in (MAIN, EM, TA) for post in stage.slack.in_channel(name))
        assert any("Lakes" in post.text for post in stage.slack.in_channel(PUBSEC))


def test_the_same_submission_again_says_nothing_more(tmp_path: Path) -> None:
    with slack_stage(tmp_path) as stage:
        body = submission()
        for _ in range(3):
            assert stage.bot.submit(body)["state"] == "done"
            stage.settle()
        assert len(stage.slack.posts) == 2


class Chat:
    """A chat that remembers what it was asked."""

    def __init__(self, sought: SoughtPost) -> None:
        self.sought = sought
        self.said: list[str] = []

    def post(self, channel: str, content: Any, *, thread: str | None) -> Posted:  # noqa: ARG002
        self.said.append(f"post {channel} {thread}")
        return Posted("C1", "1.1")

    def update(self, place: str, ts: str, content: Any) -> None:  # noqa: ARG002
        self.said.append(f"update {place} {ts}")

    def whisper(self, place: str, user: str, text: str, *, thread: str | None) -> None:  # noqa: ARG002
        self.said.append("whisper")

    def seek(self, channel: str, mark: str, *, thread: str | None, since: float) -> SoughtPost:  # noqa: ARG002
        self.said.append(f"seek {mark}")
        return self.sought

    def user_of(self, email: str) -> str | None:  # noqa: ARG002
        return None

    def email_of(self, user: str) -> str | None:  # noqa: ARG002
        return None


MESSAGE = ChatMessage(((own("hello"),),))
ACTION = PostMessage(
    key="k", engagement="e", channel="c", topic="t", message=MESSAGE.to_record(), digest=MESSAGE.digest, is_reply=True
)


@pytest.mark.parametrize(
    ("posts", "sought", "found", "said"),
    [
        ((), SoughtPost(Posted("C1", "2.2"), is_sure=True), {"place": "C1", "ts": "2.2", "found": True}, ["seek e/t"]),
        ((), SoughtPost(None, is_sure=True), None, ["seek e/t"]),
        (
            (),
            SoughtPost(None, is_sure=False),
            {"taken_as_sent": "it may have been, and cannot be looked for"},
            ["seek e/t"],
        ),
        ((ChatPost("c", "t", "C1", "3.3", "old", False),), SoughtPost(None, is_sure=False), None, []),
    ],
    ids=["it is there", "it is not there", "nobody can see", "an update, which may be sent again"],
)
def test_in_doubt_it_looks_first(
    posts: tuple[ChatPost, ...], sought: SoughtPost, found: dict[str, Any] | None, said: list[str]
) -> None:
    chat = Chat(sought)
    teller = ChatTeller(chat, people=None, posts=lambda _: posts, has_threads=True)  # type: ignore[arg-type]
    assert teller.look(ACTION, sent_at=1_000_000.0) == found
    assert chat.said == said


@pytest.mark.parametrize(
    ("posts", "said"),
    [
        ((), "post c None"),
        ((ChatPost("c", "root", "C1", "1.0", "d", False),), "post c 1.0"),
        ((ChatPost("c", "root", "C1", None, "d", False),), "post c None"),
        ((ChatPost("c", "t", "C1", "3.3", "old", False),), "update C1 3.3"),
        ((ChatPost("other", "t", "C9", "3.3", "old", False),), "post c None"),
    ],
)
def test_what_was_said_already_is_changed_and_what_was_not_stands_in_its_thread(
    posts: tuple[ChatPost, ...], said: str
) -> None:
    chat = Chat(SoughtPost(None, is_sure=True))
    ChatTeller(chat, people=None, posts=lambda _: posts, has_threads=True).post(ACTION)  # type: ignore[arg-type]
    assert chat.said == [said]
