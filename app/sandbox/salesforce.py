"""A stand-in for Salesforce: records of a few objects, queries, upserts, approvals, the daily limit, and its refusals.

It answers as Salesforce documents it. What it cannot do it refuses, instead of saying yes to everything.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, Final

from app.salesforce_id import full_id
from app.sandbox.salesforce_kinds import KINDS, Field, Kind, SalesforceFault
from app.sandbox.soql import Condition, Malformed, Query, parse

API: Final = "/services/data/v62.0"
PAGE: Final = 2000
DAY_CALLS: Final = 15_000
_BASE: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_NO_RECORD: Final = "The requested resource does not exist"


@dataclass(slots=True)
class SalesforceRecord:
    """A record. `values`: field → what is kept, without the fields that are empty."""

    kind: str
    id: str
    created_at: float
    changed_at: float
    values: dict[str, Any] = field(default_factory=dict)
    is_deleted: bool = False
    is_locked: bool = False
    """It waits for an approval: nobody but an administrator edits it."""


@dataclass(slots=True)
class SalesforceTrouble:
    """What goes wrong at the next calls of an operation (`*`: of any). `after`: it is done all the same."""

    operation: str
    code: str = "SERVER_UNAVAILABLE"
    status: int = 503
    after: bool = False
    times: int = 1


@dataclass(frozen=True, slots=True)
class Approval:
    """A record that was submitted."""

    id: str
    record: str
    comment: str


Rule = Callable[[SalesforceRecord, Mapping[str, Any]], str | None]
"""A validation rule: the words of a refusal, for what a record would become."""


class SalesforceWorld:
    """The organisation. All of it may be used from any thread."""

    def __init__(self, *, clock: Callable[[], float] = time.time, page: int = PAGE) -> None:
        self.clock = clock
        self.page = page
        self.lock = threading.RLock()
        self.kinds: dict[str, Kind] = {each.name: each for each in KINDS}
        self.records: dict[str, SalesforceRecord] = {}
        self.approvals: list[Approval] = []
        self.troubles: list[SalesforceTrouble] = []
        self.on_submit: dict[str, dict[str, Any]] = {"Opportunity": {"Finance_Approval_Status__c": "Pending"}}
        """Object → what its approval process sets when a record is submitted."""
        self.busy_rows: set[str] = set()
        """Ids of records that another transaction holds."""
        self.rules: list[Rule] = []
        self.writes = 0
        """So many records were made or changed."""
        self.watchers: list[Callable[[SalesforceRecord], object]] = []
        """Told of every record that was made or changed."""
        self.calls: list[str] = []
        self.calls_max = DAY_CALLS
        self.calls_used = 0
        self.slow_s = 0.0
        self.cursors: dict[str, tuple[list[dict[str, Any]], int]] = {}
        # by kind, so that an id does not depend on what else happens at the same time
        self._numbers: defaultdict[str, Iterator[int]] = defaultdict(lambda: itertools.count(1))
        self.organization = self.new_id("00D")
        self.user = self.add("User", Name="PS Plan Bot", Email="ps-plan-bot@example.com", Username="ps-plan-bot@acme")

    # -- what a test or a demo prepares, and what people do

    def new_id(self, prefix: str) -> str:
        """An id that no record has, of 18 characters."""
        number, digits = next(self._numbers[prefix]) * 7919, ""
        while number:
            number, digit = divmod(number, len(_BASE))
            digits = _BASE[digit] + digits
        return full_id(f"{prefix}Aa" + digits.rjust(10, "0"))

    def add(self, kind: str, **values: Any) -> str:
        """Make a record as a person does; its id."""
        with self.lock:
            return self._create(self._kind(kind), values).id

    def change(self, ident: str, **values: Any) -> None:
        """Change a record as an administrator does: also one that is locked."""
        with self.lock:
            record = self.records[full_id(ident)]
            self._write(record, values)

    def delete(self, ident: str) -> None:
        """Delete a record."""
        with self.lock:
            self.records[full_id(ident)].is_deleted = True

    def add_field(self, kind: str, new: Field) -> None:
        """A custom field more."""
        with self.lock:
            known = self.kinds[kind]
            self.kinds[kind] = Kind(known.name, known.prefix, (*known.fields, new))

    def decide(self, ident: str, **values: Any) -> None:
        """End the approval of a record, which changes fields of it."""
        with self.lock:
            record = self.records[full_id(ident)]
            record.is_locked = False
            self._write(record, values)

    def trouble(self, operation: str, **what: Any) -> None:
        """Let the next call go wrong: of query, update, create, upsert, submit, limits, userinfo or login."""
        with self.lock:
            self.troubles.append(SalesforceTrouble(operation, **what))

    # -- what a test asks

    def value(self, ident: str, path: str) -> Any:
        """What a field holds."""
        with self.lock:
            return self._value(self.records[full_id(ident)], path)

    def of_kind(self, kind: str) -> list[SalesforceRecord]:
        """Those that are there, in the order in which they were made."""
        with self.lock:
            return [each for each in self.records.values() if each.kind == kind and not each.is_deleted]

    def count(self, operation: str) -> int:
        """How often something was asked."""
        with self.lock:
            return self.calls.count(operation)

    # -- the API

    def call(self, operation: str, do: Callable[[], tuple[int, Any]]) -> tuple[int, Any]:
        """Status and body of one operation, unless trouble or the limit comes first. Raises SalesforceFault."""
        if self.slow_s:
            time.sleep(self.slow_s)
        with self.lock:
            self.calls.append(operation)
            trouble = next((each for each in self.troubles if each.operation in {operation, "*"}), None)
            if trouble is not None:
                trouble.times -= 1
                if trouble.times <= 0:
                    self.troubles.remove(trouble)
            if operation != "login":
                self._count()
            told = do() if trouble is None or trouble.after else None
            if trouble is not None:
                raise SalesforceFault(trouble.status, trouble.code, "words that may hold Acme's")
            return told or (500, None)

    def _count(self) -> None:
        if self.calls_used >= self.calls_max:
            raise SalesforceFault(403, "REQUEST_LIMIT_EXCEEDED", "TotalRequests Limit exceeded.")
        self.calls_used += 1

    def query(self, text: str) -> tuple[int, Any]:
        """The first page of what a query finds."""
        try:
            query = parse(text)
        except Malformed as fault:
            raise SalesforceFault(400, "MALFORMED_QUERY", str(fault)) from fault
        kind = self.kinds.get(query.kind)
        if kind is None:
            raise SalesforceFault(400, "INVALID_TYPE", f"sObject type '{query.kind}' is not supported.")
        if len({each.lower() for each in query.fields}) < len(query.fields):
            raise SalesforceFault(400, "MALFORMED_QUERY", "duplicate field selected")
        for path in (*query.fields, *(each.path for each in query.where), *(path for path, _ in query.order)):
            self._field(kind, path)
        for condition in query.where:
            _demand_type(condition, self._field(kind, condition.path))
        rows = [self._row(each, query.fields) for each in self._found(kind, query)]
        return 200, self._paged(rows, 0)

    def more(self, cursor: str) -> tuple[int, Any]:
        """The page that `nextRecordsUrl` leads to."""
        if cursor not in self.cursors:
            raise SalesforceFault(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return 200, self._paged(*self.cursors.pop(cursor))

    def update(self, kind: str, ident: str, values: Mapping[str, Any]) -> tuple[int, Any]:
        """PATCH of a record."""
        self._edit(self._there(self._rest_kind(kind), ident), values)
        return 204, None

    def create(self, kind: str, values: Mapping[str, Any]) -> tuple[int, Any]:
        """POST of a record."""
        made = self._create(self._rest_kind(kind), values)
        return 201, {"id": made.id, "success": True, "errors": []}

    def upsert(self, kind: str, external: str, key: str, values: Mapping[str, Any]) -> tuple[int, Any]:
        """PATCH by an external id: 201 for a new record, 200 for one that was there, 300 for several."""
        held = self._rest_kind(kind)
        by = held.field(external)
        if by is None or not by.is_external:
            words = f"Provided external ID field does not exist or is not accessible: {external}"
            raise SalesforceFault(404, "NOT_FOUND", words)
        if any(name.lower() == external.lower() for name in values):
            words = f"The {external} field should not be specified in the sobject data."
            raise SalesforceFault(400, "INVALID_FIELD", words)
        found = [each for each in self.of_kind(kind) if _same(each.values.get(by.name), key)]
        if len(found) > 1:
            return 300, [f"{API}/sobjects/{held.name}/{each.id}" for each in found]
        if found:
            self._edit(found[0], values)
        else:
            found = [self._create(held, {**values, by.name: key})]
            return 201, {"id": found[0].id, "success": True, "errors": [], "created": True}
        return 200, {"id": found[0].id, "success": True, "errors": [], "created": False}

    def submit(self, requests: Any) -> tuple[int, Any]:
        """POST of requests to the approval process."""
        told = []
        for request in requests if isinstance(requests, list) else []:
            if request.get("actionType") != "Submit":
                raise SalesforceFault(400, "INVALID_OPERATION", "only submitting is known here")
            record = self._by_id(request.get("contextId"))
            if record is None or record.is_deleted:
                raise SalesforceFault(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id")
            if record.is_locked:
                raise SalesforceFault(400, "ALREADY_IN_PROCESS", "Cannot submit object already in process.")
            approval = Approval(self.new_id("04g"), record.id, str(request.get("comments") or ""))
            self.approvals.append(approval)
            self._write(record, self.on_submit.get(record.kind, {}))
            record.is_locked = True
            told.append(
                {
                    "actorIds": [self.user],
                    "entityId": record.id,
                    "errors": None,
                    "instanceId": approval.id,
                    "instanceStatus": "Pending",
                    "newWorkitemIds": [self.new_id("04i")],
                    "success": True,
                }
            )
        return 200, told

    def limits(self) -> tuple[int, Any]:
        """How much of the day's calls is left."""
        left = max(self.calls_max - self.calls_used, 0)
        return 200, {"DailyApiRequests": {"Max": self.calls_max, "Remaining": left}}

    def record(self, kind: str, ident: str, fields: str | None) -> tuple[int, Any]:
        """GET of a record; it knows no parents."""
        held = self._rest_kind(kind)
        record = self._there(held, ident)
        names = fields.split(",") if fields else ["Id", *(each.name for each in held.fields), "SystemModstamp"]
        return 200, self._row(record, tuple(held.required(name).name for name in names))

    # -- records

    def _kind(self, name: str) -> Kind:
        return self.kinds[name]

    def _rest_kind(self, name: str) -> Kind:
        if name not in self.kinds:
            raise SalesforceFault(404, "NOT_FOUND", _NO_RECORD)
        return self.kinds[name]

    def _by_id(self, given: Any) -> SalesforceRecord | None:
        try:
            return self.records.get(full_id(str(given)))
        except ValueError:
            return None

    def _there(self, kind: Kind, ident: str) -> SalesforceRecord:
        record = self._by_id(ident)
        if record is None or record.kind != kind.name:
            raise SalesforceFault(404, "NOT_FOUND", _NO_RECORD)
        if record.is_deleted:
            raise SalesforceFault(404, "ENTITY_IS_DELETED", "entity is deleted")
        return record

    def _create(self, kind: Kind, values: Mapping[str, Any]) -> SalesforceRecord:
        now = self.clock()
        record = SalesforceRecord(kind.name, self.new_id(kind.prefix), now, now)
        missing = tuple(each.name for each in kind.fields if each.is_required and values.get(each.name) is None)
        if missing:
            words = f"Required fields are missing: [{', '.join(missing)}]"
            raise SalesforceFault(400, "REQUIRED_FIELD_MISSING", words, missing)
        self._write(record, values)
        return record

    def _edit(self, record: SalesforceRecord, values: Mapping[str, Any]) -> None:
        """As the user of the API."""
        if record.id in self.busy_rows:
            raise SalesforceFault(400, "UNABLE_TO_LOCK_ROW", "unable to obtain exclusive access to this record")
        if record.is_locked:
            raise SalesforceFault(400, "ENTITY_IS_LOCKED", "the entity is locked for editing")
        self._write(record, values)

    def _write(self, record: SalesforceRecord, values: Mapping[str, Any]) -> None:
        kept = self._checked(self.kinds[record.kind], values)
        self._is_unique(record, kept)
        for rule in self.rules:
            if (words := rule(record, {**record.values, **kept})) is not None:
                raise SalesforceFault(400, "FIELD_CUSTOM_VALIDATION_EXCEPTION", words)
        record.values = {name: value for name, value in {**record.values, **kept}.items() if value is not None}
        record.changed_at = self.clock()
        self.records[record.id] = record
        self.writes += 1
        for tell in self.watchers:
            tell(record)

    def _checked(self, kind: Kind, values: Mapping[str, Any]) -> dict[str, Any]:
        kept = {}
        for name, value in values.items():
            field = kind.required(name)
            if field.is_fixed:
                words = f"Unable to create/update fields: {field.name}."
                raise SalesforceFault(400, "INVALID_FIELD_FOR_INSERT_UPDATE", words, (field.name,))
            plain = value.isoformat() if isinstance(value, date) else value
            is_number = isinstance(plain, int | float) and not isinstance(plain, bool)
            kept[field.name] = field.checked(Decimal(str(plain)) if is_number else plain, kind.name)
            refers = kept[field.name] if field.to is not None else None
            target = self.records.get(refers) if refers is not None else None
            if refers is not None and (target is None or target.is_deleted or target.kind != field.to):
                raise SalesforceFault(400, "INVALID_CROSS_REFERENCE_KEY", "invalid cross reference id", (field.name,))
        return kept

    def _is_unique(self, record: SalesforceRecord, kept: Mapping[str, Any]) -> None:
        for each in self.kinds[record.kind].fields:
            if not each.is_external or not each.is_unique or kept.get(each.name) is None:
                continue
            for other in self.of_kind(record.kind):
                if other.id != record.id and _same(other.values.get(each.name), kept[each.name]):
                    words = f"duplicate value found: {each.name} duplicates value on record with id: {other.id}"
                    raise SalesforceFault(400, "DUPLICATE_VALUE", words)

    # -- queries

    def _field(self, kind: Kind, path: str) -> Field:
        """The last one of a path. Raises SalesforceFault."""
        *steps, last = path.split(".")
        for step in steps:
            by = kind.parent(step)
            if by is None or by.to is None:
                words = f"Didn't understand relationship '{step}' in field path."
                raise SalesforceFault(400, "INVALID_FIELD", words)
            kind = self.kinds[by.to]
        return kind.required(last)

    def _value(self, record: SalesforceRecord, path: str) -> Any:
        step, _, rest = path.partition(".")
        kind = self.kinds[record.kind]
        if rest:
            by = kind.parent(step)
            parent = None if by is None else self.records.get(record.values.get(by.name, ""))
            return None if parent is None else self._value(parent, rest)
        match kind.required(step).name:
            case "Id":
                return record.id
            case "CreatedDate":
                return _stamp(record.created_at)
            case "SystemModstamp":
                return _stamp(record.changed_at)
            case name:
                return record.values.get(name, kind.required(step).empty)

    def _found(self, kind: Kind, query: Query) -> list[SalesforceRecord]:
        found = [r for r in self.of_kind(kind.name) if all(self._holds(kind, r, each) for each in query.where)]
        for path, falls in reversed(query.order):
            found.sort(key=lambda r, path=path: _rank(self._value(r, path)), reverse=falls)  # type: ignore[misc]
        return found[: query.limit]

    def _holds(self, kind: Kind, record: SalesforceRecord, condition: Condition) -> bool:
        field, value = self._field(kind, condition.path), condition.value
        held = self._value(record, condition.path)
        if field.type in {"id", "reference"} and value is not None:
            value = _known_id(str(value))
        if field.type == "datetime" and value is not None:
            held, value = datetime.fromisoformat(held), value.astimezone(UTC)
        if field.type == "date" and value is not None:
            value = value.isoformat()
        return _compared(held, condition.sign, value, is_exact=field.type in {"id", "reference"})

    def _row(self, record: SalesforceRecord, paths: tuple[str, ...]) -> dict[str, Any]:
        """As a query shows it: parents are objects within it, null where there is none."""
        row: dict[str, Any] = {"attributes": _attributes(record)}
        for path in paths:
            step, _, rest = path.partition(".")
            if not rest:
                row[self.kinds[record.kind].required(step).name] = self._value(record, step)
                continue
            by = self.kinds[record.kind].parent(step)
            parent = None if by is None else self.records.get(record.values.get(by.name, ""))
            inner = None if parent is None else self._row(parent, (rest,))
            shown = step if by is None or by.relation is None else by.relation
            row[shown] = inner if not isinstance(row.get(shown), dict) or inner is None else {**row[shown], **inner}
        return row

    def _paged(self, rows: list[dict[str, Any]], start: int) -> dict[str, Any]:
        end = start + self.page
        told = {"totalSize": len(rows), "done": end >= len(rows), "records": rows[start:end]}
        if end < len(rows):
            cursor = f"{self.new_id('01g')}-{end}"
            self.cursors[cursor] = (rows, end)
            told["nextRecordsUrl"] = f"{API}/query/{cursor}"
        return told


