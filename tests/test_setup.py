"""`psplan setup` against the sandbox: everything once, nothing twice, nothing of a person's, and every refusal told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from copy import deepcopy
from datetime import date
from pathlib import Path

import pytest

from app.cli_patient import operators_project
from app.sandbox import AccessLevel, Fault, FaultKind, World, token_of
from app.setup.difference import Options
from app.setup.ready import IN_VAIN, Report, make_ready, secrets_of
from tests.harness import HOOK_TOKEN, stage
from tests.operating import SIGNING_KEY, Desk, desk

FORM = ".gitlab/issue_templates/services-request.md"
HOOKS = r"/hooks(\?|$)"


@pytest.fixture
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Desk]:
    with desk(tmp_path, monkeypatch, capsys) as made:
        yield made


def project(world: World) -> dict[str, object]:
    """Everything that a setup could touch."""
    return deepcopy(
        {
            "labels": {label.id: (label.title, label.color, label.description) for label in world.labels.values()},
            "boards": {
                board.id: (board.name, [world.labels[each.label_id].title for each in board.lists])
                for board in world.boards.values()
            },
            "hooks": {hook.id: (hook.url, hook.token, hook.events) for hook in world.hooks.values()},
            "files": {file.path: (file.content, file.commit_id) for file in world.files.values()},
        }
    )


def test_a_project_is_made_ready_and_the_second_time_nothing_is_changed(bare: Desk) -> None:
    first = bare.psplan("setup")
    assert first.code == 0, first.out + first.err
    assert first.out.endswith("86 changes made. psplan doctor looks at the whole.\n")
    made, before = project(bare.world), bare.writes()
    labels = bare.desired().labels
    assert {label.title for label in bare.world.labels.values()} == {label.name for label in labels}
    assert [columns for _, columns in made["boards"].values()] == [list(b.lists) for b in bare.desired().boards]  # type: ignore[attr-defined]
    assert FORM in bare.world.files
    second = bare.psplan("setup")
    assert (second.code, bare.writes(), project(bare.world)) == (0, before, made)
    assert "Nothing had to be changed." in second.out


def test_the_webhook_sends_what_it_should_and_holds_the_first_secret(bare: Desk) -> None:
    bare.env["PSPLAN_WEBHOOK_TOKENS"] = f"{HOOK_TOKEN},older-one"
    bare.psplan("setup")
    (hook,) = bare.world.hooks.values()
    on = {name for name, is_on in hook.events.items() if is_on}
    assert on == {"issues_events", "confidential_issues_events", "note_events", "confidential_note_events"}
    assert (hook.url, hook.token, hook.enable_ssl_verification) == (bare.hook_url, HOOK_TOKEN, True)
    assert hook.name == "PS Plan Bot"


def test_where_gitlab_signs_the_webhook_gets_its_signing_token(bare: Desk) -> None:
    bare.world.signing, bare.world.version = True, "19.1.0"
    bare.env["PSPLAN_WEBHOOK_SIGNING_KEYS"] = SIGNING_KEY
    assert bare.psplan("setup").code == 0
    assert bare.world.hooks[1].signing_token == SIGNING_KEY
    assert "Nothing had to be changed." in bare.psplan("setup").out


def test_where_gitlab_does_not_sign_and_there_is_no_other_secret_no_webhook_is_made(bare: Desk) -> None:
    del bare.env["PSPLAN_WEBHOOK_TOKENS"]
    bare.env["PSPLAN_WEBHOOK_SIGNING_KEYS"] = SIGNING_KEY
    ran = bare.psplan("setup")
    assert ran.code == 1
    assert "set PSPLAN_WEBHOOK_TOKENS" in ran.out
    assert bare.world.hooks == {}


def test_a_signing_token_that_gitlab_does_not_keep_is_found_out(bare: Desk) -> None:
    """Its feature flag is off: the version says yes, and the answer says no."""
    del bare.env["PSPLAN_WEBHOOK_TOKENS"]
    bare.env["PSPLAN_WEBHOOK_SIGNING_KEYS"] = SIGNING_KEY
    bare.world.signing, bare.world.version = True, "19.1.0"
    bare.world.add_hook("root", bare.hook_url, token="x", push_events=False)
    bare.monkeypatch.setattr(bare.world, "edit_hook", lambda *_, **__: bare.world.hooks[1])
    ran = bare.psplan("setup")
    assert ran.code == 1
    assert IN_VAIN in ran.out


def test_a_form_that_somebody_fills_in_becomes_an_engagement(tmp_path: Path, bare: Desk) -> None:
    bare.psplan("setup")
    form = bare.world.files[FORM].content.decode()
    with stage(tmp_path / "service") as on:
        filled = form.replace("customer_name:", "customer_name: Hand GmbH").replace("[]", "[readiness]")
        on.world.create_issue("alice", title="We need help", description=filled)
        assert on.quiet()
        assert "Services Calculator" in on.world.label_titles(on.world.issue(1))
        assert on.world.issue(2).title == "Hand GmbH - Project Scheduling Intake"


def test_a_dry_run_prints_the_difference_and_changes_nothing(bare: Desk) -> None:
    ran = bare.psplan("setup", "--dry-run")
    assert (ran.code, bare.writes()) == (0, 0)
    assert "86 changes would be made; nothing was changed." in ran.out
    listed = [line for line in ran.out.splitlines() if line.startswith("+  ")]
    assert listed == [line for line in bare.psplan("setup").out.splitlines() if line.startswith("+  ")]


def test_what_people_made_is_not_touched(bare: Desk) -> None:
    world = bare.world
    own = world.create_label("root", "Coffee", color="#123456")
    board = world.create_board("root", "Erin's")
    world.add_board_list("root", board.id, label_id=own.id)
    world.add_hook("root", "https://ci.example.com/hook", token="theirs", push_events=True)
    world.add_hook("root", "https://old.example.com/webhooks/gitlab", token="theirs")
    world.create_file("root", FORM, b"My own words", branch="main")
    world.create_file("root", ".gitlab/issue_templates/retro.md", b"Retro", branch="main")
    world.create_label("root", "proposal::Writing", color="#123456")
    before = project(world)
    ran = bare.psplan("setup")
    assert ran.code == 0, ran.out
    after = project(world)
    for kind, things in before.items():
        kept = {key: value for key, value in after[kind].items() if key in things}  # type: ignore[attr-defined]
        assert kept == things, kind
    for told in (
        f"{FORM} was changed by a person, and is left as it is  → psplan setup --overwrite-templates",
        "proposal::Writing stands for proposal::SOW_WIP (retired)  → psplan setup --migrate-labels",
        "another webhook leads to https://old.example.com/webhooks/gitlab",
    ):
        assert told in ran.out


def test_columns_of_people_on_our_board_stay_where_they_are(bare: Desk) -> None:
    bare.psplan("setup")
    world = bare.world
    own = world.create_label("root", "Coffee", color="#123456")
    column = world.add_board_list("root", 1, label_id=own.id)
    world.move_board_list("root", 1, column.id, position=3)
    world.move_board_list("root", 1, world.boards[1].lists[0].id, position=9)
    assert bare.psplan("setup").code == 0
    titles = [world.labels[each.label_id].title for each in world.boards[1].lists]
    assert titles[2] == "Coffee", "one column before it was moved behind it, and is back"
    assert [title for title in titles if title != "Coffee"] == list(bare.desired().boards[0].lists)


def test_a_template_is_renewed_where_nobody_touched_it_and_overwritten_on_request(bare: Desk) -> None:
    from app.setup.forms import marked

    world = bare.world
    world.create_file("root", FORM, marked("An older one").encode(), branch="main")
    assert f"~  {FORM} on main, which is old" in bare.psplan("setup").out
    world.edit_file("root", FORM, b"My own words", branch="main")
    bare.psplan("setup")
    assert world.files[FORM].content == b"My own words"
    assert bare.psplan("setup", "--overwrite-templates").code == 0
    assert b"psplan-submission" in world.files[FORM].content


# Labels of former days


@pytest.fixture
def former(bare: Desk) -> Desk:
    """Issues with labels as they were written once."""
    world = bare.world
    for number, labels in enumerate(
        (["proposal::Writing"], ["proposal::sow_wip", "Coffee"], ["proposal::Scoping"], ["proposal::SOW_WPI"])
    ):
        world.create_issue("erin", title=str(number), labels=labels)
    world.update_issue("erin", 2, state_event="close")
    return bare


def labels_of(on: Desk) -> list[list[str]]:
    return [on.world.label_titles(issue) for issue in on.world.issues.values()]


@pytest.mark.parametrize("is_set_up", [False, True], ids=["before the first setup", "after it"])
def test_labels_of_former_days_are_migrated_on_request(is_set_up: bool, former: Desk) -> None:
    before = labels_of(former)
    if is_set_up:
        assert former.psplan("setup").code == 0
    assert "--migrate-labels" in former.psplan("setup", "--dry-run").out
    assert labels_of(former) == before
    ran = former.psplan("setup", "--migrate-labels")
    assert ran.code == 0, ran.out
    assert labels_of(former) == [
        ["proposal::SOW_WIP"],
        ["Coffee", "proposal::SOW_WIP"],
        [],
        ["proposal::SOW_WPI"],
    ], "the last is only like one: a person has to say"
    titles = {label.title for label in former.world.labels.values()}
    assert not {"proposal::Writing", "proposal::sow_wip", "proposal::Scoping"} & titles
    colour = former.world.label("proposal::SOW_WIP").color
    assert colour == "#8E44AD", "also of the one that was renamed"
    writes = former.writes()
    assert former.psplan("setup", "--migrate-labels").code == 0
    assert former.writes() == writes


def test_a_migration_that_is_cut_off_goes_on_the_next_time(former: Desk) -> None:
    former.psplan("setup")
    former.world.faults.add(Fault("PUT", r"/issues/2", FaultKind.STATUS, status=403))
    ran = former.psplan("setup", "--migrate-labels")
    assert ran.code == 1
    assert "failed  label proposal::sow_wip" in ran.out
    assert former.psplan("setup", "--migrate-labels").code == 0
    assert labels_of(former)[1] == ["Coffee", "proposal::SOW_WIP"]


# What goes wrong


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda world: world.set_level("erin", AccessLevel.GUEST), "@erin is Guest in ps/ps-plan: labels and boards"),
        (lambda world: setattr(world.tokens[token_of("erin")], "scopes", ("read_api",)), "has the scope read_api"),
        (lambda world: setattr(world, "is_archived", True), "ps/ps-plan is archived"),
        (lambda world: setattr(world, "has_issues", False), "ps/ps-plan has its issues switched off"),
        (lambda world: setattr(world.tokens[token_of("erin")], "is_revoked", True), "it has been revoked"),
        (lambda world: setattr(world.tokens[token_of("erin")], "expires_at", date(2020, 1, 1)), "it has expired"),
    ],
    ids=["too low a role", "too small a scope", "an archived project", "no issues", "revoked", "expired"],
)
def test_nothing_is_begun_that_cannot_be_done(spoil: Callable[[World], object], says: str, bare: Desk) -> None:
    bare.env["PSPLAN_GITLAB_ADMIN_TOKEN"] = token_of("erin")
    spoil(bare.world)
    ran = bare.psplan("setup")
    assert (ran.code, ran.out, bare.writes()) == (1, "", 0)
    assert says in ran.err


def test_a_token_that_only_reads_is_good_enough_for_a_dry_run(bare: Desk) -> None:
    bare.world.tokens[token_of("root")].scopes = ("read_api",)
    assert "86 changes would be made" in bare.psplan("setup", "--dry-run").out


@pytest.mark.parametrize(
    ("setting", "value", "says"),
    [
        (
            "PSPLAN_GITLAB_ADMIN_TOKEN",
            "glpat-nobody",
            "does not take PSPLAN_GITLAB_ADMIN_TOKEN: GitLab does not",
        ),
        ("PSPLAN_PROJECT", "ps/other", "there is no project ps/other that the user of PSPLAN_GITLAB_ADMIN_TOKEN sees"),
        ("PSPLAN_GITLAB_URL", "http://127.0.0.1:9", "http://127.0.0.1:9: GitLab did not answer GET metadata"),
        ("PSPLAN_WEBHOOK_TOKENS", "", "PSPLAN_WEBHOOK_TOKENS is missing"),
        ("PSPLAN_METHODOLOGY", "/nowhere.yaml", "/nowhere.yaml"),
    ],
)
def test_where_it_cannot_begin_it_says_why_in_one_line(setting: str, value: str, says: str, bare: Desk) -> None:
    bare.env[setting] = value
    ran = bare.psplan("setup")
    assert (ran.code, ran.out, bare.writes()) == (1, "", 0)
    assert says in ran.err
    assert len(ran.err.splitlines()) == 1


def test_the_operators_token_is_enough_and_the_bots_own_is_for_a_person_to_give(bare: Desk) -> None:
    bare.env["PSPLAN_GITLAB_TOKEN"] = ""
    ran = bare.psplan("setup")
    assert ran.code == 0, ran.err
    assert "86 changes made" in ran.out
    assert "PSPLAN_GITLAB_TOKEN is missing" in ran.out.partition("For a person to do:")[2]


def test_without_any_token_nothing_is_begun(bare: Desk) -> None:
    bare.env |= {"PSPLAN_GITLAB_TOKEN": "", "PSPLAN_GITLAB_ADMIN_TOKEN": ""}
    ran = bare.psplan("setup")
    assert (ran.code, ran.out, bare.writes()) == (1, "", 0)
    assert ran.err.startswith("psplan: PSPLAN_GITLAB_TOKEN is missing")


def test_what_the_role_allows_is_done_and_the_rest_is_told_with_the_role_it_needs(bare: Desk) -> None:
    del bare.env["PSPLAN_GITLAB_ADMIN_TOKEN"]
    ran = bare.psplan("setup")
    assert ran.code == 1
    assert len(bare.world.labels) == len(bare.desired().labels)
    assert len(bare.world.boards) == 2
    assert "webhook  cannot be looked at: GitLab answered 403" in ran.out
    assert "needs role Maintainer: PSPLAN_GITLAB_ADMIN_TOKEN" in ran.out
    assert f"failed  {FORM} on main: GitLab answered 403 to POST file" in ran.out
    assert "the project is not ready" in ran.out


def test_a_project_without_a_repository_is_ready_without_templates(bare: Desk) -> None:
    bare.world.has_repository = False
    ran = bare.psplan("setup")
    assert ran.code == 0, ran.out
    assert "issue templates  skipped: the project has no repository" in ran.out


def test_a_repository_that_gitlab_cannot_reach_is_no_obstacle(bare: Desk) -> None:
    bare.world.faults.add(Fault("*", "/repository/", FaultKind.STATUS, times=99, status=503))
    ran = bare.psplan("setup")
    assert ran.code == 0, ran.out
    assert "skipped: GitLab shows no repository" in ran.out


def test_without_a_public_address_all_but_the_webhook_is_made(bare: Desk) -> None:
    bare.env["PSPLAN_PUBLIC_URL"] = ""
    ran = bare.psplan("setup")
    assert ran.code == 1
    assert "PSPLAN_PUBLIC_URL is not set, so GitLab cannot be told where to send" in ran.out
    assert (len(bare.world.labels), bare.world.hooks) == (len(bare.desired().labels), {})


def test_without_a_public_address_a_webhook_that_ends_as_ours_does_is_left_to_whoever_made_it(bare: Desk) -> None:
    theirs = bare.world.add_hook("root", "https://ci.example.com/webhooks/gitlab", token="theirs", push_events=True)
    before = dict(theirs.events)
    bare.env["PSPLAN_PUBLIC_URL"] = ""
    for words in (["setup"], ["setup", "--renew-secret"], ["doctor", "--fix"]):
        assert "set PSPLAN_PUBLIC_URL and run psplan setup" in bare.psplan(*words).out
        assert (theirs.token, theirs.events) == ("theirs", before)


def test_a_log_of_deliveries_that_cannot_be_read_keeps_nothing_else_back(bare: Desk) -> None:
    bare.world.add_hook("root", bare.hook_url, token=HOOK_TOKEN, push_events=True)
    bare.world.faults.add(Fault("GET", r"/hooks/1/events", FaultKind.STATUS, status=500, times=99))
    ran = bare.psplan("setup")
    assert ran.code == 0, ran.out
    assert "how its last delivery was answered is not known: GitLab answered 500" in ran.out
    assert not bare.world.hooks[1].events["push_events"]


def test_what_a_person_has_to_do_is_told(bare: Desk) -> None:
    bare.world.set_level("ps-bot", AccessLevel.GUEST)
    bare.env["PSPLAN_RECORD_KEYS"] = ""
    bare.methodology("  account_team: {sam: nobody-here}\n")
    told = bare.psplan("setup").out.partition("For a person to do:")[2]
    for words in ("make @ps-bot a Planner", "set PSPLAN_RECORD_KEYS", "there is no user @nobody-here"):
        assert words in told


MISHAPS = [FaultKind.PERFORM_THEN_CUT, FaultKind.PERFORM_THEN_502, FaultKind.CUT_BEFORE, FaultKind.STATUS]
WRITES = {
    "label": ("POST", "/labels"),
    "board": ("POST", r"/boards(\?|$)"),
    "column": ("POST", "/lists"),
    "webhook": ("POST", HOOKS),
    "template": ("POST", "/repository/files/"),
}


def made_ready(on: Desk, **options: bool) -> Report:
    """As the command does, without its waits."""
    settings = on.settings
    return make_ready(
        operators_project(settings), on.desired(), Options(**options), secrets_of(settings), sleep=lambda _: None
    )


@pytest.mark.parametrize("mishap", MISHAPS)
@pytest.mark.parametrize("write", list(WRITES))
def test_whatever_becomes_of_a_write_the_project_is_ready_and_nothing_is_doubled(
    write: str, mishap: FaultKind, bare: Desk
) -> None:
    method, path = WRITES[write]
    bare.world.faults.add(Fault(method, path, mishap, skip=1 if write in {"label", "column"} else 0))
    report = made_ready(bare)
    assert (report.is_ready, report.failed) == (True, {})
    names = [label.title for label in bare.world.labels.values()]
    assert len(names) == len(set(names)) == len(bare.desired().labels)
    assert len(bare.world.hooks) == len(bare.world.files) == 1
    columns = {
        board.name: tuple(bare.world.labels[each.label_id].title for each in board.lists)
        for board in bare.world.boards.values()
    }
    assert columns == {board.name: board.lists for board in bare.desired().boards}
    assert len(bare.world.boards) == len(columns)


def test_a_gitlab_that_stays_ill_ends_in_a_report(bare: Desk) -> None:
    bare.world.faults.add(Fault("POST", "/labels", FaultKind.STATUS, times=999, status=429))
    report = made_ready(bare)
    assert not report.is_ready
    assert set(report.failed.values()) >= {
        "GitLab answered 429 to POST label",
        "there is no label Intake::Draft",
    }


def test_a_disabled_webhook_is_tested_on_again_and_a_refused_secret_is_renewed(bare: Desk) -> None:
    bare.psplan("setup")
    bare.world.auto_disable = True
    bare.ears.status = 401
    for number in range(5):
        bare.world.create_issue("alice", title=str(number))
        assert bare.world.deliveries_idle(5)
    hook = bare.world.hooks[1]
    hook.token = "another"
    assert bare.world.alert_status(hook) == "temporarily_disabled"
    bare.ears.status = 202
    ran = bare.psplan("setup")
    assert ran.code == 0, ran.out
    assert "its secret anew, because this service refused the last delivery (401)" in ran.out
    assert (hook.token, bare.world.alert_status(hook)) == (HOOK_TOKEN, "executable")
    assert "Nothing had to be changed." in bare.psplan("setup").out


def test_a_secret_is_renewed_on_request_once(bare: Desk) -> None:
    bare.psplan("setup")
    bare.world.hooks[1].token = "forgotten"
    ran = bare.psplan("setup", "--renew-secret")
    assert (ran.code, bare.world.hooks[1].token) == (0, HOOK_TOKEN)
    assert bare.world.count("PUT", "/hooks/1") == 1


def test_json_tells_a_program_the_same(bare: Desk) -> None:
    told = bare.psplan("setup", "--json", "--dry-run").json
    assert (told["is_ready"], len(told["changes"]), told["remarks"]) == (True, 86, [])
    assert not any(change["is_done"] for change in told["changes"])
    bare.env["PSPLAN_GITLAB_ADMIN_TOKEN"] = token_of("ps-bot")
    told = bare.psplan("setup", "--json").json
    assert told["is_ready"] is False
    assert [change["reason"][:19] for change in told["changes"] if not change["is_done"]] == ["GitLab answered 403"]
    assert any(remark["is_grave"] for remark in told["remarks"])
