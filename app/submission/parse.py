"""From foreign JSON to a Submission, or to a list of every fault in it by dotted field name."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from types import MappingProxyType

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from app.submission.choices import Source
from app.submission.fault import WHOLE, Fault, SubmissionFaults
from app.submission.model import Submission
from app.submission.values import is_blank

MAX_DEPTH = 32
MAX_FAULTS = 100
_FIELD_CHARS = 200
_NOTHING: Mapping[str, object] = MappingProxyType({})


def parse_submission(raw: object, *, defaults: Mapping[str, object] = _NOTHING, today: date) -> Submission:
    """Read a submission from decoded JSON or YAML.

    `defaults` stand in for fields that are missing, null or blank. `requester_email` may be absent only when `defaults`
    holds it as None: an issue opened by hand has an author but no e-mail. `today` is the day a close date is measured
    against. Raises SubmissionFaults with every fault found.
    """
    if not isinstance(raw, Mapping):
        raise SubmissionFaults((Fault(WHOLE, "must be a JSON object with named fields"),))
    if shape := tuple(_shape_faults(raw)):
        raise SubmissionFaults(shape[:MAX_FAULTS])
    given = {name: value for name, value in raw.items() if name not in defaults or not is_blank(value)}
    given = dict(defaults) | given
    if "requester_email" not in defaults and given.get("requester_email", "") is None:
        # The model accepts null, for adopted issues; at every other door the e-mail is required.
        del given["requester_email"]
    faults = list(_rule_faults(given, today=today))
    try:
        submission = Submission.model_validate(given)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)
        faults = [Fault(_dotted(detail["loc"]), _problem(detail)) for detail in details] + faults
    if faults:
        raise SubmissionFaults(_first_per_field(faults)[:MAX_FAULTS])
    return submission


def _shape_faults(raw: Mapping[object, object]) -> Iterator[Fault]:
    """What is no JSON at all: names that are not text, foreign types, nesting without end."""
    waiting: list[tuple[tuple[object, ...], object]] = [((), raw)]
    while waiting:
        path, value = waiting.pop()
        if len(path) > MAX_DEPTH:
            yield Fault(_dotted(path[:4]), f"is nested more than {MAX_DEPTH} levels deep")
            return
        if isinstance(value, Mapping):
            for name, inner in value.items():
                if isinstance(name, str):
                    waiting.append(((*path, name), inner))
                else:
                    yield Fault(_dotted((*path, name)), "has a name that is not text; put it in quotes")
        elif isinstance(value, (list, tuple)):
            waiting.extend(((*path, index), inner) for index, inner in enumerate(value))
        elif isinstance(value, str):
            if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
                yield Fault(_dotted(path), "contains half of a surrogate pair, which is no character")
        elif value is not None and not isinstance(value, (bool, int, float, date)):
            yield Fault(_dotted(path), "must be text, a number, true or false, a list or an object")


def _rule_faults(given: Mapping[str, object], *, today: date) -> Iterator[Fault]:
    """What concerns more than one field, or the calendar; told together with the faults of single fields."""
    if given.get("source") == Source.SFDC and is_blank(given.get("sfdc_opportunity_url")):
        yield Fault("sfdc_opportunity_url", "is required when the source is sfdc")
    close_date = given.get("close_date")
    if isinstance(close_date, str):
        try:
            close_date = date.fromisoformat(close_date.strip())
        except ValueError:
            close_date = None
    if isinstance(close_date, date) and close_date < today:
        yield Fault("close_date", f"lies in the past; today is {today.isoformat()}")
    for name in ("estimate", "budget_known"):
        money = given.get(name)
        if isinstance(money, Mapping) and not is_blank(money.get("amount")) and is_blank(money.get("currency")):
            yield Fault(f"{name}.currency", "is required with an amount, such as USD or EUR")


def _dotted(path: Iterable[object]) -> str:
    """`("training", 0, "attendees")` as `training.0.attendees`; foreign names are cut and made printable."""
    name = ".".join("".join(char if char.isprintable() else "?" for char in str(part)) for part in path)
    return name[:_FIELD_CHARS] or WHOLE


def _first_per_field(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    first: dict[str, Fault] = {}
    for fault in faults:
        first.setdefault(fault.field, fault)
    return tuple(first.values())


_PROBLEMS = {
    "missing": "is required",
    "string_type": "must be text",
    "string_unicode": "must be valid Unicode text",
    "string_too_short": "must not be empty",
    "string_too_long": "must have at most {max_length} characters",
    "too_long": "must have at most {max_length} entries",
    "enum": "must be one of: {expected}",
    "bool_type": "must be true or false",
    "bool_parsing": "must be true or false",
    "int_type": "must be a whole number, written with digits only",
    "int_parsing": "must be a whole number, written with digits only",
    "int_parsing_size": "is too large",
    "greater_than_equal": "must be at least {ge}",
    "less_than_equal": "must be at most {le}",
    "decimal_type": "must be a number, such as 62000 or 62000.50",
    "decimal_parsing": "must be a number, such as 62000 or 62000.50",
    "decimal_max_digits": "must have at most {max_digits} digits",
    "decimal_whole_digits": "must have at most {whole_digits} digits before the decimal point",
    "decimal_max_places": "must have at most {decimal_places} digits after the decimal point",
    "finite_number": "must be a finite number",
    "model_type": "must be an object with named fields",
    "model_attributes_type": "must be an object with named fields",
    "dict_type": "must be an object with named fields",
    "tuple_type": "must be a list",
    "list_type": "must be a list",
    "uuid_type": "must be a UUID, such as 7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b",
    "uuid_parsing": "must be a UUID, such as 7f1c2a34-5b6d-4e8f-9a0b-1c2d3e4f5a6b",
}


def _problem(detail: ErrorDetails) -> str:
    """A sentence a person at a form understands; pydantic's own words where none is written here."""
    words = _PROBLEMS.get(detail["type"])
    if words is None:
        return detail["msg"]
    return words.format(**{name: _plain(value) for name, value in detail.get("ctx", {}).items()})


def _plain(value: object) -> str:
    """Pydantic quotes the choices of an enum; without the quotes they read better."""
    return str(value).replace("'", "").replace(" or ", ", ")
