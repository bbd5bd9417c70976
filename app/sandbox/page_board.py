"""The board page: scoping issues by `proposal::` label, intake issues by `Intake::` label, cards that can be moved."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from starlette.responses import Response
from starlette.routing import BaseRoute

from app.sandbox.clockwork import words
from app.sandbox.interpret import IssueFields
from app.sandbox.page_frame import Frame, Visit, go
from app.sandbox.page_references import LabelChip, chip
from app.sandbox.page_views import IssueRow, label_chip, visible_rows
from app.sandbox.refusals import Refused
from app.sandbox.state import PROJECT_PATH
from app.sandbox.world import World

BOARDS_PATH: Final = f"/{PROJECT_PATH}/-/boards"
OPEN: Final = "open"
CLOSED: Final = "closed"
INTAKE_LABEL: Final = "Project Scheduling Intake"
_SCOPES: Final = {
    "proposal": (
        *words("Awaiting_Discovery Strawman_WIP Estimate_Feedback SOW_WIP"),
        "Ready For Approval",
        *words("Approved On_hold Closed_Won Closed_Lost"),
    ),
    "Intake": words("Draft Needs-Info Ready Staffing Staffed Scheduled Cancelled"),
}
PROCESS_LABELS: Final = frozenset(f"{scope}::{value}" for scope, values in _SCOPES.items() for value in values)
"""What people are likely to want, also before anybody made the label."""


@dataclass(frozen=True, slots=True)
class Column:
    """A list of cards; `key` is `open`, `closed` or the title of a label."""

    key: str
    label: LabelChip | None
    cards: tuple[IssueRow, ...]

    @property
    def name(self) -> str:
        """What stands above the column."""
        return self.label.value if self.label else self.key.capitalize()


@dataclass(frozen=True, slots=True)
class BoardView:
    """One board: the label scope that makes its columns."""

    scope: str
    title: str
    columns: tuple[Column, ...]


def board_routes(frame: Frame) -> Sequence[BaseRoute]:
    """The page of both boards, and moving a card."""

    def show(visit: Visit) -> Response:
        rows = visible_rows(visit.world, visit.user)
        intake = [row for row in rows if _is_intake(row)]
        scoping = [row for row in rows if not _is_intake(row)]
        boards = [
            BoardView("proposal", "Scoping", _columns(visit.world, "proposal", scoping)),
            BoardView("Intake", "Scheduling intake", _columns(visit.world, "Intake", intake)),
        ]
        return frame.page(visit, "board.html", boards=boards)

    return [frame.reading(BOARDS_PATH, show), frame.writing(f"{BOARDS_PATH}/move", _move)]


def _is_intake(row: IssueRow) -> bool:
    return row.has_label(INTAKE_LABEL) or any(label.scope == "Intake" for label in row.labels)


def _titles(world: World, scope: str) -> list[str]:
    """The columns of a scope: those of the process, and whatever else there is of it."""
    known = [f"{scope}::{value}" for value in _SCOPES[scope]]
    with world.lock:
        others = sorted(label.title for label in world.labels.values() if label.title.startswith(f"{scope}::"))
    return list(dict.fromkeys([*known, *others]))


def _columns(world: World, scope: str, rows: Iterable[IssueRow]) -> tuple[Column, ...]:
    titles = _titles(world, scope)
    with world.lock:
        chips = {label.title: label_chip(label) for label in world.labels.values()}
    cards: dict[str, list[IssueRow]] = {key: [] for key in (OPEN, *titles, CLOSED)}
    for row in rows:
        # Without a licence two labels of a scope can meet on an issue; GitLab then shows it in both columns.
        own = [title for title in titles if row.has_label(title)] or [OPEN]
        for key in own if row.is_open else [CLOSED]:
            cards[key].append(row)
    return tuple(
        Column(key, None if key in (OPEN, CLOSED) else chips.get(key) or chip(key), tuple(found))
        for key, found in cards.items()
    )


def _move(visit: Visit) -> Response:
    world, iid, target, scope = visit.world, visit.whole("iid"), visit.field("to"), visit.field("scope")
    if scope not in _SCOPES:
        raise Refused(400, {"message": "scope does not have a valid value"})
    titles = _titles(world, scope)
    if target not in (OPEN, CLOSED, *titles):
        raise Refused(400, {"message": f"there is no column {target}"})
    issue = world.visible_issue(visit.user, iid)
    fields = IssueFields()
    if target == CLOSED:
        fields["state_event"] = "close"
    else:
        fields["remove_labels"] = [title for title in titles if title != target]
        if target != OPEN:
            fields["add_labels"] = [target]
        if not issue.is_open:
            fields["state_event"] = "reopen"
    world.update_issue(visit.user, iid, **fields)
    return go(f"{BOARDS_PATH}#card-{iid}", said=f"Moved #{iid} to {target}.")
