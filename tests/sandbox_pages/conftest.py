"""A sandbox with one issue, a clock that stands still, a browser and an ear."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.sandbox import World
from tests.contract.receiver import FakeClock, Receiver

from .browser import ORIGIN, Browser, Ear


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def world(clock: FakeClock) -> Iterator[World]:
    world = World(clock=clock, base_url=ORIGIN, hook_delay_s=0.0)
    world.create_label("root", "proposal::SOW_WIP", color="#8e44ad")
    world.create_issue("alice", title="Acme - Scope", description="Please scope this.")
    yield world
    world.close()


@pytest.fixture
def ear(world: World) -> Iterator[Ear]:
    kinds = ("issues_events", "confidential_issues_events", "note_events", "confidential_note_events")
    with Receiver() as receiver:
        world.add_hook("root", receiver.url, push_events=False, **dict.fromkeys(kinds, True))
        yield Ear(world, receiver)


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world)
