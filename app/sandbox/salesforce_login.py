"""The token endpoint of the stand-in Salesforce: client credentials, and assertions whose signature is looked at."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from app.sandbox.salesforce import SalesforceWorld

CLIENT_ID: Final = "3MVG9.of.the.sandbox"
CLIENT_SECRET: Final = "client-secret-of-the-sandbox"
USERNAME: Final = "ps-plan-bot@example.com.sandbox"
LIFE_S: Final = 7200.0
_JWT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"


@dataclass(slots=True)
class ConnectedApp:
    """The app in Salesforce's set-up. `certificate`: public key (PEM) of who may sign for it; `url`: My Domain.

    `instance_url`: what a login names; None: My Domain too.
    """

    client_id: str = CLIENT_ID
    secret: str = CLIENT_SECRET
    username: str = USERNAME
    certificate: str | None = None
    url: str = ""
    instance_url: str | None = None
    tokens: dict[str, float] = field(default_factory=dict)
    """Token → until when it is taken."""

    def revoke(self) -> None:
        """No session is taken any longer."""
        self.tokens.clear()

    def is_taken(self, token: str, now: float) -> bool:
        """Whether this is a session."""
        return self.tokens.get(token, 0.0) > now


def log_in(app: ConnectedApp, world: SalesforceWorld, given: Mapping[str, str], own_url: str) -> tuple[int, Any]:
    """What the token endpoint answers."""
    match given.get("grant_type"):
        case "client_credentials":
            refused = _by_secret(app, given)
        case str(grant) if grant == _JWT:
            refused = _by_assertion(app, given.get("assertion", ""), world.clock(), own_url)
        case _:
            refused = ("unsupported_grant_type", "grant type not supported")
    if refused is not None:
        return 400, {"error": refused[0], "error_description": refused[1]}
    token = f"{world.organization[:15]}!{secrets.token_urlsafe(48)}"
    app.tokens[token] = world.clock() + LIFE_S
    url = app.url or own_url
    return 200, {
        "access_token": token,
        "scope": "api",
        "instance_url": app.instance_url or url,
        "id": f"{url}/id/{world.organization}/{world.user}",
        "token_type": "Bearer",
    }


def _by_secret(app: ConnectedApp, given: Mapping[str, str]) -> tuple[str, str] | None:
    if given.get("client_id") != app.client_id:
        return "invalid_client_id", "client identifier invalid"
    if not secrets.compare_digest(given.get("client_secret", "").encode(), app.secret.encode()):
        return "invalid_client", "invalid client credentials"
    return None


def _by_assertion(app: ConnectedApp, assertion: str, now: float, own_url: str) -> tuple[str, str] | None:
    from joserfc import jwt
    from joserfc.errors import JoseError
    from joserfc.jwk import RSAKey

    try:
        claims = jwt.decode(assertion, RSAKey.import_key(app.certificate or ""), algorithms=["RS256"]).claims
    except (JoseError, ValueError):
        return "invalid_grant", "invalid assertion"
    if claims.get("iss") != app.client_id:
        return "invalid_client_id", "client identifier invalid"
    if claims.get("aud") != (app.url or own_url):
        return "invalid_grant", "audience is invalid"
    if not isinstance(claims.get("exp"), int) or not now < claims["exp"] <= now + 300:
        return "invalid_grant", "expired authorization code"
    if claims.get("sub") != app.username:
        return "invalid_grant", "user hasn't approved this consumer"
    return None
