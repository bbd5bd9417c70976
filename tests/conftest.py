"""What all tests share: a private PostgreSQL, started once for all, and a log whose tracebacks are plain.

`TEST_STORE=postgresql`: the stages of the harness use it instead of a file, so that tests of the process can be
run over both. Such switches do not begin as psplan's settings do: the doctor would call them misspelled.
"""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from tests import harness
from tests.postgres import Cluster, cluster

settings.register_profile("suite", deadline=None)  # a busy machine is no counterexample
settings.load_profile("suite")


@pytest.fixture(scope="session")
def postgres() -> Iterator[Cluster]:
    with cluster() as running:
        yield running


@pytest.fixture
def postgres_url(postgres: Cluster) -> str:
    """A fresh database."""
    return postgres.new_database()


@pytest.fixture(autouse=True)
def _stages_on_postgres(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if os.environ.get("TEST_STORE") == "postgresql":
        running: Cluster = request.getfixturevalue("postgres")
        monkeypatch.setattr(harness, "new_database", running.new_database)


def pytest_configure() -> None:
    """With `rich`, which a tool of ours brings along, one traceback costs seconds on the event loop's thread."""
    renderer = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], renderer])
