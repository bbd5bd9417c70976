"""Meetings end to end: the invitation hangs on the issue and is mailed, moved and called off; nothing of it twice."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from icalendar import Calendar

from app.adapters import breaker
from app.engine import retry
from app.operations import REPLAY, SWEEP
from app.sandbox.faults import Fault
from app.sandbox.world import World
from tests.harness import KEY, METHODOLOGY, Stage, end_state, errand, spoken, stage, status_of, submission, until
from tests.post_office import PostOffice, event_in
from tests.test_ambiguity import MISHAPS

PETRA, ERIN, ALICE = "petra@mail.example", "boss@erin.example", "alice@example.com"
ID = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
INTAKE = 2
MAIL = {"addresses": {"erin": ERIN}, "pattern": "{username}@mail.example"}
PROPOSE = "/ps meeting pm-intro propose 2099-12-01 10:00 Europe/Berlin"


def methodology(folder: Path) -> Path:
    path = folder / "methodology.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(Path(METHODOLOGY).read_text()), "mail": MAIL}))
    return path


@contextmanager
def meeting_stage(folder: Path, office: PostOffice, world: World | None = None, **more: Any) -> Iterator[Stage]:
    folder.mkdir(exist_ok=True)
    settings = {"smtp_url": office.url, "smtp_from": "ps-plan@example.com", "methodology": methodology(folder)}
    with stage(folder, world, **settings, **more) as on:
        if not on.world.issues:
            on.submit(submission(submission_id=ID))
        yield on


@pytest.fixture
def office() -> Iterator[PostOffice]:
    with PostOffice() as running:
        yield running


@pytest.fixture
def on(tmp_path: Path, office: PostOffice) -> Iterator[Stage]:
    with meeting_stage(tmp_path, office) as running:
        yield running


def say(on: Stage, text: str, by: str = "petra") -> None:
    on.world.add_note(by, INTAKE, text)
    assert on.quiet()


def invitation(on: Stage) -> str:
    """The one comment that the invitation hangs on."""
    (found,) = [each for each in spoken(on.world, INTAKE) if "psplan:edition:" in each]
    return found


def file_of(on: Stage) -> Calendar:
    """The file that the comment links to."""
    match = re.search(r"\[pm-intro\.ics\]\(/uploads/([0-9a-f]+)/pm-intro\.ics\)", invitation(on))
    assert match is not None
    return Calendar.from_ical(on.world.uploaded(match[1], "pm-intro.ics").content)


def test_a_proposed_meeting_hangs_on_the_issue_and_goes_out_by_mail(on: Stage, office: PostOffice) -> None:
    say(on, PROPOSE)
    said = invitation(on)
    assert "@erin, @alice: **PM introduction** on Tuesday 2099-12-01 10:00 to 10:30 (Europe/Berlin)." in said
    assert "By mail to: `erin`, `petra`, `alice`." in said
    calendar = file_of(on)
    (event,) = calendar.walk("VEVENT")
    assert (str(calendar["METHOD"]), int(event["SEQUENCE"])) == ("REQUEST", 0)
    assert str(event["URL"]).endswith("/issues/2")
    assert {to for to, _ in office.letters} == {ERIN, PETRA, ALICE}
    (letter,) = office.to(ALICE)
    assert letter["Subject"] == "Invitation: PM introduction: Acme GmbH, Tuesday 2099-12-01 10:00 (Europe/Berlin)"
    assert letter["From"].addresses[0].addr_spec == "ps-plan@example.com"
    assert letter["Auto-Submitted"] == "auto-generated"
    assert [each.get_content_type() for each in letter.walk()] == [
        "multipart/mixed", "multipart/alternative", "text/plain", "text/calendar", "application/ics",
    ]  # fmt: skip
    method, sent = event_in(letter)
    assert method == "REQUEST"
    assert str(sent["UID"]) == str(event["UID"])
    assert "How projects are run here" in str(sent["DESCRIPTION"])
    assert "**Meetings:** PM introduction Tuesday 2099-12-01 10:00 (Europe/Berlin)" in status_of(on.world, INTAKE)


def test_a_moved_and_a_cancelled_meeting_follow_with_the_same_uid(on: Stage, office: PostOffice) -> None:
    say(on, PROPOSE)
    say(on, "/ps meeting pm-intro propose 2099-12-02 11:00 Europe/Berlin")
    say(on, "/ps meeting pm-intro cancel")
    first, second, third = [event_in(each) for each in office.to(ALICE)]
    assert [method for method, _ in (first, second, third)] == ["REQUEST", "REQUEST", "CANCEL"]
    assert len({str(event["UID"]) for _, event in (first, second, third)}) == 1
    assert [int(event["SEQUENCE"]) for _, event in (first, second, third)] == [0, 1, 2]
    assert "**PM introduction** was called off by `petra`" in invitation(on)
    assert str(file_of(on)["METHOD"]) == "CANCEL"
    assert any("@erin, @alice: **PM introduction** is on Wednesday" in each for each in spoken(on.world, INTAKE))
    assert "**Meetings:**" not in status_of(on.world, INTAKE)


def test_the_same_said_again_or_told_again_changes_nothing(on: Stage, office: PostOffice) -> None:
    say(on, PROPOSE)
    uploads, letters = len(on.world.uploads), len(office.letters)
    say(on, PROPOSE)
    for log in list(on.world.hook_logs.values()):
        on.world.resend("root", log.hook_id, log.id).result(timeout=10)
    assert on.quiet()
    assert (len(on.world.uploads), len(office.letters)) == (uploads, letters)
    assert any("that is how it stands already" in each for each in spoken(on.world, INTAKE))


WRITES = {
    "the file": ("POST", "/uploads$", 0),
    "the file of the change": ("POST", "/uploads$", 1),
    "the comment": ("POST", f"/issues/{INTAKE}/notes$", 0),
    "the comment of the change": ("PUT", f"/issues/{INTAKE}/notes/", 2),
}


def propose_and_move(on: Stage, office: PostOffice) -> tuple[dict[str, Any], list[tuple[str, int]]]:
    """What people see in the end, and the mail of each."""
    say(on, PROPOSE)
    say(on, "/ps meeting pm-intro propose 2099-12-02 11:00 Europe/Berlin")
    assert until(lambda: len(office.letters) == 6)
    assert on.quiet()
    return end_state(on.world), sorted((to, int(event_in(letter)[1]["SEQUENCE"])) for to, letter in office.letters)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> tuple[dict[str, Any], list[tuple[str, int]]]:
    with PostOffice() as office, meeting_stage(tmp_path_factory.mktemp("undisturbed"), office) as calm:
        return propose_and_move(calm, office)


@pytest.mark.parametrize("mishap", MISHAPS)
@pytest.mark.parametrize("write", WRITES)
def test_the_end_is_the_same_when(
    write: str,
    mishap: str,
    undisturbed: tuple[dict[str, Any], list[tuple[str, int]]],
    office: PostOffice,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retry, "SCHEDULE_S", (0.05,) * 9)
    monkeypatch.setattr(breaker, "FIRST_WAIT_S", 0.05)
    method, path, skip = WRITES[write]
    with meeting_stage(tmp_path, office, gitlab_timeout_s=0.5) as on:
        on.world.faults.add(Fault(method, path, user="ps-bot", skip=skip, **MISHAPS[mishap]))
        assert propose_and_move(on, office) == undisturbed
        assert on.world.faults.open_orders() == [], "the fault did not happen, so nothing was tested"


def test_while_the_mail_server_is_away_the_work_in_gitlab_goes_on_and_mail_comes_later(
    on: Stage, office: PostOffice
) -> None:
    office.close()
    on.world.add_note("petra", INTAKE, PROPOSE)
    on.world.add_note("petra", INTAKE, "/ps meeting transition held 2026-11-20")
    assert until(lambda: "2026-11-20" in (on.world.issue(INTAKE).description or ""))
    assert until(lambda: any("psplan:edition:" in each for each in spoken(on.world, INTAKE)))
    assert str(file_of(on)["METHOD"]) == "REQUEST"
    assert office.letters == []
    office.open()
    assert until(lambda: len(office.letters) == 3)
    assert on.quiet()


def test_who_is_refused_for_now_gets_it_later_and_nobody_else_gets_it_twice(on: Stage, office: PostOffice) -> None:
    office.answers[PETRA] = "450 4.2.1 try again later"
    on.world.add_note("petra", INTAKE, PROPOSE)
    assert until(lambda: len(office.letters) == 2 and PETRA in office.asked)
    office.answers.clear()
    assert until(lambda: len(office.letters) == 3)
    assert on.quiet()
    assert sorted(to for to, _ in office.letters) == sorted([ERIN, PETRA, ALICE])


def test_who_is_refused_for_good_is_a_dead_letter_and_holds_up_nobody(on: Stage, office: PostOffice) -> None:
    office.answers[PETRA] = "550 5.1.1 <petra@mail.example> no such user"
    say(on, PROPOSE)
    assert sorted(to for to, _ in office.letters) == sorted([ERIN, ALICE])
    assert office.asked.count(PETRA) == 1
    assert until(lambda: on.metric("psplan_deliveries_dead") == 1)
    (told,) = undelivered(on)
    assert "I could not mail an invitation to `petra`. The reason: `the mail server refuses it: 550" in told
    assert "petra@" not in told


def test_when_a_refused_mail_is_run_again_and_goes_out_what_was_said_of_it_is_taken_back(
    on: Stage, office: PostOffice, tmp_path: Path
) -> None:
    office.answers[PETRA] = "550 5.1.1 no such user"
    say(on, PROPOSE)
    assert until(lambda: len(undelivered(on)) == 1)
    office.answers.clear()
    (number,) = re.findall(r"as delivery (\d+)", undelivered(on)[0])
    errand(tmp_path, REPLAY, id=int(number))
    assert until(lambda: undelivered(on) == [])
    assert [to for to, _ in office.letters].count(PETRA) == 1


def undelivered(on: Stage) -> list[str]:
    return [each for each in spoken(on.world, INTAKE) if "psplan:parked:mail" in each]


def test_of_what_is_confidential_nothing_leaves_by_mail(on: Stage, office: PostOffice) -> None:
    on.world.update_issue("erin", INTAKE, confidential=True)
    assert on.quiet()
    say(on, PROPOSE)
    assert office.asked == []
    assert "Nobody gets it by mail: this engagement is confidential." in invitation(on)
    (event,) = file_of(on).walk("VEVENT")
    assert str(event["CLASS"]) == "CONFIDENTIAL"


def test_without_a_mail_server_the_file_is_for_whoever_opens_it(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        on.submit(submission())
        say(on, PROPOSE)
        calendar = file_of(on)
        assert str(calendar["METHOD"]) == "PUBLISH"
        assert "mail" not in invitation(on)
        assert "ATTENDEE" not in calendar.walk("VEVENT")[0]


def test_whoever_is_invited_no_more_has_it_taken_out(on: Stage, office: PostOffice) -> None:
    say(on, f"{PROPOSE} with @tara")
    say(on, f"{PROPOSE} with @ravi")
    assert [event_in(each)[0] for each in office.to("tara@mail.example")] == ["REQUEST", "CANCEL"]
    assert [event_in(each)[0] for each in office.to("ravi@mail.example")] == ["REQUEST"]


def test_a_comment_that_somebody_deleted_is_written_anew(on: Stage) -> None:
    say(on, PROPOSE)
    (ident,) = [each.id for each in on.world.notes.values() if "psplan:edition:" in each.body]
    on.world.delete_note("root", INTAKE, ident)
    say(on, "/ps meeting pm-intro propose 2099-12-02 11:00 Europe/Berlin")
    assert "Wednesday 2099-12-02 11:00" in invitation(on)


def test_after_a_lost_database_the_same_invitation_goes_on(tmp_path: Path, office: PostOffice) -> None:
    world = World(hook_delay_s=0.0)
    with meeting_stage(tmp_path / "first", office, world, record_keys=[KEY]) as on:
        say(on, PROPOSE)
        say(on, "/ps meeting pm-intro propose 2099-12-02 11:00 Europe/Berlin")
    world.hooks = {}
    with meeting_stage(tmp_path / "second", office, world, record_keys=[KEY]) as on:
        assert errand(tmp_path / "second", SWEEP, rebuild=True)["done"]["rebuilt"] == 1
        say(on, "/ps meeting pm-intro propose 2099-12-03 12:00 Europe/Berlin")
        (event,) = file_of(on).walk("VEVENT")
        assert int(event["SEQUENCE"]) == 2
    events = [event_in(each)[1] for each in office.to(ALICE)]
    assert [int(each["SEQUENCE"]) for each in events] == [0, 1, 2]
    assert len({str(each["UID"]) for each in events}) == 1
