"""The command `meeting`: what people may say of a meeting, what comes of it, and what is told where it does not go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from icalendar import Calendar

from app.actions import AttachDocument, HandOver, from_json, to_json
from app.engagement import IssueRole
from app.machine.meeting import Meeting, MeetingState, meeting_from_record
from app.machine.standing import standing_from_record
from app.methodology.parts import IssueKind
from tests.talks import INTAKE, Heardback, Talk, at

PROPOSE = "/ps meeting pm-intro propose 2026-12-10 10:00"


@pytest.fixture
def talk() -> Talk:
    return at("approved")


def meeting(talk: Talk, name: str = "pm_intro") -> Meeting:
    assert talk.engagement is not None
    return talk.engagement.standing.meetings[name]


def say(talk: Talk, text: str, by: str = "petra") -> Heardback:
    return talk.say(by, text, on=INTAKE)


def attached(heard: Heardback) -> AttachDocument:
    (action,) = [each for each in heard.decision.actions if isinstance(each, AttachDocument)]
    return action


def file_of(heard: Heardback) -> Calendar:
    return Calendar.from_ical(attached(heard).content)


# -- proposed


@pytest.mark.parametrize(
    ("said", "starts", "zone", "minutes"),
    [
        ("pm-intro propose 2026-12-10 10:00", "2026-12-10T10:00:00+00:00", "UTC", 30),
        ("intro propose 10 Dec 2026 2:30 pm", "2026-12-10T14:30:00+00:00", "UTC", 30),
        ("pm_intro propose Dec 10, 2026 9:00 Europe/Berlin", "2026-12-10T09:00:00+01:00", "Europe/Berlin", 30),
        ("PM-INTRO PROPOSE 2026-12-10 9:00 asia/kolkata 45", "2026-12-10T09:00:00+05:30", "Asia/Kolkata", 45),
        ("pm-intro propose 2026-12-10 9:00 45 minutes with @tara and @ravi", "2026-12-10T09:00:00+00:00", "UTC", 45),
    ],
)
def test_a_meeting_is_proposed(said: str, starts: str, zone: str, minutes: int, talk: Talk) -> None:
    heard = say(talk, f"/ps meeting {said}")
    assert heard.is_done
    assert heard.reply is None, "the comment with the invitation says it all"
    made = meeting(talk)
    assert (made.starts.isoformat(), made.zone, made.minutes) == (starts, zone, minutes)
    assert (made.state, made.sequence, made.number, made.by) == (MeetingState.PROPOSED, 0, 1, "petra")
    assert attached(heard).role is IssueKind.INTAKE
    assert attached(heard).file_name == "pm-intro.ics"


def test_whoever_leads_here_whom_the_roles_name_and_the_guests_are_invited_each_once(talk: Talk) -> None:
    say(talk, f"{PROPOSE} with @tara, @ERIN")
    assert meeting(talk).invited == ("erin", "petra", "alice", "tara")
    assert meeting(talk).guests == ("tara", "ERIN")


def test_whoever_is_named_by_staff_comes_before_the_role(talk: Talk) -> None:
    talk.say("cora", "/ps staff pm @sam", on=INTAKE)
    say(talk, PROPOSE)
    assert meeting(talk).invited == ("erin", "sam", "alice")


def test_names_that_somebody_typed_into_the_table_are_invited_and_not_called(talk: Talk) -> None:
    talk.say("cora", "/ps intake pse nobody.known, evil@attacker.example", on=INTAKE)
    heard = say(talk, "/ps meeting prep propose 2026-12-10 10:00")
    assert "nobody.known" in meeting(talk, "prep").invited
    assert not any("@" in name for name in meeting(talk, "prep").invited)
    assert "@nobody.known" not in heard.others[0]


def test_the_scoping_call_hangs_on_the_scoping_issue(talk: Talk) -> None:
    heard = say(talk, "/ps meeting scoping-call propose 2026-12-10 10:00")
    assert attached(heard).role is IssueKind.SCOPING


def test_the_agenda_is_filled_and_on_every_line_what_is_foreign_stays(talk: Talk) -> None:
    talk.say("alice", "/ps intake desired_start <a href=x>soon</a>", on=INTAKE)
    heard = say(talk, PROPOSE)
    (event,) = file_of(heard).walk("VEVENT")
    lines = str(event["DESCRIPTION"]).split("\n")
    assert lines[0] == "PM introduction: Acme GmbH"
    assert "1. The Engagement Manager (erin) introduces the Project Manager (to-do)" in lines
    assert "what the customer wishes (‹a href=x›soon‹/a›)" in str(event["DESCRIPTION"])


def test_a_proposal_said_again_changes_nothing(talk: Talk) -> None:
    say(talk, PROPOSE)
    before = meeting(talk)
    heard = say(talk, PROPOSE)
    assert heard.is_done
    assert "that is how it stands already: **PM introduction** on Thursday 2026-12-10 10:00 (UTC)." in str(heard.reply)
    assert (meeting(talk), [each.kind for each in heard.decision.actions]) == (before, ["react", "say", "react"])


def test_a_meeting_that_is_moved_keeps_its_uid_its_minutes_and_its_guests(talk: Talk) -> None:
    first = say(talk, f"{PROPOSE} 45 with @tara")
    second = say(talk, "/ps meeting pm-intro propose 2026-12-11 11:00")
    assert "@erin, @alice, @tara: **PM introduction** is on Friday 2026-12-11 11:00 (UTC) now" in str(second.reply)
    (before,), (now,) = file_of(first).walk("VEVENT"), file_of(second).walk("VEVENT")
    assert (str(before["UID"]), int(before["SEQUENCE"])) == (str(now["UID"]), 0)
    assert int(now["SEQUENCE"]) == 1
    assert (meeting(talk).minutes, meeting(talk).guests) == (45, ("tara",))
    assert attached(first).document == attached(second).document
    assert attached(first).marker == attached(second).marker
    assert attached(first).key != attached(second).key


def test_in_one_comment_the_last_proposal_is_told(talk: Talk) -> None:
    heard = say(talk, f"{PROPOSE}\n/ps meeting pm-intro propose 2026-12-11 11:00")
    assert int(file_of(heard).walk("VEVENT")[0]["SEQUENCE"]) == 1
    assert meeting(talk).sequence == 1


@pytest.mark.parametrize(
    ("said", "told"),
    {
        "": "Please say which meeting. There are: `scoping-call`, `pm-intro`, `transition`, `prep`.",
        "retro propose 2026-12-10 10:00": "No meeting is called `retro`",
        "pm-intro": "Behind the meeting I need `propose`, `cancel` or `held`.",
        "pm-intro move 2026-12-10": "I need `propose`, `cancel` or `held`, not `move`.",
        "pm-intro propose": "The day is missing",
        "pm-intro propose 01/02/2027 10:00": "I cannot tell which day is meant by",
        "pm-intro propose 2026-12-10": "The time is missing",
        "pm-intro propose 2026-12-10 ten": "I cannot read `ten` as a time",
        "pm-intro propose 2026-12-01 10:00": "2026-12-01 10:00 (UTC) has passed",
        "pm-intro propose 2026-12-10 10:00 IST": "`IST` can mean several time zones",
        "pm-intro propose 2027-03-28 02:30 Europe/Berlin": "There is no 02:30 on 2027-03-28 in Europe/Berlin",
        "pm-intro propose 2027-10-31 02:30 Europe/Berlin": "is there twice in Europe/Berlin",
        "pm-intro propose 2026-12-10 10:00 UTC 2": "A meeting takes 5 to 480 minutes.",
        "pm-intro propose 2026-12-10 10:00 UTC 999": "A meeting takes 5 to 480 minutes.",
        "pm-intro propose 2026-12-10 10:00 30 please": "I do not know what to make of `please`.",
        "pm-intro propose 2026-12-10 10:00 with": "The person is missing",
        "pm-intro propose 2026-12-10 10:00 with tara": "Write people as `@name`, not `tara`.",
        "pm-intro propose 2026-12-10 10:00 with @nemo": "GitLab knows nobody called `nemo`.",
        "pm-intro cancel": "**PM introduction** is not proposed, so there is nothing to call off.",
        "pm-intro cancel now": "I do not know what to make of `now`.",
        "pm-intro held 2027-01-01": "`2027-01-01` is still to come",
    }.items(),
)
def test_what_does_not_go_is_told_and_nothing_is_done(said: str, told: str, talk: Talk) -> None:
    heard = say(talk, f"/ps meeting {said}")
    assert heard.is_refused
    assert told in str(heard.reply)
    assert talk.engagement is not None
    assert talk.engagement.standing.meetings == {}


def test_who_may_not_is_told_who_may(talk: Talk) -> None:
    heard = say(talk, PROPOSE, by="alice")
    assert "That is for: Project Manager (`petra`)" in str(heard.reply)


# -- called off, held


def test_a_meeting_is_called_off_once_and_everybody_is_told(talk: Talk) -> None:
    say(talk, PROPOSE)
    heard = say(talk, "/ps meeting pm-intro cancel", by="erin")
    assert "@petra, @alice: **PM introduction** on Thursday 2026-12-10 10:00 (UTC) is off." in str(heard.reply)
    assert str(file_of(heard)["METHOD"]) == "CANCEL"
    assert (meeting(talk).state, meeting(talk).sequence) == (MeetingState.CANCELLED, 1)
    again = say(talk, "/ps meeting pm-intro cancel")
    assert "**PM introduction** was called off already." in str(again.reply)


@pytest.mark.parametrize(("said", "is_off"), [("/ps lost budget", True), ("/ps won", False), ("/ps hold", False)])
def test_of_an_engagement_that_came_to_nothing_no_meeting_stays_in_a_calendar(
    said: str, is_off: bool, talk: Talk
) -> None:
    say(talk, PROPOSE)
    heard = talk.say("erin", said)
    assert meeting(talk).is_ahead is not is_off
    if is_off:
        assert str(file_of(heard)["METHOD"]) == "CANCEL"
        assert b"is off, because the engagement has ended" in repr(attached(heard).body).encode()
        assert talk.say("erin", "/ps resume").is_done
        assert not meeting(talk).is_ahead, "who wants it again proposes it"


def test_a_meeting_proposed_again_after_it_was_called_off_is_the_same_for_calendars(talk: Talk) -> None:
    say(talk, PROPOSE)
    say(talk, "/ps meeting pm-intro cancel")
    say(talk, PROPOSE)
    assert (meeting(talk).number, meeting(talk).sequence, meeting(talk).is_ahead) == (1, 2, True)


def test_a_meeting_that_was_held_and_is_proposed_again_is_another_one(talk: Talk) -> None:
    first = say(talk, PROPOSE)
    say(talk, "/ps meeting pm-intro held")
    second = say(talk, "/ps meeting pm-intro propose 2026-12-20 10:00")
    assert (meeting(talk).number, meeting(talk).sequence) == (2, 0)
    assert str(file_of(first).walk("VEVENT")[0]["UID"]) != str(file_of(second).walk("VEVENT")[0]["UID"])
    assert attached(first).marker != attached(second).marker


def test_held_puts_the_day_into_the_field_and_takes_it_off_the_list(talk: Talk) -> None:
    say(talk, PROPOSE)
    heard = say(talk, "/ps meeting pm-intro held 2026-11-30")
    assert heard.is_done
    assert talk.answer("pm_intro") == "`2026-11-30`"
    assert (meeting(talk).state, meeting(talk).held_on) == (MeetingState.HELD, "2026-11-30")
    assert not any(isinstance(each, AttachDocument | HandOver) for each in heard.decision.actions)


def test_a_scoping_call_that_was_held_is_on_record_though_no_field_has_it(talk: Talk) -> None:
    assert say(talk, "/ps meeting scoping-call held").is_done
    assert meeting(talk, "scoping_call").held_on == talk.now.date().isoformat()


def test_held_that_is_found_late_leaves_the_later_proposal_on_the_calendar(talk: Talk) -> None:
    early = talk.now
    say(talk, PROPOSE)
    heard = talk.hear("petra", "/ps meeting pm-intro held 2026-11-30", note=900, on=INTAKE, at=early)
    assert heard.is_done
    assert talk.answer("pm_intro") == "`2026-11-30`"
    assert meeting(talk).is_ahead


def test_a_proposal_that_is_found_late_replaces_no_later_one(talk: Talk) -> None:
    early = talk.now
    say(talk, PROPOSE)
    heard = talk.hear("erin", "/ps meeting pm-intro propose 2026-12-24 10:00", note=900, on=INTAKE, at=early)
    assert "something else was said of **PM introduction**" in str(heard.reply)
    assert meeting(talk).starts.day == 10


# -- where it shows


def test_status_lists_what_is_on_the_calendar_the_next_one_first(talk: Talk) -> None:
    say(talk, "/ps meeting prep propose 2026-12-12 10:00")
    say(talk, PROPOSE)
    reply = str(say(talk, "/ps status").reply)
    first, second = [line for line in reply.split("\n") if line.startswith(("- PM introduction:", "- Project prep"))]
    assert first == ("- PM introduction: Thursday 2026-12-10 10:00 to 10:30 (UTC); invited: `erin`, `petra`, `alice`")
    assert second.startswith("- Project prep call: Saturday 2026-12-12")


def test_a_meeting_survives_its_record(talk: Talk) -> None:
    say(talk, f"{PROPOSE} with @tara")
    assert talk.engagement is not None
    standing = talk.engagement.standing
    assert standing_from_record(standing.to_record()) == standing
    assert meeting_from_record(meeting(talk).to_record()) == meeting(talk)
    assert standing.attached == {"meeting:pm_intro:1": 2000}


def test_the_action_survives_the_outbox(talk: Talk) -> None:
    action = attached(say(talk, PROPOSE))
    assert from_json(to_json(action)) == action


def test_deciding_the_same_again_makes_the_same_file(talk: Talk) -> None:
    other = talk.copy()
    assert attached(say(talk, PROPOSE)) == attached(say(other, PROPOSE))


def test_an_older_record_knows_no_meetings() -> None:
    assert standing_from_record({}).meetings == {}


def test_a_meeting_over_midnight_says_both_days(talk: Talk) -> None:
    heard = say(talk, "/ps meeting prep propose 2026-12-10 23:30")
    assert "from" not in heard.others[0]
    assert "Thursday 2026-12-10 23:30 to 2026-12-11 00:30 (UTC)" in heard.others[0]
    assert timedelta(minutes=meeting(talk, "prep").minutes) == timedelta(hours=1)
    assert attached(heard).role is IssueRole.INTAKE
