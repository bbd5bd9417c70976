"""What people who are new to the process stumbled over, each as a talk: told once, truly, and with the way on."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from app import sandbox
from app.engagement import IssueRole
from app.submission import parse_submission
from tests.talks import BEGIN, COGS, INTAKE, SCOPING, SOW, Heardback, Talk, at, begun, begun_with

README = Path(__file__).parent.parent / "README.md"
DEMO = Path(sandbox.__file__).parent / "demo-submission.json"
NEW_SOW = "https://docs.google.com/document/d/9"


def told(*heard: Heardback) -> str:
    return "\n".join(each for one in heard for each in one.others)


def reply(talk: Talk, by: str, text: str, **where: object) -> str:
    return talk.say(by, text, **where).reply or ""  # type: ignore[arg-type]


def without_cogs() -> Talk:
    """At Approved, with a cost sheet still to come."""
    talk = at("estimate_feedback")
    for by, text in (
        ("erin", f"/ps agree\n/ps next\n/ps sow {SOW}"),
        ("ravi", "/ps rdm approve"),
        ("erin", "/ps submit"),
        ("rhea", "/ps revenue approve"),
        ("dana", "/ps approve"),
    ):
        assert talk.say(by, text).is_done, text
    assert talk.state() == "approved"
    return talk


# -- a yes that fell


@pytest.mark.parametrize(
    "change",
    ["/ps estimate 11000 EUR ff", f"/ps estimate 11000 EUR\n/ps sow {NEW_SOW}\n/ps cogs {COGS}9", f"/ps sow {NEW_SOW}"],
    ids=["one document", "several in one comment", "the SOW"],
)
def test_that_a_yes_fell_is_told_once_and_at_once(change: str) -> None:
    talk = at("approved")
    first = talk.say("erin", change)
    assert sum("does not count any more" in each for each in first.others) == 1
    (fell,) = [each for each in first.others if "does not count any more" in each]
    assert (fell.count("@rhea"), fell.count("@dana")) == (1, 1)
    for by, text in (("erin", "/ps status"), ("erin", f"/ps sow {NEW_SOW}0"), ("ravi", "/ps rdm reject too short")):
        assert "does not count any more" not in told(talk.say(by, text)), text


def test_a_no_later_on_tells_nobody_again_whose_yes_had_fallen() -> None:
    talk = at("approved")
    talk.say("erin", f"/ps sow {NEW_SOW}")
    talk.say("ravi", "/ps rdm approve")
    talk.say("erin", "/ps submit")
    assert "@rhea" not in told(talk.say("dana", "/ps reject too thin"), talk.say("erin", "/ps status"))


def test_who_stamped_and_signed_and_agreed_hears_that_it_is_void_in_the_same_comment() -> None:
    talk = at("approved")
    talk.say("lena", "/ps legal stamped")
    talk.say("alice", "/ps signed\n/ps agree")
    (fell,) = [each for each in talk.say("erin", "/ps estimate 11000 EUR").others if "any more" in each]
    for name in ("@lena", "@alice", "@rhea", "@dana"):
        assert fell.count(name) == 1, name
    for title in ("Legal stamped the SOW", "The customer signed", "agree on price and scope", "Revenue approval"):
        assert f"**{title}**" in fell or title in fell, title
    assert "does not count any more" not in told(talk.say("erin", "/ps status"))


def test_who_agreed_and_then_changed_it_is_not_called_for_their_own_word() -> None:
    talk = at("estimate_feedback")
    talk.say("erin", "/ps agree")
    heard = talk.say("erin", "/ps estimate 900 USD")
    assert "@erin" not in told(heard)
    assert "**Customer and account team agree on price and scope** (`erin`)" in (heard.reply or "")


def test_whoever_voids_approvals_reads_which_in_the_reply() -> None:
    talk = without_cogs()
    note = str(talk.say("erin", "/ps status").reply)
    assert "`/ps cogs URL`), which voids: RDM review, Revenue approval, Approval of PS leadership" in note
    answer = reply(talk, "erin", f"/ps cogs {COGS}")
    assert "**RDM review** (`ravi`), **Revenue approval** (`rhea`), **Approval of PS leadership** (`dana`)" in answer


def test_a_review_says_which_document_is_still_to_come() -> None:
    talk = at("estimate_feedback")
    heard = talk.say("erin", f"/ps agree\n/ps next\n/ps sow {SOW}")
    assert "Not on record yet: cost sheet (COGS) (`/ps cogs URL`)" in told(heard)
    with_it = at("estimate_feedback").say("erin", f"/ps agree\n/ps next\n/ps sow {SOW}\n/ps cogs {COGS}")
    assert "Not on record yet" not in told(with_it)


def test_what_follows_from_the_second_approval_is_told_again() -> None:
    talk = at("approved")
    talk.say("erin", f"/ps sow {NEW_SOW}")
    for by, text in (("ravi", "/ps rdm approve"), ("erin", "/ps submit"), ("dana", "/ps approve")):
        talk.say(by, text)
    assert "@erin: The SOW is approved" in told(talk.say("rhea", "/ps revenue approve"))


# -- versions


def test_a_document_is_called_by_its_own_version_everywhere() -> None:
    talk = at("estimate_feedback")
    said = [told(talk.say("erin", f"/ps agree\n/ps next\n/ps sow {SOW}\n/ps cogs {COGS}"))]
    talk.say("erin", "/ps back\n/ps next")
    for by, text in (("erin", "/ps rdm request"), ("ravi", "/ps rdm approve"), ("erin", f"/ps cogs {COGS}7")):
        heard = talk.say(by, text)
        said += [told(heard), heard.reply or ""]
    said.append(reply(talk, "erin", "/ps status"))
    whole = "\n".join(said)
    assert "It is about the SOW: version 1" in whole
    assert "`ravi` said yes to SOW version 1, estimate version 1, cost sheet (COGS) version 1" in whole
    assert "SOW version 2" not in whole
    assert "SOW: version 2" not in whole
    assert "version 3" not in whole


def test_a_no_reads_as_a_no() -> None:
    talk = at("ready_for_approval")
    talk.say("dana", "/ps reject too thin")
    said = "`dana` said no to SOW version 1, estimate version 1, cost sheet (COGS) version 1"
    assert said in reply(talk, "erin", "/ps status")
    talk.say("erin", "/ps rdm request")
    talk.say("ravi", "/ps rdm reject the waves overlap")
    refused = reply(talk, "erin", "/ps submit")
    assert "`ravi` said no to SOW version 1" in refused
    assert "`the waves overlap`" in refused


# -- reviews


def test_nobody_is_asked_to_review_what_is_not_there() -> None:
    talk = at("estimate_feedback")
    assert "@ravi" not in told(talk.say("erin", "/ps agree\n/ps next"))
    refused = reply(talk, "erin", "/ps submit")
    assert "the SOW is not on record yet: `/ps sow URL`" in refused
    assert "/ps rdm approve" not in refused
    assert told(talk.say("erin", f"/ps sow {SOW}")).count("@ravi") == 1


def test_after_a_no_nobody_is_asked_again_for_what_they_have_judged() -> None:
    talk = at("ready_for_approval")
    assert "@ravi" not in told(talk.say("dana", "/ps reject too thin"), talk.say("erin", "/ps status"))
    assert "`/ps rdm request` asks for it" in reply(talk, "erin", "/ps submit")
    assert "`/ps rdm request` asks for it" in reply(talk, "erin", "/ps status")
    assert "@ravi" not in told(talk.say("erin", "/ps hold"), talk.say("erin", "/ps resume"))
    assert told(talk.say("erin", f"/ps sow {NEW_SOW}")).count("@ravi") == 1


def test_what_is_not_asked_for_yet_is_judged_by_nobody() -> None:
    talk = at("ready_for_approval")
    talk.say("dana", "/ps reject too thin")
    assert "**Revenue approval** is not asked for yet" in reply(talk, "rhea", "/ps revenue approve")
    assert "**Approval of PS leadership** is not asked for yet" in reply(talk, "dana", "/ps approve")


def test_what_somebody_asked_for_early_can_be_judged_early() -> None:
    talk = at("sow_wip")
    assert talk.say("rhea", "/ps revenue approve").is_refused
    talk.say("erin", "/ps revenue request")
    assert talk.say("rhea", "/ps revenue approve").is_done


def test_the_account_team_is_asked_without_who_asks() -> None:
    talk = begun(account_team=[{"username": "sam", "role": "SA"}])
    talk.say("erin", "/ps next\n/ps next\n/ps estimate 900 USD")
    asked = reply(talk, "alice", "/ps request-review account-team")
    assert "@sam: please review the estimate" in asked
    assert "@alice" not in asked
    assert "asked already" in reply(talk, "erin", "/ps request-review account-team")


def test_a_review_of_the_sow_by_the_account_team_names_the_box_that_says_so() -> None:
    asked = reply(at("sow_wip"), "erin", "/ps request-review account-team")
    assert "If it is right, please tick “SOW data reviewed by the account team”." in asked


def test_who_is_all_of_the_account_team_is_told_so() -> None:
    talk = at("estimate_feedback")
    assert "nobody else whom I could ask" in reply(talk, "alice", "/ps request-review account-team")


# -- lost


@pytest.mark.parametrize(
    ("slip", "meant"), [("buget", "budget"), ("shedule", "scheduling"), ("noservicefitt", "NoServiceFit")]
)
def test_a_slip_in_the_reason_of_a_loss_is_asked_about(slip: str, meant: str) -> None:
    talk = at("sow_wip")
    assert f"Did you mean `/ps lost {meant}`?" in reply(talk, "erin", f"/ps lost {slip}")
    assert talk.state() == "sow_wip"


def test_another_reason_is_kept_and_the_known_ones_are_told() -> None:
    talk = at("sow_wip")
    answer = reply(talk, "erin", "/ps lost they chose somebody cheaper")
    assert "I have set `Lost::unknown`" in answer
    assert "`budget`, `scheduling`, `unknown`, `NoServiceFit`" in answer
    assert at("sow_wip").say("erin", "/ps lost ???").is_refused


def test_what_is_lost_no_more_has_no_reason_of_the_loss() -> None:
    talk = at("sow_wip")
    talk.say("erin", "/ps lost budget")
    assert "Lost::budget" in talk.labels()
    talk.say("erin", "/ps resume")
    assert "Lost::budget" not in talk.labels()


# -- where it stands


def test_the_reply_says_where_it_stands_at_the_end() -> None:
    talk = begun()
    answer = reply(talk, "erin", "/ps next\n/ps next\n/ps next")
    assert talk.state() == "estimate_feedback"
    assert "It is at **Estimate Feedback** now." in answer
    assert answer.count("It is at ") == 1


def test_the_reply_says_where_it_went_by_itself() -> None:
    talk = at("closed_won")
    talk.say("cora", "/ps stage Staffing", on=INTAKE)
    answer = reply(talk, "cora", "/ps next", on=INTAKE)
    assert talk.state("intake") == "scheduled"
    assert "It is at **Scheduled** now." in answer


def test_a_handover_of_an_empty_intake_says_what_is_missing() -> None:
    heard = at("sow_wip").say("erin", "/ps ready", on=INTAKE)
    (asked,) = [each for each in heard.others if "@cora" in each]
    assert "complete" not in asked
    assert "fields are without an answer" in asked
    assert asked.count("SOW number") == 1


# -- on hold


def test_a_pause_reaches_the_intake() -> None:
    talk = at("sow_wip")
    talk.say("erin", "/ps hold until 2099-02-01 budget moves")
    refused = talk.say("erin", "/ps ready", on=INTAKE)
    assert refused.is_refused
    assert "now it is at **On Hold**" in (refused.reply or "")
    assert talk.state("intake") == "needs_info"
    assert "/ps ready" not in reply(talk, "erin", "/ps help", on=INTAKE)
    note = reply(talk, "erin", "/ps status", on=INTAKE)
    assert "**On hold:** the engagement rests since 2026-12-02, until 2099-02-01: `budget moves`" in note
    talk.say("erin", "/ps resume", on=INTAKE)
    assert talk.say("erin", "/ps ready", on=INTAKE).is_done


def test_a_new_day_keeps_the_reason_of_a_pause_and_a_new_reason_the_day() -> None:
    talk = at("sow_wip")
    talk.say("erin", "/ps hold until 2099-02-01 budget moves")
    talk.say("erin", "/ps hold until 2099-03-01")
    assert "On hold until 2099-03-01: `budget moves`" in reply(talk, "erin", "/ps status")
    talk.say("erin", "/ps hold the merger")
    assert "On hold until 2099-03-01: `the merger`" in reply(talk, "erin", "/ps status")


@pytest.mark.parametrize("slip", ["untill 2099-02-01", "untl 1 Feb 2099", "2099-02-01 budget"])
def test_a_day_is_not_taken_for_a_reason(slip: str) -> None:
    talk = at("sow_wip")
    assert "Did you mean `/ps hold until DATE`?" in reply(talk, "erin", f"/ps hold {slip}")
    assert talk.state() == "sow_wip"
    assert talk.say("erin", "/ps hold still waiting for the merger of 2099").is_done


def test_on_hold_who_may_not_resume_reads_who_may() -> None:
    talk = at("sow_wip")
    talk.say("erin", "/ps hold")
    assert "`/ps resume` takes it up again; that is for: Engagement Manager (`erin`" in reply(talk, "cora", "/ps next")


# -- back, and the days


def test_the_reason_of_a_move_back_is_kept_and_the_em_hears_it() -> None:
    talk = at("sow_wip")
    heard = talk.say("petra", "/ps back the customer wants fewer waves")
    assert (
        "@erin: `petra` has moved this issue back to **Estimate Feedback**: `the customer wants fewer waves`"
        in told(heard)
    )
    talk.say("erin", "/ps stage SOW_WIP")
    status = reply(talk, "erin", "/ps status")
    assert "`petra` moved it back from SOW to Estimate Feedback: `the customer wants fewer waves`" in status
    assert told(at("sow_wip").say("erin", "/ps back my own doing")) == ""


def test_a_day_that_has_passed_is_no_start() -> None:
    talk = at("approved")
    heard = talk.say("petra", "/ps schedule 2020-01-11", on=INTAKE)
    assert heard.is_refused
    assert "`2020-01-11` has passed" in (heard.reply or "")


# -- small things


@pytest.mark.parametrize(
    ("by", "text", "answer"),
    [
        ("erin", "/ps help estimat", "Did you mean `/ps help estimate`?"),
        ("erin", "/ps help /ps won", "`/ps won`"),
        ("erin", "/ps legal stamp", "Did you mean `/ps legal stamped`?"),
        ("erin", "/ps estimate 0 USD", "`0` is nothing"),
        ("erin", "/ps estimate -5 USD", "`-5` is less"),
        ("erin", "/ps answer user_planned 9", "There are: `users_planned`"),
        ("erin", "/ps answer zzz x", "all of them stand in the last column"),
        ("erin", "/ps intake work_at_risk yes", "That field is for: PS leadership (`dana`)"),
        ("erin", "/ps help intake", "`work_at_risk` (PS leadership)"),
        ("erin", "@ps-bot", "`/ps help` lists what you can say here"),
    ],
)
def test_a_slip_is_answered_with_the_way_on(by: str, text: str, answer: str) -> None:
    assert answer in reply(at("sow_wip"), by, text)


def test_talk_with_the_bot_stays_talk() -> None:
    assert at("sow_wip").say("erin", "@ps-bot please do something").decision.changes_nothing


def test_the_pipeline_is_told_on_any_issue_to_who_may_see_it() -> None:
    talk = begun()
    talk.engagement = None
    assert "0 engagements" in reply(talk, "dana", "/ps status all", on=77)
    assert talk.say("alice", "/ps status all", on=77).is_refused


def test_what_happened_is_told_in_the_titles_of_the_methodology() -> None:
    talk = at("approved")
    talk.say("erin", "/ps signed customer")
    talk.say("alice", "/ps help\n/ps ta request")
    status = reply(talk, "erin", "/ps status")
    assert "/ps ta request" in status
    assert "`erin said /ps signed: The customer signed`" in status
    assert "Approval of PS leadership: yes" in status
    assert "Scoping: Ready For Approval → Approved" in status
    assert "customer_signed" not in status
    assert "sow_wip" not in status


def test_what_is_missing_says_how_it_comes() -> None:
    status = reply(at("approved"), "erin", "/ps status")
    for way in (
        "`/ps finance approved`",
        "`/ps legal stamped`",
        "`/ps signed customer`",
        "`/ps intake po VALUE`",
    ):
        assert way in status, way


def test_a_fresh_pair_is_linked_in_its_notes_and_they_are_not_written_again_for_that() -> None:
    talk = begun()
    assert talk.first_notes[SCOPING].count("Scheduling (#2)") == 1
    assert talk.first_notes[INTAKE].count("Scoping (#1)") == 1
    heard = talk.say("alice", "/ps help")
    assert not [each for each in heard.decision.actions if each.kind == "tell_status"]


def talk_through() -> list[tuple[str, str, str]]:
    """The lines of README's talk-through: who, what, and what is said of it."""
    block = README.read_text(encoding="utf-8").partition("Then talk an engagement through")[2].split("```")[1]
    lines = [re.fullmatch(r"(\w+) +(/ps .+?)(?: {2,}(.*))?", line) for line in block.strip().split("\n")]
    return [(line[1], line[2], line[3] or "") for line in lines if line is not None]


