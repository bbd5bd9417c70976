"""Salesforce's REST API over httpx: one request per page or operation, no retry of its own, no redirects.

The one repetition: a session that is no longer taken is replaced by a login, and the call is made again. Records are
read by queries, since only they reach a parent's fields. Everything is asked of one version of the API, which
Salesforce keeps as it is for years.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, Final, TypeVar
from urllib.parse import quote, urlencode

import httpx
import orjson

from app.adapters import soql
from app.adapters.salesforce_answers import ALREADY_IN_PROCESS, Expired, Refused, fields_of, refusal, send, told
from app.adapters.salesforce_login import Login, Session, Sessions
from app.adapters.salesforce_restraint import SalesforceCall, SalesforceRestraint
from app.errors import Absent, Permanent, Retry, VendorDown
from app.listing import Listing
from app.ports import Record
from app.salesforce_id import full_id

API: Final = "/services/data/v62.0"
TIMEOUT_S: Final = 10.0
MOST_PAGES: Final = 25
"""Of an answer to a query; Salesforce puts 200 to 2,000 records on one."""

NOTHING: Final[Mapping[str, Any]] = MappingProxyType({})

_NEXT: Final = re.compile(r"/services/data/v\d{1,3}\.\d/query/[A-Za-z0-9-]{1,80}")

T = TypeVar("T")
Look = Callable[[Any, SalesforceCall], T]
"""What is made of an answer; it raises what is wrong with one that is not as documented."""


class SalesforceApi:
    """The organisation, as the user of the login. Implements ports.Salesforce."""

    def __init__(self, *, url: str, login: Login, restraint: SalesforceRestraint, timeout_s: float = TIMEOUT_S) -> None:
        """`url`: My Domain. No request is sent yet."""
        self._restraint = restraint
        self.trouble = restraint.vendor.trouble
        self._client = httpx.Client(timeout=timeout_s, follow_redirects=False)
        self._sessions = Sessions(url=url, login=login, restraint=restraint, client=self._client)

    def read(self, kind: str, ident: str, fields: Sequence[str]) -> Record:
        """A query for the id."""
        where = [soql.equal("Id", _ident(ident))]
        rows, _ = self._rows(soql.select(kind, fields, where=where, limit=1))
        if not rows:
            raise Absent(f"this {kind} is not there in Salesforce, or may not be seen")
        return _record(rows[0], fields)

    def find(
        self, kind: str, field: str, value: str, fields: Sequence[str], *, where: Mapping[str, str | bool] = NOTHING
    ) -> Record | None:
        """A query for the value."""
        conditions = [soql.equal(field, value), *(soql.equal(*each) for each in where.items())]
        rows, _ = self._rows(soql.select(kind, fields, where=conditions, order=("CreatedDate", "Id"), limit=1))
        return _record(rows[0], fields) if rows else None

    def changed(
        self,
        kind: str,
        fields: Sequence[str],
        *,
        since: datetime,
        most: int,
        where: Mapping[str, str] = NOTHING,
        filled: Sequence[str] = (),
    ) -> Listing[Record]:
        """A query by SystemModstamp, which is kept to the second."""
        conditions = [f"SystemModstamp >= {soql.moment(since)}"]
        conditions += [*map(soql.filled, filled), *(soql.equal(*each) for each in where.items())]
        order = ("SystemModstamp", "Id")
        rows, is_cut = self._rows(soql.select(kind, fields, where=conditions, order=order, limit=most + 1))
        records = [_record(row, fields) for row in rows[:most]]
        late_enough = (each for each in records if each.changed_at >= since.timestamp())
        return Listing(late_enough, is_cut=is_cut or len(rows) > most)

    def update(self, kind: str, ident: str, values: Mapping[str, Any]) -> None:
        """PATCH of the record."""
        path = f"{API}/sobjects/{soql.api_name(kind)}/{_ident(ident)}"
        self._ask("update", "PATCH", path, _nothing, _written(values), writes=True)

    def upsert(self, kind: str, external: str, key: str, values: Mapping[str, Any]) -> str:
        """PATCH by the external id, whose field must not be among those that are written."""
        if not key.strip() or key in {".", ".."}:
            raise Permanent("a record in Salesforce needs an external id")
        path = f"{API}/sobjects/{soql.api_name(kind)}/{soql.api_name(external)}/{_encoded(key)}"
        others = {name: value for name, value in values.items() if name.lower() != external.lower()}
        try:
            made = self._ask("upsert", "PATCH", path, _made, _written(others), writes=True)
        except Refused as fault:
            if fault.code == "DUPLICATE_VALUE":  # somebody made it in the same moment: now it is there to be changed
                raise Retry(fault.reason) from fault
            raise
        if made is not None:
            return made
        found = self.find(kind, external, key, ())
        if found is None:
            raise Retry("a record that Salesforce has just changed is not found there", in_doubt=True)
        return found.id

    def submit(self, ident: str, *, comment: str) -> None:
        """A request to the approval process whose entry criteria the record meets."""
        request = {"actionType": "Submit", "contextId": _ident(ident), "comments": comment}
        body = _written({"requests": [request]})
        try:
            self._ask("submit", "POST", f"{API}/process/approvals/", _look_at_results, body, writes=True)
        except Refused as fault:
            if fault.code != ALREADY_IN_PROCESS:
                raise

    def whoami(self) -> str:
        """What a new login says; the user's own page, where it says nothing."""
        session = self._sessions.instead_of(None)
        if session.organization is not None:
            return session.organization
        return self._ask("userinfo", "GET", "/services/oauth2/userinfo", _organization)

    def calls_left(self) -> tuple[int, int]:
        """DailyApiRequests of the limits."""
        return self._ask("limits", "GET", f"{API}/limits", _daily)

    def _rows(self, query: str) -> tuple[list[dict[str, Any]], bool]:
        """What a query finds, and whether there is more than may be read at once."""
        path, rows = f"{API}/query?{urlencode({'q': query}, quote_via=quote)}", list[dict[str, Any]]()
        for _ in range(MOST_PAGES):
            page, following = self._ask("query", "GET", path, _page)
            rows += page
            if following is None:
                return rows, False
            path = following
        return rows, True

    def _ask(
        self, verb: str, method: str, path: str, look: Look[T], body: bytes | None = None, *, writes: bool = False
    ) -> T:
        """One call, by a new session if that of before is no longer taken."""
        session = self._sessions.current()
        try:
            return self._once(session, verb, method, path, look, body, writes=writes)
        except Expired:
            session = self._sessions.instead_of(session)
        try:
            return self._once(session, verb, method, path, look, body, writes=writes)
        except Expired:
            self._restraint.vendor.answered(is_refused=True)
            raise

    def _once(
        self, session: Session, verb: str, method: str, path: str, look: Look[T], body: bytes | None, *, writes: bool
    ) -> T:
        headers = {"Authorization": f"Bearer {session.token}", "Accept": "application/json"}
        headers |= {} if body is None else {"Content-Type": "application/json; charset=utf-8"}
        with self._restraint.call(verb, writes=writes) as call:
            answer = send(self._client, method, session.url + path, call, headers, content=body)
            return look(told(call, answer), call)


