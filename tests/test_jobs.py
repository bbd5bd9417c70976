"""The fence around procrastinate's jobs: whoever was overtaken can neither end a job nor set it free."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import procrastinate
import pytest
from procrastinate.jobs import Job, Status

from app.engine.jobs import QUEUE, FencedManager, LaneJobs
from app.engine.tenure import Replica, Tenure
from app.store.postgres import conninfo, open_shared_store

STALL_LIMIT_S = 20.0
NOW = datetime(2030, 1, 1, tzinfo=UTC)
Story = Callable[["Two"], Awaitable[None]]


class Two:
    """Two replicas, and a hand on their clock and on their heartbeats in the database."""

    def __init__(self, url: str) -> None:
        self.time = 0.0
        self.connector = procrastinate.PsycopgConnector(conninfo=conninfo(url), min_size=1, max_size=2)
        self.first, self.second = (
            FencedManager(
                self.connector,
                Replica(name, STALL_LIMIT_S, lambda: self.time),
                clock=NOW.timestamp,
                is_stopping=lambda: False,
            )
            for name in ("first", "second")
        )

    async def fetch(self, manager: FencedManager) -> Job | None:
        tenure = manager.tenure
        assert tenure is not None
        return await manager.fetch_job([QUEUE], tenure.number)

    async def fall_silent(self, manager: FencedManager) -> None:
        assert manager.tenure is not None
        await self.connector.execute_query_async(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute' WHERE id = %(ident)s",
            ident=manager.tenure.number,
        )

    async def statuses(self) -> list[tuple[str, int]]:
        rows = await self.connector.execute_query_all_async("SELECT status, worker_id FROM procrastinate_jobs")
        return [(row["status"], row["worker_id"]) for row in rows]

    async def take_over(self) -> Job:
        """The first one has a job and falls silent; the second one sets it free and takes it."""
        mine = await self.fetch(self.first)
        assert mine is not None
        await self.fall_silent(self.first)
        (stalled,) = await self.second.get_stalled_jobs(seconds_since_heartbeat=STALL_LIMIT_S)
        await self.second.retry_job(stalled)
        assert await self.fetch(self.second) is not None
        return mine


def play(url: str, story: Story) -> None:
    jobs = LaneJobs()
    store = open_shared_store(url, jobs, readers=1)
    store.write(lambda c: jobs.defer(c, ["lane"]))
    store.write(lambda c: jobs.defer(c, ["lane"]))

    async def run() -> None:
        two = Two(url)
        await two.connector.open_async()
        await two.first.register_worker()
        await two.second.register_worker()
        await story(two)
        await two.connector.close_async()

    asyncio.run(run())
    store.close()


def test_a_lane_has_one_job_at_work(postgres_url: str) -> None:
    async def story(two: Two) -> None:
        job = await two.fetch(two.first)
        assert job is not None
        assert await two.fetch(two.second) is None
        await two.first.finish_job(job, Status.SUCCEEDED, delete_job=True)
        assert await two.fetch(two.second) is not None

    play(postgres_url, story)


def test_whoever_was_overtaken_cannot_end_the_other_ones_run(postgres_url: str) -> None:
    async def story(two: Two) -> None:
        mine = await two.take_over()
        before = await two.statuses()
        await two.first.finish_job(mine, Status.SUCCEEDED, delete_job=True)
        await two.first.retry_job(mine, retry_at=NOW)
        assert await two.statuses() == before

    play(postgres_url, story)


def test_a_second_sweeper_that_saw_the_same_does_not_set_the_job_free_again(postgres_url: str) -> None:
    async def story(two: Two) -> None:
        await two.fetch(two.first)
        await two.fall_silent(two.first)
        seen_twice = [list(await two.second.get_stalled_jobs(seconds_since_heartbeat=STALL_LIMIT_S)) for _ in range(2)]
        await two.second.retry_job(seen_twice[0][0])
        assert await two.fetch(two.second) is not None
        before = await two.statuses()
        await two.second.retry_job(seen_twice[1][0], retry_at=NOW)
        assert await two.statuses() == before

    play(postgres_url, story)


@pytest.mark.parametrize(("wait_s", "comes_in_s"), [(300.0, 300.0), (0.0, 0.0), (-9.0, 0.0), (None, 0.0)])
def test_a_job_waits_by_the_servers_clock_whatever_the_replicas_says(
    wait_s: float | None, comes_in_s: float, postgres_url: str
) -> None:
    async def story(two: Two) -> None:
        job = await two.fetch(two.first)
        assert job is not None
        await two.first.retry_job(job, retry_at=None if wait_s is None else NOW + timedelta(seconds=wait_s))
        row = await two.connector.execute_query_one_async(
            "SELECT extract(epoch FROM scheduled_at - now())::float AS s FROM procrastinate_jobs WHERE id = %(ident)s",
            ident=job.id,
        )
        assert row["s"] == pytest.approx(comes_in_s, abs=5.0)

    play(postgres_url, story)


def test_a_heartbeat_that_comes_too_late_ends_the_tenure_for_good(postgres_url: str) -> None:
    async def story(two: Two) -> None:
        tenure = two.first.tenure
        assert tenure is not None
        await two.first.update_heartbeat(tenure.number)
        assert tenure.is_held()
        await two.fall_silent(two.first)
        await two.first.update_heartbeat(tenure.number)
        assert not tenure.is_held()
        assert await two.fetch(two.first) is None

    play(postgres_url, story)


def test_a_tenure_ends_by_its_own_clock_before_others_may_take_over() -> None:
    now = [100.0]
    tenure = Tenure(Replica("a", STALL_LIMIT_S, lambda: now[0]), 1, renewed_at=100.0)
    now[0] += STALL_LIMIT_S * 0.74
    assert tenure.is_held()
    now[0] += STALL_LIMIT_S * 0.02
    assert not tenure.is_held()
    tenure.renew(now[0])
    assert tenure.is_held()
    assert tenure.life == "a:1"
    assert tenure.is_of_this_process("a:0")
    assert not tenure.is_of_this_process("ab:1")
