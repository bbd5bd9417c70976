"""What all pages share: who is looking, forms from this site only, messages for the next page, and the templates.

* Who acts is a cookie that anybody may set: a sandbox has no logins. Rights are those of the person chosen.
* A form of another site is refused by `Sec-Fetch-Site` and `Origin`; clients that send neither are no browsers.
* The message for the next page is a cookie, too; it is shown once, as text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app.same_site import is_from_elsewhere
from app.sandbox.page_references import EMOJI, ISSUES_PATH
from app.sandbox.page_views import actors, ago, due_in_words, fingerprint, person_view
from app.sandbox.records import User
from app.sandbox.refusals import Refused, not_found
from app.sandbox.world import World

PERSON_COOKIE: Final = "psplan_sandbox_person"
FLASH_COOKIE: Final = "psplan_sandbox_flash"
LIVE_HEADER: Final = "X-Sandbox-Live"
FIRST_PERSON: Final = "alice"
_LONGEST_FLASH: Final = 1_500
HEADERS: Final = {
    # Labels carry their colour in a style attribute; nothing else may be inline, and nothing comes from elsewhere.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; style-src-attr 'unsafe-inline'; script-src 'self'; img-src 'self'; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}


@dataclass(frozen=True, slots=True)
class Flash:
    """A message for the next page; `mood` is `done` or `refused`."""

    mood: str
    text: str


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a browser: who acts, the state of the world it met, and the fields of the form that was sent."""

    world: World
    user: User
    request: Request
    version: str
    form: Mapping[str, str] = field(default_factory=dict)

    def number(self, part: str) -> int:
        """A number of the path."""
        return int(self.request.path_params[part])

    def query(self, name: str) -> str:
        """A parameter of the address, empty when it is absent."""
        return self.request.query_params.get(name, "")

    def field(self, name: str) -> str:
        """A field of the form without the blanks around it, empty when it is absent."""
        return self.form.get(name, "").strip()

    def whole(self, name: str) -> int:
        """A field that must be a number (`#` in front is allowed); 400 otherwise."""
        text = self.field(name).removeprefix("#")
        if not (text.isascii() and text.isdigit() and len(text) < 10):
            raise Refused(400, {"message": f"{name} must be a number"})
        return int(text)


Act = Callable[[Visit], Response]
Fallback = Callable[[Visit, Refused], Response]