def _record(row: Mapping[str, Any], fields: Sequence[str]) -> Record:
    try:
        changed_at = datetime.fromisoformat(str(_value(row, "SystemModstamp"))).timestamp()
        return Record(full_id(str(_value(row, "Id"))), changed_at, {each: _value(row, each) for each in fields})
    except ValueError as fault:
        raise VendorDown("Salesforce told a record without its id or its time") from fault


def _value(row: Mapping[str, Any], path: str) -> Any:
    """Of a field by its path; None where a parent is missing. Salesforce spells a name in its own case."""
    value: Any = row
    for step in path.split("."):
        if not isinstance(value, dict):
            return None
        value = value[step] if step in value else next((v for k, v in value.items() if k.lower() == step.lower()), None)
    return value


def _ident(given: str) -> str:
    try:
        return full_id(given)
    except ValueError as fault:
        raise Absent("what is no record id is not there in Salesforce") from fault


def _encoded(key: str) -> str:
    try:
        return quote(key, safe="")
    except UnicodeEncodeError as fault:
        raise Permanent("an external id must be Unicode") from fault


def _written(values: Mapping[str, Any]) -> bytes:
    """As JSON, a Decimal to its last digit. Raises Permanent for what is none; the value is not told."""
    for name in values:
        soql.api_name(name)
    try:
        return orjson.dumps(dict(values), default=_plain)
    except TypeError:
        raise Permanent("what is to be written to Salesforce is no JSON") from None


def _plain(value: Any) -> Any:
    if isinstance(value, Decimal) and value.is_finite():
        return orjson.Fragment(format(value, "f"))
    raise TypeError("not a value of Salesforce's")


def _nothing(answer: Any, call: SalesforceCall) -> None:
    """An update says nothing."""


def _made(answer: Any, call: SalesforceCall) -> str | None:
    """The id that an upsert tells; older versions tell none of a record that was there."""
    if answer is None:
        return None
    try:
        return full_id(str(answer["id"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise _unreadable(call) from fault


def _page(answer: Any, call: SalesforceCall) -> tuple[list[dict[str, Any]], str | None]:
    """The records of a page, and where the next one is."""
    records = answer.get("records") if isinstance(answer, dict) else None
    if not isinstance(records, list) or not all(isinstance(row, dict) for row in records):
        raise _unreadable(call)
    if answer.get("done") is not False:
        return records, None
    following = str(answer.get("nextRecordsUrl"))
    if not _NEXT.fullmatch(following):
        raise _unreadable(call)
    return records, following


def _organization(answer: Any, call: SalesforceCall) -> str:
    try:
        return full_id(str(answer["organization_id"]))
    except (KeyError, TypeError, ValueError) as fault:
        raise _unreadable(call) from fault


def _daily(answer: Any, call: SalesforceCall) -> tuple[int, int]:
    try:
        daily = answer["DailyApiRequests"]
        return int(daily["Remaining"]), int(daily["Max"])
    except (KeyError, TypeError, ValueError, ArithmeticError) as fault:
        raise _unreadable(call) from fault


def _look_at_results(answer: Any, call: SalesforceCall) -> None:
    """Raises what is wrong with a request that did not succeed: Salesforce may say so in a 200."""
    results = answer if isinstance(answer, list) else []
    if not results or not all(isinstance(each, dict) for each in results):
        raise _unreadable(call)
    for each in results:
        if each.get("success") is not True:
            errors = each.get("errors")
            first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
            raise refusal(call, 400, str(first.get("statusCode") or first.get("errorCode") or ""), fields_of(first))


def _unreadable(call: SalesforceCall) -> VendorDown:
    call.outcome = "unreadable"
    return VendorDown(f"Salesforce answered something else to {call.verb} than it documents", in_doubt=call.writes)
