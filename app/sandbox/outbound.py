"""The stand-in Salesforce's Outbound Messages: a queue for each object, sent again until they are acknowledged.

As documented: up to 100 notifications in a message; each carries what the record says when it is sent, not when it
changed; anything but an Ack, and it comes again, at growing intervals of up to two hours, for a day.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from xml.sax.saxutils import escape, quoteattr

import httpx

from app.sandbox.salesforce import SalesforceRecord, SalesforceWorld

MOST_NOTIFICATIONS: Final = 100
FIRST_WAIT_S: Final = 15.0
MOST_WAIT_S: Final = 7_200.0
LIFE_S: Final = 86_400.0
TIMEOUT_S: Final = 60.0
_ACK: Final = "<Ack>true</Ack>"


@dataclass(slots=True)
class Notification:
    """One change of a record that has to be told. `id`: the same however often it is sent."""

    id: str
    record: str
    born_at: float
    due_at: float
    tries: int = 0


class OutboundSender:
    """Tells an address of the records of some objects. Nothing is sent before somebody says so: `send`."""

    def __init__(
        self, world: SalesforceWorld, url: str, fields: Mapping[str, Sequence[str]], *, client: httpx.Client
    ) -> None:
        """`fields`: object → the fields that its messages carry, besides the id."""
        self.world = world
        self.url = url
        self.fields = fields
        self.waiting: list[Notification] = []
        self.dropped: list[Notification] = []
        """Those that nobody acknowledged for a day."""
        self.answers: list[int] = []
        """Status of each answer; 0: there was none."""
        self._client = client
        self._clock: Callable[[], float] = world.clock
        world.watchers.append(self._changed)

    def _changed(self, record: SalesforceRecord) -> None:
        if record.kind in self.fields:
            now = self._clock()
            self.waiting.append(Notification(self.world.new_id("04l"), record.id, now, now))

    def send(self, *, order: Callable[[list[Notification]], Iterable[Notification]] = iter) -> int:
        """Send what is due, each object's in messages of its own; how many were acknowledged."""
        now, acknowledged = self._clock(), 0
        with self.world.lock:
            due = list(order([each for each in self.waiting if each.due_at <= now]))
        for kind in self.fields:
            of_kind = [each for each in due if self.world.records[each.record].kind == kind]
            for start in range(0, len(of_kind), MOST_NOTIFICATIONS):
                batch = of_kind[start : start + MOST_NOTIFICATIONS]
                acknowledged += self._settle(batch, is_taken=self._post(kind, batch), now=now)
        return acknowledged

    def _settle(self, batch: list[Notification], *, is_taken: bool, now: float) -> int:
        with self.world.lock:
            for each in batch:
                each.tries += 1
                each.due_at = now + min(FIRST_WAIT_S * 2 ** (each.tries - 1), MOST_WAIT_S)
                is_over = each.due_at - each.born_at > LIFE_S
                if is_taken or is_over:
                    self.waiting.remove(each)
                if is_over and not is_taken:
                    self.dropped.append(each)
        return len(batch) if is_taken else 0

    def _post(self, kind: str, batch: list[Notification]) -> bool:
        body = self._message(kind, batch)
        headers = {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '""'}
        try:
            answer = self._client.post(self.url, content=body, headers=headers, timeout=TIMEOUT_S)
        except httpx.HTTPError:
            self.answers.append(0)
            return False
        self.answers.append(answer.status_code)
        return answer.status_code == httpx.codes.OK and _ACK in answer.text

    def _message(self, kind: str, batch: list[Notification]) -> bytes:
        with self.world.lock:
            told = "".join(self._notification(kind, each) for each in batch)
        return (
            '<?xml version="1.0" encoding="UTF-8"?>'
            '<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" '
            'xmlns:xsd="http://www.w3.org/2001/XMLSchema" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">'
            '<soapenv:Body><notifications xmlns="http://soap.sforce.com/2005/09/outbound">'
            f"<OrganizationId>{self.world.organization}</OrganizationId>"
            '<ActionId>04k000000000001AAA</ActionId><SessionId xsi:nil="true"/>'
            f"{told}</notifications></soapenv:Body></soapenv:Envelope>"
        ).encode()

    def _notification(self, kind: str, notification: Notification) -> str:
        values = {name: self.world.value(notification.record, name) for name in ("Id", *self.fields[kind])}
        told = "".join(_element(name, value) for name, value in values.items() if value is not None)
        return (
            f"<Notification><Id>{notification.id}</Id><sObject xsi:type={quoteattr(f'sf:{kind}')} "
            f'xmlns:sf="urn:sobject.enterprise.soap.sforce.com">{told}</sObject></Notification>'
        )


def _element(name: str, value: Any) -> str:
    return f"<sf:{name}>{escape(str(value))}</sf:{name}>"
