"""The login to Salesforce: by client credentials or a signed assertion (JWT bearer), for a session kept in memory.

A session is good until Salesforce refuses it, hours later; then there is a new one. Its token goes to no other host
than My Domain or one of Salesforce's own. A login that is not taken is tried at most once a minute, by whoever comes.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

import httpx

from app.adapters.salesforce_answers import read_json, send
from app.adapters.salesforce_restraint import SalesforceCall, SalesforceRestraint
from app.adapters.watch import OK
from app.clock import Clock
from app.errors import Permanent, Retry, VendorDown
from app.salesforce_id import full_id

LOGIN: Final = "login"
REFUSED_WAIT_S: Final = 60.0
ASSERTION_S: Final = 180
HOSTS: Final = (".salesforce.com", ".force.com")

_WORD: Final = re.compile(r"[a-z_]{1,40}")
_WAITING: Final = frozenset({"rate_limit_exceeded", "too_many_requests"})
_IDENTITY: Final = re.compile(r"/id/(00D[A-Za-z0-9]{12}(?:[A-Za-z0-9]{3})?)/")


class Login(Protocol):
    """What is shown to the token endpoint."""

    def form(self) -> Mapping[str, str]:
        """Its form, with the secret of now. Raises ValueError where that cannot be used."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """The app's own key and secret; Salesforce has a user whom it runs as."""

    client_id: str
    secret: Callable[[], str] = field(repr=False)

    def form(self) -> Mapping[str, str]:
        """Implements Login."""
        return {
            "grant_type": "client_credentials",
            "client_id": self.client_id,
            "client_secret": self.secret(),
        }


@dataclass(frozen=True, slots=True)
class JwtBearer:
    """An assertion signed with the key whose certificate the app has, for a user who was approved beforehand."""

    client_id: str
    username: str
    key: Callable[[], str] = field(repr=False)
    audience: str
    clock: Clock

    def form(self) -> Mapping[str, str]:
        """Implements Login."""
        # late: cryptography takes a while to load, and most logins are by secret
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import RSAKey

        claims = {
            "iss": self.client_id,
            "sub": self.username,
            "aud": self.audience,
            "exp": int(self.clock()) + ASSERTION_S,
        }
        try:
            assertion = jwt.encode({"alg": "RS256"}, claims, RSAKey.import_key(self.key()))
        except (JoseError, ValueError, TypeError):
            raise ValueError("the private key cannot be used") from None  # the cause may quote the key
        return {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


@dataclass(frozen=True, slots=True)
class Session:
    """A login that was taken. `url`: of the organisation's data; `organization`: its id, as far as it was told."""

    token: str = field(repr=False)
    url: str
    organization: str | None


class Sessions:
    """The session of now, shared by all threads."""

    def __init__(self, *, url: str, login: Login, restraint: SalesforceRestraint, client: httpx.Client) -> None:
        self._url = url.rstrip("/")
        self._login = login
        self._restraint = restraint
        self._client = client
        self._lock = threading.Lock()
        self._session: Session | None = None

    def current(self) -> Session:
        """The session; a login where there is none yet."""
        with self._lock:
            if self._session is None:
                self._session = self._log_in()
            return self._session

    def instead_of(self, stale: Session | None) -> Session:
        """Another session than this one: somebody else's new one, or by a login."""
        with self._lock:
            if self._session is None or stale is None or self._session.token == stale.token:
                self._session = None
                self._session = self._log_in()
            return self._session

    def _log_in(self) -> Session:
        with self._restraint.call(LOGIN) as call:
            try:
                form = self._login.form()
            except ValueError as fault:
                call.outcome = "unusable"
                raise self._not_taken(call, str(fault)) from None
            answer = send(self._client, "POST", f"{self._url}/services/oauth2/token", call, {}, data=dict(form))
            session = self._session_of(call, answer)
            call.outcome = OK
            return session

    def _session_of(self, call: SalesforceCall, answer: httpx.Response) -> Session:
        status, read = answer.status_code, read_json(answer)
        if status >= 500:
            raise VendorDown(f"Salesforce answered {status} to the login")
        if not isinstance(read, dict) or (status == 200) is ("error" in read) or 300 <= status < 400:
            call.outcome = "unreadable"
            raise VendorDown(f"what answered {status} to the login is not Salesforce")
        if status != 200:
            word = str(read["error"])
            word = word if _WORD.fullmatch(word) else "refused"
            call.outcome = word
            if word in _WAITING:
                raise call.asked_to_wait(REFUSED_WAIT_S, "Salesforce asked to wait with logins", bucket=LOGIN)
            raise self._not_taken(call, word)
        token, url = _text(read, "access_token"), _text(read, "instance_url")
        if token is None or url is None or not token.isascii() or not token.isprintable():
            call.outcome = "unreadable"
            raise VendorDown("what answered to the login is not Salesforce")
        return Session(token, self._checked(call, url), _organization(_text(read, "id")))

    def _not_taken(self, call: SalesforceCall, why: str) -> Retry:
        call.is_refused = True
        self._restraint.gates.close(LOGIN, REFUSED_WAIT_S)
        return Retry(f"Salesforce does not take the login ({why})")

    def _checked(self, call: SalesforceCall, url: str) -> str:
        """The address of the instance without a path. Raises Permanent where the token is not to go there."""
        try:
            given, own = urlsplit(url), urlsplit(self._url)
            port, own_port, host = given.port, own.port, (given.hostname or "").lower()
        except ValueError:
            port = own_port = host = None
        is_own = host and (given.scheme, host, port) == (own.scheme, (own.hostname or "").lower(), own_port)
        is_theirs = host and given.scheme == "https" and host.endswith(HOSTS) and port in {None, 443}
        if not (is_own or is_theirs) or given.username is not None:
            call.outcome = "foreign_instance"
            raise Permanent("the login to Salesforce names an instance that is not Salesforce's: nothing is sent there")
        return f"{given.scheme}://{host}" + ("" if port is None else f":{port}")


def _organization(identity: str | None) -> str | None:
    """From the address of the identity, which ends in `/id/<organisation>/<user>`."""
    found = _IDENTITY.search(identity or "")
    try:
        return None if found is None else full_id(found[1])
    except ValueError:
        return None


def _text(answer: Mapping[str, Any], name: str) -> str | None:
    value = answer.get(name)
    return value if isinstance(value, str) and value else None
