"""What the bot's own port to GitLab does against the sandbox, over HTTP: one request each, in our terms."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from app.adapters import gitlab_overview
from app.adapters.gitlab import PythonGitLab
from app.adapters.gitlab_overview import GitLabOverview
from app.adapters.gitlab_values import label_event_of, member_of, note_of, state_event_of
from app.adapters.pages import MOST_PAGES, PER_PAGE, Page, newest_rows
from app.adapters.restraint import Restraint
from app.errors import Absent, Held, Permanent, Retry, VendorDown
from app.metrics import Metrics
from app.ports import Assignment, GitLab, IssueChange, LabelEvent, Person, StateEvent
from app.sandbox import AccessLevel, SandboxServer, World, token_of
from app.sandbox import paging as sandbox_paging
from app.sandbox.faults import Fault, FaultKind

from .receiver import FakeClock

CAPTURES = Path(__file__).parent.parent / "fixtures" / "captures" / "api"
NOW = datetime(2026, 11, 22, 18, 0, 0, 123000, tzinfo=UTC)


@pytest.fixture
def port(server: SandboxServer, clock: FakeClock) -> GitLab:
    return PythonGitLab(
        url=server.url,
        token=token_of("ps-bot"),
        project="ps/ps-plan",
        timeout_s=5.0,
        clock=lambda: clock().timestamp(),
        restraint=Restraint({}, lambda: 0.0, Metrics()),
    )


@pytest.fixture
def overview(server: SandboxServer, clock: FakeClock) -> GitLabOverview:
    return GitLabOverview(
        url=server.url,
        token=token_of("ps-bot"),
        project="ps/ps-plan",
        timeout_s=5.0,
        clock=lambda: clock().timestamp(),
        restraint=Restraint({}, lambda: 0.0, Metrics()),
    )


def limited(server: SandboxServer, clock: FakeClock, metrics: Metrics, **per_minute: int) -> PythonGitLab:
    return PythonGitLab(
        url=server.url,
        token=token_of("ps-bot"),
        project="ps/ps-plan",
        timeout_s=5.0,
        clock=lambda: clock().timestamp(),
        restraint=Restraint(per_minute, lambda: clock().timestamp(), metrics),
    )


def person(world: World, username: str) -> Person:
    return Person(world.user(username).id, username)


def captured(name: str) -> Any:
    return json.loads((CAPTURES / f"{name}.json").read_text())["body"]


# Histories


def test_the_label_history_tells_who_set_what_when(port: GitLab, world: World, clock: FakeClock) -> None:
    world.create_issue("alice", title="x", labels=["a"])
    clock.advance(seconds=1)
    world.update_issue("erin", 1, add_labels=["b"], remove_labels=["a"])
    world.delete_label("root", "b")
    alice, erin, later = person(world, "alice"), person(world, "erin"), NOW + timedelta(seconds=1)
    assert port.label_events(1) == [
        LabelEvent(1, "a", is_added=True, by=alice, at=NOW),
        LabelEvent(2, None, is_added=True, by=erin, at=later),
        LabelEvent(3, "a", is_added=False, by=erin, at=later),
    ]
    assert [event.id for event in port.label_events(1, after=2)] == [3]
    assert port.label_events(1, after=3) == []
    assert world.count("GET", "resource_label_events") == 3


def test_the_state_history_tells_who_closed_and_reopened(port: GitLab, world: World) -> None:
    world.create_issue("alice", title="x")
    world.update_issue("erin", 1, state_event="close")
    world.update_issue("alice", 1, state_event="reopen")
    assert port.state_events(1) == [
        StateEvent(1, is_closed=True, by=person(world, "erin"), at=NOW),
        StateEvent(2, is_closed=False, by=person(world, "alice"), at=NOW),
    ]
    assert [event.id for event in port.state_events(1, after=1)] == [2]
    assert world.count("GET", "resource_state_events") == 2


def test_who_assigned_whom_is_told_by_gitlabs_own_notes_and_by_nothing_else(
    port: GitLab, world: World, clock: FakeClock
) -> None:
    world.create_issue("alice", title="x")
    world.add_note("alice", 1, "assigned to @tara, I think")
    world.update_issue("erin", 1, assignee_ids=[world.user("tara").id])
    clock.advance(seconds=1)
    world.add_note("alice", 1, "Better so.\n/assign @erin")
    world.update_issue("erin", 1, add_labels=["a"])
    erin, alice = person(world, "erin"), person(world, "alice")
    assert port.assignments(1) == [Assignment(alice, NOW + timedelta(seconds=1)), Assignment(erin, NOW)]


def test_the_history_of_an_issue_that_is_not_there_is_absent(port: GitLab) -> None:
    with pytest.raises(Absent):
        port.label_events(9)
    with pytest.raises(Absent):
        port.state_events(9)


@pytest.mark.parametrize("is_counted", [True, False], ids=["counted", "not counted"])
@pytest.mark.parametrize(
    ("count", "after", "requests", "uncounted"),
    [
        (100, 0, 1, 1),
        (101, 0, 2, 2),
        (101, 100, 2, 2),
        (350, 349, 2, 4),
        (350, 301, 2, 4),
        (350, 250, 3, 4),
        (350, 0, 4, 4),
    ],
    ids=str,
)
def test_of_a_long_history_only_the_new_end_is_read(
    port: GitLab,
    world: World,
    monkeypatch: pytest.MonkeyPatch,
    count: int,
    after: int,
    requests: int,
    uncounted: int,
    is_counted: bool,
) -> None:
    if not is_counted:
        monkeypatch.setattr(sandbox_paging, "MOST_COUNTED", 50)
    world.create_issue("alice", title="x", labels=[f"label {number}" for number in range(count)])
    assert [event.id for event in port.label_events(1, after=after)] == list(range(after + 1, count + 1))
    assert world.count("GET", "resource_label_events") == (requests if is_counted else uncounted)


def listed(count: int, *, is_counted: bool, hidden: frozenset[int] = frozenset()) -> Callable[[int], Page]:
    """A history of this many rows in pages; hidden ones are taken out after paging, as GitLab does."""
    pages = -(-count // PER_PAGE)

    def read(page: int) -> Page:
        ids = range((page - 1) * PER_PAGE + 1, min(page * PER_PAGE, count) + 1)
        rows = [{"id": number} for number in ids if number not in hidden]
        return Page(rows, page < pages, pages if is_counted else None)

    return read


@pytest.mark.parametrize("is_counted", [True, False], ids=["counted", "not counted"])
def test_of_a_history_without_end_the_newest_rows_are_read(is_counted: bool) -> None:
    rows = newest_rows(listed(12_345, is_counted=is_counted), after=0)
    # The last page is not full.
    assert [row["id"] for row in rows] == list(range(10_401, 12_346))
    assert len(rows) <= MOST_PAGES * PER_PAGE


def test_a_page_of_which_the_bot_may_see_nothing_does_not_end_the_reading() -> None:
    read = listed(400, is_counted=True, hidden=frozenset(range(201, 301)))
    assert [row["id"] for row in newest_rows(read, after=150)] == [*range(151, 201), *range(301, 401)]


def test_the_captured_histories_can_be_read() -> None:
    events = [label_event_of(row) for row in captured("resource_label_events")]
    assert [(event.id, event.label, event.is_added) for event in events] == [
        (96, "Services Calculator", True),
        (97, "Segment::Ent_EMEA", True),
        (100, "proposal::SOW_WIP", True),
        (101, "proposal::Ready For Approval", True),
    ]
    assert {event.by for event in events} == {Person(4, "ps-bot")}
    assert events[0].at == datetime(2026, 11, 22, 18, 23, 58, 165000, tzinfo=UTC)
    assert [member_of(row).access_level for row in captured("members_all")] == [50, 30, 20, 40, 30]
    assert note_of(captured("note_edit_own")).id == 153


def test_an_event_whose_user_or_label_is_gone_is_still_one() -> None:
    row = captured("resource_label_events")[0] | {"user": None, "label": None, "action": "remove"}
    event = label_event_of(row)
    assert (event.by, event.label, event.is_added) == (None, None, False)


def test_states_other_than_closed_and_reopened_are_no_events() -> None:
    row = {"id": 1, "user": None, "created_at": "2026-11-22T18:23:58.165Z", "state": "merged"}
    assert state_event_of(row) is None


# Files


def test_a_file_is_uploaded_in_one_request_and_its_link_stands_in_a_comment(port: GitLab, world: World) -> None:
    link = port.upload("pm-intro.ics", b"BEGIN:VCALENDAR\r\n", "text/calendar; charset=utf-8")
    (kept,) = world.uploads.values()
    assert link == f"[pm-intro.ics](/uploads/{kept.secret}/pm-intro.ics)"
    assert (kept.content, kept.filename) == (b"BEGIN:VCALENDAR\r\n", "pm-intro.ics")
    assert [(each.method, each.path) for each in world.requests] == [("POST", "/api/v4/projects/ps%2Fps-plan/uploads")]


def test_a_file_that_is_too_large_cannot_pass(port: GitLab, world: World) -> None:
    world.most_upload_bytes = 3
    with pytest.raises(Permanent, match="GitLab answered 413 to POST upload"):
        port.upload("a.ics", b"1234", "text/calendar")


def test_an_upload_without_an_answer_is_in_doubt(port: GitLab, world: World) -> None:
    world.faults.add(Fault("POST", "/uploads", FaultKind.PERFORM_THEN_CUT))
    with pytest.raises(VendorDown) as fault:
        port.upload("a.ics", b"1234", "text/calendar")
    assert fault.value.in_doubt
    assert len(world.uploads) == 1


def test_a_link_that_could_do_more_than_link_is_not_taken(port: GitLab, world: World) -> None:
    world.faults.add(Fault("POST", "/uploads", FaultKind.STATUS, status=201))
    with pytest.raises((Permanent, Retry)):
        port.upload("a.ics", b"1234", "text/calendar")


# Comments


def test_a_comment_is_edited_in_one_request(port: GitLab, world: World) -> None:
    world.create_issue("alice", title="x")
    note = port.create_note(1, "before")
    edited = port.edit_note(1, note.id, "after")
    assert (edited.id, edited.body, edited.author) == (note.id, "after", person(world, "ps-bot"))
    assert port.edit_note(1, note.id, "after") == edited
    assert world.count("*", "notes") == 3


def test_an_edit_is_told_from_a_reaction_and_a_reply(overview: GitLabOverview, world: World, clock: FakeClock) -> None:
    world.create_issue("alice", title="x")
    notes = [world.add_note("erin", 1, text).note for text in ("untouched", "reacted to", "answered", "edited")]
    _, reacted, answered, edited = [note for note in notes if note is not None]
    clock.advance(seconds=60)
    world.react("alice", 1, "thumbsup", note_id=reacted.id)
    world.add_note("alice", 1, "indeed", in_discussion=answered.discussion_id)
    world.edit_note("root", 1, edited.id, "edited by another")
    at = {each.body: overview.edited_at(each) for each in overview.comments_since(1, NOW)}
    assert at.pop("edited by another") == (NOW + timedelta(seconds=60)).replace(microsecond=0)
    assert at == dict.fromkeys(["untouched", "reacted to", "answered", "indeed"])
    assert world.count("POST", "graphql") == 3, "what was not touched is not asked about"


@pytest.mark.parametrize("status", [404, 200], ids=["no GraphQL", "an older one"])
def test_where_gitlab_does_not_tell_an_edit_what_was_touched_counts_as_edited(
    status: int, overview: GitLabOverview, world: World, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.create_issue("alice", title="x")
    world.add_note("erin", 1, "touched")
    clock.advance(seconds=60)
    world.react("alice", 1, "thumbsup", note_id=1)
    if status == 404:
        world.faults.add(Fault("POST", "graphql", FaultKind.STATUS, status=404))
    else:
        monkeypatch.setattr(gitlab_overview, "LAST_EDIT", "query { nothing }")
    (comment,) = overview.comments_since(1, NOW)
    assert overview.edited_at(comment) == comment.updated_at


def test_the_bots_own_emoji_tells_since_when_a_comment_was_heard(
    overview: GitLabOverview, world: World, clock: FakeClock
) -> None:
    world.create_issue("alice", title="x")
    world.add_note("erin", 1, "/ps next")
    world.react("alice", 1, "eyes", note_id=1)
    assert overview.reacted_at(1, 1, "eyes") is None, "another's is not the bot's"
    clock.advance(seconds=60)
    overview.react(1, 1, "eyes")
    assert overview.reacted_at(1, 1, "eyes") == NOW + timedelta(seconds=60)


def test_a_comment_that_somebody_deleted_is_absent(port: GitLab, world: World) -> None:
    world.create_issue("alice", title="x")
    note = port.create_note(1, "status")
    world.delete_note("root", 1, note.id)
    with pytest.raises(Absent):
        port.edit_note(1, note.id, "status")


@pytest.mark.parametrize(
    ("author", "body", "reason"),
    [("ps-bot", "/close", "quick actions"), ("alice", "words", "403"), ("ps-bot", " ", "400")],
    ids=["commands only", "somebody else's", "blank"],
)
def test_an_edit_that_gitlab_does_not_keep_cannot_pass(
    port: GitLab, world: World, author: str, body: str, reason: str
) -> None:
    world.create_issue("alice", title="x")
    note = world.add_note(author, 1, "before").note
    assert note is not None
    with pytest.raises(Permanent, match=reason) as raised:
        port.edit_note(1, note.id, body)
    assert not isinstance(raised.value, Absent)


def test_only_the_bots_own_emoji_of_that_name_is_taken_off_a_comment(port: GitLab, world: World) -> None:
    world.create_issue("alice", title="x")
    note = world.add_note("erin", 1, "/ps nxt").note
    assert note is not None
    world.react("erin", 1, "x", note_id=note.id)
    for name in ("eyes", "x"):
        port.react(1, note.id, name)
    port.unreact(1, note.id, "x")
    port.unreact(1, note.id, "x")
    left = [(world.user(each.user_id).username, each.name) for each in world.awards.values()]
    assert sorted(left) == [("erin", "x"), ("ps-bot", "eyes")]


def test_a_comment_of_the_bots_own_is_taken_away_once(port: GitLab, world: World) -> None:
    world.create_issue("alice", title="x")
    note = port.create_note(1, "a refusal")
    port.delete_note(1, note.id)
    port.delete_note(1, note.id)
    assert port.latest_notes(1) == []


def test_comments_are_read_as_far_back_as_they_have_to_be(port: GitLab, world: World, clock: FakeClock) -> None:
    world.create_issue("alice", title="x")
    begun = clock()
    first = port.create_note(1, "the first")
    for number in range(250):
        clock.advance(seconds=1)
        world.add_note("erin", 1, f"talk {number}")
    assert len(port.latest_notes(1)) == 100
    assert first.id in {note.id for note in port.latest_notes(1, back_to=begun)}
    assert len(port.latest_notes(1, back_to=clock())) == 100


def test_an_edit_without_an_answer_is_repeated_without_doubt(port: GitLab, world: World) -> None:
    world.create_issue("alice", title="x")
    note = port.create_note(1, "before")
    world.faults.add(Fault("PUT", r"/notes/\d+", FaultKind.PERFORM_THEN_CUT))
    with pytest.raises(Retry) as raised:
        port.edit_note(1, note.id, "after")
    assert not raised.value.in_doubt
    assert port.edit_note(1, note.id, "after").body == "after"


# Issues


@pytest.mark.parametrize(("is_open", "states"), [(False, ["closed"]), (True, ["closed", "reopened"])], ids=str)
def test_state_and_labels_change_in_one_request(port: GitLab, world: World, is_open: bool, states: list[str]) -> None:
    world.create_issue("alice", title="x", labels=["a"])
    if is_open:
        world.update_issue("alice", 1, state_event="close")
    changed = port.change_issue(1, IssueChange(is_open=is_open, add_labels=("b",), remove_labels=("a",)))
    assert (changed.is_open, changed.labels) == (is_open, ("b",))
    assert [event.state for event in world.state_events] == states
    assert world.count("*", "issues") == 1


@pytest.mark.parametrize(
    ("change", "is_empty"),
    [(IssueChange(), True), (IssueChange(is_open=True), False), (IssueChange(is_open=False), False)],
    ids=["nothing", "open", "close"],
)
def test_a_change_of_state_is_a_change(change: IssueChange, is_empty: bool) -> None:
    assert change.is_empty() is is_empty


# People


def test_members_are_told_with_their_level(port: GitLab, world: World) -> None:
    world.set_level("sam", AccessLevel.MAINTAINER)
    levels = {member.username: member.access_level for member in port.members()}
    assert (levels["root"], levels["sam"], levels["erin"], levels["alice"]) == (50, 40, 30, 20)
    assert world.count("GET", "members/all") == 1


def test_the_members_of_a_group_are_told(port: GitLab, world: World) -> None:
    assert port.group_members("ps/engagement-managers") == [person(world, "erin"), person(world, "evan")]
    assert world.count("GET", "groups/.*/members/all") == 1


def test_a_group_of_more_than_a_page_is_read_whole(port: GitLab, world: World) -> None:
    names = [world.add_user(f"user-{number}").username for number in range(101)]
    world.add_group("ps/many", *names)
    assert [each.username for each in port.group_members("ps/many")] == names


def test_a_group_that_is_not_there_or_not_shown_is_absent(port: GitLab, world: World) -> None:
    world.add_group("ps/secret", "erin", is_private=True)
    for path in ("ps/secret", "ps/unknown"):
        with pytest.raises(Absent):
            port.group_members(path)


def test_too_many_lists_of_members_close_the_door_to_those_lists_only(port: GitLab, world: World) -> None:
    order = Fault("GET", r"/groups/", FaultKind.STATUS, status=429, retry_after_s=60, is_application_limit=True)
    world.faults.add(order)
    with pytest.raises(Retry) as raised:
        port.group_members("ps/engagement-managers")
    assert raised.value.after_s == 60
    with pytest.raises(Retry):
        port.members()
    assert port.whoami() == person(world, "ps-bot")


# Back-pressure


def test_a_limit_of_ours_is_met_before_gitlabs_and_no_request_is_sent(
    server: SandboxServer, world: World, clock: FakeClock
) -> None:
    port = limited(server, clock, Metrics(), notes=2)
    world.create_issue("alice", title="x")
    for _ in range(2):
        port.create_note(1, "hello")
    sent = len(world.requests)
    with pytest.raises(Held) as held:
        port.create_note(1, "hello")
    assert held.value.after_s == 60.0
    assert not held.value.in_doubt
    assert len(world.requests) == sent
    port.read_issue(1)
    clock.advance(seconds=60)
    port.create_note(1, "hello")


def test_every_page_of_a_list_counts_as_a_request(server: SandboxServer, world: World, clock: FakeClock) -> None:
    port = limited(server, clock, Metrics(), api=3)
    world.create_issue("alice", title="x", labels=[f"label {number}" for number in range(250)])
    assert len(port.label_events(1)) == 250
    with pytest.raises(Held):
        port.read_issue(1)


DEAD = {
    "502": {"kind": FaultKind.STATUS, "status": 502},
    "a socket that is cut": {"kind": FaultKind.CUT_BEFORE},
}


@pytest.mark.parametrize("death", DEAD)
def test_after_five_failures_nobody_asks_until_one_call_has_tried(
    death: str, server: SandboxServer, world: World, clock: FakeClock
) -> None:
    metrics = Metrics()
    port = limited(server, clock, metrics)
    world.faults.add(Fault("GET", r"/user$", times=6, **DEAD[death]))

    def is_open() -> bool:
        return metrics.registry.get_sample_value("psplan_vendor_open", {"vendor": "gitlab"}) == 1

    for _ in range(5):
        assert not is_open()
        with pytest.raises(VendorDown) as down:
            port.whoami()
        assert down.value.after_s is None, "a try that failed counts"
    sent = len(world.requests)
    assert is_open()
    with pytest.raises(Held) as held:
        port.members()
    assert (held.value.after_s, len(world.requests)) == (30.0, sent)
    clock.advance(seconds=30)
    with pytest.raises(VendorDown):
        port.whoami()
    with pytest.raises(Held) as held:
        port.whoami()
    assert held.value.after_s == 60.0
    clock.advance(seconds=60)
    assert port.whoami().username == "ps-bot"
    assert not is_open()


@pytest.mark.parametrize("status", [400, 401, 403, 404, 409, 422, 429])
def test_refusals_are_a_sign_of_life(status: int, port: GitLab, world: World) -> None:
    world.faults.add(Fault("GET", r"/user$", FaultKind.STATUS, status=status, times=8))
    for _ in range(8):
        with pytest.raises((Retry, Permanent)) as refused:
            port.whoami()
        assert not isinstance(refused.value, Held)
