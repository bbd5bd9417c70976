"""Several replicas share the work: procrastinate gives each lane its turn on one of them at a time.

It decides who runs what and when, hands over the work of a replica that died, and keeps the place of a lane that has to
wait. What a turn is, and what makes it safe to repeat, is the same as with one process (app/engine/process).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Protocol

import procrastinate
import psycopg
import structlog
from procrastinate import jobs
from procrastinate.retry import BaseRetryStrategy, RetryDecision
from procrastinate.worker import Worker
from sqlalchemy.exc import SQLAlchemyError

from app.clock import Clock, at
from app.engine.common_clock import CommonClock
from app.engine.jobs import QUEUE, TASK, FencedManager, LaneJobs
from app.engine.pace import RUSH_PAUSE_S, RUSH_TURN_EVERY_S, TURN_FAILED_WAIT_S
from app.engine.process import Later, Moved
from app.engine.tenure import MARGIN, Replica, Tenure
from app.errors import Overtaken
from app.store.inbox import waiting_lanes
from app.store.store import Store

log = structlog.get_logger()

POLL_S = 0.5
"""Jobs that come due by themselves are not announced: so often a replica that has nothing to do looks for them."""
SWEEP_EVERY_S = 1.0
LOOK_EVERY_S = 60.0
"""So often the sweep also looks for lanes without a job, and at the server's clock."""
RECONNECT_WAIT_S = 1.0
CONNECTIONS = 4
CONNECTION_PATIENCE_S = 5.0


class Turn(Protocol):
    """One turn of a lane, under a tenure."""

    def __call__(self, lane: str, tenure: Tenure | None) -> Sequence[Later | Moved]:
        """See Engine.turn."""


class _Again(Exception):
    """The lane has work that is due only in so many seconds; its job keeps its place."""

    def __init__(self, wait_s: float) -> None:
        super().__init__(wait_s)
        self.wait_s = wait_s


