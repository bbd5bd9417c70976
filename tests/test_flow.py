"""The main job end to end: a submission becomes two linked issues, once, whatever the calculator does."""

from __future__ import annotations

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.people import token_of
from app.sandbox.quick_actions import extract
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.text import find_markers, sections
from tests.harness import Process, Stage, environment, issues, spoken, stage, submission, until
from tests.properties.gfm_model import read

ID = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        yield running


def scoping(on: Stage, body: dict[str, object]) -> str:
    """The text of the scoping issue."""
    return on.world.issue(on.submit(body)["scoping_issue"]["iid"]).description or ""


def test_two_issues_their_link_and_their_status_notes_cost_five_writes_and_no_read(on: Stage) -> None:
    assert until(lambda: on.world.count("GET", "/members/all") == 1), "names are read once, at the start"
    before = len(on.world.requests)
    outcome = on.submit(submission())
    made = [(each.method, each.path.rsplit("ps-plan", 1)[1]) for each in on.world.requests[before:]]
    first, second = outcome["scoping_issue"]["iid"], outcome["intake_issue"]["iid"]
    assert made == [
        ("POST", "/issues"),
        ("POST", "/issues"),
        ("POST", f"/issues/{first}/links"),
        ("POST", f"/issues/{first}/notes"),
        ("POST", f"/issues/{second}/notes"),
    ]
    assert (first, second) == (1, 2)


def test_both_issues_are_what_was_promised(on: Stage) -> None:
    outcome = on.submit(submission(pubsec_us=True))
    (_, title, labels, text), (_, intake_title, intake_labels, intake) = issues(on.world)
    assert title == "Acme GmbH - Scope Engagement and Write SOW"
    assert intake_title == "Acme GmbH - Project Scheduling Intake"
    assert {"Services Calculator", "Public Sector US", "Service: Migration", "Service: Training"} <= set(labels)
    assert {"Project Scheduling Intake", "Intake::Draft"} <= set(intake_labels)
    assert text.count("@alice") == 1
    assert intake.count("@alice") == 0
    assert f"#{outcome['scoping_issue']['iid']}" in intake
    assert on.world.issue(1).due_date is not None
    assert on.world.issue(1).confidential, "the methodology keeps public sector work confidential"
    assert on.world.label_titles(on.world.issue(1)).count("Service: Migration") == 1


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"commercial_form": "sku", "services": ["migration_scm"]}, "SKU", id="a SKU order"),
        pytest.param({"services": ["training"]}, "training", id="training alone"),
    ],
)
def test_some_orders_need_no_scoping_and_the_intake_issue_says_why(
    changes: dict[str, object], says: str, on: Stage
) -> None:
    outcome = on.submit(submission(**changes))
    assert (outcome["state"], outcome["scoping_issue"]) == ("done", None)
    ((_, _, labels, text),) = issues(on.world)
    assert "Intake::Draft" in labels
    assert says.lower() in text.lower()
    assert text.count("@alice") == 1
    assert on.writes() == 2, "the issue and its status note"


def test_training_alone_that_is_custom_is_scoped(on: Stage) -> None:
    assert on.submit(submission(services=["training"], commercial_form="custom"))["scoping_issue"] is not None


def test_an_unknown_requester_is_said_on_the_issue_and_mentioned_nowhere(on: Stage) -> None:
    text = scoping(on, submission(requester_gitlab_username="nobody.here"))
    assert "@nobody.here" not in text
    assert "`nobody.here`" in text
    assert "No GitLab user is called `nobody.here`" in text


def test_a_requester_who_is_no_member_is_looked_up_once(on: Stage) -> None:
    on.world.add_user("visitor")
    assert "@visitor" in scoping(on, submission(requester_gitlab_username="visitor"))
    assert "@visitor" in scoping(on, submission(requester_gitlab_username="visitor"))
    assert on.world.count("GET", r"/users\?") == 1


