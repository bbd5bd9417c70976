"""The way in, and the neighbours that are not there yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient
from app.doctor.registry import check
from app.errors import Retry

ADDRESS: Final = "public address"
HEALTH: Final = "/healthz"
LOOPBACK: Final = frozenset({"localhost", "127.0.0.1", "::1"})


@check(ADDRESS, "public_url")
def service_is_reached(patient: Patient) -> Iterator[Finding]:
    """Asked from here, which is not where GitLab asks from, but most of the way is the same."""
    url = patient.settings.public_url
    if url is None:
        reason = "PSPLAN_PUBLIC_URL is not set: status links and the webhook need it"
        yield Finding(State.NOT_CONFIGURED, ADDRESS, reason, "such as PSPLAN_PUBLIC_URL=https://psplan.example.com")
        return
    try:
        health = patient.tools.probe(url + HEALTH)
    except Retry as fault:
        mend = "is psplan serve running, and does the proxy lead to it?"
        yield Finding(State.BROKEN, ADDRESS, f"{url} does not answer ({fault.reason})", mend)
        return
    if health.status != 200 or not health.is_ours:
        reason = f"{url}{HEALTH} answered {health.status}, and not as psplan does"
        yield Finding(State.BROKEN, ADDRESS, reason, "PSPLAN_PUBLIC_URL leads somewhere else: mend it, or the proxy")
    elif url.startswith("http:") and urlsplit(url).hostname not in LOOPBACK:
        yield Finding(State.WARNING, ADDRESS, f"{url} answers, and is not encrypted", "put a proxy with TLS before it")
    else:
        yield Finding(State.OK, ADDRESS, f"{url} answers")


@check("Slack")
def slack_is_told(_: Patient) -> Iterator[Finding]:
    """Messages go to GitLab alone."""
    yield Finding(State.NOT_CONFIGURED, "Slack", "nobody is told there; everything is said in GitLab")


@check("Salesforce")
def salesforce_is_asked(_: Patient) -> Iterator[Finding]:
    """Stages of opportunities are set as labels by people."""
    yield Finding(State.NOT_CONFIGURED, "Salesforce", "stages come from SFDC labels, which people set")