class _Patience(BaseRetryStrategy):
    """A job ends when its lane is empty, and in no other way: nothing accepted is lost by a fault."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def get_retry_decision(self, *, exception: BaseException, job: jobs.Job) -> RetryDecision:  # noqa: ARG002
        """When to go on."""
        wait_s = exception.wait_s if isinstance(exception, _Again) else TURN_FAILED_WAIT_S
        return RetryDecision(retry_at=at(self._clock() + wait_s))


async def _each_for_itself(connection: psycopg.AsyncConnection) -> None:
    # every statement of procrastinate is a whole: a transaction around each would cost two trips more
    await connection.set_autocommit(True)


class Scheduler:
    """Runs procrastinate's worker, its sweeper, and turns in threads. Made on the event loop."""

    def __init__(
        self,
        turn: Turn,
        *,
        store: Store,
        lane_jobs: LaneJobs,
        conninfo: str,
        replica: Replica,
        workers: int,
        clock: CommonClock,
        is_stopping: Callable[[], bool],
    ) -> None:
        self._is_stopping = is_stopping
        self._turn = turn
        self._store = store
        self._lane_jobs = lane_jobs
        self._replica = replica
        self._workers = workers
        self._clock = clock
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="turn")
        self._worker: Worker | None = None
        self._last_start = 0.0
        self._draining = False
        self._app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=conninfo,
                min_size=1,
                max_size=CONNECTIONS,
                timeout=CONNECTION_PATIENCE_S,
                reconnect_timeout=CONNECTION_PATIENCE_S,
                configure=_each_for_itself,
            )
        )
        self._manager = FencedManager(self._app.connector, replica, clock=clock, is_stopping=is_stopping)
        self._app.job_manager = self._manager
        self._app.task(name=TASK, queue=QUEUE, retry=_Patience(clock))(self._work)
        self._running = asyncio.create_task(self._run())
        self._sweeping = asyncio.create_task(self._sweep())

    def wake(self, lane: str) -> None:
        """Nothing to do: who stored the work has deferred its job, and the database tells everybody."""

    def wake_in(self, lane: str, wait_s: float) -> None:
        """Nothing to do: what is unfinished has its job."""

    def trouble(self) -> str | None:
        """Why lanes get no turns on this replica."""
        tenure = self._manager.tenure
        if tenure is None:
            return "this replica has not registered with the queue in the database yet, or has to do so again"
        if not tenure.is_held():
            return "no heartbeat of this replica reaches the database: others take over its work until one does"
        return None

    def is_idle(self, *, within_s: float) -> bool:
        """Whether nothing is due within that time, on whichever replica; for a command that waits for its work."""
        due = [due_at for _, due_at in self._store.read(waiting_lanes)]
        return all(due_at > self._clock() + within_s for due_at in due)

    async def drain(self, patience_s: float) -> bool:
        """Start nothing more and wait for what runs; False if something still runs after `patience_s`.

        What still runs then keeps its job, until another replica finds it stalled.
        """
        self._draining = True
        self._sweeping.cancel()
        if self._worker is not None:
            self._worker.stop()  # type: ignore[no-untyped-call]
        await asyncio.wait([self._running, self._sweeping], timeout=patience_s)
        finished = self._running.done()
        self._pool.shutdown(wait=finished, cancel_futures=True)
        if finished:
            await self._app.close_async()
        return finished

    async def _work(self, lane: str) -> None:
        """The job: turns of one lane until it is empty or has to wait."""
        tenure = self._manager.tenure
        await self._stand_back()
        loop = asyncio.get_running_loop()
        try:
            onward = await loop.run_in_executor(self._pool, partial(self._turn, lane, tenure))
        except Overtaken as fault:
            log.warning("turn.overtaken", lane=lane, reason=str(fault))
            raise
        except (SQLAlchemyError, TimeoutError) as fault:
            # nothing is lost, it waits in the inbox
            log.error("turn.failed", lane=lane, fault=type(fault).__name__)
            raise
        wait_s = next((each.wait_s for each in onward if isinstance(each, Later)), None)
        if wait_s is not None:
            raise _Again(wait_s)
        if self._is_stopping():
            raise _Again(0.0)  # the turn may have ended before the lane was empty

    async def _stand_back(self) -> None:
        """Work waits while many senders wait at this replica's door, though not for long."""
        loop = asyncio.get_running_loop()
        while self._store.is_rushed and loop.time() - self._last_start < RUSH_TURN_EVERY_S:
            await asyncio.sleep(RUSH_PAUSE_S)
        self._last_start = loop.time()

    async def _run(self) -> None:
        """A worker, and the next one when it ended by a fault: it gives up when its database is away for a moment."""
        while not self._draining:
            running = asyncio.create_task(self._run_worker())
            await asyncio.wait([running])
            fault = running.exception()
            if not self._draining:
                log.error("worker.ended", fault=type(fault).__name__)
                await asyncio.sleep(RECONNECT_WAIT_S)

    async def _run_worker(self) -> None:
        await self._app.open_async()
        if self._draining:
            return
        limit = self._replica.stall_limit_s
        self._worker = Worker(
            self._app,
            queues=[QUEUE],
            name=self._replica.process,
            concurrency=self._workers,
            delete_jobs=jobs.DeleteJobCondition.SUCCESSFUL,
            fetch_job_polling_interval=POLL_S,
            install_signal_handlers=False,
            update_heartbeat_interval=limit * MARGIN,
            stalled_worker_timeout=limit,
        )
        self._manager.tenure = None
        running = asyncio.create_task(self._worker.run())  # type: ignore[no-untyped-call]
        while not running.done():
            await asyncio.wait([running], timeout=SWEEP_EVERY_S)
            if (tenure := self._manager.tenure) is not None and not tenure.is_held():
                # what it held may be others' by now: it registers anew, which ends this tenure for good
                self._worker.stop()
        await running

    async def _sweep(self) -> None:
        """Set free what dead replicas held, give a job to what lost its own; as a task, since a job can stall too."""
        next_look_at = 0.0
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_EVERY_S)
            steps = [self._free_stalled()]
            if loop.time() >= next_look_at:
                next_look_at = loop.time() + LOOK_EVERY_S
                steps += [asyncio.to_thread(self._adopt_orphans), asyncio.to_thread(self._clock.compare)]
            # whatever goes wrong, the next sweep comes
            for fault in await asyncio.gather(*steps, return_exceptions=True):
                if isinstance(fault, BaseException):
                    log.warning("sweep.failed", fault=type(fault).__name__)

    def _adopt_orphans(self) -> None:
        if lanes := self._store.write(self._lane_jobs.adopt):
            log.warning("lanes.adopted", lanes=lanes)

    async def _free_stalled(self) -> None:
        manager = self._manager
        if manager.tenure is None:
            return  # not connected yet
        for job in await manager.get_stalled_jobs(seconds_since_heartbeat=self._replica.stall_limit_s):
            log.warning("lane.taken_over", lane=job.lock, worker=job.worker_id)
            await manager.retry_job(job)
