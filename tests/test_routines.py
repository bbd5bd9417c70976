"""What the service does by itself goes on whatever goes wrong in it, and says what went wrong."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app import routines
from app.directory import Directory
from app.errors import Retry
from app.operations import Operations
from app.ports import Member, Person
from app.routines import Routines
from app.store.store import open_store


class Odd:
    """A GitLab of which only one thing is asked, and that fails at first."""

    def __init__(self, fault: Exception) -> None:
        self.faults = [fault]

    def whoami(self) -> Person:
        return Person(1, "ps-bot")

    def members(self) -> list[Member]:
        if self.faults:
            raise self.faults.pop()
        return [Member(2, "erin", 40)]


@pytest.mark.parametrize(
    ("fault", "told"),
    [(KeyError("id"), "routine.hit_bug"), (Retry("GitLab answered 502"), "gitlab.not_reached")],
    ids=["a bug", "no answer"],
)
def test_who_is_who_is_read_again_after_whatever_went_wrong_and_that_is_told(
    fault: Exception, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routines, "REFRESH_S", 0.01)
    directory = Directory(Odd(fault), clock=lambda: 0.0)  # type: ignore[arg-type]
    store = open_store(tmp_path / "psplan.sqlite3")
    made = Routines(
        directory=directory,
        operations=Operations(store, None, clock=lambda: 0.0),  # type: ignore[arg-type]
        store=store,
        clock=lambda: 0.0,
        wake=lambda _: None,
        stopping=threading.Event(),
        sweep_interval_s=0,
        keep_days=30,
    )
    with capture_logs() as logs:
        asyncio.run(until(lambda: len(directory._entries) == 1, made))
    store.close()
    assert told in {each["event"] for each in logs}


async def until(is_so: Callable[[], bool], made: Routines) -> None:
    made.start()
    async with asyncio.timeout(5):
        while not is_so():
            await asyncio.sleep(0.01)
    assert await made.stop(5.0)
