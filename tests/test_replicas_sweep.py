"""Replicas that sweep at the same time: one does it, and where two do it all the same, neither trips."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from sqlalchemy import Connection

from app.engine.jobs import LaneJobs
from app.operations import Done
from app.store import inbox, swept
from app.store.postgres import open_shared_store
from app.store.store import Store
from app.store.swept import SweptIssue
from tests.harness import until
from tests.test_routines import Noted, become, made
from tests.test_store import ARRIVAL

LONG_ENOUGH_S = 0.3


@pytest.fixture
def stores(postgres_url: str) -> Iterator[tuple[Store, Store]]:
    both = tuple(open_shared_store(postgres_url, LaneJobs(), readers=2) for _ in range(2))
    yield both[0], both[1]
    for each in both:
        each.close()


@pytest.mark.parametrize(
    ("note", "answers"),
    [
        (partial(swept.keep_swept, iid=7, value=SweptIssue("digest", 1.0)), [None, None]),
        (partial(swept.keep_mark, name="sweep", at=1.0), [None, None]),
        (partial(inbox.add_new, acceptances=[ARRIVAL]), [[ARRIVAL], []]),
    ],
    ids=["an issue", "a mark", "a delivery"],
)
def test_what_two_replicas_note_at_the_same_moment_is_noted_once_and_fails_neither(
    note: Callable[[Connection], Any], answers: list[Any], stores: tuple[Store, Store]
) -> None:
    is_noted = threading.Event()

    def first(connection: Connection) -> Any:
        answer = note(connection)
        is_noted.set()
        threading.Event().wait(LONG_ENOUGH_S)  # the other one comes meanwhile, and does not see it yet
        return answer

    def second(connection: Connection) -> Any:
        assert is_noted.wait(5)
        return note(connection)

    with ThreadPoolExecutor(2) as pool:
        assert list(pool.map(lambda each: each[0].write(each[1]), zip(stores, (first, second), strict=True))) == answers


def test_a_replica_that_is_gone_lets_another_one_sweep(stores: tuple[Store, Store]) -> None:
    one, other = stores
    assert one.write(swept.claim)
    assert one.write(swept.claim), "the same transaction, run again"
    assert not other.write(swept.claim)
    one.write(swept.release)
    assert other.write(swept.claim)
    assert not one.write(swept.claim)
    other.close()
    assert until(lambda: one.write(swept.claim))


class Slow(Noted):
    """Sweeps until it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.may_end = threading.Event()

    def carry_out(self, kind: str, words: dict[str, Any], tell: Callable[[str], None]) -> Done:
        done = super().carry_out(kind, words, tell)
        assert self.may_end.wait(10)
        return done


def test_while_one_replica_sweeps_no_other_does(stores: tuple[Store, Store]) -> None:
    slow, noted = Slow(), Noted()

    async def live() -> None:
        is_listening = asyncio.Event()
        is_listening.set()
        one = made(stores[0], operations=slow, is_listening=is_listening)  # type: ignore[arg-type]
        other = made(stores[1], operations=noted, is_listening=is_listening, sweep_interval_s=0.02)  # type: ignore[arg-type]
        one.start()
        await become(lambda: slow.done == ["sweep"])
        other.start()
        await asyncio.sleep(LONG_ENOUGH_S)
        assert noted.done == []
        slow.may_end.set()
        await become(lambda: bool(noted.done))
        assert await one.stop(5.0)
        assert await other.stop(5.0)

    asyncio.run(live())
