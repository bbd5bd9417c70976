"""Structured logs to stderr: JSON for machines, plain for people; secrets are cut out by value, wherever they stand."""

from __future__ import annotations

import base64
import json
import logging
import sys
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any
from urllib.parse import quote

import structlog

SHORTEST_SECRET = 6
"""Shorter values would cut holes into ordinary words."""


def set_up_logs(
    *, style: str, secrets: Iterable[str], is_quiet: bool = False, is_told: bool = False
) -> Callable[[Iterable[str]], None]:
    """`style`: json, console, or auto (console on a terminal). `is_quiet`: warnings only. Answers what hides more.

    `is_told`: errors only, because a person is told the rest in other words.
    """
    redactor = _Redactor(secrets)
    least = logging.ERROR if is_told else logging.WARNING if is_quiet else logging.INFO
    plain = style == "console" or (style == "auto" and sys.stderr.isatty())
    last: Any = _for_people() if plain else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,  # before the redactor, which reads texts only
            redactor,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(least),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),  # a line in one write: threads do not tear it apart
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(level=logging.WARNING, handlers=[_IntoStructlog()], force=True)
    return redactor.hide


def _for_people() -> structlog.dev.ConsoleRenderer:
    # where `rich` is installed it would show the local variables of every frame: slow, and full of secrets
    return structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)


class _IntoStructlog(logging.Handler):
    """What libraries log (uvicorn's tracebacks, say) goes the same way, and past the redactor."""

    def emit(self, record: logging.LogRecord) -> None:
        structlog.get_logger().log(record.levelno, record.getMessage(), logger=record.name, exc_info=record.exc_info)


class _Redactor:
    """Replaces every secret in every text of an entry, in the forms in which it may stand there."""

    def __init__(self, secrets: Iterable[str]) -> None:
        self._secrets: tuple[str, ...] = ()
        self.hide(secrets)

    def hide(self, secrets: Iterable[str]) -> None:
        """These as well, from now on."""
        forms = {form for secret in secrets for form in _forms(secret) if len(form) >= SHORTEST_SECRET}
        # the longest first: a key without its prefix would leave the prefix behind
        self._secrets = tuple(sorted({*self._secrets, *forms}, key=len, reverse=True))

    def __call__(self, _logger: object, _method: str, entry: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        return {name: self._clean(value) for name, value in entry.items()}

    def _clean(self, value: Any) -> Any:
        if isinstance(value, str):
            for secret in self._secrets:
                value = value.replace(secret, "[secret]")
            return value
        if isinstance(value, (list, tuple)):
            return [self._clean(each) for each in value]
        if isinstance(value, dict):
            return {self._clean(key): self._clean(each) for key, each in value.items()}
        if isinstance(value, bytes | Exception):
            return self._clean(str(value))  # as the renderer would write it
        return value


def _forms(secret: str) -> Iterator[str]:
    """As it is, without the prefix of signing keys, in an address, inside JSON, and packed for HTTP."""
    yield secret
    yield secret.removeprefix("whsec_")
    yield quote(secret, safe="")
    yield json.dumps(secret)[1:-1]
    yield base64.b64encode(secret.encode()).decode().rstrip("=")
