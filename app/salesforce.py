"""Salesforce as the service has it: the adapter with the configured login."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from threading import Lock
from typing import Final

from pydantic import SecretStr

from app.adapters.salesforce import SalesforceApi
from app.adapters.salesforce_login import ClientCredentials, JwtBearer, Login
from app.adapters.salesforce_restraint import SalesforceRestraint
from app.clock import Clock, Timer
from app.errors import Absent
from app.listing import Listing
from app.live_secrets import LiveSecrets
from app.methodology.salesforce import LegalCase, Reads, SalesforceRules
from app.metrics import Metrics
from app.opportunity import OBJECT
from app.ports import Record, Salesforce
from app.settings import Settings

RECORD_TYPE_ID: Final = "RecordTypeId"
MOST_HELD: Final = 2_000
CLOCKS_APART_S: Final = 2.0
"""So much may the clocks of two replicas differ: one takes a message in, the other reads."""


def open_salesforce(
    settings: Settings, live: LiveSecrets, timer: Timer, clock: Clock, metrics: Metrics
) -> SalesforceApi | None:
    """None where it is not configured. No request is sent: Salesforce may be down for the moment."""
    if settings.salesforce_url is None:
        return None
    restraint = SalesforceRestraint(timer, metrics)
    return SalesforceApi(url=settings.salesforce_url, login=_login(settings, live, clock), restraint=restraint)


def _login(settings: Settings, live: LiveSecrets, clock: Clock) -> Login:
    """By the key where there is one; the secrets are those of now."""
    client_id, url = settings.salesforce_client_id or "", (settings.salesforce_url or "").rstrip("/")
    if settings.salesforce_username is None:
        return ClientCredentials(client_id, lambda: _shown(live.settings.salesforce_client_secret))
    return JwtBearer(
        client_id, settings.salesforce_username, lambda: _shown(live.settings.salesforce_private_key), url, clock
    )


def _shown(secret: SecretStr | None) -> str:
    return "" if secret is None else secret.get_secret_value()


class LastRead:
    """The records that were read last, and when: of ten messages about one that wait, all but the first cost no call.

    A record is as old as the moment before it was asked for.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = Lock()
        self._held: OrderedDict[str, tuple[float, Record | None]] = OrderedDict()

    def get(self, name: str, after: float | None, read: Callable[[], Record | None]) -> Record | None:
        """What was read since then; else it is read."""
        with self._lock:
            at, held = self._held.get(name, (0.0, None))
        if after is not None and at > after + CLOCKS_APART_S:
            return held
        asked_at = self._clock()
        found = read()
        with self._lock:
            self._held[name] = (asked_at, found)
            self._held.move_to_end(name)
            while len(self._held) > MOST_HELD:
                self._held.popitem(last=False)
        return found


@dataclass(frozen=True, slots=True)
class SalesforceReads:
    """Opportunities and cases with the fields that the methodology names. Implements snapshot.SalesforceRecords."""

    salesforce: Salesforce
    rules: SalesforceRules
    last: LastRead

    @property
    def fields(self) -> tuple[str, ...]:
        """What is asked for of each."""
        return tuple(dict.fromkeys([*self.rules.reads.values(), *map(self.rules.looks_at, self.rules.writes.values())]))

    def opportunity(self, key: str, *, after: float | None = None) -> Record | None:
        """One, by its id in either form."""
        return self.last.get(f"{OBJECT}:{key}", after, partial(self._read, key))

    def _read(self, key: str) -> Record | None:
        try:
            return self.salesforce.read(OBJECT, key, self.fields)
        except Absent:
            return None

    def changed_since(self, moment: datetime, *, most: int) -> Listing[Record]:
        """Of any record type, as an engagement's may be: those that changed then or later, the longest ago first."""
        return self.salesforce.changed(OBJECT, self.fields, since=moment, most=most)

    def begins_engagements(self, opportunity: Record) -> bool:
        """Whether it is of the record type that begins an engagement by itself."""
        name = self.rules.reads.get(Reads.RECORD_TYPE)
        found = None if name is None else opportunity.fields.get(name)
        return str(found or "").strip().casefold() == self.rules.record_type.casefold()

    def legal_case(self, engagement: str, *, after: float | None = None) -> Record | None:
        """The one of an engagement, by its external id."""
        rules = self.rules.legal_case
        if rules is None:
            return None
        ask = partial(self.salesforce.find, rules.object, rules.external_id, engagement, _fields_of(rules))
        return self.last.get(f"{rules.object}:{engagement}", after, ask)

    def cases_since(self, moment: datetime, *, most: int) -> Listing[Record]:
        """Cases that changed at that moment or later; of one record type, where the methodology names it."""
        rules = self.rules.legal_case
        if rules is None:
            return Listing(())
        kind = {name: text for name, text in rules.fields.items() if name == RECORD_TYPE_ID}
        fields = (rules.external_id, rules.status)
        return self.salesforce.changed(
            rules.object, fields, since=moment, where=kind, filled=(rules.external_id,), most=most
        )

    def engagement_of(self, case: Record) -> str | None:
        """The engagement that a case says to be of."""
        rules = self.rules.legal_case
        found = None if rules is None else case.fields.get(rules.external_id)
        return str(found) if found else None


def _fields_of(rules: LegalCase) -> tuple[str, ...]:
    return tuple(dict.fromkeys([rules.external_id, rules.status, *sorted(rules.follows)]))
