"""How a REST request finds its handler, and what a handler gets and gives.

GitLab's paths carry encoded slashes (`/projects/ps%2Fps-plan`), so matching works on the raw path and decodes each part
afterwards. Handlers are plain functions: they read a `Call` and return an `Answer` or raise `Refused`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import unquote

from app.sandbox.clockwork import parse_time
from app.sandbox.dispatch import Outcome
from app.sandbox.records import Token, User
from app.sandbox.refusals import Refused, bad_request, missing, not_found
from app.sandbox.state import PROJECT_ID, PROJECT_PATH
from app.sandbox.world import World

TRUE_WORDS = {"true", "1", "t", "yes", "on"}


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file of a multipart form."""

    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One authenticated request; `params` holds query and body together, as GitLab sees them."""

    world: World
    user: User
    token: Token
    path: str
    parts: Mapping[str, str]
    params: Mapping[str, Any]
    files: Mapping[str, UploadedFile] = field(default_factory=dict)

    def number(self, part: str) -> int:
        """A number of the path; 404 when it is none."""
        text = self.parts[part]
        if not text.isdigit():
            raise not_found()
        return int(text)

    def required(self, name: str) -> Any:
        """A parameter that must be there; 400 otherwise."""
        if self.params.get(name) is None:
            raise missing(name)
        return self.params[name]

    def text(self, name: str) -> str | None:
        """A parameter as text, None when it is absent."""
        value = self.params.get(name)
        return None if value is None else str(value)

    def flag(self, name: str) -> bool:
        """A parameter as a truth value; absent is false."""
        return truth(self.params.get(name))

    def integer(self, name: str, *, default: int) -> int:
        """A parameter as a whole number; 400 when it is something else."""
        value = self.params.get(name)
        if value is None or value == "":
            return default
        try:
            return int(value)
        except (TypeError, ValueError):
            raise Refused(400, {"error": f"{name} is invalid"}) from None

    def items(self, name: str) -> list[str] | None:
        """A list parameter: a list, or a string with commas; None when it is absent."""
        value = self.params.get(name)
        if value is None:
            return None
        return [str(item) for item in value] if isinstance(value, list) else str(value).split(",")

    def day(self, name: str) -> date | None:
        """A date parameter; an empty one clears, a wrong one is cleared by GitLab, too."""
        moment = parse_time(str(self.params.get(name) or ""))
        return None if moment is None else moment.date()

    def moment(self, name: str) -> datetime | None:
        """A time parameter; 400 when it is no time."""
        value = self.params.get(name)
        if value is None:
            return None
        moment = parse_time(str(value))
        if moment is None:
            raise Refused(400, {"error": f"{name} is invalid"})
        return moment.astimezone(UTC)

    def choice(self, name: str, allowed: tuple[str, ...], *, default: str) -> str:
        """A parameter from a closed set; 400 for another value."""
        value = self.text(name) or default
        if value not in allowed:
            raise Refused(400, {"error": f"{name} does not have a valid value"})
        return value


@dataclass(frozen=True, slots=True)
class Answer:
    """A status, a JSON value (bytes and str are sent as they are) and headers to add."""

    status: int
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Pending:
    """An answer that waits for a webhook delivery; `finish` makes it from the outcome."""

    outcome: Future[Outcome]
    finish: Callable[[Outcome], Answer]


Handler = Callable[[Call], Answer | Pending]


@dataclass(frozen=True, slots=True)
class Route:
    """A method and a path pattern such as `/projects/{project}/issues/{iid}`."""

    method: str
    pattern: str
    handler: Handler

    @property
    def expression(self) -> re.Pattern[str]:
        """The pattern as a regular expression over the raw path, without the prefix `/api/v4`."""
        return re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", self.pattern))


class Routes:
    """A table of routes, filled by the decorator `on`."""

    def __init__(self) -> None:
        self.table: list[Route] = []

    def on(self, method: str, pattern: str) -> Callable[[Handler], Handler]:
        """Register a handler for a method and a path pattern."""

        def register(handler: Handler) -> Handler:
            self.table.append(Route(method, pattern, handler))
            return handler

        return register


class Finder:
    """Finds the route of a request; routes are sorted into drawers by method and number of path parts."""

    def __init__(self, *tables: Routes) -> None:
        self._drawers: dict[tuple[str, int], list[tuple[re.Pattern[str], Handler]]] = {}
        for route in (route for routes in tables for route in routes.table):
            key = (route.method, route.pattern.count("/"))
            self._drawers.setdefault(key, []).append((route.expression, route.handler))

    def find(self, method: str, raw_path: str) -> tuple[Handler, dict[str, str]]:
        """The handler and the decoded parts of the path; 404 or 405 in the words of GitLab's framework."""
        key = (method, raw_path.count("/"))
        for expression, handler in self._drawers.get(key, ()):
            match = expression.fullmatch(raw_path)
            if match:
                return handler, {name: unquote(value) for name, value in match.groupdict().items()}
        others = [drawer for (_, parts), drawer in self._drawers.items() if parts == raw_path.count("/")]
        if any(expression.fullmatch(raw_path) for drawer in others for expression, _ in drawer):
            raise Refused(405, {"error": "405 Not Allowed"})
        raise Refused(404, {"error": "404 Not Found"})


def check_project(name: str) -> None:
    """The sandbox has one project, by id or by path; any other is 404."""
    if name not in (str(PROJECT_ID), PROJECT_PATH):
        raise not_found("Project Not Found")


def truth(value: Any) -> bool:
    """A JSON or form value as a truth value."""
    return value is True or str(value).lower() in TRUE_WORDS


def whole_numbers(items: list[str] | None) -> list[int] | None:
    """Ids from a list parameter; empty and zero mean nobody."""
    if items is None:
        return None
    try:
        return [number for number in (int(item) for item in items if item.strip()) if number]
    except ValueError:
        raise bad_request("ids must be numbers") from None
