"""What the pages show of people, issues and times: small values read from the world while its lock is held."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from markupsafe import Markup

from app.sandbox.page_references import IssueMention, Known, LabelChip, chip
from app.sandbox.people import CAST
from app.sandbox.records import AccessLevel, Issue, Label, User
from app.sandbox.world import World

_DUTIES: Final = {person.username: person.duty for person in CAST}


@dataclass(frozen=True, slots=True)
class PersonView:
    """Somebody with a face: initials on a colour of their own (`hue`, in degrees)."""

    username: str
    name: str
    duty: str
    role: str
    is_bot: bool
    hue: int

    @property
    def initials(self) -> str:
        """First letters of first and last name."""
        names = self.name.split() or [self.username]
        return (names[0][0] + (names[-1][0] if len(names) > 1 else "")).upper()


def person_view(world: World, user: User) -> PersonView:
    """A person with duty (of the cast) and project role."""
    role = world.level(user).name.lower()
    duty = _DUTIES.get(user.username, role)
    # Steps of the golden angle keep the colours of neighbours apart.
    return PersonView(user.username, user.name, duty, role, user.is_bot, hue=user.id * 137 % 360)


def actors(world: World) -> list[PersonView]:
    """Everybody a visitor can be: the members, without bots."""
    with world.lock:
        members = (user for user in world.users.values() if not user.is_bot and world.level(user))
        people = [person_view(world, user) for user in members]
    return sorted(people, key=lambda person: person.username == "root")


@dataclass(frozen=True, slots=True)
class IssueRow:
    """An issue as lists and boards show it."""

    iid: int
    title: str
    is_open: bool
    is_confidential: bool
    labels: tuple[LabelChip, ...]
    author: PersonView
    assignee: PersonView | None
    due: date | None
    comments: int
    created_at: datetime
    updated_at: datetime

    def has_label(self, title: str) -> bool:
        """Whether the issue carries this very label."""
        return any(label.title == title for label in self.labels)


def label_chip(label: Label) -> LabelChip:
    """A label as a chip."""
    return chip(label.title, label.color, label.description)


def issue_row(world: World, user: User, issue: Issue) -> IssueRow:
    """An issue as this user sees it in a list."""
    assignee = world.user(issue.assignee_ids[0]) if issue.assignee_ids else None
    return IssueRow(
        iid=issue.iid,
        title=issue.title,
        is_open=issue.is_open,
        is_confidential=issue.confidential,
        labels=tuple(label_chip(label) for label in world.labels_of(issue)),
        author=person_view(world, world.user(issue.author_id)),
        assignee=None if assignee is None else person_view(world, assignee),
        due=issue.due_date,
        comments=len(world.visible_notes(user, issue.iid)),
        created_at=issue.created_at,
        updated_at=issue.updated_at,
    )


def visible_rows(world: World, user: User) -> list[IssueRow]:
    """All issues this user may see, newest first."""
    with world.lock:
        shown = [issue for issue in world.issues.values() if world.can_see(user, issue)]
        return [issue_row(world, user, issue) for issue in reversed(shown)]


def known_to(world: World, user: User) -> Known:
    """What texts may refer to for this reader."""
    with world.lock:
        people = [person_view(world, each) for each in world.users.values() if world.level(each)]
        seen = (issue for issue in world.issues.values() if world.can_see(user, issue))
        return Known(
            me=user.username,
            base_url=world.base_url,
            people={person.username: f"{person.name}, {person.duty}" for person in people},
            issues={issue.iid: IssueMention(issue.title, issue.is_open) for issue in seen},
            labels={label.title: label_chip(label) for label in world.labels.values()},
        )


def may_sort(world: World, user: User) -> bool:
    """Whether this user may set labels, people and dates of issues."""
    return world.level(user) >= AccessLevel.PLANNER


def fingerprint(world: World, user: User) -> str:
    """A word that changes whenever something this user could see on a page has changed."""
    with world.lock:
        seen = [
            (
                *(issue.iid, issue.title, issue.is_open, issue.confidential, issue.due_date, issue.last_edited_at),
                *(issue.updated_at, tuple(issue.label_ids), tuple(issue.assignee_ids), issue.discussion_locked),
            )
            for issue in world.issues.values()
        ]
        notes = [(note.id, note.updated_at) for note in world.notes.values()]
        rest = (
            *(user.username, tuple(world.awards), tuple(world.links), len(world.label_events), len(world.state_events)),
            *(tuple((label.title, label.color) for label in world.labels.values()), tuple(world.hooks)),
            *(len(world.users), max(world.hook_logs, default=0)),
        )
    return f"{zlib.crc32(repr((seen, notes, rest)).encode()):08x}"


def ago(moment: datetime, now: datetime) -> Markup:
    """A time element that says how long ago it was; the script of the pages keeps it true."""
    stamp = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{:%d %b %Y %H:%M:%S} UTC">{}</time>').format(
        stamp, moment, _ago_in_words(moment, now)
    )


def _ago_in_words(moment: datetime, now: datetime) -> str:
    seconds = (now - moment).total_seconds()
    for limit_s, unit_s, word in ((45, 1, ""), (3_600, 60, "min"), (86_400, 3_600, "h"), (7 * 86_400, 86_400, "d")):
        if seconds < limit_s:
            return f"{max(1, round(seconds / unit_s))} {word} ago" if word else "just now"
    return f"{moment.day} {moment:%b %Y}"


def due_in_words(day: date, today: date) -> str:
    """When something is due, as people say it."""
    days = (day - today).days
    if days in (-1, 0, 1):
        return {-1: "due yesterday", 0: "due today", 1: "due tomorrow"}[days]
    if days < 0:
        return f"{-days} days overdue"
    return f"due in {days} days" if days < 14 else f"due {day.day} {day:%b %Y}"
