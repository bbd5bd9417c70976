"""What lies between a project as it is and as it should be: pure, and each part by itself."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.methodology import load_methodology
from app.ports import Hook
from app.project import Board, BoardList, Instance, ProjectFile, ProjectLabel
from app.settings import Settings
from app.setup.board_difference import board_difference
from app.setup.changes import (
    AddList,
    ChangeHook,
    ChangeLabel,
    CreateBoard,
    CreateHook,
    CreateLabel,
    Gravity,
    MoveList,
    RenameLabel,
    RenewSecret,
    RetireLabel,
    TestHook,
    WriteForm,
)
from app.setup.desired import EVENTS, WantedBoard, WantedHook, WantedLabel, desired
from app.setup.form_difference import SeenForms, form_difference
from app.setup.forms import Form, is_same, is_untouched, load_forms, marked
from app.setup.hook_difference import SeenHooks, hook_difference
from app.setup.label_difference import label_difference
from app.setup.meaning import meant_by
from app.submission.block import parse_block, submission_block
from app.submission.choices import Segment, Service

METHODOLOGY = load_methodology()


# What should be


def wanted(*, with_optional: bool = False) -> list[str]:
    settings = Settings(_env_file=None, gitlab_url="http://x", gitlab_token="t", project="p")  # type: ignore[call-arg]
    made = desired(METHODOLOGY, settings, hook_path="/hook", forms=(), with_optional=with_optional)
    return [label.name for label in made.labels]


def test_optional_labels_are_made_where_the_process_acts_upon_them_or_somebody_wants_them() -> None:
    assert {"SFDC::Closed Won", "SOW_Execution::Legal"} <= set(wanted())
    assert not {"Kantata::Active", "PS_Stage::Scoping", "Leadership::approved"} & set(wanted())
    assert wanted(with_optional=True) == list(METHODOLOGY.labels)


def test_no_label_is_a_retired_one_or_a_family() -> None:
    assert all(meant_by(name, METHODOLOGY) is None for name in wanted())


# Labels

WANTED = (WantedLabel("TA::Approved", "#3CB371", "yes"), WantedLabel("proposal::SOW_WIP", "#8E44AD", "draft"))


def held(name: str, number: int = 1, **other: object) -> ProjectLabel:
    looks = {label.name: label for label in WANTED}.get(name, WantedLabel(name, "#000000", ""))
    return replace(ProjectLabel(number, name, looks.colour, looks.description), **other)  # type: ignore[arg-type]


ALL = tuple(held(label.name, number) for number, label in enumerate(WANTED, start=50))


def labels(*found: ProjectLabel, migrates: bool = False) -> tuple[list[object], list[str]]:
    made = label_difference(WANTED, found, METHODOLOGY, migrates=migrates)
    return list(made.changes), [remark.words for remark in made.remarks]


def test_what_is_there_needs_nothing() -> None:
    assert labels(*ALL, held("Bug", 9)) == ([], [])


def test_what_is_missing_is_made_and_what_looks_otherwise_is_changed() -> None:
    changes, _ = labels(held("TA::Approved", colour="#3cb371", description="no"))
    assert changes == [
        ChangeLabel(1, "TA::Approved", "#3cb371", None, "yes"),
        CreateLabel("proposal::SOW_WIP", "#8E44AD", "draft"),
    ]


@pytest.mark.parametrize(
    ("stray", "told"),
    [
        ("proposal::Writing", "stands for proposal::SOW_WIP (retired)"),
        ("proposal::Scoping", "stands for no label (retired)"),
        ("proposal::sow-wip", "stands for proposal::SOW_WIP (other spelling)"),
        ("proposal::sow_wip", "stands for proposal::SOW_WIP (other spelling)"),
        ("TA:Approved", "stands for TA::Approved (one colon)"),
        ("ta::approved", "stands for TA::Approved"),
        ("services calculator", "stands for Services Calculator (other case)"),
        ("close_qtr::Q327", None),
        ("close_qtr::late", None),
        ("closeqtr::Q327", "stands for close_qtr::Q327 (other spelling)"),
        ("proposal::Deck sent", None),
        ("proposal: deck sent", None),
        ("TA::Not-Approved", None),
        ("Bug", None),
    ],
)
def test_other_spellings_are_told_and_left(stray: str, told: str | None) -> None:
    changes, remarks = labels(*ALL, held(stray, 9))
    assert changes == []
    assert [told is not None and told in words for words in remarks] == ([] if told is None else [True])


def test_where_the_right_label_is_missing_the_first_wrong_one_becomes_it() -> None:
    found = (ALL[0], held("proposal::Writing", 7), held("proposal::sow-wip", 8))
    assert labels(*found, migrates=True) == (
        [
            RenameLabel(7, "proposal::Writing", "proposal::SOW_WIP"),
            ChangeLabel(7, "proposal::SOW_WIP", "#000000", "#8E44AD", "draft"),
            RetireLabel(8, "proposal::sow-wip", "proposal::SOW_WIP"),
        ],
        [],
    )


def test_where_the_right_label_is_there_issues_get_it_one_by_one() -> None:
    changes, _ = labels(*ALL, held("proposal::Writing", 7), held("proposal::Open", 8), migrates=True)
    assert changes == [
        RetireLabel(7, "proposal::Writing", "proposal::SOW_WIP"),
        RetireLabel(8, "proposal::Open", None),
    ]


def test_what_is_only_like_a_label_or_belongs_to_a_group_is_never_migrated() -> None:
    found = (*ALL, held("proposal::SOW_WPI", 7), held("proposal::Writing", 8, is_of_project=False))
    changes, remarks = labels(*found, migrates=True)
    assert changes == []
    assert remarks == [
        "proposal::SOW_WPI is like proposal::SOW_WIP",
        "proposal::Writing stands for proposal::SOW_WIP (retired); it is a label of a group",
    ]


def test_a_label_of_a_group_serves_however_it_looks() -> None:
    changes, remarks = labels(ALL[0], held("proposal::SOW_WIP", colour="#111111", is_of_project=False))
    assert (changes, len(remarks)) == ([], 1)
    assert labels(ALL[0], held("proposal::SOW_WIP", is_of_project=False)) == ([], [])


# Boards


def board(*columns: str | None, name: str = "B") -> Board:
    return Board(1, name, tuple(BoardList(number, label) for number, label in enumerate(columns)))


def carried_out(found: Board | None, changes: object) -> list[str | None]:
    """What GitLab makes of these steps: a column that is moved stands there, and the others make room."""
    now = [] if found is None else [column.label for column in found.lists]
    for change in changes:  # type: ignore[attr-defined]
        if isinstance(change, AddList):
            now.append(change.label)
        elif isinstance(change, MoveList):
            now.remove(change.label)
            now.insert(change.position, change.label)
    return now


def test_a_board_that_is_not_there_is_made_with_its_columns_in_order() -> None:
    changes = board_difference([WantedBoard("B", ("a", "b"))], [board(name="another")]).changes
    assert changes == (CreateBoard("B"), AddList("B", "a"), AddList("B", "b"))


OURS = ("a", "b", "c", "d", "e")


@given(st.permutations([*OURS, "x", "y", None]), st.integers(0, 8))
def test_any_board_ends_in_the_order_of_the_track_and_columns_of_people_stay(
    columns: list[str | None], kept: int
) -> None:
    found = board(*columns[:kept])
    changes = board_difference([WantedBoard("B", OURS)], [found]).changes
    end = carried_out(found, changes)
    assert [label for label in end if label in OURS] == list(OURS)
    before = [*columns[:kept], *(label for label in OURS if label not in columns[:kept])]
    assert [label if label not in OURS else "ours" for label in end] == [
        label if label not in OURS else "ours" for label in before
    ], "what people made stands where it stood among ours"
    assert all(change.label in OURS for change in changes if isinstance(change, MoveList | AddList))
    assert board_difference([WantedBoard("B", OURS)], [board(*end)]).changes == ()


# The webhook

URL = "https://psplan.example.com/webhooks/gitlab"
HOOK = WantedHook(URL, "/webhooks/gitlab", has_token=True, has_signing_token=False)
SIGNED = replace(HOOK, has_token=False, has_signing_token=True)
BOTH = replace(HOOK, has_signing_token=True)
NOWHERE = replace(HOOK, url=None)
GOOD = Hook(1, URL, is_disabled=False, events=EVENTS)
OLD, NEW = (18, 9), (19, 0)


def hooks(
    want: WantedHook, *found: Hook, release: tuple[int, int] = OLD, answers: Mapping[int, str | None] | None = None
) -> tuple[list[type], list[str], bool]:
    """The kinds of steps, what is said, and whether something of it is grave."""
    made = hook_difference(want, SeenHooks(found, release, answers or {}))
    gravities = [each.gravity for each in (*made.changes, *made.remarks)]
    return [type(each) for each in made.changes], [each.words for each in made.remarks], Gravity.GRAVE in gravities


NO_SIGN = "GitLab 18.9 does not sign (19.0 does)"


@pytest.mark.parametrize(
    ("want", "found", "release", "steps", "says", "is_grave"),
    [
        (HOOK, [GOOD], OLD, [], [], False),
        (HOOK, [replace(GOOD, url=URL.upper() + "/")], OLD, [], [], False),
        (HOOK, [], OLD, [CreateHook], [], True),
        (HOOK, [replace(GOOD, url="https://ci.example.com/hook")], OLD, [CreateHook], [], True),
        (HOOK, [replace(GOOD, url="https://old.example.com/webhooks/gitlab")], OLD, [CreateHook], ["another"], True),
        (HOOK, [replace(GOOD, events=EVENTS | {"push_events"})], OLD, [ChangeHook], [], False),
        (HOOK, [replace(GOOD, events=EVENTS | {"emoji_events"})], OLD, [ChangeHook], [], False),
        (HOOK, [replace(GOOD, events=EVENTS - {"note_events"})], OLD, [ChangeHook], [], True),
        (HOOK, [replace(GOOD, checks_certificates=False)], OLD, [ChangeHook], [], False),
        (HOOK, [replace(GOOD, is_disabled=True)], OLD, [TestHook], [], True),
        (HOOK, [GOOD, replace(GOOD, id=2)], OLD, [], ["2 webhooks lead to"], False),
        (HOOK, [replace(GOOD, rewrites_body=True)], OLD, [], ["a template of the webhook"], True),
        (HOOK, [replace(GOOD, has_token=False)], NEW, [RenewSecret], [], True),
        (HOOK, [replace(GOOD, has_token=True)], NEW, [], [], False),
        (BOTH, [GOOD], OLD, [], [NO_SIGN], False),
        (BOTH, [replace(GOOD, has_token=True, has_signing_token=False)], NEW, [RenewSecret], [], True),
        (BOTH, [replace(GOOD, has_token=False, has_signing_token=True)], NEW, [], [], False),
        (SIGNED, [], NEW, [CreateHook], [], True),
        (SIGNED, [], OLD, [], [NO_SIGN], True),
        (SIGNED, [replace(GOOD, has_token=False, has_signing_token=True)], NEW, [], [], False),
        (NOWHERE, [], OLD, [], ["PSPLAN_PUBLIC_URL is not set"], True),
        (NOWHERE, [GOOD], OLD, [], [], False),
        (NOWHERE, [replace(GOOD, events=frozenset())], OLD, [], ["webhook to https://psplan.example.com/"], True),
        (NOWHERE, [replace(GOOD, events=EVENTS | {"push_events"})], OLD, [], ["webhook to"], False),
    ],
)
def test_what_is_wrong_with_the_webhook(
    want: WantedHook, found: list[Hook], release: tuple[int, int], steps: list[type], says: list[str], is_grave: bool
) -> None:
    made, said, grave = hooks(want, *found, release=release)
    assert made == steps
    assert [words.startswith(start) for words, start in zip(said, says, strict=True)] == [True] * len(says)
    assert grave is is_grave


@pytest.mark.parametrize("end", ["/webhooks/gitlab", "/webhooks/gitlab?token=s3cret"])
@pytest.mark.parametrize("want", [HOOK, NOWHERE], ids=["ours is known", "ours is not known"])
def test_secrets_in_an_address_are_not_told(want: WantedHook, end: str) -> None:
    hook = replace(GOOD, url=f"https://joe:hunter2@old.example.com{end}", is_disabled=True, rewrites_body=True)
    made = hook_difference(want, SeenHooks([hook, replace(hook, id=2)], OLD, {1: "500"}))
    told = " ".join([made.is_as_it_should_be, *(f"{each.words} {each.mend}" for each in made.remarks)])
    assert "https://old.example.com/webhooks/gitlab" in told
    assert not {"hunter2", "joe", "s3cret"} & set(re.findall(r"\w+", told))


def test_a_certificate_is_no_matter_where_there_is_none() -> None:
    plain = replace(HOOK, url="http://127.0.0.1:8080/webhooks/gitlab")
    assert hooks(plain, replace(GOOD, url=plain.url or "", checks_certificates=False))[0] == []


@pytest.mark.parametrize(
    ("answer", "steps", "says"),
    [
        ("202", [], []),
        (None, [], []),
        ("302", [], []),
        ("401", [RenewSecret], []),
        ("500", [], ["the last delivery was not answered well (500)"]),
        ("internal error", [], ["the last delivery was not answered well (internal error)"]),
    ],
)
def test_the_last_answer_tells_of_a_wrong_secret(answer: str | None, steps: list[type], says: list[str]) -> None:
    assert hooks(HOOK, GOOD, answers={1: answer})[:2] == (steps, says)


@pytest.mark.parametrize(
    ("version", "release"), [("18.9.0-pre", (18, 9)), ("19.0", (19, 0)), ("17.11.4-ee", (17, 11)), ("x", (0, 0))]
)
def test_a_release_is_read_off_a_version(version: str, release: tuple[int, int]) -> None:
    assert Instance(version, is_enterprise=False, clock=None).release == release


# Forms

FORM = Form(".gitlab/issue_templates/a.md", marked("Fill this in"))


def forms(text: str | None, *, overwrites: bool = False) -> tuple[list[object], list[str]]:
    there = None if text is None else ProjectFile(FORM.path, text, "abc")
    made = form_difference([FORM], SeenForms("main", {FORM.path: there}), overwrites=overwrites)
    return list(made.changes), [remark.words for remark in made.remarks]


def test_a_form_is_known_again_whatever_git_does_to_its_line_ends() -> None:
    assert is_untouched(FORM.text)
    assert is_untouched(FORM.text.replace("\n", "\r\n"))
    assert is_untouched(FORM.text.rstrip())
    assert marked(FORM.text) == FORM.text
    assert not is_untouched(FORM.text.replace("Fill", "Please fill"))
    assert not is_untouched("Fill this in")
    assert is_same(FORM.text, "Fill this in\r\n")


def test_forms_are_made_renewed_or_left() -> None:
    assert forms(None) == ([WriteForm(FORM.path, FORM.text, "main", None)], [])
    assert forms(FORM.text) == ([], [])
    assert forms("Fill this in") == ([], []), "the same words, whoever wrote them"
    (renewed,), _ = forms(marked("Fill that in"))
    assert isinstance(renewed, WriteForm)
    assert renewed.over is not None
    assert renewed.over.commit == "abc"
    assert forms("Mine")[1] == [f"{FORM.path} was changed by a person, and is left as it is"]
    (forced,), remarks = forms("Mine", overwrites=True)
    assert isinstance(forced, WriteForm)
    assert remarks == []


def test_the_form_that_ships_holds_a_block_that_the_bot_adopts() -> None:
    (form,) = load_forms(None)
    block = submission_block(form.text)
    assert block is not None
    found = parse_block(block)
    assert isinstance(found, dict)
    assert {"customer_name", "services", "segment"} <= set(found)
    for choice in [*Service, *Segment]:
        assert choice.value in form.text, "every choice is named"


def test_a_teams_own_forms_stand_in_place_of_those_that_ship(tmp_path: Path) -> None:
    assert load_forms(tmp_path) == load_forms(None)
    (tmp_path / "gitlab").mkdir()
    (tmp_path / "gitlab" / "ours.md").write_text("Ours")
    assert [form.path for form in load_forms(tmp_path)] == [".gitlab/issue_templates/ours.md"]