def _demand_type(condition: Condition, field: Field) -> None:
    wanted = {"datetime": datetime, "date": date, "number": Decimal, "boolean": bool}.get(field.type, str)
    if condition.value is not None and not isinstance(condition.value, wanted):
        words = f"value of filter criterion for field '{condition.path}' must be of type {field.type}"
        raise SalesforceFault(400, "INVALID_FIELD", words)


def _attributes(record: SalesforceRecord) -> dict[str, str]:
    return {"type": record.kind, "url": f"{API}/sobjects/{record.kind}/{record.id}"}


def _stamp(moment: float) -> str:
    """To the second, as SystemModstamp is."""
    return datetime.fromtimestamp(int(moment), tz=UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _known_id(given: str) -> str:
    try:
        return full_id(given)
    except ValueError:
        raise SalesforceFault(400, "INVALID_QUERY_FILTER_OPERATOR", f"invalid ID field: {given}") from None


def _same(held: Any, given: Any) -> bool:
    return isinstance(held, str) and held.casefold() == str(given).casefold()


def _rank(value: Any) -> tuple[bool, Any]:
    """Nulls come first."""
    return (value is not None, 0 if value is None else value)


def _compared(held: Any, sign: str, value: Any, *, is_exact: bool) -> bool:
    if isinstance(value, str) and isinstance(held, str) and not is_exact:  # text is compared regardless of case
        held, value = held.casefold(), value.casefold()
    if sign in {"=", "!="}:
        return bool(held == value) is (sign == "=")
    if held is None or value is None:
        return False
    return bool({">": held > value, ">=": held >= value, "<": held < value, "<=": held <= value}[sign])
