"""What a refused sender hears: RFC 9457 problem+json, by name of the field, and nothing about why a key did not fit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from starlette.responses import Response

PROBLEM = "application/problem+json"

TITLES = {
    400: "The body cannot be read",
    401: "Not authentic",
    404: "Not found",
    405: "Method not allowed",
    413: "The body is too large",
    415: "The body must be JSON",
    422: "The submission has faults",
    503: "Cannot store it now, send it again",
}


def documented(refusals: Mapping[int, str]) -> dict[int | str, dict[str, Any]]:
    """Refusals as the OpenAPI document has them: what each status means here."""
    content = {PROBLEM: {"schema": _SCHEMA}}
    return {status: {"description": text, "content": content} for status, text in refusals.items()}


def problem(status: int, *, detail: str | None = None, faults: Iterable[tuple[str, str]] = ()) -> Response:
    """A refusal. `faults`: (field, what is wrong with it)."""
    body: dict[str, object] = {"type": "about:blank", "title": TITLES[status], "status": status}
    if detail is not None:
        body["detail"] = detail
    listed = [{"field": field, "problem": text} for field, text in faults]
    if listed:
        body["errors"] = listed
    headers = {"Retry-After": "2"} if status == 503 else {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    return Response(orjson.dumps(body), status, headers, PROBLEM)


_TEXT = {"type": "string"}
_FAULT = {"type": "object", "required": ["field", "problem"], "properties": {"field": _TEXT, "problem": _TEXT}}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "errors": {"type": "array", "items": _FAULT},
    },
}
