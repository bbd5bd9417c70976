"""Salesforce: whether its messages have a door, the login is taken, and the fields of the methodology are there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.doctor.finding import Finding, State
from app.doctor.patient import Patient, Unchecked
from app.doctor.registry import check
from app.errors import Permanent, Retry
from app.methodology.salesforce import SalesforceRules
from app.opportunity import KEY_CHARS, OBJECT
from app.ports import Salesforce

SALESFORCE: Final = "Salesforce"
FEW_LEFT: Final = 0.1
NO_RECORD: Final = "000000000000000AAA"
"""No record has this id: what is asked for is whether its fields are known."""

_SETTINGS: Final = (
    "salesforce_webhook_tokens",
    "salesforce_signing_keys",
    "salesforce_organization_id",
    "salesforce_url",
    "salesforce_client_id",
    "salesforce_client_secret",
    "salesforce_private_key",
    "salesforce_username",
)


@check(SALESFORCE, *_SETTINGS)
def salesforce_is_asked(patient: Patient) -> Iterator[Finding]:
    """Without a connection stages come from labels that people set, and by messages where there is a door for them."""
    settings, salesforce = patient.settings, patient.tools.salesforce
    has_door = bool(settings.salesforce_webhook_tokens or settings.salesforce_signing_keys)
    if not has_door and salesforce is None:
        yield Finding(State.NOT_CONFIGURED, SALESFORCE, "stages come from SFDC labels, which people set")
        return
    if not has_door:
        reason = "PSPLAN_SALESFORCE_WEBHOOK_TOKENS is not set: changes are seen by the sweep alone, minutes later"
        yield Finding(State.WARNING, SALESFORCE, reason, "a token, and an Outbound Message or a Flow that bears it")
    elif settings.salesforce_organization_id is None:
        reason = "PSPLAN_SALESFORCE_ORGANIZATION_ID is not set: any organisation that has the token is heard"
        yield Finding(State.WARNING, SALESFORCE, reason, "the id on the page Company Information, 00D…")
    if salesforce is None:
        reason = "PSPLAN_SALESFORCE_URL is not set: what messages tell is believed, and nothing is written there"
        yield Finding(State.WARNING, SALESFORCE, reason, "My Domain, and a connected app for the bot")
        return
    yield from _connected(salesforce, patient)


def _connected(salesforce: Salesforce, patient: Patient) -> Iterator[Finding]:
    try:
        organization = salesforce.whoami()
        left, most = salesforce.calls_left()
    except (Retry, Permanent) as fault:
        mend = "PSPLAN_SALESFORCE_URL, …_CLIENT_ID, and …_CLIENT_SECRET, or …_PRIVATE_KEY with …_USERNAME"
        yield Finding(State.BROKEN, SALESFORCE, fault.reason, mend)
        return
    wanted = patient.settings.salesforce_organization_id
    if wanted is not None and wanted[:KEY_CHARS] != organization[:KEY_CHARS]:
        reason = f"the login is for organisation {organization}, and messages of {wanted} are heard"
        yield Finding(State.BROKEN, SALESFORCE, reason, "PSPLAN_SALESFORCE_ORGANIZATION_ID, or another login")
    if left < FEW_LEFT * most:
        reason = f"{left:,} of {most:,} calls of this day are left"
        yield Finding(State.WARNING, SALESFORCE, reason, "see in its Setup who else uses the limit up")
    yield from _fields(salesforce, patient)
    yield Finding(State.OK, SALESFORCE, f"organisation {organization}; {left:,} of {most:,} calls of this day are left")


def _fields(salesforce: Salesforce, patient: Patient) -> Iterator[Finding]:
    try:
        rules = patient.methodology().salesforce
    except Unchecked:
        yield Finding(State.NOT_CHECKED, SALESFORCE, "its fields: the methodology has to be mended first")
        return
    for kind, named in _named(rules).items():
        yield from _of_object(salesforce, kind, named)


def _named(rules: SalesforceRules) -> dict[str, dict[str, str]]:
    """Object → place in the methodology → what is read there."""
    found = {OBJECT: {f"salesforce.reads.{what}": name for what, name in rules.reads.items()}}
    found[OBJECT] |= {f"salesforce.writes.{what}": rules.looks_at(name) for what, name in rules.writes.items()}
    case = rules.legal_case
    if case is not None:
        cases = found.setdefault(case.object, {})
        cases |= {"salesforce.legal_case.external_id": case.external_id, "salesforce.legal_case.status": case.status}
        cases |= {f"salesforce.legal_case.fields.{name}": name for name in case.fields}
    return found


def _of_object(salesforce: Salesforce, kind: str, named: dict[str, str]) -> Iterator[Finding]:
    """All at once; each by itself only if that fails, since Salesforce names but the first that it does not know."""
    try:
        salesforce.find(kind, "Id", NO_RECORD, tuple(dict.fromkeys(named.values())))
    except Permanent:
        yield from _unknown(salesforce, kind, named)
    except Retry as fault:
        yield Finding(State.WARNING, SALESFORCE, f"its fields could not be looked at ({fault.reason})", "later again")


def _unknown(salesforce: Salesforce, kind: str, named: dict[str, str]) -> Iterator[Finding]:
    for place, name in named.items():
        try:
            salesforce.find(kind, "Id", NO_RECORD, (name,))
        except Permanent as fault:
            reason = f"{kind}.{name} ({place}) cannot be read: {fault.reason}"
            yield Finding(State.BROKEN, SALESFORCE, reason, "name another field, or let the bot's user see it")
        except Retry as fault:
            yield Finding(State.WARNING, SALESFORCE, f"{name} could not be looked at ({fault.reason})", "later again")
            return
