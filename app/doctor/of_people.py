"""Everybody and every group that the methodology names: whether they are there in GitLab.

A name with a slip in it is nobody: nothing is assigned, no gate opens, and nobody is told.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient, Reader
from app.doctor.registry import check
from app.errors import Absent, Permanent
from app.methodology import Methodology

PEOPLE: Final = "people"
AT_ONCE: Final = 4
MOST_ASKED_FOR: Final = 200
"""Members are read in one go; so many more are asked for by name."""


@check(PEOPLE, "gitlab_url", "gitlab_token", "project", "methodology")
def people_and_groups_exist(patient: Patient) -> Iterator[Finding]:
    """One line for each that is not there, or that can be given nothing to do."""
    methodology = patient.methodology()
    bot = patient.bot()
    users, groups = named_users(methodology), named_groups(methodology)
    members = {member.username.lower() for member in bot.members()}
    others = [name for name in users if name.lower() not in members]
    found = [*_others(others[:MOST_ASKED_FOR], users, bot), *_groups(groups, bot)]
    yield from found
    if len(others) > MOST_ASKED_FOR:
        yield Finding(State.NOT_CHECKED, PEOPLE, f"{len(others) - MOST_ASKED_FOR} more names were not asked for")
    if not found:
        told = f"{len(users)} people and {len(groups)} groups of the methodology are there"
        yield Finding(State.OK, PEOPLE, told if users or groups else "the methodology names nobody")


def named_users(methodology: Methodology) -> Mapping[str, str]:
    """User name → the first place where it stands."""
    found: dict[str, str] = {}
    routing = methodology.routing
    for role, held in methodology.roles.items():
        for name in held.users:
            found.setdefault(name, f"roles.{role}")
        for segment, within in held.segments.items():
            for name in within.users:
                found.setdefault(name, f"roles.{role}.segments.{segment.value}")
    single = {"routing.default_em": routing.default_em, "routing.pubsec_em": routing.pubsec_em}
    single |= {f"routing.segments.{segment.value}": name for segment, name in routing.segments.items()}
    for person, em in routing.account_team.items():
        single |= {f"routing.account_team.{person}": em}
        found.setdefault(person, "routing.account_team")
    for place, one in single.items():
        if one is not None:
            found.setdefault(one, place)
    return found


def named_groups(methodology: Methodology) -> Mapping[str, str]:
    """Path of a group → the first place where it stands."""
    found: dict[str, str] = {}
    for role, held in methodology.roles.items():
        for holders in (held, *held.segments.values()):
            for path in holders.groups:
                found.setdefault(path, f"roles.{role}")
    return found


def _others(names: list[str], places: Mapping[str, str], bot: Reader) -> list[Finding]:
    """Who is no member: unknown, or somebody who can be mentioned and assigned nothing."""
    with ThreadPoolExecutor(AT_ONCE) as asking:
        known = dict(zip(names, asking.map(bot.find_user, names), strict=True))
    found = []
    for name, person in known.items():
        if person is None:
            reason, mend = f"there is no user @{name}", f"mend {places[name]} in the methodology"
            found.append(Finding(State.BROKEN, PEOPLE, f"{reason} ({places[name]})", mend))
        else:
            reason = f"@{name} is no member of the project, and can be assigned nothing ({places[name]})"
            found.append(Finding(State.WARNING, PEOPLE, reason, "make them a member"))
    return found


def _groups(places: Mapping[str, str], bot: Reader) -> list[Finding]:
    with ThreadPoolExecutor(AT_ONCE) as asking:
        return [each for found in asking.map(partial(_group, places=places, bot=bot), places) for each in found]


def _group(path: str, *, places: Mapping[str, str], bot: Reader) -> list[Finding]:
    place = places[path]
    try:
        people = bot.group_members(path)
    except Absent:
        mend = f"mend {place} in the methodology, or let the bot see the group"
        return [Finding(State.BROKEN, PEOPLE, f"the bot sees no group {path} ({place})", mend)]
    except Permanent as fault:
        reason = f"the members of the group {path} cannot be read: {fault.reason} ({place})"
        return [Finding(State.BROKEN, PEOPLE, reason, "let the bot see who is in it")]
    if people:
        return []
    return [Finding(State.WARNING, PEOPLE, f"the group {path} has no members ({place})", "add somebody to it")]
