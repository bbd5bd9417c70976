"""The door of the sandbox's API: an ASGI application that logs, misbehaves on order, authenticates and answers.

Every request goes through the same steps: read it whole, write it down, take the fault that waits for it, do the work,
answer. The work itself is synchronous and quick; only waiting (a busy issue, a hang, a hook test) is asynchronous.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.requests import ClientDisconnect
from starlette.requests import Request as HttpRequest
from starlette.types import Receive, Scope, Send

from app.sandbox import api_files, api_graphql, api_hooks, api_issues, api_notes, api_people, api_project
from app.sandbox.faults import Fault, FaultKind, Request
from app.sandbox.records import Token
from app.sandbox.refusals import Refused, bad_request, conflict, insufficient_scope, too_many_requests
from app.sandbox.routing import Answer, Call, Finder, Pending
from app.sandbox.webhooks import caused_by
from app.sandbox.wire import Reading, cut, read, send_answer
from app.sandbox.world import World

TABLES = (
    api_people.routes,
    api_issues.routes,
    api_notes.routes,
    api_project.routes,
    api_hooks.routes,
    api_files.routes,
)
_finder = Finder(*TABLES, api_graphql.routes)
_ISSUE_PATH = re.compile(r"/projects/[^/]+/issues/\d+")


class Cut(Exception):
    """The socket is to be closed without an answer."""


class Gate:
    """The API of a world as an ASGI application: everything below `/api/v4`, and GraphQL."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._late: set[asyncio.Task[Answer]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one HTTP request."""
        try:
            answer = await self._serve(await read(HttpRequest(scope, receive)))
        except Cut:
            await cut(scope, receive)
        except ClientDisconnect:
            return
        else:
            await send_answer(send, answer, at=self.world.now())

    async def _serve(self, reading: Reading) -> Answer:
        world = self.world
        entry = Request(reading.method, reading.shown_path, self._user_name(reading), world.now())
        with world.lock:
            world.requests.append(entry)
        self._tell(entry)
        fault = world.faults.take(entry.method, entry.path, entry.user)
        try:
            answer = await (self._perform(reading) if fault is None else self._misbehave(fault, reading))
        except Cut:
            entry.status = 0
            self._tell(entry)
            raise
        entry.status = answer.status
        self._tell(entry)
        if fault is not None and fault.kind is FaultKind.PERFORM_THEN_HANG:
            await asyncio.sleep(fault.seconds)
        return answer

    def _tell(self, entry: Request) -> None:
        if self.world.on_request is not None:
            self.world.on_request(entry)

    def _user_name(self, reading: Reading) -> str | None:
        token = self.world.tokens.get(reading.token_value)
        return None if token is None else self.world.user(token.user_id).username

    async def _misbehave(self, fault: Fault, reading: Reading) -> Answer:
        match fault.kind:
            case FaultKind.CUT_BEFORE:
                raise Cut
            case FaultKind.STATUS:
                return _broken(fault)
            case FaultKind.LATE:
                self._perform_later(reading, fault.seconds)
                if fault.status == 0:
                    raise Cut
                return _broken(fault)
            case _:
                answer = await self._perform(reading)
        if fault.kind is FaultKind.PERFORM_THEN_CUT:
            raise Cut
        return _broken(fault) if fault.kind is FaultKind.PERFORM_THEN_502 else answer

    def _perform_later(self, reading: Reading, delay_s: float) -> None:
        async def wait_and_work() -> Answer:
            await asyncio.sleep(delay_s)
            return await self._perform(reading)

        task = asyncio.create_task(wait_and_work())
        # A task that nobody holds may be collected before it ran.
        self._late.add(task)
        task.add_done_callback(self._late.discard)

    async def _perform(self, reading: Reading) -> Answer:
        """Do what the request asks for; a refusal becomes an answer here."""
        try:
            return await self._work(reading)
        except Refused as refusal:
            kind = "text/plain" if isinstance(refusal.body, str) else "application/json"
            return Answer(refusal.status, refusal.body, refusal.headers, content_type=kind)

    async def _work(self, reading: Reading) -> Answer:
        world = self.world
        token = world.authenticate(reading.token_value)
        enough = {"api", "read_api"} if reading.method == "GET" else {"api"}
        if (reading.method, reading.route_path) == ("GET", "/user"):
            enough.add("read_user")
        if not enough & set(token.scopes):
            raise insufficient_scope()
        limit_headers = self._rate_limit(token)
        if reading.problem:
            raise bad_request(reading.problem)
        handler, parts = _finder.find(reading.method, reading.route_path)
        call = Call(world, world.user(token.user_id), token, reading.path, parts, reading.params, reading.files)
        async with self._busy(reading):
            with world.lock, caused_by(reading.event_uuid):
                result = handler(call)
        if isinstance(result, Pending):
            result = result.finish(await asyncio.wrap_future(result.outcome))
        if limit_headers:
            return Answer(result.status, result.body, {**result.headers, **limit_headers}, result.content_type)
        return result

    @asynccontextmanager
    async def _busy(self, reading: Reading) -> AsyncIterator[None]:
        """GitLab refuses a `PUT` that meets another one to the same issue; the window stands for its transaction."""
        window_s, busy, path = self.world.busy_window_s, self.world.busy_paths, reading.route_path
        if reading.method != "PUT" or not window_s or not _ISSUE_PATH.fullmatch(path):
            yield
            return
        if path in busy:
            raise conflict("409 Conflict: Resource lock")
        busy.add(path)
        try:
            yield
            await asyncio.sleep(window_s)
        finally:
            busy.discard(path)

    def _rate_limit(self, token: Token) -> dict[str, str]:
        """GitLab's outermost limit: per user, answered with plain text, and announced on every answer."""
        world, limit = self.world, self.world.limits.api_per_min
        if limit is None:
            return {}
        is_admitted = world.meter.admits("api", user_id=token.user_id, limit=limit)
        used = world.meter.used("api", user_id=token.user_id)
        headers = {
            "RateLimit-Limit": str(limit),
            "RateLimit-Remaining": str(limit - used),
            "RateLimit-Observed": str(used),
            "RateLimit-Reset": str(int(world.now().timestamp()) + 60),
            "RateLimit-Name": "throttle_authenticated_api",
        }
        if not is_admitted:
            raise too_many_requests(headers)
        return headers


def _broken(fault: Fault) -> Answer:
    """An answer that something in front of GitLab, or GitLab in distress, would give."""
    headers = {} if fault.retry_after_s is None else {"Retry-After": str(fault.retry_after_s)}
    if fault.status in _PHRASES:
        return Answer(fault.status, {"message": f"{fault.status} {_PHRASES[fault.status]}"}, headers)
    if fault.status == 429 and fault.is_application_limit:
        return Answer(
            429, {"message": {"error": "This endpoint has been requested too many times. Try again later."}}, headers
        )
    if fault.status == 429:
        return Answer(429, "Retry later\n", headers, content_type="text/plain")
    return Answer(fault.status, f"<html>{fault.status}</html>", headers, content_type="text/html")


_PHRASES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    409: "Conflict: Resource lock",
    500: "Internal Server Error",
}