class Frame:
    """Makes routes of plain functions and pages of templates."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._watched: list[Callable[[], object]] = []
        self._templates = Environment(
            loader=PackageLoader("app.sandbox", "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"ago": _ago, "due": _due}
        self._templates.globals |= {"emoji": EMOJI, "issues_path": ISSUES_PATH, "clock_steps": {}}
        self._templates.globals |= {"slack_path": "", "salesforce_path": ""}

    def offer(self, **values: Any) -> None:
        """Let every page know something; what is not offered is nothing."""
        self._templates.globals |= values

    def watch(self, state: Callable[[], object]) -> None:
        """Let pages notice that something besides the world has changed."""
        self._watched.append(state)

    # Routes

    def reading(self, path: str, act: Act) -> Route:
        """A page that is only looked at."""

        async def endpoint(request: Request) -> Response:
            return await run_in_threadpool(self._carry_out, request, {}, act, self.refusal)

        return Route(path, endpoint, methods=["GET"])

    def writing(self, path: str, act: Act, *, otherwise: Fallback | None = None) -> Route:
        """What a form does; `otherwise` shows the page again when the world refuses."""

        async def endpoint(request: Request) -> Response:
            if is_from_elsewhere(request):
                return self._no("This form was sent by another site, so the sandbox did nothing.", request, 403)
            return await run_in_threadpool(self._carry_out, request, await _fields(request), act, otherwise)

        return Route(path, endpoint, methods=["POST"])

    def _carry_out(self, request: Request, fields: Mapping[str, str], act: Act, otherwise: Fallback | None) -> Response:
        visit = self._visit(request, fields)
        try:
            try:
                return act(visit)
            except Refused as refusal:
                return (otherwise or self.refusal)(visit, refusal)
        except Refused as refusal:
            # The page to be shown instead is refused as well.
            return self.refusal(visit, refusal)

    def _visit(self, request: Request, fields: Mapping[str, str]) -> Visit:
        user = self._person(request)
        # Taken before anything is read: a page may be newer than its version, never older.
        version = "-".join([fingerprint(self.world, user), *(str(state()) for state in self._watched)])
        return Visit(self.world, user, request, version, fields)

    def _person(self, request: Request) -> User:
        with self.world.lock:
            members = [user for user in self.world.users.values() if not user.is_bot and self.world.level(user)]
        users = {user.username: user for user in members}
        chosen = users.get(request.cookies.get(PERSON_COOKIE, "")) or users.get(FIRST_PERSON)
        if chosen is None:
            raise not_found("User Not Found")
        return chosen

    # Answers

    def page(
        self, visit: Visit, template: str, *, status: int = 200, flash: Flash | None = None, **values: Any
    ) -> Response:
        """A page made from a template; a waiting message is shown and forgotten, but not by a look of the script."""
        is_live = LIVE_HEADER in visit.request.headers
        waiting = None if is_live else _read_flash(visit.request.cookies.get(FLASH_COOKIE, ""))
        world, now = visit.world, visit.world.now()
        html = self._templates.get_template(template).render(
            me=person_view(world, visit.user),
            actors=actors(world),
            here=visit.request.url.path,
            now=now,
            version=visit.version,
            flash=flash or waiting,
            **values,
        )
        response = HTMLResponse(html, status, headers=HEADERS)
        if waiting:
            response.delete_cookie(FLASH_COOKIE, path="/", httponly=True, samesite="lax")
        return response

    def refusal(self, visit: Visit, refusal: Refused) -> Response:
        """The page that says no, with the status GitLab gives."""
        return self.page(visit, "problem.html", status=refusal.status, reason=spoken(refusal, visit))

    def _no(self, reason: str, request: Request, status: int) -> Response:
        visit = self._visit(request, {})
        return self.page(visit, "problem.html", status=status, reason=reason)


def go(path: str, *, said: str = "", mood: str = "done") -> Response:
    """Lead on to a page of ours, with a message to be shown there."""
    response = RedirectResponse(path, 303)
    if said:
        told = json.dumps([mood, said[:_LONGEST_FLASH]]).encode()
        value = base64.urlsafe_b64encode(told).decode()
        response.set_cookie(FLASH_COOKIE, value, path="/", max_age=60, httponly=True, samesite="lax")
    return response


def local_path(path: str) -> str:
    """The path, if it stays on this site; the start page otherwise."""
    is_local = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if is_local else "/"


def spoken(refusal: Refused, visit: Visit) -> str:
    """A refusal in words, whichever of GitLab's forms its body has."""
    if refusal.status == 403:
        person = person_view(visit.world, visit.user)
        return f"{person.name} ({person.role}) may not do that here. Choose somebody else at the top of the page."
    body = refusal.body
    while isinstance(body, Mapping):
        name, body = next(iter(body.items()))
        if name not in {"message", "error"}:
            body = f"{name} {body[0] if isinstance(body, list) else body}"
    return str(body).removeprefix("400 Bad request - ").removeprefix("404 ")


async def _fields(request: Request) -> dict[str, str]:
    async with request.form() as form:
        return {name: value for name, value in form.items() if not isinstance(value, UploadFile)}


def _read_flash(cookie: str) -> Flash | None:
    try:
        mood, text = json.loads(base64.urlsafe_b64decode(cookie.encode()))
    except (ValueError, TypeError):
        return None
    return Flash("done" if mood == "done" else "refused", str(text))


@pass_context
def _ago(context: Context, moment: Any) -> Markup:
    return ago(moment, context["now"])


@pass_context
def _due(context: Context, day: Any) -> str:
    return due_in_words(day, context["now"].date())
