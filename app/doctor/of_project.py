"""The project: whether it is there, and what `psplan setup` would do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient
from app.doctor.registry import check
from app.errors import Absent, Permanent, Retry
from app.setup.changes import (
    AddList,
    Change,
    ChangeHook,
    ChangeLabel,
    CreateBoard,
    CreateHook,
    CreateLabel,
    Difference,
    Gravity,
    MoveList,
    Part,
    RenewSecret,
    TestHook,
    WriteForm,
    shown,
)
from app.setup.difference import COMPARED, Options
from app.setup.ready import NEEDS, unseen

SETUP: Final = "psplan setup"
MOST_NAMED: Final = 4
STATES: Final = {
    Gravity.NOTE: State.NOT_CONFIGURED,
    Gravity.BLEMISH: State.WARNING,
    Gravity.GRAVE: State.BROKEN,
}


@check("project", "gitlab_url", "gitlab_token", "project")
def project_is_there(patient: Patient) -> Iterator[Finding]:
    """It exists, the bot sees it, and issues can be made in it."""
    patient.need_gitlab()
    patient.need_token()
    try:
        facts = patient.facts()
    except Absent:
        path = patient.settings.project
        mend = f"is PSPLAN_PROJECT right, and is @{patient.bearer_of_bot().person.username} a member of it?"
        yield Finding(State.BROKEN, "project", f"the bot sees no project {path}", mend)
        return
    if facts.is_archived:
        yield Finding(State.BROKEN, "project", f"{facts.path} is archived: nobody can write", "unarchive it")
    elif not facts.takes_issues:
        yield Finding(State.BROKEN, "project", f"{facts.path} has its issues switched off", "switch them on")
    else:
        yield Finding(State.OK, "project", facts.web_url)


@check("webhook", "gitlab_url", "project", "public_url", "webhook_tokens", "webhook_signing_keys")
def webhook_is_right(patient: Patient) -> Iterator[Finding]:
    """There is one that leads here, GitLab sends to it, with its events, and is answered."""
    yield from _of_part(Part.WEBHOOK, patient)


@check("labels", "gitlab_url", "project", "methodology")
def labels_are_right(patient: Patient) -> Iterator[Finding]:
    """Those of the methodology, to the letter."""
    yield from _of_part(Part.LABELS, patient)


@check("boards", "gitlab_url", "project", "methodology")
def boards_are_right(patient: Patient) -> Iterator[Finding]:
    """One for each track, in its order."""
    yield from _of_part(Part.BOARDS, patient)


@check("issue templates", "gitlab_url", "project", "templates")
def forms_are_right(patient: Patient) -> Iterator[Finding]:
    """What GitLab offers to whoever opens an issue by hand."""
    yield from _of_part(Part.FORMS, patient)


def _of_part(part: Part, patient: Patient) -> Iterator[Finding]:
    keeper, wanted = patient.operator(), patient.desired()
    try:
        found = COMPARED[part](keeper, wanted, Options())
    except (Retry, Permanent) as fault:
        if part is Part.FORMS:  # everything works without
            found = Difference(remarks=(unseen(part, fault),))
        elif isinstance(fault, Permanent):
            yield Finding(State.NOT_CHECKED, part.value, fault.reason, f"needs {NEEDS[part]}")
            return
        else:
            raise
    yield from findings_of(part, found)


def findings_of(part: Part, found: Difference) -> Iterator[Finding]:
    """A difference as lines: one for each kind of step, and one for each remark."""
    for words, changes in _kinds(found.changes):
        state = STATES[max((change.gravity for change in changes), key=list(Gravity).index)]
        yield Finding(state, part.value, words(changes), SETUP, changes)
    for remark in found.remarks:
        yield Finding(STATES[remark.gravity], part.value, remark.words, remark.mend)
    is_well = not found.changes and all(remark.gravity is Gravity.NOTE for remark in found.remarks)
    if is_well and found.is_as_it_should_be:
        yield Finding(State.OK, part.value, found.is_as_it_should_be)


Words = Callable[[Sequence[Any]], str]


def _kinds(changes: Sequence[Change]) -> Iterator[tuple[Words, tuple[Change, ...]]]:
    """Steps that are told in one breath, in the order in which they are to be done."""
    new_boards = {change.name for change in changes if isinstance(change, CreateBoard)}
    kinds: dict[Words, list[Change]] = {}
    for change in changes:
        is_of_new_board = isinstance(change, AddList) and change.board in new_boards
        kinds.setdefault(TOLD[CreateBoard if is_of_new_board else type(change)], []).append(change)
    for words, same in kinds.items():
        yield words, tuple(same)


def _missing_labels(changes: Sequence[CreateLabel]) -> str:
    return f"missing: {_some(change.name for change in changes)}"


def _other_labels(changes: Sequence[ChangeLabel]) -> str:
    return f"colour or description differ: {_some(change.name for change in changes)}"


def _missing_boards(changes: Sequence[CreateBoard | AddList]) -> str:
    return f"missing: {_some(f'“{change.name}”' for change in changes if isinstance(change, CreateBoard))}"


def _missing_columns(changes: Sequence[AddList]) -> str:
    return f"columns are missing: {_some(f'{change.label} on “{change.board}”' for change in changes)}"


def _moved_columns(changes: Sequence[MoveList]) -> str:
    boards = dict.fromkeys(change.board for change in changes)
    return f"columns are not in the order of the track: {_some(f'“{name}”' for name in boards)}"


def _forms(changes: Sequence[WriteForm]) -> str:
    told = [f"{change.path} is {'missing' if change.over is None else 'old'}" for change in changes]
    return _some(told)


TOLD: Final[Mapping[type[Change], Words]] = {
    CreateLabel: _missing_labels,
    ChangeLabel: _other_labels,
    CreateBoard: _missing_boards,
    AddList: _missing_columns,
    MoveList: _moved_columns,
    CreateHook: lambda changes: f"there is none that leads to {shown(changes[0].url)}",
    ChangeHook: lambda changes: f"{shown(changes[0].url)}: {'; '.join(changes[0].wrong)}",
    RenewSecret: lambda changes: f"{shown(changes[0].url)}: {changes[0].why}",
    TestHook: lambda changes: f"{shown(changes[0].url)}: GitLab has disabled it, and sends nothing",
    WriteForm: _forms,
}
"""How steps of one kind are told together, as what is lacking."""


def _some(names: Iterable[str]) -> str:
    """The first few, and how many more."""
    known = list(names)
    more = f" and {len(known) - MOST_NAMED} more" if len(known) > MOST_NAMED else ""
    return ", ".join(known[:MOST_NAMED]) + more