def test_hostile_words_stay_words(on: Stage) -> None:
    evil = (
        "@erin #1 /close\n/close\n```\n/assign @dana\n<!-- psplan:begin ssot 000000000000 --> ![x](http://evil/x.png)"
    )
    body = submission(customer_name="Evil @all #1 ~x", goals=evil, notes=evil, surprise={"deep": [evil]})
    outcome = on.submit(body)
    assert outcome["state"] == "done"
    on.quiet()
    for iid, title, _, text in issues(on.world):
        assert on.world.issue(iid).is_open
        assert extract(text).commands == ()
        mentions = [
            each.removeprefix("mention: '").split()[0] for each in read(text).live if each.startswith("mention")
        ]
        assert mentions == (["@alice,", "@erin,"] if iid == 1 else [])
        assert find_markers(text)[0].kind in {"scoping", "intake"}
        assert "@all" not in title
        assert all(part.is_untouched for part in sections(text).values())
    assert on.writes() == 5, "two issues, their link, a status note on each"


def test_the_same_submission_ten_times_at_once_and_again_after_a_restart(tmp_path: Path) -> None:
    body = submission(submission_id=ID)
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox, httpx.Client(timeout=10) as client:
        process = Process(environment(tmp_path, sandbox.url), tmp_path)
        for _ in range(2):
            process.start()
            on = Stage(sandbox.world, process.url, client)
            with ThreadPoolExecutor(10) as pool:
                receipts = list(pool.map(on.send, [body] * 10))
            assert {receipt.submission_id for receipt in receipts} == {ID}
            assert len({receipt.status_url for receipt in receipts}) == 1
            assert on.follow(receipts[0])["state"] == "done"
            assert on.is_idle()
            assert process.stop() == 0, "SIGTERM drains and exits 0"
        assert len(sandbox.world.issues) == 2
        assert sum(sandbox.world.count(verb, ".") for verb in ("POST", "PUT")) == 5


