"""Whether a form comes from a page of this very site, as a browser tells it; what tells nothing is no browser."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.requests import Request


def is_from_elsewhere(request: Request) -> bool:
    """Whether a browser says that this request comes from another site."""
    site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site not in {"same-origin", "none"}:
        return True
    return origin is not None and _host_of(origin) != request.headers.get("host")


def _host_of(origin: str) -> str:
    try:
        return urlsplit(origin).netloc
    except ValueError:  # as of `http://[`
        return ""
