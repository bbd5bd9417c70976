"""Both tokens: whether GitLab takes them, what they may, and for how long."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date
from typing import Final

from app.clock import at
from app.directory import ACCESS_LEVELS
from app.doctor.finding import Finding, State
from app.doctor.patient import Bearer, Patient
from app.doctor.registry import check
from app.errors import NotAccepted, Permanent

SCOPE: Final = "api"
NOTED_DAYS: Final = 14
ROTATE: Final = "rotate it in GitLab, which keeps its user, and set the new one"
PLANNER: Final = ACCESS_LEVELS["planner"]
MAINTAINER: Final = ACCESS_LEVELS["maintainer"]


@check("bot's token", "gitlab_url", "gitlab_token")
def bots_token_is_good(patient: Patient) -> Iterator[Finding]:
    """Scope and days left."""
    patient.need_gitlab()
    yield _of_token("bot's token", "PSPLAN_GITLAB_TOKEN", patient.bearer_of_bot, patient)


@check("bot's role", "gitlab_url", "gitlab_token", "project")
def bot_may_do_its_work(patient: Patient) -> Iterator[Finding]:
    """Below Planner, GitLab drops labels and the mark of an internal comment without a word."""
    patient.bot()
    name = f"@{patient.bearer_of_bot().person.username}"
    level = patient.level_of_bot()
    if level >= MAINTAINER:
        mend = f"make {name} a Planner or Reporter; what needs more has the operator's token"
        yield Finding(State.WARNING, "bot's role", f"{name} is {role_name(level)}: that is more than it needs", mend)
    elif level >= PLANNER:
        yield Finding(State.OK, "bot's role", f"{name} is {role_name(level)}")
    else:
        mend = f"make {name} a Planner of {patient.settings.project}"
        yield Finding(State.BROKEN, "bot's role", f"{name} is {role_name(level)}: it cannot set labels", mend)


@check("operator's token", "gitlab_url", "gitlab_admin_token", "project")
def operators_token_is_good(patient: Patient) -> Iterator[Finding]:
    """The same, and a role that may touch webhooks; without one the bot's own has to do."""
    subject, setting = "operator's token", "PSPLAN_GITLAB_ADMIN_TOKEN"
    if not patient.has_operator:
        reason = f"{setting} is not set: the bot's own is tried, which can touch no webhook unless it is a Maintainer's"
        yield Finding(State.NOT_CONFIGURED, subject, reason)
        return
    patient.need_gitlab()
    found = _of_token(subject, setting, patient.bearer_of_operator, patient)
    yield found
    if found.state is State.BROKEN:
        return
    patient.operator()
    level = patient.level_of_operator()
    if level < MAINTAINER:
        reason = f"its user is {role_name(level)} in {patient.settings.project}: it can touch no webhook"
        yield Finding(State.BROKEN, subject, reason, "take the token of a Maintainer")


def _of_token(subject: str, setting: str, ask: Callable[[], Bearer], patient: Patient) -> Finding:
    try:
        bearer = ask()
    except NotAccepted as refusal:
        return Finding(State.BROKEN, subject, f"GitLab does not take {setting}: {refusal.reason}", "make a new one")
    except Permanent as fault:
        reason = f"{setting} may not even tell whose it is: {fault.reason}"
        return Finding(State.BROKEN, subject, reason, f"make one with the scope {SCOPE}")
    if SCOPE not in bearer.token.scopes:
        scopes = ", ".join(sorted(bearer.token.scopes)) or "none"
        reason = f"{setting} has the scope {scopes} and not {SCOPE}: it can write nothing"
        return Finding(State.BROKEN, subject, reason, f"make one with the scope {SCOPE}")
    days = _days_left(bearer.token.expires_on, patient)
    told = f"@{bearer.person.username}, scope {SCOPE}"
    if days is None:
        return Finding(State.OK, subject, f"{told}, without end")
    end = f"{told}, {days} day{'' if days == 1 else 's'} left (until {bearer.token.expires_on})"
    return Finding(State.OK, subject, end) if days > NOTED_DAYS else Finding(State.WARNING, subject, end, ROTATE)


def _days_left(expires_on: date | None, patient: Patient) -> int | None:
    return None if expires_on is None else (expires_on - at(patient.tools.clock()).date()).days


def role_name(level: int) -> str:
    """`Reporter`; `no member` below the lowest."""
    held = [name for name, least in ACCESS_LEVELS.items() if level >= least]
    return held[-1].capitalize() if held else "no member"
