"""What the quick actions in a text mean for an issue: the fields they set, and what GitLab says about each.

Names that make no sense here, or that the role does not allow, are answered with "Could not apply"; they are gone from
the text all the same, because the extractor has already cut them out.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, TypedDict

from app.sandbox.quick_actions import QuickAction
from app.sandbox.records import AccessLevel, Issue, User
from app.sandbox.state import WorldState


class IssueFields(TypedDict, total=False):
    """The parameters of an issue that can be written; an absent key means: leave it."""

    title: str
    description: str | None
    labels: Sequence[str]
    add_labels: Sequence[str]
    remove_labels: Sequence[str]
    assignee_ids: Sequence[int]
    due_date: date | None
    confidential: bool
    discussion_locked: bool | None
    state_event: str
    issue_type: str
    duplicated_to_id: int


@dataclass(slots=True)
class Interpretation:
    """The sum of all commands of one text."""

    fields: IssueFields = field(default_factory=IssueFields)
    summary: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    links: list[int] = field(default_factory=list)
    reactions: list[str] = field(default_factory=list)

    @property
    def commands_changes(self) -> dict[str, Any]:
        """What GitLab answers as `commands_changes`: the parameters the commands set."""
        changes: dict[str, Any] = dict(self.fields)
        return {name: str(value) if isinstance(value, date) else value for name, value in changes.items()}


def interpret(world: WorldState, user: User, issue: Issue | None, commands: Iterable[QuickAction]) -> Interpretation:
    """Work out what `commands` of `user` do to `issue` (None: to an issue that is being made); writes nothing."""
    reading = _Reading(world, user, issue, Interpretation())
    for command in commands:
        apply = _ACTIONS.get(command.name)
        told = apply(reading, command.argument) if apply else None
        if told is None:
            reading.result.failures.append(f"Could not apply {command.name} command.")
        else:
            reading.result.summary.append(told)
    return reading.result


_LABEL = re.compile(r'~"([^"]+)"|~([^\s,~"]+)|"([^"]+)"|([^\s,~"]+)')
_USER = re.compile(r"@([\w.-]+)")
_NUMBER = re.compile(r"#(\d+)")
_RELATIVE = re.compile(r"(?:in )?(\d+) (day|week)s?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Reading:
    world: WorldState
    user: User
    issue: Issue | None
    result: Interpretation

    @property
    def fields(self) -> IssueFields:
        return self.result.fields

    @property
    def may_set_metadata(self) -> bool:
        """Labels, people and dates: any member while creating, Planner and up later."""
        return self.issue is None or self.world.level(self.user) >= AccessLevel.PLANNER

    @property
    def may_update(self) -> bool:
        return self.issue is None or self.world.can_update(self.user, self.issue)

    def titles(self, argument: str) -> list[str]:
        """The labels a command names; those that do not exist are ignored, GitLab makes none here."""
        words = ["".join(groups) for groups in _LABEL.findall(argument)]
        whole = argument.strip().removeprefix("~")
        known = {label.title for label in self.world.labels.values()}
        return [whole] if whole in known else [word for word in words if word in known]

    def people(self, argument: str) -> list[int]:
        if argument.strip() == "me":
            return [self.user.id]
        names = _USER.findall(argument)
        return [user.id for user in self.world.users.values() if user.username in names]


def _state(event: str, told: str) -> Callable[[_Reading, str], str | None]:
    def apply(reading: _Reading, _argument: str) -> str | None:
        is_open = reading.issue is None or reading.issue.is_open
        if not reading.may_update or is_open is (event == "reopen"):
            return None
        reading.fields["state_event"] = event
        return told

    return apply


def _title(reading: _Reading, argument: str) -> str | None:
    if not argument or not reading.may_update:
        return None
    reading.fields["title"] = argument
    return f'Changed the title to "{argument}".'


def _label(reading: _Reading, argument: str) -> str | None:
    titles = reading.titles(argument)
    if not titles or not reading.may_set_metadata:
        return None
    reading.fields["add_labels"] = [*reading.fields.get("add_labels", []), *titles]
    return f"Added {_joined(titles)} {_plural('label', titles)}."


def _unlabel(reading: _Reading, argument: str) -> str | None:
    if reading.issue is None or not reading.may_set_metadata:
        return None
    if not argument:
        reading.fields["labels"] = []
        return "Removed all labels."
    titles = reading.titles(argument)
    if not titles:
        return None
    reading.fields["remove_labels"] = [*reading.fields.get("remove_labels", []), *titles]
    return f"Removed {_joined(titles)} {_plural('label', titles)}."


def _relabel(reading: _Reading, argument: str) -> str | None:
    titles = reading.titles(argument)
    if not titles or reading.issue is None or not reading.may_set_metadata:
        return None
    reading.fields["labels"] = titles
    return f"Replaced all labels with {_joined(titles)} {_plural('label', titles)}."


def _assign(reading: _Reading, argument: str) -> str | None:
    people = reading.people(argument)
    if not people or not reading.may_set_metadata:
        return None
    # The community edition keeps one assignee.
    reading.fields["assignee_ids"] = people[:1]
    return f"Assigned @{reading.world.user(people[0]).username}."


def _unassign(reading: _Reading, argument: str) -> str | None:
    if reading.issue is None or not reading.may_set_metadata:
        return None
    gone = reading.people(argument) if argument else reading.issue.assignee_ids
    reading.fields["assignee_ids"] = [number for number in reading.issue.assignee_ids if number not in gone]
    return "Removed assignee."


def _due(reading: _Reading, argument: str) -> str | None:
    day = _read_day(argument, today=reading.world.now().date())
    if day is None or not reading.may_set_metadata:
        return None
    reading.fields["due_date"] = day
    return f"Set the due date to {day:%b} {day.day}, {day.year}."


def _remove_due_date(reading: _Reading, _argument: str) -> str | None:
    if reading.issue is None or reading.issue.due_date is None or not reading.may_set_metadata:
        return None
    reading.fields["due_date"] = None
    return "Removed the due date."


def _confidential(reading: _Reading, _argument: str) -> str | None:
    if (reading.issue is not None and reading.issue.confidential) or not reading.may_set_metadata:
        return None
    reading.fields["confidential"] = True
    return "Made this issue confidential."


def _locking(lock: bool) -> Callable[[_Reading, str], str | None]:
    def apply(reading: _Reading, _argument: str) -> str | None:
        issue = reading.issue
        if issue is None or bool(issue.discussion_locked) is lock or not reading.may_set_metadata:
            return None
        reading.fields["discussion_locked"] = lock
        return f"{'Locked' if lock else 'Unlocked'} the discussion."

    return apply


def _duplicate(reading: _Reading, argument: str) -> str | None:
    targets = _targets(reading, argument)
    if not targets or reading.issue is None or not reading.may_update:
        return None
    reading.fields["duplicated_to_id"] = reading.world.issue(targets[0]).id
    reading.fields["state_event"] = "close"
    return f"Closed this issue. Marked as related to, and a duplicate of, #{targets[0]}."


def _relate(reading: _Reading, argument: str) -> str | None:
    targets = _targets(reading, argument)
    if not targets or reading.issue is None:
        return None
    reading.result.links.extend(targets)
    return f"Added {', '.join(f'#{target}' for target in targets)} as a linked item related to this issue."


def _react(reading: _Reading, argument: str) -> str | None:
    name = argument.strip().strip(":")
    if not name or reading.issue is None:
        return None
    reading.result.reactions.append(name)
    return f"Toggled :{name}: emoji reaction."


def _personal(told: str) -> Callable[[_Reading, str], str | None]:
    """To-dos and subscriptions concern only the person; the sandbox does not keep them."""
    return lambda _reading, _argument: told


def _targets(reading: _Reading, argument: str) -> list[int]:
    numbers = [int(number) for number in _NUMBER.findall(argument)]
    own = reading.issue.iid if reading.issue else None
    return [number for number in numbers if number in reading.world.issues and number != own]


def _read_day(text: str, *, today: date) -> date | None:
    words = text.strip().lower()
    if words in {"today", "tomorrow"}:
        return today + timedelta(days=words == "tomorrow")
    relative = _RELATIVE.fullmatch(words)
    if relative:
        return today + timedelta(days=int(relative[1]) * (7 if relative[2] == "week" else 1))
    try:
        return date.fromisoformat(words)
    except ValueError:
        return None


def _joined(titles: Sequence[str]) -> str:
    return " ".join(f'~"{title}"' if " " in title else f"~{title}" for title in titles)


def _plural(word: str, things: Sequence[object]) -> str:
    return word if len(things) == 1 else f"{word}s"


_ACTIONS: dict[str, Callable[[_Reading, str], str | None]] = {
    "close": _state("close", "Closed this issue."),
    "reopen": _state("reopen", "Reopened this issue."),
    "title": _title,
    "label": _label,
    "unlabel": _unlabel,
    "relabel": _relabel,
    "assign": _assign,
    "reassign": _assign,
    "unassign": _unassign,
    "due": _due,
    "remove_due_date": _remove_due_date,
    "confidential": _confidential,
    "lock": _locking(lock=True),
    "unlock": _locking(lock=False),
    "duplicate": _duplicate,
    "relate": _relate,
    "react": _react,
    "todo": _personal("Added a to-do item."),
    "done": _personal("Marked to-do item as done."),
    "subscribe": _personal("Subscribed to this issue."),
    "unsubscribe": _personal("Unsubscribed from this issue."),
    "shrug": _personal("Appended the shrug."),
    "tableflip": _personal("Appended the tableflip."),
}
