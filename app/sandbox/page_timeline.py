"""What happened on an issue, in one line of time: comments, labels and states, with reactions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from markupsafe import Markup

from app.sandbox.page_markdown import render_markdown
from app.sandbox.page_references import EMOJI, Known, LabelChip, chip
from app.sandbox.page_views import PersonView, label_chip, person_view
from app.sandbox.records import AccessLevel, Award, LabelEvent, Note, User
from app.sandbox.world import World

OFFERED_REACTIONS: Final = ("thumbsup", "thumbsdown", "eyes", "tada", "white_check_mark", "rocket")


@dataclass(frozen=True, slots=True)
class Reaction:
    """One emoji, who gave it, and whether the reader is among them."""

    name: str
    people: tuple[str, ...]
    is_mine: bool

    @property
    def sign(self) -> str:
        """The emoji itself, or its name between colons."""
        return EMOJI.get(self.name, f":{self.name}:")


@dataclass(frozen=True, slots=True)
class Comment:
    """A comment, or a system note, as it is shown."""

    id: int
    by: PersonView
    at: datetime
    body: Markup
    is_edited: bool
    is_internal: bool
    is_system: bool
    is_reply: bool
    may_edit: bool
    reactions: tuple[Reaction, ...]

    kind = "comment"


@dataclass(frozen=True, slots=True)
class LabelChange:
    """Labels that one person added and removed in one act."""

    by: PersonView
    at: datetime
    added: tuple[LabelChip, ...]
    removed: tuple[LabelChip, ...]

    kind = "labels"


@dataclass(frozen=True, slots=True)
class StateChange:
    """The issue was closed or reopened."""

    by: PersonView
    at: datetime
    state: str

    kind = "state"


Entry = Comment | LabelChange | StateChange


def timeline(world: World, user: User, iid: int, known: Known) -> list[Entry]:
    """Everything this user may see of what happened, oldest first; call it with the world's lock held."""
    notes = world.visible_notes(user, iid)
    entries: list[Entry] = [_comment(world, user, note, known) for note in notes]
    entries += _label_changes(world, [event for event in world.label_events if event.issue_iid == iid])
    entries += [
        StateChange(person_view(world, world.user(event.user_id)), event.created_at, event.state)
        for event in world.state_events
        if event.issue_iid == iid
    ]
    return sorted(entries, key=lambda entry: entry.at)


def _comment(world: World, user: User, note: Note, known: Known) -> Comment:
    return Comment(
        id=note.id,
        by=person_view(world, world.user(note.author_id)),
        at=note.created_at,
        body=render_markdown(note.body, known),
        is_edited=note.updated_by_id is not None,
        is_internal=note.internal,
        is_system=note.system,
        is_reply=_is_reply(world, note),
        may_edit=note.author_id == user.id or world.level(user) >= AccessLevel.MAINTAINER,
        reactions=reactions(world, user, world.reactions(user, note.issue_iid, note_id=note.id)),
    )


def _is_reply(world: World, note: Note) -> bool:
    return world.discussion(note.issue_iid, note.discussion_id)[0] is not note


def reactions(world: World, user: User, awards: Iterable[Award]) -> tuple[Reaction, ...]:
    """Equal reactions counted together, in the order in which they came first."""
    by_name: dict[str, list[Award]] = {}
    for award in awards:
        by_name.setdefault(award.name, []).append(award)
    return tuple(
        Reaction(
            name=name,
            people=tuple(world.user(award.user_id).name for award in same),
            is_mine=any(award.user_id == user.id for award in same),
        )
        for name, same in by_name.items()
    )


def _label_changes(world: World, events: Iterable[LabelEvent]) -> list[Entry]:
    """Label events of one person at the same moment are one act, and one entry."""
    acts: list[list[LabelEvent]] = []
    for event in events:
        last = acts[-1][-1] if acts else None
        if last and last.user_id == event.user_id and event.created_at == last.created_at:
            acts[-1].append(event)
        else:
            acts.append([event])
    return [_label_change(world, act) for act in acts]


def _label_change(world: World, act: list[LabelEvent]) -> LabelChange:
    def chips(action: str) -> tuple[LabelChip, ...]:
        found = [world.labels.get(event.label_id) for event in act if event.action == action]
        return tuple(label_chip(label) if label else chip("deleted label") for label in found)

    return LabelChange(person_view(world, world.user(act[0].user_id)), act[0].created_at, chips("add"), chips("remove"))
