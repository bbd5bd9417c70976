"""The ways in which the sandbox says no, with the status and the body GitLab gives for each.

The bodies are GitLab's own spelling, uneven as it is: some are `{"message": …}`, some `{"error": …}`, and a message may
be a string or an object. Clients have to live with all of them.
"""

from __future__ import annotations

from collections.abc import Mapping

TOO_MANY = "This endpoint has been requested too many times. Try again later."


class Refused(Exception):
    """The request is answered with a status of 400 or more.

    Attributes: `status` (HTTP), `body` (JSON value, or text when it is a `str`), `headers` to add.
    """

    def __init__(self, status: int, body: object, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(f"{status} {body}")
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def not_found(what: str = "Not found") -> Refused:
    """404: absent, or not visible for this user; `what` follows the number in the message."""
    return Refused(404, {"message": f"404 {what}"})


def forbidden() -> Refused:
    """403: the role of the user is too low."""
    return Refused(403, {"message": "403 Forbidden"})


def bad_request(reason: str) -> Refused:
    """400 with GitLab's usual prefix."""
    return Refused(400, {"message": f"400 Bad request - {reason}"})


def invalid(attribute: str, problem: str) -> Refused:
    """400 because one attribute does not pass its validation."""
    return Refused(400, {"message": {attribute: [problem]}})


def missing(parameter: str) -> Refused:
    """400 because a required parameter was not sent."""
    return Refused(400, {"error": f"{parameter} is missing"})


def conflict(message: str) -> Refused:
    """409: it exists already, or somebody else is writing."""
    return Refused(409, {"message": message})


def unauthorized() -> Refused:
    """401: no token, or one that nobody knows."""
    return Refused(401, {"message": "401 Unauthorized"})


def invalid_token(description: str) -> Refused:
    """401: a token that was known once, but is revoked or has expired."""
    return Refused(401, {"error": "invalid_token", "error_description": description})


def insufficient_scope() -> Refused:
    """403: the token may only read."""
    return Refused(
        403,
        {
            "error": "insufficient_scope",
            "error_description": "The request requires higher privileges than provided by the access token.",
            "scope": "api",
        },
    )


def too_many(*, retry_after_s: int | None) -> Refused:
    """429 of an application limit; issue creation is the one that comes without `Retry-After`."""
    headers = {} if retry_after_s is None else {"Retry-After": str(retry_after_s)}
    return Refused(429, {"message": {"error": TOO_MANY}}, headers=headers)


def too_many_requests(headers: Mapping[str, str]) -> Refused:
    """429 of the HTTP layer: plain text with `Retry-After`."""
    return Refused(429, "Retry later\n", headers={**headers, "Retry-After": "60"})
