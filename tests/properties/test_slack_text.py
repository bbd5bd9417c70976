"""Whatever a stranger writes: in Slack it calls nobody, links nowhere, formats nothing, and can be read."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.chat_message import Called, message_from_record
from app.chat_words import Telling
from app.engagement import Engagement, EngagementId, IssueLink, IssueRole
from app.machine.standing import Approval, Place, Standing, Verdict
from app.methodology import load_methodology
from app.slack_blocks import as_slack_has_it
from app.slack_text import MOST_BLOCKS, SECTION_CHARS, SlackSafe, fitting, foreign, link, mention, own, together
from app.submission import parse_submission
from app.submission.parse import SubmissionFaults
from tests.harness import submission

from .slack_model import read
from .strategies import nasty, nasty_texts

ATTACKS = (
    "<!channel>", "<!here>", "<!everyone>", "<@U0123ABCD>", "<#C0123ABCD>", "<!subteam^S0123ABCD>",
    "<https://evil.example|https://gitlab.com>", "<mailto:a@b.example|write>", "&lt;!channel&gt;",
    "&amp;lt;!here&amp;gt;",
    "@channel", "@here", "@everyone", "#general", "*bold*", "_italic_", "~struck~", "`code`", "```\nblock\n```",
    ":tada:", ":+1:", "> quote", "\n> quote\n", "• item", "1. item", "|", "<", ">", "&", "<<!channel>>", "<!chan\nnel>",
    "<!date^1^{date}|x>", "\u202e<!channel>", "<\u200b!channel>", "\\<!channel>", "*_~`", "a_b_c", "snake_case",
    "2 * 3 * 4",
)  # fmt: skip
URL = "https://gitlab.example/ps/ps-plan/-/issues/1"
METHODOLOGY = load_methodology(None)
NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


LIVE = (
    "<!channel>",
    "<@U0123ABCD>",
    "<#C0123ABCD>",
    "<https://evil.example|x>",
    "*bold*",
    "_italic_",
    "`code`",
    ":tada:",
)


@pytest.mark.parametrize("attack", LIVE)
def test_the_model_sees_what_slack_would_act_on(attack: str) -> None:
    reading = read(f"Acme {attack} GmbH")
    assert reading.mentions or reading.links or reading.formatted or reading.emoji


def texts() -> st.SearchStrategy[str]:
    pieces = st.one_of(st.sampled_from(ATTACKS), nasty_texts())
    return st.lists(pieces, max_size=6).map(" ".join)


def assert_inert(text: str) -> None:
    reading = read(text)
    assert (reading.mentions, reading.links, reading.formatted, reading.emoji, reading.stray) == ((), (), (), (), ())
    assert "\n" not in text
    assert "\r" not in text


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_an_attack_is_only_words(attack: str) -> None:
    for words in (attack, f"{attack}{attack}", f"Acme {attack} GmbH", f"x{attack}", f"{attack}x"):
        assert_inert(foreign(words))


@given(texts())
@settings(max_examples=500)
def test_whatever_a_stranger_writes_is_only_words(value: str) -> None:
    assert_inert(foreign(value))
    assert read(foreign(value)).shown.strip()


@given(texts(), st.integers(1, 200))
def test_what_is_cut_is_cut_between_signs(value: str, limit: int) -> None:
    text = together(own("*"), link(URL, foreign(value)), own("* "), mention("U0123ABCD"))
    cut = fitting(text, limit_chars=limit)
    assert len(cut) <= limit
    reading = read(cut)
    assert reading.stray == ()
    assert set(reading.mentions) <= {"@U0123ABCD"}
    assert all(each.startswith(f"{URL}|") for each in reading.links)


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "https://x|evil", "https://x>y", "https://x y", "http://", "https://x/\n<!channel>", ""],
)
def test_what_is_no_address_is_no_link(url: str) -> None:
    assert link(url, own("here")) == "here"


@pytest.mark.parametrize("user", ["channel", "!channel", "U0123|x", "u0123abcd", "", "U0123ABCD> <!channel"])
def test_nobody_is_mentioned_but_by_an_id_of_slacks(user: str) -> None:
    with pytest.raises(ValueError, match="not an id"):
        mention(user)


def engagement(words: str) -> Engagement | None:
    """One with those words wherever a stranger can put them; None where they are refused at the door."""
    try:
        given_ = parse_submission({**submission(), "customer_name": words[:200]}, today=NOW.date())
    except SubmissionFaults:
        return None
    at = NOW.timestamp()
    no = Approval(Verdict.FAILED, by="tara", at=at, version=0, words=words)
    standing = Standing(places={"proposal": Place("scoping", at)}, approvals={"ta": no, "leadership": no}, begun_at=at)
    issues = {IssueRole.SCOPING: IssueLink(1, URL), IssueRole.INTAKE: IssueLink(2, URL)}
    return Engagement(EngagementId("e"), given_, issues=issues, standing=standing)


def assert_message_is_ours(words: str) -> None:
    found = engagement(words)
    if found is None:
        return
    telling = Telling(engagement=found, methodology=METHODOLOGY, people={"em": ["erin"]}, has_buttons=True)
    messages = [telling.root(), telling.elsewhere()]
    for rules in METHODOLOGY.notifications.values():
        if rules.on.asked is not None:
            messages.append(telling.request(rules, version=0, is_latest=True, has_head=False)[0])
        elif not rules.on.is_of_a_clock:
            messages.append(telling.notification(rules, has_head=False))
    for message in messages:
        lines = message_from_record(message.to_record()).filled(named)
        sent = as_slack_has_it(message, lines, key="k")
        assert len(sent["blocks"]) <= MOST_BLOCKS
        for text in [sent["text"], *(each["text"]["text"] for each in sent["blocks"] if each["type"] == "section")]:
            assert 0 < len(text) <= SECTION_CHARS
            reading = read(text)
            assert set(reading.mentions) <= {"@U0000ERIN"}
            assert {each.partition("|")[0] for each in reading.links} <= {URL}
            assert reading.stray == ()


def named(called: Called) -> SlackSafe:
    return mention("U0000ERIN") if called.username == "erin" else foreign(called.username)


@pytest.mark.parametrize("attack", ATTACKS, ids=ascii)
def test_no_message_of_ours_acts_by_a_strangers_words(attack: str) -> None:
    assert_message_is_ours(f"Acme {attack} GmbH")


@pytest.mark.parametrize("seed", range(200))
def test_no_message_of_ours_acts_by_any_words(seed: int) -> None:
    assert_message_is_ours(f"x {nasty(random.Random(seed))}")
