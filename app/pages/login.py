"""Login by GitLab (OAuth 2.0 with PKCE, through Authlib): GitLab says who it is, the project's roles what they may.

The session is a signed cookie that holds the user name and nothing else of value; GitLab's access token is used once,
to ask for the name, and forgotten. Imported late: only a service with an OAuth application needs Authlib.
"""

from __future__ import annotations

import hashlib
import secrets
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import httpx
import structlog
from starlette.concurrency import run_in_threadpool
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app.directory import Directory
from app.errors import Permanent, Retry
from app.methodology.model import Methodology
from app.pages.frame import HEADERS, Frame
from app.pages.visitor import Visitor, visitor_of
from app.same_site import is_from_elsewhere

with warnings.catch_warnings(record=True):  # Authlib would rather see another HTTP client, and says so at each start
    from authlib.integrations.base_client import OAuthError
    from authlib.integrations.starlette_client import OAuth

LOGIN: Final = "/login"
RETURN: Final = "/login/gitlab"
LEAVE: Final = "/logout"
TIMEOUT_S: Final = 10.0
LONGEST_ADDRESS: Final = 500
SESSION_S: Final = 8 * 3600

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class OAuthApplication:
    """The application that was registered in GitLab, with the scope `read_user`."""

    client_id: str
    client_secret: str
    gitlab_url: str
    public_url: str


class GitLabLogin:
    """A Gatekeeper. What it knows of a visitor is in a cookie that it has signed."""

    def __init__(
        self, application: OAuthApplication, directory: Directory, methodology: Methodology, frame: Frame
    ) -> None:
        self._application = application
        self._directory = directory
        self._methodology = methodology
        self._frame = frame
        url = application.gitlab_url
        self._gitlab: Any = OAuth().register(
            "gitlab",
            client_id=application.client_id,
            client_secret=application.client_secret,
            authorize_url=f"{url}/oauth/authorize",
            access_token_url=f"{url}/oauth/token",
            api_base_url=f"{url}/api/v4/",
            client_kwargs={
                "scope": "read_user",
                "code_challenge_method": "S256",
                "timeout": TIMEOUT_S,
                "follow_redirects": False,  # the secret goes to the configured GitLab and nowhere else
            },
        )

    @property
    def middleware(self) -> Sequence[Middleware]:
        """The session. Whoever changes the application's secret logs everybody out."""
        key = hashlib.sha256(b"psplan session " + self._application.client_secret.encode()).hexdigest()
        is_https = self._application.public_url.startswith("https://")
        return [
            Middleware(
                SessionMiddleware,
                secret_key=key,
                session_cookie="psplan_session",
                max_age=SESSION_S,
                same_site="lax",  # the way back from GitLab is a link from another site
                https_only=is_https,
            )
        ]

    def routes(self) -> list[Route]:
        """To GitLab, back from there, and out again."""
        middleware = list(self.middleware)
        return [
            Route(LOGIN, self._to_gitlab, methods=["GET"], middleware=middleware),
            Route(RETURN, self._back, methods=["GET"], middleware=middleware),
            Route(LEAVE, self._leave, methods=["POST"], middleware=middleware),
        ]

    async def admit(self, request: Request) -> Visitor | Response:
        """Who is logged in and a member of the project."""
        username = request.session.get("username")
        if not isinstance(username, str):
            request.session["wanted"] = _path(request)
            return RedirectResponse(LOGIN, 303, HEADERS)
        csrf = request.session.get("csrf", "")
        try:
            visitor = await run_in_threadpool(visitor_of, username, csrf, self._directory, self._methodology)
        except (Retry, Permanent):
            return self._frame.problem(503, "GitLab does not say just now who is a member of the project.")
        if visitor is None:
            words = f"You are {username} in GitLab, and no member of the project: ask one of its maintainers."
            return self._frame.problem(403, words)
        return visitor

    async def _to_gitlab(self, request: Request) -> Response:
        back = f"{self._application.public_url}{RETURN}"
        answer: Response = await self._gitlab.authorize_redirect(request, back)
        return answer

    async def _back(self, request: Request) -> Response:
        wanted = request.session.get("wanted", "/")
        try:
            token = await self._gitlab.authorize_access_token(request)
            answer = await self._gitlab.get("user", token=token)
            answer.raise_for_status()
            username = answer.json()["username"]
        except (OAuthError, httpx.HTTPError, ValueError, KeyError) as fault:
            log.warning("login.failed", reason=type(fault).__name__)
            return self._frame.problem(
                403, "GitLab did not confirm who you are. Try again from the start.", retry=LOGIN
            )
        request.session.clear()  # a session from before the login proves nothing afterwards
        request.session.update(username=str(username), csrf=secrets.token_urlsafe(24))
        log.info("login.done", user=username)
        return RedirectResponse(str(wanted) if _is_own_path(wanted) else "/", 303, HEADERS)

    async def _leave(self, request: Request) -> Response:
        if is_from_elsewhere(request):
            return PlainTextResponse("That came from another site.", 403, HEADERS)
        request.session.clear()
        return self._frame.problem(200, "You are logged out here. In GitLab you may still be logged in.", retry=LOGIN)


def _path(request: Request) -> str:
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.url.path}{query}"[:LONGEST_ADDRESS]


def _is_own_path(path: object) -> bool:
    """A path of this site: `//host` and `/\\host` would lead a browser elsewhere."""
    return isinstance(path, str) and path.startswith("/") and not path.startswith(("//", "/\\"))
