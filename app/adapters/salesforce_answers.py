"""One request to Salesforce, and its answer sorted by whether it may pass. No address and no words of it are told.

What Salesforce says in words may hold a customer's; its code (`FIELD_INTEGRITY_EXCEPTION`) and the names of the fields
do not, and say enough.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

import httpx

from app.adapters.salesforce_restraint import LIMIT_WAIT_S, SalesforceCall
from app.adapters.watch import OK
from app.errors import Absent, Permanent, Retry, VendorDown

MOST_BYTES: Final = 8 * 1024 * 1024
RETRY_AFTER_S: Final = 30.0
MOST_WAIT_S: Final = 3600.0
LOCKED_WAIT_S: Final = 3600.0
ALREADY_IN_PROCESS: Final = "ALREADY_IN_PROCESS"

_LATER: Final = frozenset({"UNABLE_TO_LOCK_ROW", "QUERY_TIMEOUT", "INVALID_QUERY_LOCATOR", "REQUEST_RUNNING_TOO_LONG"})
_UNWELL: Final = frozenset({"SERVER_UNAVAILABLE", "UNKNOWN_EXCEPTION", "API_CURRENTLY_DISABLED"})
"""Salesforce's own trouble; what was asked for may have been done."""
_GONE: Final = frozenset({"NOT_FOUND", "ENTITY_IS_DELETED"})
_CODE: Final = re.compile(r"[A-Z][A-Z_]{1,59}")
"""What may be told and become a label of a metric: a word of Salesforce's, not what somebody in its place sends."""
_FIELD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,79}")


class Expired(Retry):
    """The session is no longer taken: it lasts for hours, and may be revoked."""


class Refused(Permanent):
    """Salesforce's no, with its code."""

    def __init__(self, verb: str, code: str, fields: tuple[str, ...] = ()) -> None:
        named = f" (fields: {', '.join(fields)})" if fields else ""
        super().__init__(f"Salesforce answered {code} to {verb}{named}")
        self.code = code


def send(
    client: httpx.Client, method: str, url: str, call: SalesforceCall, headers: Mapping[str, str], **body: Any
) -> httpx.Response:
    """The answer, whatever it says, unless it is one that says to come again."""
    try:
        with client.stream(method, url, headers=dict(headers), **body) as answer:
            read = bytearray()
            for chunk in answer.iter_bytes():
                read += chunk
                if len(read) > MOST_BYTES:
                    call.outcome = "unreadable"
                    raise Permanent(f"Salesforce's answer to {call.verb} is too large")
            whole = httpx.Response(answer.status_code, headers=_plain_headers(answer), content=bytes(read))
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as fault:
        raise VendorDown(f"Salesforce cannot be reached ({type(fault).__name__})") from fault
    except (httpx.HTTPError, httpx.InvalidURL) as fault:
        raise VendorDown(f"Salesforce did not answer ({type(fault).__name__})", in_doubt=call.writes) from fault
    call.answered(whole.status_code, whole.headers)
    if whole.status_code == 429:
        told = whole.headers.get("retry-after", "")
        wait_s = min(float(told), MOST_WAIT_S) if told.isascii() and told.isdigit() else RETRY_AFTER_S
        raise call.asked_to_wait(wait_s, f"Salesforce asked to wait with {call.verb}")
    return whole


def told(call: SalesforceCall, answer: httpx.Response) -> Any:
    """What Salesforce says, if it says yes; None where it has nothing to say."""
    status = answer.status_code
    read = read_json(answer)
    if status == 204 or (status in {200, 201} and read is not None):
        call.outcome, call.is_refused = OK, False
        return read
    if status == 300 and isinstance(read, list):
        call.is_refused = False
        raise Refused(call.verb, "300 (several records)")
    if status >= 500:
        raise VendorDown(f"Salesforce answered {status} to {call.verb}", in_doubt=call.writes)
    code, fields = _said(read)
    if status < 400 or (code is None and status != 401):
        call.outcome = "unreadable"
        raise VendorDown(f"what answered {status} to {call.verb} is not Salesforce", in_doubt=call.writes)
    raise refusal(call, status, code or str(status), fields)


def refusal(call: SalesforceCall, status: int, code: str, fields: tuple[str, ...] = ()) -> Exception:
    """What is raised for a code of Salesforce's."""
    verb, word = call.verb, code if _CODE.fullmatch(code) else str(status)
    call.outcome = word.lower()
    if status == 401 or word == "INVALID_SESSION_ID":
        return Expired(f"Salesforce answered {word} to {verb}: the session is not taken")
    call.is_refused = False
    if status == 404 or word in _GONE:
        call.outcome = "404"
        return Absent(f"Salesforce answered {word} to {verb}: the record is not there, or may not be seen")
    if word == "REQUEST_LIMIT_EXCEEDED":
        return call.asked_to_wait(LIMIT_WAIT_S, "the organisation has used up its calls of Salesforce for now")
    if word == "ENTITY_IS_LOCKED":
        words = "the record is locked in Salesforce, as one is that waits for approval"
        return Retry(words, after_s=LOCKED_WAIT_S)
    if word in _UNWELL:
        return VendorDown(f"Salesforce answered {word} to {verb}", in_doubt=call.writes)
    if word in _LATER:
        return Retry(f"Salesforce answered {word} to {verb}")
    if word == ALREADY_IN_PROCESS:
        call.outcome = OK
    return Refused(verb, word, fields)


def read_json(answer: httpx.Response) -> Any:
    """The body with each number as a Decimal; None for what is no JSON."""
    try:
        return json.loads(answer.content, parse_float=Decimal, parse_int=Decimal, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return None


def _no_number(word: str) -> Decimal:
    raise ValueError(f"{word} is no JSON")


def _said(read: Any) -> tuple[str | None, tuple[str, ...]]:
    """The first code, and the fields that it is about."""
    first = read[0] if isinstance(read, list) and read else None
    code = first.get("errorCode") if isinstance(first, dict) else None
    if not isinstance(first, dict) or not isinstance(code, str):
        return None, ()
    return code, fields_of(first)


def fields_of(error: Mapping[str, Any]) -> tuple[str, ...]:
    """The API names of the fields that an error is about, the first five."""
    named = error.get("fields")
    return tuple(f for f in named if isinstance(f, str) and _FIELD.fullmatch(f))[:5] if isinstance(named, list) else ()


def _plain_headers(answer: httpx.Response) -> dict[str, str]:
    """Without what told how the body was packed: it is unpacked."""
    return {k: v for k, v in answer.headers.items() if k not in {"content-encoding", "content-length"}}
