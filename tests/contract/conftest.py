"""A sandbox behind a socket with a clock to be moved, and a receiver of its webhooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

from app.sandbox import SandboxServer, World, token_of

from .receiver import FakeClock, Receiver

ALL_EVENTS = {
    "push_events": False,
    "issues_events": True,
    "confidential_issues_events": True,
    "note_events": True,
    "confidential_note_events": True,
    "emoji_events": True,
}

Clients = Callable[[str], httpx.Client]


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world(clock: FakeClock) -> Iterator[World]:
    with_hooks = World(clock=clock, hook_delay_s=0.0, busy_window_s=0.0)
    yield with_hooks
    with_hooks.close()


@pytest.fixture
def server(world: World) -> Iterator[SandboxServer]:
    with SandboxServer(world) as running:
        yield running


@pytest.fixture
def client_of(server: SandboxServer) -> Iterator[Clients]:
    """Makes an HTTP client that works as one of the cast."""
    made: list[httpx.Client] = []

    def make(username: str) -> httpx.Client:
        headers = {"PRIVATE-TOKEN": token_of(username)}
        made.append(httpx.Client(base_url=f"{server.url}/api/v4/", headers=headers, trust_env=False, timeout=5.0))
        return made[-1]

    yield make
    for client in made:
        client.close()


@pytest.fixture
def bot(client_of: Clients) -> httpx.Client:
    return client_of("ps-bot")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as listening:
        yield listening


@pytest.fixture
def hooked(world: World, receiver: Receiver) -> World:
    """The world with one hook that wants everything."""
    world.add_hook("root", receiver.url, token="s3cr3t-token", **ALL_EVENTS)
    return world
