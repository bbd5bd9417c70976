"""A service with seeded engagements; its pages are open to everybody, or to members by a login through the sandbox."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import select

from app.background import BackgroundServer
from app.clock import Clock
from app.main import Service, create_app
from app.sandbox.oauth import Application, oauth_routes
from app.sandbox.page_frame import PERSON_COOKIE
from app.sandbox.server import SandboxServer
from app.sandbox.world import World
from app.store.schema import pipeline
from tests.harness import Stage, add_hook, settings_for
from tests.ports import free_port
from tests.seeds import seed

SECRET = "a-secret-of-the-application"


@dataclass
class Site:
    """A running service with its pages."""

    url: str
    service: Service
    stage: Stage

    @property
    def world(self) -> World:
        return self.stage.world

    def some(self, *, is_confidential: bool = False) -> tuple[str, str]:
        """The id and the customer of some engagement."""
        query = select(pipeline.c.engagement_id, pipeline.c.customer).order_by(pipeline.c.engagement_id).limit(1)
        row = self.service.store.read(
            lambda c: c.execute(query.where(pipeline.c.is_confidential == is_confidential)).one()
        )
        return row.engagement_id, row.customer


@contextmanager
def open_site(folder: Path, *, count: int, clock: Clock = time.time, **given: Any) -> Iterator[Site]:
    """Pages without a login."""
    with SandboxServer(World(hook_delay_s=0.0)) as sandbox:
        service = Service(settings_for(folder, sandbox.url, **given), clock=clock)
        app = create_app(service.settings, service=service, is_open_house=True)
        with BackgroundServer(app) as running, httpx.Client(timeout=10) as client:
            add_hook(sandbox.world, running.url)
            if count:
                service.store.write(lambda c: seed(c, count, now=clock(), entries=8 * count))
            yield Site(running.url, service, Stage(sandbox.world, running.url, client))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with open_site(tmp_path_factory.mktemp("site"), count=120) as opened:
        yield opened


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Pages behind the login."""
    folder, world, port = tmp_path_factory.mktemp("house"), World(hook_delay_s=0.0), free_port()
    url = f"http://127.0.0.1:{port}"
    application = Application("the-client", SECRET, f"{url}/login/gitlab")
    with SandboxServer(world, extra_routes=oauth_routes(world, application)) as sandbox:
        given = {"public_url": url, "oauth_client_id": "the-client", "oauth_client_secret": SecretStr(SECRET)}
        service = Service(settings_for(folder, sandbox.url, **given))
        with (
            BackgroundServer(create_app(service.settings, service=service), port=port) as running,
            httpx.Client(timeout=10) as client,
        ):
            service.store.write(lambda c: seed(c, 60, now=time.time(), entries=480))
            yield Site(running.url, service, Stage(world, running.url, client))


@contextmanager
def logged_in(house: Site, person: str) -> Iterator[httpx.Client]:
    """A browser of somebody who went through the login."""
    with httpx.Client(
        base_url=house.url, follow_redirects=True, timeout=10, cookies={PERSON_COOKIE: person}
    ) as browser:
        browser.get("/")
        yield browser
