"""An Outbound Message of Salesforce's: SOAP in, what it tells of out, and the Ack that ends its being sent again.

The form is that of the "Outbound Messaging WSDL". It carries no signature, so the door has judged the token before
this reads a byte; entities and document types are refused, since honest messages have none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree.ElementTree import Element, ParseError

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

MOST_NOTIFICATIONS: Final = 100
"""So many Salesforce puts into one message."""
MOST_FIELD_CHARS: Final = 4_000
_SOAP: Final = "{http://schemas.xmlsoap.org/soap/envelope/}"
_OUTBOUND: Final = "{http://soap.sforce.com/2005/09/outbound}"
_TYPE: Final = "{http://www.w3.org/2001/XMLSchema-instance}type"

ACK: Final = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b'<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/"><soapenv:Body>'
    b'<notificationsResponse xmlns="http://soap.sforce.com/2005/09/outbound"><Ack>true</Ack></notificationsResponse>'
    b"</soapenv:Body></soapenv:Envelope>"
)
"""One for the whole message; anything else, and it is sent again."""


class SoapFault(ValueError):
    """It is no Outbound Message; the words are for whoever sent it."""


@dataclass(frozen=True, slots=True)
class Notification:
    """One record in a message, by the API names of its fields; `id` is the notification's own, the same when it is
    sent again."""

    id: str
    kind: str
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class OutboundMessage:
    """A message and whose it is."""

    organization: str
    notifications: tuple[Notification, ...]


def read_outbound(body: bytes) -> OutboundMessage:
    """The message in a body. Raises SoapFault."""
    try:
        envelope = fromstring(body, forbid_dtd=True, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as fault:
        raise SoapFault(f"no XML that can be read here ({type(fault).__name__})") from fault
    found = envelope.find(f"{_SOAP}Body/{_OUTBOUND}notifications")
    if found is None:
        raise SoapFault("no Outbound Message")
    told = tuple(_notifications(found))
    if not told or len(told) > MOST_NOTIFICATIONS:
        raise SoapFault(f"{len(told)} notifications: between 1 and {MOST_NOTIFICATIONS} are expected")
    return OutboundMessage(_text(found, "OrganizationId"), told)


def _notifications(message: Element) -> Iterator[Notification]:
    for each in message.findall(f"{_OUTBOUND}Notification"):
        record = each.find(f"{_OUTBOUND}sObject")
        if record is None:
            raise SoapFault("a notification without sObject")
        fields = {
            field.tag.rpartition("}")[2]: (field.text or "")[:MOST_FIELD_CHARS]
            for field in record
            if not len(field)  # a parent's fields are not sent
        }
        kind = record.get(_TYPE, "").rpartition(":")[2]
        yield Notification(_text(each, "Id"), kind, fields)


def _text(element: Element, name: str) -> str:
    found = element.findtext(f"{_OUTBOUND}{name}", "").strip()
    if not found:
        raise SoapFault(f"no {name}")
    return found
