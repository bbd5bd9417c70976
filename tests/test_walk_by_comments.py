"""A whole engagement in the sandbox, driven by nothing but comments of its people, through real webhooks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.world import World
from tests.harness import Stage, add_hook, end_state, spoken, stage, status_of, submission, until

SCOPING = (
    ("erin", "/ps next"),
    ("alice", "/ps answer users_current 775\n/ps answer pain_points builds take two hours"),
    ("erin", "/ps next\n/ps estimate 62,000.00 usd ff https://docs.google.com/spreadsheets/d/1"),
    ("erin", "/ps next"),
    ("tara", "@ps-bot ta approve"),
    ("alice", "/ps agree"),
    (
        "erin",
        "/ps next\n/ps sow https://docs.google.com/document/d/1\n/ps cogs https://docs.google.com/spreadsheets/d/2",
    ),
    ("ravi", "/ps rdm approve"),
    ("erin", "/ps submit"),
    ("dana", "/ps approve"),
    ("rhea", "/ps revenue approve"),
    ("erin", "/ps legal https://example.my.salesforce.com/500x1"),
    ("lena", "/ps legal stamped"),
    ("alice", "/ps signed"),
)
INTAKE = (
    ("erin", "/ps intake language German\n/ps intake sow_number S-1"),
    ("erin", "/ps ready"),
    ("cora", "/ps next\n/ps staff pc @cora\n/ps staff pm @petra\n/ps staff pse @tara"),
    ("cora", "/ps next"),
    ("petra", "/ps meeting pm-intro held\n/ps meeting transition held 2026-11-20\n/ps meeting prep held"),
    ("petra", "/ps schedule 2099-01-11"),
)


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def pair(on: Stage) -> tuple[int, int]:
    outcome = on.submit(submission())
    return outcome["scoping_issue"]["iid"], outcome["intake_issue"]["iid"]


def say(on: Stage, by: str, iid: int, text: str) -> int:
    note = on.world.add_note(by, iid, text).note
    assert note is not None
    assert on.quiet()
    return note.id


def reactions(on: Stage, note: int) -> list[str]:
    return [each.name for each in on.world.awards.values() if each.note_id == note]


def walk(on: Stage) -> tuple[int, int]:
    scoping, intake = pair(on)
    for iid, said in ((scoping, SCOPING), (intake, INTAKE)):
        for by, text in said:
            note = say(on, by, iid, text)
            assert reactions(on, note) == ["eyes", "white_check_mark"], (by, text, spoken(on.world, iid)[-1])
    say(on, "erin", scoping, "/ps won")
    return scoping, intake


def labels(on: Stage, iid: int, scope: str) -> list[str]:
    return [name for name in on.world.label_titles(on.world.issue(iid)) if name.startswith(f"{scope}::")]


def test_from_the_submission_to_closed_won_and_scheduled_by_comments_alone(on: Stage) -> None:
    scoping, intake = walk(on)
    assert labels(on, scoping, "proposal") == ["proposal::Closed_Won"]
    assert labels(on, intake, "Intake") == ["Intake::Scheduled"]
    assert not on.world.issue(scoping).is_open
    assert "| `775` |" in (on.world.issue(scoping).description or "")
    assert "| petra |" in (on.world.issue(intake).description or "").replace("`", "")
    assert "`dana`" in status_of(on.world, scoping)
    assert on.metric("psplan_deliveries_dead") == 0
    asked = [each for each in spoken(on.world) if "please" in each.lower()]
    assert len(asked) == len(set(asked)), "nobody is asked for the same thing twice"


def test_with_every_delivery_twice_it_ends_the_same(tmp_path: Path) -> None:
    ends = []
    for name in ("once", "twice"):
        folder = tmp_path / name
        folder.mkdir()
        with stage(folder, World(hook_delay_s=0.0)) as on:
            if name == "twice":
                # the same URL as a second hook: every event comes twice, with another key
                add_hook(on.world, on.url)
            walk(on)
            ends.append(end_state(on.world))
    assert [issue[:3] for issue in ends[0]["issues"]] == [issue[:3] for issue in ends[1]["issues"]]
    assert len(ends[0]["notes"]) == len(ends[1]["notes"])


def test_a_comment_costs_one_request_for_each_issue_one_edit_of_its_note_and_two_reactions(on: Stage) -> None:
    scoping, _ = pair(on)
    before = len(on.world.requests)
    say(on, "erin", scoping, "/ps next\n/ps answer users_current 775\n/ps assign-em @evan")
    writes = [(r.method, r.path.rsplit("ps-plan", 1)[1].split("?")[0]) for r in on.world.requests[before:]]
    made = [each for each in writes if each[0] != "GET"]
    assert sum(path == f"/issues/{scoping}" for _, path in made) == 1
    assert sum(method == "PUT" and "/notes/" in path for method, path in made) <= 2
    assert sum("award_emoji" in path for _, path in made) == 2


def test_a_comment_without_a_command_costs_no_call(on: Stage) -> None:
    scoping, _ = pair(on)
    before = len(on.world.requests)
    say(on, "erin", scoping, "Shall I say /ps next now? `/ps next`\n\n> /ps next")
    assert on.world.requests[before:] == []


def test_an_internal_comment_is_answered_internally(on: Stage) -> None:
    scoping, _ = pair(on)
    on.world.add_note("erin", scoping, "/ps nonsense", internal=True)
    assert on.quiet()
    (reply,) = [each for each in on.world.notes_of(scoping) if "psplan:reply" in each.body]
    assert reply.internal


def test_an_edited_comment_has_one_reply_that_is_rewritten(on: Stage) -> None:
    scoping, _ = pair(on)
    note = say(on, "erin", scoping, "/ps nonsense")
    on.world.edit_note("erin", scoping, note, "/ps stage nowhere")
    assert on.quiet()
    (reply,) = [each.body for each in on.world.notes_of(scoping) if "psplan:reply" in each.body]
    assert "No state is called `nowhere`" in reply
    assert "nonsense" not in reply
    on.world.edit_note("root", scoping, note, "/ps stage nowhere\n/ps next")
    assert on.quiet()
    assert labels(on, scoping, "proposal") == [], "what a Maintainer edits in is not the author's"


def test_a_comment_that_is_gone_meanwhile_is_carried_out_all_the_same(on: Stage) -> None:
    scoping, _ = pair(on)
    on.world.faults.add(Fault("POST", r"award_emoji$", FaultKind.STATUS, status=404, times=2))
    say(on, "erin", scoping, "/ps next")
    assert labels(on, scoping, "proposal") == ["proposal::Awaiting_Discovery"]
    assert on.metric("psplan_deliveries_dead") == 0


def test_an_issue_becomes_an_engagement_by_a_word(on: Stage) -> None:
    issue = on.world.create_issue("sam", title="Globex Corp - please scope this", description="They want GitLab.")
    assert on.quiet()
    refused = say(on, "sam", issue.iid, "/ps next")
    assert reactions(on, refused) == ["eyes", "x"]
    assert "`/ps adopt` makes it one" in spoken(on.world, issue.iid)[-1]
    note = say(on, "sam", issue.iid, "/ps adopt")
    (adopted,) = [each for each in spoken(on.world, issue.iid) if "Adopted, for the customer" in each]
    assert "```psplan-submission\ncustomer_name: " in adopted
    assert reactions(on, note) == ["eyes", "white_check_mark"]
    text = on.world.issue(issue.iid).description or ""
    assert text.startswith("They want GitLab.")
    assert "psplan:scoping" in text
    assert on.world.issue(issue.iid).title == "Globex Corp - please scope this"
    assert "Globex Corp - Project Scheduling Intake" in {each.title for each in on.world.issues.values()}
    again = say(on, "sam", issue.iid, "/ps adopt")
    assert reactions(on, again) == ["eyes", "x"]
    say(on, "erin", issue.iid, "/ps next")
    assert labels(on, issue.iid, "proposal") == ["proposal::Awaiting_Discovery"]


def test_labels_that_an_adopted_issue_was_born_with_are_judged_at_once(on: Stage) -> None:
    born = ["proposal::Approved", "RDM::approved", "team: blue"]
    issue = on.world.create_issue("alice", title="Acme - scope", description="x", labels=born)
    assert on.quiet()
    say(on, "alice", issue.iid, "/ps adopt")
    assert labels(on, issue.iid, "proposal") == []
    assert labels(on, issue.iid, "RDM") == []
    assert "team: blue" in on.world.label_titles(on.world.issue(issue.iid))


def test_a_repeat_after_a_cut_does_not_write_over_what_a_person_wrote_since(on: Stage) -> None:
    scoping, _ = pair(on)
    on.world.faults.add(Fault("PUT", rf"/issues/{scoping}$", FaultKind.PERFORM_THEN_CUT))
    on.world.add_note("erin", scoping, "/ps answer users_current 800")
    assert until(lambda: "`800`" in (on.world.issue(scoping).description or ""))
    text = on.world.issue(scoping).description or ""
    on.world.update_issue("alice", scoping, description=text.replace("`800`", "1200, counted by hand"))
    assert on.quiet()
    assert "1200, counted by hand" in (on.world.issue(scoping).description or "")
    assert "`800`" not in (on.world.issue(scoping).description or "")
