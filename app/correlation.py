"""The id that ties a delivery to all that it brings about: bound to every line of the log, and the trace's id.

It is the delivery's own key behind its source, so that it is the same before a number is known and after a crash, on
whichever replica, and in a replay. `psplan deliveries show` takes it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256

from structlog.contextvars import bind_contextvars, get_contextvars, reset_contextvars

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


@contextmanager
def correlated(correlation: str, **more: object) -> Iterator[None]:
    """Around everything that is done for a delivery, in one thread or task."""
    # structlog's own `bound_contextvars` looks through the whole context first, which the webhook's door would feel
    tokens = bind_contextvars(**{NAME: correlation}, **more)
    try:
        yield
    finally:
        reset_contextvars(**tokens)


def current() -> str | None:
    """The id of the delivery at hand."""
    return get_contextvars().get(NAME)
