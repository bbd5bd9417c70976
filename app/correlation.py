"""The id that ties a delivery to all that it brings about: bound to every line of the log, and the trace's id.

It is the delivery's own key behind its source, so that it is the same before a number is known and after a crash, on
whichever replica, and in a replay. `psplan deliveries show` takes it.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from hashlib import sha256

import structlog

NAME = "correlation"
"""What lines of the log and spans call it."""


def correlation_of(source: str, key: str) -> str:
    """The id of a delivery. A key that would play with a terminal stands there as its digest."""
    is_plain = key.isascii() and key.isprintable()
    return f"{source}:{key if is_plain else sha256(key.encode()).hexdigest()}"


def source_and_key(correlation: str) -> tuple[str, str]:
    """The way back; not from a digest."""
    source, _, key = correlation.partition(":")
    return source, key


def correlated(correlation: str, **more: object) -> AbstractContextManager[None]:
    """Around everything that is done for a delivery, in one thread or task."""
    return structlog.contextvars.bound_contextvars(**{NAME: correlation}, **more)


def current() -> str | None:
    """The id of the delivery at hand."""
    return structlog.contextvars.get_contextvars().get(NAME)
