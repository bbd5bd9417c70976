"""Does one step at a time, through the port; what it needs to know of the project it reads when it needs it."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from app.errors import Held, Permanent, Retry
from app.ports import HookWish, IssueChange, ProjectKeeper
from app.project import Board
from app.setup.changes import (
    AddList,
    Change,
    ChangeHook,
    ChangeLabel,
    CreateBoard,
    CreateHook,
    CreateLabel,
    MoveList,
    RenameLabel,
    RenewSecret,
    RetireLabel,
    TestHook,
    WriteForm,
)
from app.setup.desired import EVENTS
from app.tell import Tell, unheard

HOOK_NAME: Final = "PS Plan Bot"
COMMIT_MESSAGE: Final = "Issue templates of PS Plan, by psplan setup"
MOST_WAITS: Final = 3
LONGEST_WAIT_S: Final = 65.0
"""Limits are counted by the minute."""


@dataclass(frozen=True, slots=True)
class Secrets:
    """What GitLab sends with each delivery, or signs it with; the first of those that the service accepts."""

    token: str | None = field(default=None, repr=False)
    signing_token: str | None = field(default=None, repr=False)


class Performer:
    """Carries out steps in the order in which they are given. Raises Retry or Permanent as the port does."""

    def __init__(
        self,
        keeper: ProjectKeeper,
        secrets: Secrets,
        *,
        tell: Tell = unheard,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._keeper = keeper
        self._secrets = secrets
        self._tell = tell
        self._sleep = sleep
        self._label_ids: dict[str, int] = {}
        self._boards: dict[str, Board] = {}

    def perform(self, change: Change) -> None:
        """Do it; where our own limit of calls a minute is used up, wait."""
        for _ in range(MOST_WAITS):
            try:
                return self._perform(change)
            except Held as held:  # no request was sent
                self._sleep(min(held.after_s or 1.0, LONGEST_WAIT_S))
        return self._perform(change)

    def _perform(self, change: Change) -> None:
        match change:
            case CreateLabel() | ChangeLabel() | RenameLabel() | RetireLabel():
                self._perform_label(change)
            case CreateBoard():
                self._keeper.create_board(change.name)
            case AddList():
                self._keeper.add_list(self._board(change.board).id, self._label_id(change.label))
            case MoveList():
                self._move(change)
            case CreateHook() | ChangeHook() | RenewSecret() | TestHook():
                self._perform_hook(change)
            case WriteForm():
                where = {"branch": change.branch, "message": COMMIT_MESSAGE}
                self._keeper.write_file(change.path, change.text, **where, over=change.over)
            case _:
                raise TypeError(f"no step is called {type(change).__name__}")

    def _perform_label(self, change: CreateLabel | ChangeLabel | RenameLabel | RetireLabel) -> None:
        match change:
            case CreateLabel():
                self._keeper.create_label(change.name, colour=change.colour, description=change.description)
            case ChangeLabel():
                self._keeper.change_label(change.id, colour=change.colour, description=change.description)
            case RenameLabel():
                self._keeper.change_label(change.id, name=change.to)
            case RetireLabel():
                self._retire(change)

    def _perform_hook(self, change: CreateHook | ChangeHook | RenewSecret | TestHook) -> None:
        match change:
            case CreateHook():
                self._keeper.create_hook(self._wish(change.url))
            case ChangeHook():
                self._keeper.change_hook(change.id, self._wish(change.url))
            case RenewSecret():
                self._keeper.change_hook(change.id, self._wish(change.url))
                self._try_out(change.id)
            case TestHook():
                self._keeper.test_hook(change.id)

    def _retire(self, change: RetireLabel) -> None:
        """Issue by issue, so that it goes on where it was cut off; the label goes when nothing carries it."""
        carriers = self._keeper.issues_with(change.name)
        add = () if change.to is None else (change.to,)
        for number, iid in enumerate(carriers, start=1):
            self._tell(f"taking {change.name} off issues", number, len(carriers))
            self._keeper.change_issue(iid, IssueChange(add_labels=add, remove_labels=(change.name,)))
        if not self._keeper.delete_unused_label(change.id, change.name):
            raise Permanent("it is still in use, perhaps by a merge request: it was not deleted")

    def _board(self, name: str) -> Board:
        if name not in self._boards:
            self._boards = {board.name: board for board in reversed(self._keeper.boards())}
        if name not in self._boards:
            raise _not_yet(f"there is no board “{name}”")
        return self._boards[name]

    def _label_id(self, name: str) -> int:
        if name not in self._label_ids:
            self._label_ids = {label.name: label.id for label in self._keeper.labels()}
        if name not in self._label_ids:
            raise _not_yet(f"there is no label {name}")
        return self._label_ids[name]

    def _move(self, change: MoveList) -> None:
        column = self._column(change)
        if column is None:  # it was added a moment ago
            self._boards = {}
            column = self._column(change)
        if column is None:
            raise _not_yet(f"there is no column {change.label}")
        self._keeper.move_list(self._board(change.board).id, column, change.position)

    def _column(self, change: MoveList) -> int | None:
        lists = self._board(change.board).lists
        return next((each.id for each in lists if each.label == change.label), None)

    def _try_out(self, hook_id: int) -> None:
        """So that the newest delivery of the log is one with the new secret; without an issue GitLab has no test."""
        try:
            self._keeper.test_hook(hook_id)
        except Permanent:
            return

    def _wish(self, url: str) -> HookWish:
        return HookWish(
            url=url,
            events=EVENTS,
            name=HOOK_NAME,
            token=self._secrets.token,
            signing_token=self._secrets.signing_token,
        )


def _not_yet(reason: str) -> Retry:
    """What this step needs was to be made by one before it: that may succeed the next time, and needs no wait."""
    return Retry(reason, after_s=0.0)
