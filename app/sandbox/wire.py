"""Between HTTP and the sandbox's handlers: reading a request whole, sending an answer, cutting a socket."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qsl

import orjson
from starlette.datastructures import UploadFile
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from app.sandbox.routing import Answer, UploadedFile

PREFIX = "/api/v4"
TRANSPORT = "sandbox.transport"


@dataclass(frozen=True, slots=True)
class Reading:
    """A request that was read to its end; `problem` says why its body makes no sense."""

    method: str
    path: str
    query: str
    token_value: str
    event_uuid: str | None
    params: Mapping[str, Any]
    files: Mapping[str, UploadedFile] = field(default_factory=dict)
    problem: str | None = None

    @property
    def shown_path(self) -> str:
        """Path and query, as the request log has them."""
        return f"{self.path}?{self.query}" if self.query else self.path

    @property
    def route_path(self) -> str:
        """The raw path without the prefix of the API."""
        return self.path.removeprefix(PREFIX).rstrip("/") or "/"


async def read(http: HttpRequest) -> Reading:
    """Read a request; query and body are merged into `params`, as GitLab does."""
    scope, headers = http.scope, http.headers
    query = scope["query_string"].decode("ascii", "replace")
    params = _gathered(parse_qsl(query, keep_blank_values=True))
    files: dict[str, UploadedFile] = {}
    problem = None
    content_type = headers.get("content-type", "")
    if content_type.startswith("multipart/form-data"):
        async with http.form() as form:
            for name, value in form.multi_items():
                if isinstance(value, UploadFile):
                    files[name] = UploadedFile(value.filename or "file", await value.read())
                else:
                    params[name] = value
    else:
        raw = await http.body()
        if raw and "json" in content_type:
            try:
                body = orjson.loads(raw)
            except orjson.JSONDecodeError:
                body, problem = {}, "message body does not match declared format"
            params |= body if isinstance(body, dict) else {}
        elif raw and "urlencoded" in content_type:
            params |= _gathered(parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True))
    return Reading(
        method=scope["method"],
        path=_raw_path(scope),
        query=query,
        token_value=_token_value(headers, params),
        event_uuid=headers.get("x-gitlab-event-uuid"),
        params=params,
        files=files,
        problem=problem,
    )


def _raw_path(scope: Scope) -> str:
    # The decoded path would turn `ps%2Fps-plan` into two parts.
    raw = scope.get("raw_path") or scope["path"].encode()
    return bytes(raw).partition(b"?")[0].decode("ascii", "replace")


def _token_value(headers: Mapping[str, str], params: dict[str, Any]) -> str:
    authorization = headers.get("authorization", "")
    if authorization[:7].lower() == "bearer ":
        return authorization[7:].strip()
    return headers.get("private-token") or str(params.pop("private_token", ""))


def _gathered(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """`a[]=1&a[]=2` becomes a list, anything else the last value."""
    params: dict[str, Any] = {}
    for name, value in pairs:
        if name.endswith("[]"):
            params.setdefault(name[:-2], []).append(value)
        else:
            params[name] = value
    return params


async def send_answer(send: Send, answer: Answer, *, at: datetime) -> None:
    """Send an answer with the headers GitLab puts on every one of its kind; `at` is its clock."""
    body = answer.body
    if answer.status == 204:
        raw = b""
    elif isinstance(body, bytes):
        raw = body
    elif answer.content_type != "application/json":
        raw = str(body).encode()
    else:
        raw = orjson.dumps(body)
    date = format_datetime(at, usegmt=True)
    headers = {"Content-Type": answer.content_type, "Content-Length": str(len(raw)), "Date": date}
    headers |= {"X-Request-Id": secrets.token_hex(16), **answer.headers}
    if answer.status == 204:
        del headers["Content-Type"], headers["Content-Length"]
    elif answer.status < 300:
        headers["ETag"] = f'W/"{hashlib.md5(raw, usedforsecurity=False).hexdigest()}"'
    pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": answer.status, "headers": pairs})
    await send({"type": "http.response.body", "body": raw})


async def cut(scope: Scope, receive: Receive) -> None:
    """Close the socket of this request without an answer (in-process clients get an error instead)."""
    transport = scope.get(TRANSPORT)
    if transport is None:
        raise ConnectionResetError("the sandbox cut this connection, as ordered")
    transport.abort()
    message = await receive()
    while message["type"] != "http.disconnect":
        message = await receive()
