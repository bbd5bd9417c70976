"""What all tests share: a log for people whose tracebacks are plain."""

from __future__ import annotations

import structlog


def pytest_configure() -> None:
    """With `rich`, which a tool of ours brings along, one traceback costs seconds on the event loop's thread."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])
