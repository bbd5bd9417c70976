"""The GitLab itself: whether it answers, which version it is, and whether its clock is ours."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient, Unchecked
from app.doctor.registry import check
from app.errors import NotAccepted, Permanent, Retry

OLDEST: Final = (17, 0)
NOTED_SKEW_S: Final = 60.0
REFUSED_SKEW_S: Final = 300.0
"""Signed deliveries that are older or younger than this are refused."""
WHERE: Final = "is PSPLAN_GITLAB_URL its address, and is it up?"


@check("GitLab", "gitlab_url")
def gitlab_answers(patient: Patient) -> Iterator[Finding]:
    """It answers, and is not too old."""
    url = patient.settings.gitlab_url
    try:
        instance = patient.seen().instance
    except NotAccepted:
        yield Finding(State.OK, "GitLab", f"{url} answers; which version it is, it tells no stranger")
        return
    except (Retry, Permanent) as fault:
        yield Finding(State.BROKEN, "GitLab", f"{url}: {fault.reason}", WHERE)
        return
    edition = "Enterprise Edition" if instance.is_enterprise else "Community Edition"
    told = f"{url} answers: {instance.version}, {edition}"
    if instance.release < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        yield Finding(State.WARNING, "GitLab", told, f"{oldest} or newer is what psplan is made for")
    else:
        yield Finding(State.OK, "GitLab", told)


@check("clock", "gitlab_url")
def clocks_agree(patient: Patient) -> Iterator[Finding]:
    """Signatures hold for five minutes, and deadlines are told in GitLab's time."""
    try:
        seen = patient.seen()
    except (Retry, Permanent):
        raise Unchecked("GitLab does not tell its time") from None
    if seen.instance.clock is None:
        raise Unchecked("GitLab does not tell its time")
    skew_s = seen.at - seen.instance.clock.timestamp()
    order = "ahead of" if skew_s > 0 else "behind"
    told = f"this machine is {abs(skew_s):,.0f} s {order} GitLab"
    mend = "set the clocks of both machines by NTP"
    if abs(skew_s) >= REFUSED_SKEW_S:
        yield Finding(State.BROKEN, "clock", f"{told}: signed deliveries are refused", mend)
    elif abs(skew_s) >= NOTED_SKEW_S:
        yield Finding(State.WARNING, "clock", told, mend)
    else:
        yield Finding(State.OK, "clock", "the same as GitLab's, to a few seconds")