def test_sigterm_in_the_middle_of_the_work_loses_nothing(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    world.faults.add(Fault("POST", "/issues$", FaultKind.PERFORM_THEN_HANG, times=40, seconds=0.2))
    bodies = [submission() for _ in range(20)]
    with SandboxServer(world) as sandbox, httpx.Client(timeout=10) as client:
        process = Process(environment(tmp_path, sandbox.url), tmp_path)
        process.start()
        on = Stage(world, process.url, client)
        receipts = [on.send(body) for body in bodies]
        assert process.stop() == 0
        assert len(world.issues) < 40, "the service was stopped before it was through"
        process.start()
        assert all(on.follow(receipt)["state"] == "done" for receipt in receipts)
        process.stop()
    assert len(world.issues) == 40
    assert world.count("POST", "/links$") == 20


def test_a_revision_updates_the_bots_parts_keeps_peoples_words_and_tells_once(on: Stage) -> None:
    body = submission()
    iid = on.submit(body)["scoping_issue"]["iid"]
    text = on.world.issue(iid).description or ""
    row = next(line for line in text.splitlines() if "`users_current`" in line)
    mine = text.replace(row, row.replace("**to-do**", "about 900")) + "\n\nA note of mine, which must stay."
    on.world.update_issue("erin", iid, description=mine)
    assert on.quiet()
    changed = {
        **body,
        "customer_name": "Acme Europe SE",
        "services": ["migration_scm", "security"],
        "goals": "one platform",
    }
    for _ in range(3):
        assert on.submit(changed)["state"] == "done"
    assert on.quiet()
    issue = on.world.issue(iid)
    revised = issue.description or ""
    assert "about 900" in revised
    assert "A note of mine, which must stay." in revised
    assert "Acme Europe SE" in revised
    assert issue.title == "Acme Europe SE - Scope Engagement and Write SOW"
    assert {"Service: Security"} <= set(on.world.label_titles(issue))
    assert "Service: Training" not in on.world.label_titles(issue)
    (told,) = spoken(on.world)
    for words in ("customer_name", "Acme GmbH", "Acme Europe SE", "services", "goals"):
        assert words in told


def test_a_title_that_a_person_wrote_is_left_alone(on: Stage) -> None:
    body = submission()
    iid = on.submit(body)["scoping_issue"]["iid"]
    on.world.update_issue("erin", iid, title="My own title")
    on.submit({**body, "customer_name": "Acme Europe SE"})
    assert on.quiet()
    assert on.world.issue(iid).title == "My own title"


def test_a_sku_order_that_becomes_custom_gets_its_scoping_issue(on: Stage) -> None:
    body = submission(commercial_form="sku")
    assert on.submit(body)["scoping_issue"] is None
    outcome = on.submit({**body, "commercial_form": "custom"})
    assert outcome["scoping_issue"] is not None
    assert on.quiet()
    assert len(on.world.issues) == 2
    assert len(on.world.links) == 1


def open_by_hand(on: Stage, description: str, title: str = "Please scope this") -> int:
    """As a person in the browser does."""
    answer = httpx.post(
        f"{on.world.base_url}/api/v4/projects/2/issues",
        json={"title": title, "description": description},
        headers={"PRIVATE-TOKEN": token_of("alice")},
    )
    assert answer.status_code == 201
    iid = int(answer.json()["iid"])
    assert on.quiet()
    return iid


@pytest.mark.parametrize(
    "block",
    [
        pytest.param("customer_name: Hand GmbH\nservices: [readiness]", id="YAML with what a person would write"),
        pytest.param(json.dumps(submission(customer_name="Hand GmbH", services=["readiness"])), id="JSON from a page"),
    ],
)
@pytest.mark.parametrize("tail", ["", "\n\n```sh\nan open fence", "\n\n<details>", "\n\n<!-- an open comment"])
def test_an_issue_opened_by_hand_with_a_block_is_adopted(block: str, tail: str, on: Stage) -> None:
    words = f"Hello team,\n\n```psplan-submission\n{block}\n```{tail}"
    iid = open_by_hand(on, words)
    issue = on.world.issue(iid)
    assert issue.title == "Please scope this"
    assert (issue.description or "").startswith("Hello team,\n\n```psplan-submission")
    assert {"welcome", "summary", "ssot"} <= set(sections(issue.description or "")), "the bot's part is live"
    assert {"Services Calculator", "Service: Readiness"} <= set(on.world.label_titles(issue))
    assert [on.world.user(u).username for u in issue.assignee_ids] != []
    assert len(on.world.issues) == 2
    assert len(on.world.links) == 1
    on.world.update_issue("erin", iid, add_labels=["EM_Status::ToDo"])
    assert on.quiet()
    assert len(on.world.issues) == 2
    assert spoken(on.world) == []


def test_a_block_with_faults_is_answered_once_and_adopted_when_it_is_mended(on: Stage) -> None:
    iid = open_by_hand(on, "```psplan-submission\ncustomer_name: ''\nservices: [teleport]\n```")
    on.world.update_issue("alice", iid, title="Still wrong")
    assert on.quiet()
    (told,) = spoken(on.world)
    assert "customer_name" in told
    assert "services.0" in told
    on.world.update_issue("alice", iid, description="```psplan-submission\ncustomer_name: Mended AG\n```")
    assert on.quiet()
    assert len(on.world.issues) == 2


def test_a_block_that_claims_a_submission_with_an_issue_is_told_where_it_is(on: Stage) -> None:
    body = submission()
    first = on.submit(body)["scoping_issue"]["iid"]
    second = open_by_hand(on, f"```psplan-submission\n{json.dumps(body)}\n```")
    (told,) = spoken(on.world)
    assert spoken(on.world, second) == [told]
    assert f"#{first}" in told
    assert len(on.world.issues) == 3


def test_a_changed_block_is_a_revision(on: Stage) -> None:
    iid = open_by_hand(on, "```psplan-submission\ncustomer_name: Hand GmbH\n```")
    text = on.world.issue(iid).description or ""
    on.world.update_issue("alice", iid, description=text.replace("Hand GmbH\n```", "Hand AG\n```"))
    assert on.quiet()
    assert "`Hand AG`" in (on.world.issue(iid).description or "")
    assert len(spoken(on.world)) == 1
    assert len(on.world.issues) == 2


def test_an_ordinary_issue_is_left_alone(on: Stage) -> None:
    open_by_hand(on, "Just a question, with `psplan-submission` in it.")
    assert len(on.world.issues) == 1
    assert on.writes() == 1, "that of the person"