def test_the_talk_through_of_the_readme_goes_from_the_demo_to_the_end() -> None:
    talk = begun_with(parse_submission(json.loads(DEMO.read_text()), today=BEGIN.date()))
    talk.say("erin", "/ps next\n/ps next")
    titles = {state.title: name for name, state in talk.book.methodology.tracks["proposal"].states.items()}
    lines = talk_through()
    assert len(lines) > 10
    for by, text, about in lines:
        heard = talk.say(by, text)
        assert heard.is_done, (text, heard.reply)
        assert "on record already" not in (heard.reply or ""), text
        assert "void" not in (heard.reply or ""), text
        if (state := titles.get(about.partition(":")[0])) is not None:
            assert talk.state() == state, text
    assert talk.state() == "closed_won"


def test_the_training_of_a_submission_is_told_once() -> None:
    talk = begun_with(parse_submission(json.loads(DEMO.read_text()), today=BEGIN.date()))
    before = talk.answer("training")
    talk.say("erin", "/ps answer users_planned 975")
    assert talk.answer("training") == before


def test_the_pipeline_names_whom_the_status_note_names() -> None:
    talk = begun()
    assert talk.engagement is not None
    talk.pipeline = (talk.engagement,)
    roles = talk.engagement.standing.outlook.waits["proposal"].roles
    titles = ", ".join(talk.book.methodology.roles[role].title for role in roles)
    assert f"| {titles} |" in reply(talk, "dana", "/ps status all")
    assert "**Waiting on:** " + titles.split(", ")[0] in talk.first_notes[IssueRole.SCOPING]
