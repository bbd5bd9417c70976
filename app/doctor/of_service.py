"""The way in, and the neighbours that are not there yet."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final
from urllib.parse import urlsplit

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient
from app.doctor.registry import check
from app.errors import Permanent, Retry

ADDRESS: Final = "public address"
MAIL: Final = "mail"
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


@check("pages", "oauth_client_id", "oauth_client_secret")
def people_can_look(patient: Patient) -> Iterator[Finding]:
    """Without an application in GitLab nobody can log in, and the pages are off."""
    settings = patient.settings
    if settings.oauth_client_id is None:
        reason = "PSPLAN_OAUTH_CLIENT_ID is not set: the pages are off"
        yield Finding(State.NOT_CONFIGURED, "pages", reason, "register an application in GitLab, as the README says")
    else:
        yield Finding(State.OK, "pages", "whoever is a member of the project logs in by GitLab")


@check(MAIL, "smtp_url", "smtp_from")
def mail_can_be_sent(patient: Patient) -> Iterator[Finding]:
    """A connection, EHLO and the login; nothing is sent."""
    greet, sender = patient.tools.greet_mail_server, patient.settings.smtp_from
    if greet is None or sender is None:
        yield Finding(State.NOT_CONFIGURED, MAIL, "invitations hang on issues alone (PSPLAN_SMTP_URL is not set)")
        return
    try:
        name = greet()
    except (Retry, Permanent) as fault:
        yield Finding(State.BROKEN, MAIL, fault.reason, "PSPLAN_SMTP_URL: address, port, user and password")
        return
    yield Finding(State.OK, MAIL, f"{name} answers, and takes the login; mail comes from {sender}")
