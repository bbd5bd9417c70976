"""Comments, quick actions in comments, reactions, links and the rest around issues, as GitLab has them."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from app.sandbox import AccessLevel, RateLimits, World

from .conftest import Clients
from .receiver import FakeClock, Receiver

NOTES = "projects/2/issues/1/notes"


@pytest.fixture(autouse=True)
def issue(world: World) -> None:
    world.create_issue("alice", title="x")


def said(client: httpx.Client, body: str, **more: Any) -> httpx.Response:
    return client.post(NOTES, json={"body": body, **more})


def test_a_comment_of_commands_alone_leaves_no_note_and_no_note_event(
    hooked: World, bot: httpx.Client, receiver: Receiver
) -> None:
    answer = said(bot, "/close\n/merge")
    assert answer.status_code == 202
    assert answer.json() == {
        "commands_changes": {"state_event": "close"},
        "summary": ["Closed this issue.", "Could not apply merge command."],
    }
    assert hooked.deliveries_idle(5)
    assert (hooked.notes, receiver.told()) == ({}, [("Issue Hook", "close")])


def test_a_comment_whose_commands_all_fail_is_refused(bot: httpx.Client) -> None:
    answer = said(bot, "/merge")
    assert answer.status_code == 400
    assert answer.json() == {"message": "400 Bad request - Could not apply merge command."}


def test_known_commands_are_cut_from_a_comment_and_unknown_ones_stay(bot: httpx.Client) -> None:
    answer = said(bot, "/ps advance\n/CLOSE\nwords\r\n\r\n")
    assert (answer.status_code, answer.json()["body"]) == (201, "/ps advance\nwords")
    assert answer.json()["commands_changes"] == {"state_event": "close"}


@pytest.mark.parametrize(
    ("command", "name", "value"),
    [
        ("/reopen", "state", "opened"),
        ("/title A new title", "title", "A new title"),
        ('/label ~known ~"two words"', "labels", ["a", "known", "two words"]),
        ("/label two words", "labels", ["a", "two words"]),
        ("/unlabel ~a", "labels", []),
        ("/remove_label", "labels", []),
        ("/relabel ~known", "labels", ["known"]),
        ("/due tomorrow", "due_date", "2026-11-23"),
        ("/due in 2 weeks", "due_date", "2026-12-06"),
        ("/remove_due_date", "due_date", None),
        ("/confidential", "confidential", True),
        ("/lock", "discussion_locked", True),
        ("/lock\n/unlock", "discussion_locked", True),
    ],
)
def test_quick_actions_of_a_comment_change_the_issue(
    bot: httpx.Client, world: World, command: str, name: str, value: Any
) -> None:
    for title in ("known", "two words"):
        world.create_label("root", title)
    world.update_issue("alice", 1, labels=["a"], due_date=world.now().date())
    if command == "/reopen":
        world.update_issue("alice", 1, state_event="close")
    assert said(bot, command).status_code == 202
    assert bot.get("projects/2/issues/1").json()[name] == value


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("/assign @erin", ["erin"]),
        ("/assign me", ["ps-bot"]),
        ("/assign @erin\n/unassign", []),
        ("/reassign @evan", ["evan"]),
    ],
)
def test_quick_actions_assign_people(bot: httpx.Client, command: str, left: list[str]) -> None:
    for line in command.split("\n"):
        assert said(bot, line).status_code == 202
    assert [person["username"] for person in bot.get("projects/2/issues/1").json()["assignees"]] == left


def test_quick_actions_link_and_react(bot: httpx.Client, world: World) -> None:
    world.create_issue("alice", title="other")
    assert said(bot, "/relate #2\n/react :eyes:").status_code == 202
    assert [row["iid"] for row in bot.get("projects/2/issues/1/links").json()] == [2]
    assert [row["name"] for row in bot.get("projects/2/issues/1/award_emoji").json()] == ["eyes"]


def test_a_guest_cannot_use_quick_actions_that_need_a_role(client_of: Clients, world: World) -> None:
    world.create_label("root", "known")
    world.set_level("sam", AccessLevel.GUEST)
    assert said(client_of("sam"), "/label ~known\n/close").status_code == 400
    assert world.label_titles(world.issue(1)) == []


@pytest.mark.parametrize(
    ("level", "is_internal"),
    [(AccessLevel.GUEST, False), (AccessLevel.PLANNER, True), (AccessLevel.REPORTER, True)],
    ids=str,
)
def test_internal_is_ignored_in_silence_without_the_role(
    client_of: Clients, world: World, level: AccessLevel, is_internal: bool
) -> None:
    world.set_level("sam", level)
    note = said(client_of("sam"), "psst", internal=True).json()
    assert (note["internal"], note["confidential"]) == (is_internal, is_internal)


def test_internal_notes_are_absent_for_guests(client_of: Clients, world: World) -> None:
    world.add_note("alice", 1, "psst", internal=True)
    world.set_level("sam", AccessLevel.GUEST)
    guest = client_of("sam")
    assert guest.get(NOTES).json() == []
    assert guest.get(f"{NOTES}/1").status_code == 404


def test_a_reply_takes_the_privacy_of_its_thread_and_makes_it_a_thread(bot: httpx.Client, world: World) -> None:
    world.add_note("alice", 1, "public")
    thread = bot.get("projects/2/issues/1/discussions").json()[0]["id"]
    reply = bot.post(f"projects/2/issues/1/discussions/{thread}/notes", json={"body": "x", "internal": True})
    assert (reply.status_code, reply.json()["internal"], reply.json()["type"]) == (201, False, "DiscussionNote")
    notes = bot.get(f"projects/2/issues/1/discussions/{thread}").json()["notes"]
    assert [note["body"] for note in notes] == ["public", "x"]


@pytest.mark.parametrize(("username", "status"), [("sam", 403), ("erin", 403), ("alice", 200), ("root", 200)], ids=str)
def test_comments_of_others_are_for_maintainers(client_of: Clients, world: World, username: str, status: int) -> None:
    world.add_note("alice", 1, "mine")
    assert client_of(username).put(f"{NOTES}/1", json={"body": "theirs"}).status_code == status


def test_an_edit_by_somebody_else_is_told_with_the_author_as_user(hooked: World, receiver: Receiver) -> None:
    hooked.add_note("alice", 1, "mine")
    hooked.edit_note("root", 1, 1, "theirs")
    edited = receiver.wait_for(lambda delivery: delivery.action == "update")
    assert edited.body["user"]["username"] == "alice"
    assert edited.body["object_attributes"]["updated_by_id"] == hooked.user("root").id


def test_an_edit_that_changes_nothing_is_not_told(hooked: World, receiver: Receiver) -> None:
    hooked.add_note("alice", 1, "mine")
    hooked.edit_note("alice", 1, 1, "mine")
    hooked.delete_note("alice", 1, 1)
    assert hooked.deliveries_idle(5)
    assert receiver.told() == [("Note Hook", "create")]


def test_commands_run_when_a_comment_is_edited_but_only_the_new_ones(bot: httpx.Client, world: World) -> None:
    said(bot, "words")
    answer = bot.put(f"{NOTES}/1", json={"body": "words\n\n/close"})
    assert (answer.status_code, answer.json()["body"]) == (200, "words")
    assert not world.issue(1).is_open


def test_an_edit_that_leaves_only_commands_removes_the_comment(
    hooked: World, bot: httpx.Client, receiver: Receiver
) -> None:
    said(bot, "words")
    answer = bot.put(f"{NOTES}/1", json={"body": "/close"})
    assert (answer.status_code, "id" in answer.json()) == (202, False)
    assert bot.get(f"{NOTES}/1").status_code == 404
    assert hooked.deliveries_idle(5)
    assert receiver.told() == [("Issue Hook", "close"), ("Note Hook", "create")]


def test_an_edit_whose_commands_all_fail_is_refused_and_the_comment_stays(bot: httpx.Client) -> None:
    said(bot, "words")
    assert bot.put(f"{NOTES}/1", json={"body": "/merge"}).status_code == 400
    assert bot.get(f"{NOTES}/1").json()["body"] == "words"


@pytest.mark.parametrize("verb", ["PUT", "DELETE"])
def test_a_comment_that_was_deleted_or_stands_elsewhere_can_no_longer_be_reached(
    client_of: Clients, world: World, verb: str
) -> None:
    alice = client_of("alice")
    world.create_issue("alice", title="other")
    gone, elsewhere = (said(alice, "words").json()["id"] for _ in range(2))
    alice.delete(f"{NOTES}/{gone}")
    for path in (f"{NOTES}/{gone}", f"{NOTES}/999", f"projects/2/issues/2/notes/{elsewhere}"):
        assert alice.request(verb, path, json={"body": "x"}).status_code == 404, path


@pytest.mark.parametrize(("username", "status"), [("erin", 403), ("root", 204)], ids=["developer", "owner"])
def test_the_comment_of_the_bot_is_deleted_by_a_maintainer_and_nobody_is_told(
    hooked: World, client_of: Clients, bot: httpx.Client, receiver: Receiver, username: str, status: int
) -> None:
    said(bot, "status")
    assert client_of(username).delete(f"{NOTES}/1").status_code == status
    assert hooked.deliveries_idle(5)
    assert receiver.told() == [("Note Hook", "create")]


@pytest.mark.parametrize(
    ("body", "status"),
    [("", 400), ("  \n", 400), ("x" * 1_000_001, 400), ("x" * 1_000_000, 201)],
    ids=lambda v: str(v)[:4],
)
def test_comments_have_limits(bot: httpx.Client, body: str, status: int) -> None:
    assert said(bot, body).status_code == status


def test_comments_are_listed_newest_first_unless_asked_otherwise(bot: httpx.Client, world: World) -> None:
    for body in "abc":
        world.add_note("alice", 1, body)
    assert [note["body"] for note in bot.get(NOTES).json()] == ["c", "b", "a"]
    ordered = bot.get(NOTES, params={"sort": "asc", "order_by": "updated_at", "activity_filter": "only_comments"})
    assert [note["body"] for note in ordered.json()] == ["a", "b", "c"]


def test_deleting_a_comment_needs_its_author(client_of: Clients, world: World) -> None:
    world.add_note("alice", 1, "mine")
    assert client_of("sam").delete(f"{NOTES}/1").status_code == 403
    assert client_of("alice").delete(f"{NOTES}/1").status_code == 204
    assert client_of("alice").get(f"{NOTES}/1").status_code == 404


def test_comments_beyond_their_limit_are_refused_with_retry_after(
    bot: httpx.Client, world: World, clock: FakeClock
) -> None:
    world.limits = RateLimits(notes_per_min=1)
    assert said(bot, "a").status_code == 201
    refused = said(bot, "b")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    assert "too many times" in refused.text
    # Editing is not limited.
    assert bot.put(f"{NOTES}/1", json={"body": "c"}).status_code == 200
    clock.advance(seconds=60)
    assert said(bot, "d").status_code == 201


def test_two_people_may_react_alike_and_only_the_owner_takes_it_back(client_of: Clients) -> None:
    path = "projects/2/issues/1/award_emoji"
    alice, sam = client_of("alice"), client_of("sam")
    assert [client.post(path, json={"name": "eyes"}).status_code for client in (alice, sam)] == [201, 201]
    assert sam.delete(f"{path}/1").status_code == 403
    assert alice.delete(f"{path}/1").status_code == 204
    assert [row["user"]["username"] for row in sam.get(path).json()] == ["sam"]


def test_reactions_are_told_to_hooks_that_want_them(hooked: World, receiver: Receiver) -> None:
    hooked.add_note("alice", 1, "words")
    award = hooked.react("sam", 1, "eyes", note_id=1)
    hooked.unreact("sam", 1, award.id)
    assert hooked.deliveries_idle(5)
    kinds = [
        (d.body["event_type"], d.body["object_attributes"]["awardable_type"])
        for d in receiver.deliveries
        if d.event == "Emoji Hook"
    ]
    assert sorted(kinds) == [("award", "Note"), ("revoke", "Note")]


def test_a_link_counts_in_both_directions_and_is_not_told(hooked: World, bot: httpx.Client, receiver: Receiver) -> None:
    hooked.create_issue("alice", title="other")
    path = "projects/2/issues/2/links"
    made = bot.post(path, json={"target_project_id": "ps/ps-plan", "target_issue_iid": 1, "link_type": "blocks"})
    assert made.status_code == 201
    seen = bot.get("projects/2/issues/1/links").json()[0]
    assert (seen["iid"], seen["link_type"], seen["issue_link_id"]) == (2, "is_blocked_by", made.json()["id"])
    again = bot.post("projects/2/issues/1/links", json={"target_project_id": 2, "target_issue_iid": 2})
    assert (again.status_code, again.json()) == (409, {"message": "Issue(s) already assigned"})
    assert bot.delete(f"{path}/{made.json()['id']}").status_code == 200
    assert bot.get(path).json() == []
    assert hooked.deliveries_idle(5)
    assert receiver.told() == [("Issue Hook", "open")]


def test_an_uploaded_file_can_be_fetched_again(bot: httpx.Client) -> None:
    made = bot.post("projects/2/uploads", files={"file": ("sow.docx", b"\x00words")}).json()
    assert made["markdown"] == f"[sow.docx]({made['url']})"
    assert bot.get(f"projects/2{made['url']}").content == b"\x00words"


def test_an_uploaded_file_has_a_plain_name_and_is_not_for_strangers(bot: httpx.Client, client_of: Clients) -> None:
    made = bot.post("projects/2/uploads", files={"file": ("an [odd](name).ics", b"words")}).json()
    assert made["url"].endswith("/an__odd__name_.ics")
    nobody = httpx.get(f"{bot.base_url}projects/2{made['url']}", trust_env=False)
    assert nobody.status_code == 401
    assert client_of("alice").get(f"projects/2{made['url']}").content == b"words"


def test_a_file_that_is_too_large_is_refused(bot: httpx.Client, world: World) -> None:
    world.most_upload_bytes = 4
    assert bot.post("projects/2/uploads", files={"file": ("a.ics", b"12345")}).status_code == 413
    assert bot.post("projects/2/uploads", files={"file": ("a.ics", b"1234")}).status_code == 201


def test_labels_are_made_changed_and_removed_by_id_or_name(bot: httpx.Client, world: World) -> None:
    labels = "projects/2/labels"
    made = bot.post(labels, json={"name": "a::b c", "color": "#8E44AD"}).json()
    assert bot.get(f"{labels}/a%3A%3Ab%20c").json()["id"] == made["id"]
    world.update_issue("alice", 1, add_labels=["a::b c"])
    assert bot.put(f"{labels}/{made['id']}", json={"new_name": "d"}).json()["name"] == "d"
    assert bot.get("projects/2/issues/1").json()["labels"] == ["d"]
    assert bot.get(labels, params={"with_counts": True}).json()[0]["open_issues_count"] == 1
    assert bot.delete(f"{labels}/d").status_code == 204
    assert bot.get("projects/2/issues/1").json()["labels"] == []
    assert bot.get(f"{labels}/d").json() == {"message": "404 Label Not Found"}


def test_a_guest_cannot_make_labels(client_of: Clients, world: World) -> None:
    world.set_level("sam", AccessLevel.GUEST)
    assert client_of("sam").post("projects/2/labels", json={"name": "a"}).status_code == 403
