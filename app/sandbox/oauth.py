"""GitLab as an OAuth provider, as far as a login needs it: the authorization code with PKCE, for one application.

Whoever is asked says yes at once. Refusals are GitLab's (Doorkeeper's): a wrong address to return to is never
redirected to; a code serves once, for the application and address that it was made for.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from app.sandbox.page_frame import FIRST_PERSON, PERSON_COOKIE
from app.sandbox.world import World

LIFE_S: Final = 7200


@dataclass(frozen=True, slots=True)
class Application:
    """An application that was registered in GitLab."""

    client_id: str
    secret: str
    redirect_uri: str


@dataclass(frozen=True, slots=True)
class _Code:
    username: str
    client_id: str
    redirect_uri: str
    challenge: str


def oauth_routes(world: World, application: Application) -> list[Route]:
    """What an application talks to; the person who is asked is the one chosen on the sandbox's pages."""
    codes: dict[str, _Code] = {}

    async def authorize(request: Request) -> Response:
        asked = request.query_params
        if asked.get("client_id") != application.client_id or asked.get("redirect_uri") != application.redirect_uri:
            return PlainTextResponse("Client authentication failed, or the redirect URI is not valid.", 401)
        code = secrets.token_urlsafe(16)
        person = request.cookies.get(PERSON_COOKIE, FIRST_PERSON)
        challenge = asked.get("code_challenge", "") if asked.get("code_challenge_method") == "S256" else ""
        codes[code] = _Code(person, application.client_id, application.redirect_uri, challenge)
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{application.redirect_uri}?{back}", 302)

    async def token(request: Request) -> Response:
        async with request.form() as form:
            given = {name: str(value) for name, value in form.items()}
        given |= _basic(request.headers.get("authorization", ""))
        if (given.get("client_id"), given.get("client_secret")) != (application.client_id, application.secret):
            return JSONResponse({"error": "invalid_client"}, 401)
        code = codes.pop(given.get("code", ""), None)
        proof = hashlib.sha256(given.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(proof).rstrip(b"=").decode()
        is_good = code is not None and given.get("redirect_uri") == code.redirect_uri and challenge == code.challenge
        if code is None or not is_good:
            return JSONResponse({"error": "invalid_grant"}, 400)
        value = secrets.token_urlsafe(24)
        world.add_token(code.username, value=value, scopes=("read_user",))
        return JSONResponse({"access_token": value, "token_type": "Bearer", "expires_in": LIFE_S, "scope": "read_user"})

    return [
        Route("/oauth/authorize", authorize, methods=["GET"]),
        Route("/oauth/token", token, methods=["POST"]),
    ]


def _basic(header: str) -> dict[str, str]:
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return {}
    client_id, _, secret = base64.b64decode(value).decode().partition(":")
    return {"client_id": client_id, "client_secret": secret}
