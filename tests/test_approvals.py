"""Approvals that mean something: bound to what was approved, by who may, told when they fall, never by an old event."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import yaml

from app.errors import Retry
from app.issue_text import Playbook
from app.methodology import load_methodology
from tests.drafts import playbook
from tests.talks import COGS, INTAKE, SOW, Talk, at, begun


def approval(talk: Talk, gate: str) -> Any:
    assert talk.engagement is not None
    return talk.engagement.standing.approvals.get(gate)


@pytest.mark.parametrize(
    ("change", "by"),
    [("/ps sow https://docs.google.com/document/d/9", "erin"), ("/ps cogs https://docs.google.com/c/9", "erin")],
    ids=["another SOW", "another cost sheet"],
)
def test_what_changes_the_sow_takes_its_approvals_and_tells_who_gave_them(change: str, by: str) -> None:
    talk = at("approved")
    heard = talk.say(by, change)
    assert talk.state() == "sow_wip", "RDM has to see it again, so it goes back before that gate"
    told = "\n".join(heard.others)
    assert "@dana" in told
    assert "@rhea" in told
    assert "your yes does not count any more" in told
    assert "before: version 1" in told
    assert "RDM::approved" not in talk.labels()
    assert "Revenue::approved" not in talk.labels()


def test_a_raised_estimate_arms_the_gate_again_in_a_later_state() -> None:
    talk = at("sow_wip")
    heard = talk.say("erin", "/ps estimate 90000 USD ff")
    assert any("@tara" in each and "62,000" in each and "90,000" in each for each in heard.others)
    talk.say("ravi", "/ps rdm approve")
    refused = talk.say("erin", "/ps submit")
    assert "TA review" in (refused.reply or "")
    assert talk.say("tara", "/ps ta approve").is_done
    assert talk.say("erin", "/ps submit").is_done


def test_a_lowered_estimate_needs_no_review() -> None:
    talk = at("sow_wip")
    talk.say("erin", "/ps estimate 900 USD")
    assert talk.state() == "sow_wip"


def test_exactly_at_the_threshold_nobody_has_to_review() -> None:
    talk = at("strawman_wip")
    talk.say("erin", "/ps estimate 50000 USD\n/ps next\n/ps next")
    assert talk.state() == "sow_wip"


def test_another_currency_is_held_against_the_threshold_by_its_rate() -> None:
    talk = at("strawman_wip")
    talk.say("erin", "/ps estimate 46k EUR\n/ps next\n/ps next")
    assert talk.state() == "estimate_feedback", "46,000 EUR are more than 50,000 USD"


def test_a_currency_without_a_rate_is_refused_and_nothing_is_put_on_record() -> None:
    talk = at("strawman_wip")
    heard = talk.say("erin", "/ps estimate 46000 XAU")
    assert heard.is_refused
    assert "I have no rate for `XAU`" in (heard.reply or "")
    assert talk.record()["papers"] == {}


def test_leaderships_yes_before_revenues_is_kept_and_the_last_one_moves_the_issue() -> None:
    talk = at("ready_for_approval")
    heard = talk.say("dana", "/ps approve")
    assert "I have kept your yes" in (heard.reply or "")
    assert talk.state() == "ready_for_approval"
    talk.say("rhea", "/ps revenue approve")
    assert talk.state() == "approved"


def test_nobody_approves_their_own() -> None:
    book = with_roles("roles: {ta: {users: [erin, tara]}}")
    talk = begun(book)
    talk.say("erin", "/ps next\n/ps next\n/ps estimate 62000 USD")
    heard = talk.say("erin", "/ps ta approve")
    assert heard.is_refused
    assert "Nobody judges their own work" in (heard.reply or "")
    assert "Please ask `tara`" in (heard.reply or "")
    assert approval(talk, "ta") is None


@pytest.mark.parametrize(
    ("by", "command", "lacks"),
    [
        ("tara", "/ps ta approve", "no estimate on record"),
        ("ravi", "/ps rdm approve", "no SOW on record"),
        ("rhea", "/ps revenue approve", "no SOW on record"),
        ("dana", "/ps approve", "no SOW on record"),
        ("dana", "/ps reject too thin", "no SOW on record"),
    ],
)
def test_a_word_about_nothing_is_refused_with_that_reason(by: str, command: str, lacks: str) -> None:
    heard = at("strawman_wip").say(by, command)
    assert heard.is_refused
    assert lacks in (heard.reply or "")


@pytest.mark.parametrize("by", ["alice", "erin", "cora", "tara"])
def test_who_asks_and_answers_does_not_approve(by: str) -> None:
    talk = at("ready_for_approval")
    for command in ("/ps approve", "/ps revenue approve", "/ps rdm approve", "/ps reject no"):
        assert talk.say(by, command).is_refused
    assert talk.state() == "ready_for_approval"


def test_a_no_without_a_reason_is_none() -> None:
    talk = at("ready_for_approval")
    heard = talk.say("dana", "/ps reject")
    assert heard.is_refused
    assert "A no needs its reason" in (heard.reply or "")
    assert "`/ps reject REASON`" in (heard.reply or "")
    assert talk.state() == "ready_for_approval"


def test_a_no_goes_back_with_its_reason_and_whoever_leads_hears_it_once() -> None:
    talk = at("ready_for_approval")
    heard = talk.say("dana", "/ps reject @all the second wave /close is missing")
    assert talk.state() == "sow_wip"
    (told,) = [each for each in heard.others if "asks for changes" in each]
    assert told.count("@erin") == 1
    assert "`@all the second wave /close is missing`" in told


def test_a_yes_that_comes_late_is_not_taken_for_what_came_after_it() -> None:
    talk = at("strawman_wip")
    talk.say("erin", "/ps estimate 62000 USD")
    written = talk.now + timedelta(seconds=5)
    talk.say("erin", "/ps estimate 90000 USD")
    heard = talk.hear("tara", "/ps ta approve", note=900, at=written)
    assert heard.is_refused
    assert "That was said before what is on record now: estimate" in (heard.reply or "")
    assert approval(talk, "ta") is None


def test_a_late_word_about_the_sow_does_not_count_for_a_newer_cost_sheet() -> None:
    talk = at("sow_wip")
    written = talk.now + timedelta(seconds=5)
    talk.say("erin", "/ps cogs https://docs.google.com/c/4")
    assert talk.hear("ravi", "/ps rdm approve", note=900, at=written).is_refused


def test_a_late_yes_does_not_undo_a_later_no_and_a_late_draft_replaces_nothing() -> None:
    talk = at("sow_wip")
    written = talk.now + timedelta(seconds=5)
    talk.say("ravi", "/ps rdm reject too short")
    assert talk.hear("ravi", "/ps rdm approve", note=900, at=written).is_refused
    talk.say("erin", "/ps sow https://docs.google.com/document/d/final")
    assert talk.hear("erin", "/ps sow https://docs.google.com/document/d/draft", note=901, at=written).is_refused


def test_an_order_to_move_that_is_found_late_does_not_move_on_from_where_others_went_since() -> None:
    talk = at("sow_wip")
    written = talk.now + timedelta(seconds=5)
    talk.now += timedelta(minutes=5)
    talk.say("erin", "/ps back the customer wants fewer waves")
    late = talk.hear("erin", "/ps next", note=900, at=written)
    assert late.is_refused
    assert "after you had written that" in (late.reply or "")
    assert talk.state() == "estimate_feedback"


def test_an_answer_that_is_found_late_does_not_replace_a_later_one() -> None:
    talk = at("sow_wip")
    written = talk.now + timedelta(seconds=5)
    talk.say("erin", "/ps intake po PO-2")
    assert talk.hear("erin", "/ps intake po PO-1", note=900, at=written).is_refused
    assert not talk.say("erin", "/ps intake po PO-3").is_refused


def test_of_two_answers_of_one_second_the_later_comment_counts_whichever_is_heard_first() -> None:
    talk = at("sow_wip")
    second = talk.now + timedelta(minutes=1)
    assert not talk.hear("erin", "/ps intake po PO-2", note=901, at=second).is_refused
    assert talk.hear("erin", "/ps intake po PO-1", note=900, at=second).is_refused
    assert not talk.hear("erin", "/ps intake po PO-3", note=902, at=second).is_refused


def test_who_may_not_say_won_does_not_win_by_going_on() -> None:
    talk = at("approved")
    assert talk.say("cora", "/ps next").is_refused
    assert talk.state() == "approved"
    assert not talk.say("erin", "/ps next").is_refused
    assert talk.state() == "closed_won"


def test_nobody_goes_round_about_what_has_a_command_of_its_own() -> None:
    talk = at("sow_wip")
    for by, text in (
        ("alice", "/ps intake pc @mallory"),
        ("alice", "/ps answer pc @mallory"),
        ("alice", "/ps intake work_at_risk yes, approved by Dana"),
        ("petra", "/ps stage Closed_Lost"),
        ("erin", "/ps stage Closed_Lost"),
        ("alice", "/ps signed gitlab"),
    ):
        assert talk.say(by, text).is_refused, text


def test_ordinary_talk_with_the_bot_is_no_loss() -> None:
    talk = at("sow_wip")
    assert not talk.say("erin", "@ps-bot lost my notes of yesterday, sorry").is_done
    assert talk.state() == "sow_wip"


def test_what_is_said_internally_is_not_shown_to_all() -> None:
    talk = at("sow_wip")
    heard = talk.say("erin", "/ps hold until 2099-03-01 the customer is insolvent", internal=True)
    assert not any("insolvent" in str(action) for action in heard.decision.actions if action.kind != "say")
    assert "(said internally)" in str(talk.engagement)


def test_help_lists_what_a_role_that_decides_nothing_can_say() -> None:
    assert "`/ps staff ROLE @USER`" in (at("sow_wip").say("cora", "/ps help").reply or "")


def test_resume_takes_up_whichever_track_rests() -> None:
    talk = at("sow_wip")
    talk.say("erin", "/ps stage Cancelled", on=INTAKE)
    assert talk.state("intake") == "cancelled"
    assert talk.say("erin", "/ps resume", on=INTAKE).is_done
    assert talk.state("intake") == "needs_info"
    talk.say("erin", "/ps hold")
    assert talk.say("erin", "/ps resume", on=INTAKE).is_done
    assert talk.state() == "sow_wip"


def test_odd_letters_break_nothing() -> None:
    for text in ("/ps schedule 1 \u017fep 2099", "/ps hold until 1 \u017fep 2099", "/ps estimate \u0661\u0662 USD"):
        at("sow_wip").say("petra", text)
        at("sow_wip").say("erin", text)


def test_a_label_that_was_set_before_the_comment_is_judged_before_it() -> None:
    talk = at("strawman_wip")
    talk.say("erin", "/ps estimate 62000 USD")
    talk.label("tara", "TA::Approved")
    talk.say("erin", "/ps estimate 90000 USD")
    assert approval(talk, "ta").version == 1
    assert "TA::Approved" not in talk.labels()
    assert talk.say("erin", "/ps next\n/ps next").is_refused


def test_the_record_says_who_when_and_which_version() -> None:
    talk = at("estimate_feedback")
    talk.say("erin", "/ps estimate 63000 USD")
    talk.say("tara", "/ps ta approve")
    given = approval(talk, "ta")
    assert (given.by, given.version, given.papers["estimate"].amount) == ("tara", 2, 63000)
    assert given.at == talk.now.timestamp()
    assert "tara" in (talk.say("erin", "/ps status").reply or "")


def test_the_same_document_again_takes_nothing() -> None:
    talk = at("approved")
    heard = talk.say("erin", f"/ps sow {SOW}\n/ps cogs {COGS}")
    assert heard.is_done
    assert "That is on record already" in (heard.reply or "")
    assert talk.state() == "approved"


def test_an_agreement_is_about_one_version_of_the_estimate() -> None:
    talk = at("estimate_feedback")
    talk.say("alice", "/ps agree customer\n/ps agree account-team fine with us")
    missing = "- Customer and account team agree on price and scope (Engagement Manager; `/ps agree`)"
    assert missing not in (talk.say("erin", "/ps status").reply or "")
    talk.say("erin", "/ps estimate 64000 USD")
    assert missing in (talk.say("erin", "/ps status").reply or "")


def test_a_review_is_asked_for_once_for_each_version() -> None:
    talk = at("strawman_wip")
    first = talk.say("erin", "/ps estimate 62000 USD")
    assert sum("@tara" in each for each in first.others) == 1
    again = talk.say("erin", "/ps ta request\n/ps request-review")
    assert not any("@tara" in each for each in again.others)
    assert "was asked for already" in (again.reply or "")


def test_moving_back_and_on_again_calls_nobody_to_what_they_were_called_to_already() -> None:
    talk = at("estimate_feedback")
    talk.say("erin", "/ps agree\n/ps next")
    assert sum("@ravi" in each for each in talk.say("erin", f"/ps sow {SOW}").others) == 1
    again = talk.say("erin", "/ps back\n/ps next")
    assert not any("@ravi" in each for each in again.others)
    assert talk.say("ravi", "/ps rdm approve").is_done


def test_one_comment_calls_nobody_twice_and_a_cost_sheet_calls_nobody_again() -> None:
    talk = at("estimate_feedback")
    heard = talk.say("erin", f"/ps next\n/ps sow {SOW}\n/ps cogs {COGS}")
    assert sum("@ravi" in each for each in heard.others) == 1
    again = talk.say("erin", "/ps cogs https://docs.google.com/c/3")
    assert again.others == ()
    assert talk.say("ravi", "/ps rdm approve").is_done


def test_a_group_that_cannot_be_seen_is_tried_again_and_then_said() -> None:
    talk = at("sow_wip")
    talk.unsure = frozenset({"rdm"})
    with pytest.raises(Retry, match="rdm"):
        talk.say("tara", "/ps rdm approve")
    talk.is_patient = False
    heard = talk.say("tara", "/ps rdm approve")
    assert heard.is_refused
    assert "I cannot see every group that holds it" in (heard.reply or "")
    talk.is_patient = True
    assert talk.say("ravi", "/ps rdm approve").is_done, "who certainly holds it need not wait"


def test_a_role_may_be_an_access_level_and_differ_by_segment() -> None:
    book = with_roles(
        "roles:\n  leadership: {users: [], access_level: developer}\n  rdm: {segments: {Ent_EMEA: {users: [petra]}}}\n"
    )
    talk = at_sow(book)
    assert talk.say("ravi", "/ps rdm approve").is_refused, "in this segment it is somebody else"
    assert talk.say("petra", "/ps rdm approve").is_done
    talk.say("erin", "/ps submit")
    assert talk.say("alice", "/ps approve").is_refused
    assert talk.say("cora", "/ps approve").is_done


def test_the_methodology_says_who_may_say_what() -> None:
    book = with_roles("commands: {who: {won: [deal_desk], next: []}}\nroles: {deal_desk: {users: [desk]}}\n")
    talk = begun(book)
    assert talk.say("alice", "/ps next").is_done
    heard = talk.say("erin", "/ps won")
    assert "That is for: Deal Desk (`desk`)" in (heard.reply or "")


def at_sow(book: Playbook) -> Talk:
    talk = begun(book)
    talk.say("erin", f"/ps estimate 900 USD\n/ps stage SOW_WIP\n/ps sow {SOW}")
    assert talk.state() == "sow_wip"
    return talk


_FILES: list[Any] = []


@pytest.fixture(autouse=True)
def _own_files(tmp_path: Any) -> Any:
    _FILES.append(tmp_path)
    yield
    _FILES.pop()


def with_roles(words: str) -> Playbook:
    """The demo's people, with a file of a team laid over them."""
    held = {name: {"users": list(role.users)} for name, role in playbook().methodology.roles.items() if role.users}
    path = _FILES[-1] / "own.yaml"
    merged: dict[str, Any] = {"extends": "default", "roles": held, "routing": {"default_em": "erin"}}
    for key, value in yaml.safe_load(words).items():
        merged[key] = {**merged.get(key, {}), **value}
    path.write_text(yaml.safe_dump(merged))
    return Playbook(load_methodology(path), playbook().templates)
