"""What all pages share: the templates, the headers, forms from this site only, and who may come in."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

import structlog
from jinja2 import Environment, PackageLoader, StrictUndefined
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.pages.visitor import Gatekeeper, Visitor
from app.pages.words import FILTERS
from app.readiness import STORE_FAULTS
from app.same_site import is_from_elsewhere

HEADERS: Final = {
    # nothing is inline, and nothing comes from elsewhere
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}
NAVIGATION: Final = (
    ("/", "Pipeline"),
    ("/reports", "Reports"),
    ("/deliveries", "Deliveries"),
    ("/process", "Process"),
    ("/commands", "Commands"),
)
FOR_WHO_SEES_ALL: Final = frozenset({"/deliveries"})
MOST_FIELDS: Final = 20
LONGEST_NUMBER: Final = 18
"""Digits that the database can hold."""


log = structlog.get_logger()


class NotThere(Exception):
    """There is no such page, or not for this visitor."""


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: who looks, the parts of the address, and the fields of a form."""

    visitor: Visitor
    path: Mapping[str, Any]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)

    def asked(self, name: str) -> str:
        """A parameter of the address without the blanks around it; empty where it is absent."""
        return _held(self.query.get(name, "")).strip()

    def number(self, name: str) -> int | None:
        """A whole number in the address; None where there is none."""
        word = self.asked(name)
        return int(word) if word.isascii() and word.isdigit() and len(word) <= LONGEST_NUMBER else None

    def ident(self) -> str:
        """The name of a thing in the path."""
        return _held(str(self.path["ident"]))

    def ident_number(self) -> int:
        """The number of a thing in the path. Raises NotThere for one that nothing can have."""
        number = int(self.path["ident"])
        if number >= 10**LONGEST_NUMBER:
            raise NotThere
        return number


Act = Callable[[Visit], Response]
AwaitedAct = Callable[[Visit], Any]


class Frame:
    """Makes routes of plain functions, and pages of templates."""

    def __init__(self, *, site: str) -> None:
        self._site = site
        self._templates = Environment(
            loader=PackageLoader("app.pages", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= FILTERS

    def page(self, template: str, visitor: Visitor, *, here: str, title: str, **values: Any) -> Response:
        """A page. `here`: its place in the navigation."""
        words = self._templates.get_template(template).render(
            visitor=visitor, here=here, title=title, navigation=_navigation(visitor), site=self._site, **values
        )
        return HTMLResponse(words, headers=HEADERS)

    def problem(self, status: int, words: str, *, retry: str | None = None) -> Response:
        """A page that says what is the matter. `retry`: where to go from there."""
        title = "Logged out" if status == 200 else HTTPStatus(status).phrase
        page = self._templates.get_template("problem.html").render(
            visitor=None, here="", title=title, navigation=(), site=self._site, words=words, retry=retry
        )
        return HTMLResponse(page, status, HEADERS)

    def _no_database(self, fault: Exception) -> Response:
        log.error("page.not_read", reason=str(getattr(fault, "orig", None) or type(fault).__name__))
        return self.problem(503, "The database does not answer just now. Try again in a moment.")

    def reading(self, path: str, act: Act, gatekeeper: Gatekeeper) -> Route:
        """A page that is only looked at."""

        async def endpoint(request: Request) -> Response:
            visitor = await gatekeeper.admit(request)
            if isinstance(visitor, Response):
                return visitor
            try:
                return await run_in_threadpool(act, Visit(visitor, request.path_params, request.query_params))
            except NotThere:
                return self.problem(404, "There is no such page, or none that you may see.", retry="/")
            except STORE_FAULTS as fault:
                return self._no_database(fault)

        return Route(path, endpoint, methods=["GET"], middleware=list(gatekeeper.middleware))

    def writing(self, path: str, act: AwaitedAct, gatekeeper: Gatekeeper) -> Route:
        """What a form does; only from a page of this site, with what only such a page knows."""

        async def endpoint(request: Request) -> Response:
            visitor = await gatekeeper.admit(request)
            if isinstance(visitor, Response):
                return visitor
            form = await _fields(request)
            if is_from_elsewhere(request) or not _is_same(form.get("csrf", ""), visitor.csrf):
                return self.problem(403, "That form came from another site, or from an old page. Nothing was done.")
            try:
                answer: Response = await act(Visit(visitor, request.path_params, request.query_params, form))
            except NotThere:
                return self.problem(404, "There is no such page, or none that you may see.", retry="/")
            except STORE_FAULTS as fault:
                return self._no_database(fault)
            return answer

        return Route(path, endpoint, methods=["POST"], middleware=list(gatekeeper.middleware))


def _navigation(visitor: Visitor) -> list[tuple[str, str]]:
    return [(path, words) for path, words in NAVIGATION if visitor.sees_confidential or path not in FOR_WHO_SEES_ALL]


def _is_same(given: str, wanted: str) -> bool:
    return hmac.compare_digest(given.encode(), wanted.encode())


def _held(word: str) -> str:
    """Without the one character that PostgreSQL refuses in a text."""
    return word.replace("\0", "")


def to(path: str) -> Response:
    """Another page, after a form."""
    return RedirectResponse(path, 303, HEADERS)


async def _fields(request: Request) -> dict[str, str]:
    async with request.form(max_files=0, max_fields=MOST_FIELDS) as form:
        return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}
