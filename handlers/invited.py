"""Who is invited to a meeting: whoever is named for the engagement, else whom the roles name; and guests."""

from __future__ import annotations

import re
from collections.abc import Iterator

from app.hearing import Hearing
from app.methodology.meetings import MeetingRules
from app.methodology.parts import IssueKind
from handlers.answers import written
from handlers.speech import leads_of

MOST_INVITED = 40
_USERNAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,254}")


def who_is_invited(rules: MeetingRules, guests: tuple[str, ...], hearing: Hearing) -> tuple[str, ...]:
    """User names, each once. Whom GitLab is known not to know is left out."""
    found: dict[str, str] = {}
    for username in (*(name for key in rules.invites for name in _of(key, hearing)), *guests):
        if _USERNAME.fullmatch(username) and hearing.snapshot.people.get(username, True):
            found.setdefault(username.lower(), username)
    return tuple(found.values())[:MOST_INVITED]


def is_known(username: str, hearing: Hearing) -> bool:
    """Whether GitLab, or the methodology, knows somebody of this name: into a table anybody may type one."""
    if hearing.snapshot.people.get(username):
        return True
    holders = (name for held in hearing.course.scene.holders.values() for name in held)
    named = (name.lower() for role in hearing.methodology.roles for name in hearing.people.get(role, ()))
    is_team = username in hearing.people.get("account_team", ())
    return not is_team and username.lower() in {*holders, *named}


def _of(key: str, hearing: Hearing) -> Iterator[str]:
    """The people behind a role, or behind a word of `staff`."""
    field = hearing.methodology.staff_fields.get(key)
    named = "" if field is None else written(hearing, IssueKind.INTAKE).get(field, "")
    people = [each.strip().lstrip("@") for each in re.split(r"[,;\s]+", named) if each.strip()]
    if not people and key in hearing.methodology.roles:
        leads = leads_of(hearing.course.scene, hearing.playbook)
        people = list(leads.get(key) or hearing.people.get(key, ()))
    yield from people
