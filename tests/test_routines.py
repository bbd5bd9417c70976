"""What the service does by itself begins in time, goes on whatever goes wrong in it, and says what went wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from app import routines
from app.directory import Directory
from app.errors import Retry
from app.methodology import load_methodology
from app.operations import Done, Operations
from app.ports import Member, Person
from app.routines import Routines
from app.store.store import Store, open_store


class Odd:
    """A GitLab of which only one thing is asked, and that fails at first."""

    def __init__(self, *faults: Exception) -> None:
        self.faults = list(faults)

    def whoami(self) -> Person:
        return Person(1, "ps-bot")

    def members(self) -> list[Member]:
        if self.faults:
            raise self.faults.pop()
        return [Member(2, "erin", 40)]


class Noted:
    """Operations that only take notes."""

    def __init__(self) -> None:
        self.done: list[str] = []

    def carry_out(self, kind: str, words: dict[str, Any], tell: Callable[[str], None]) -> Done:  # noqa: ARG002
        self.done.append(kind)
        return Done({}, frozenset())


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store(tmp_path / "psplan.sqlite3")
    yield opened
    opened.close()


def made(
    store: Store,
    *,
    directory: Directory | None = None,
    operations: Operations | None = None,
    is_listening: asyncio.Event | None = None,
    sweep_interval_s: float = 600,
) -> Routines:
    return Routines(
        directory=directory or known(),
        operations=operations or Noted(),  # type: ignore[arg-type]
        store=store,
        clock=lambda: 0.0,
        sleep=asyncio.sleep,
        wake=lambda _: None,
        stopping=threading.Event(),
        is_listening=is_listening or asyncio.Event(),
        sweep_interval_s=sweep_interval_s,
        keep_days=30,
        mornings_of=load_methodology(None),
    )


def known(*faults: Exception) -> Directory:
    return Directory(Odd(*faults), timer=lambda: 0.0)  # type: ignore[arg-type]


async def become(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize(
    ("fault", "told"),
    [(KeyError("id"), "routine.hit_bug"), (Retry("GitLab answered 502"), "gitlab.not_reached")],
    ids=["a bug", "no answer"],
)
def test_who_is_who_is_read_again_after_whatever_went_wrong_and_that_is_told(
    fault: Exception, told: str, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routines, "REFRESH_S", 0.01)
    directory = known(fault)

    async def live() -> None:
        running = made(store, directory=directory)
        running.start()
        await become(lambda: len(directory._entries) == 1)
        assert await running.stop(5.0)

    with capture_logs() as logs:
        asyncio.run(live())
    assert told in {each["event"] for each in logs}


def test_the_first_sweep_waits_until_deliveries_are_answered(store: Store) -> None:
    noted = Noted()

    async def live() -> None:
        is_listening = asyncio.Event()
        running = made(store, operations=noted, is_listening=is_listening)  # type: ignore[arg-type]
        running.start()
        await asyncio.sleep(0.1)
        assert noted.done == []
        is_listening.set()
        await become(lambda: noted.done == ["sweep"])
        assert await running.stop(5.0)

    asyncio.run(live())
