"""Lanes as jobs of procrastinate: `work(lane)`, locked by the lane: over all replicas it has one turn at a time.

A job says that a lane has work and carries nothing else; what the work is stands in the inbox. Jobs of a lane run in
the order in which they were deferred, and one that waits keeps its place. There is no queueing lock: it may leave a job
running for ever (procrastinate-org/procrastinate#1446).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Collection, Iterable
from typing import Any

import psycopg
import structlog
from procrastinate import jobs
from procrastinate.connector import BaseConnector
from procrastinate.exceptions import ConnectorException
from procrastinate.manager import JobManager, NotificationCallback
from procrastinate.schema import SchemaManager
from procrastinate.sync_psycopg_connector import SyncPsycopgConnector
from sqlalchemy import Connection, inspect, text
from sqlalchemy.exc import OperationalError

from app.clock import Clock
from app.engine.tenure import Replica, Tenure

QUEUE = "lanes"
TASK = "work"
NEWEST_MIGRATION = "03.04.00_50_post_add_retry_failed_job_procedure.sql"
"""Of procrastinate's schema, as `prepare` creates it. A test fails when the library has a newer one: then a migration
of ours has to bring it to the databases that are there."""


class LaneJobs:
    """The sync side: deferring within the store's transactions."""

    def __init__(self) -> None:
        self._manager = JobManager(SyncPsycopgConnector())  # never opened: every call brings its connection

    def prepare(self, connection: Connection) -> None:
        """Create procrastinate's tables where they are not there."""
        if not inspect(connection).has_table("procrastinate_jobs"):
            _driver(connection).execute(SchemaManager.get_schema())

    def defer(self, connection: Connection, lanes: Collection[str]) -> None:
        """Within the caller's transaction: these lanes have work."""
        if not lanes:
            return
        wanted = [
            jobs.Job(id=None, queue=QUEUE, lock=lane, queueing_lock=None, task_name=TASK, task_kwargs={"lane": lane})
            for lane in lanes
        ]
        try:
            self._manager.batch_defer_jobs(wanted, connection=_driver(connection))
        except ConnectorException as fault:
            # the doors know the store's errors, and answer 503
            cause = fault.__cause__ if isinstance(fault.__cause__, psycopg.Error) else fault
            raise OperationalError("procrastinate", None, cause) from fault

    def adopt(self, connection: Connection) -> int:
        """Give a job to every lane that has work and no job; how many there were. By construction there is none."""
        lanes = [row.lane for row in connection.execute(_ORPHANS)]
        self.defer(connection, lanes)
        return len(lanes)


def _driver(connection: Connection) -> psycopg.Connection[Any]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, psycopg.Connection)  # noqa: S101
    return driver


log = structlog.get_logger()


class FencedManager(JobManager):
    """procrastinate's job manager, except that a worker whose work was taken over can do nothing to the job any more.

    Its own statements ask for the id alone: a replica that wakes late would end, or set free, the job while another one
    is in the middle of it, and the lane had two turns at once. `attempts` grows whenever a job changes hands, so that
    with the worker it names one run of a job.
    """

    def __init__(
        self, connector: BaseConnector, replica: Replica, *, clock: Clock, is_stopping: Callable[[], bool]
    ) -> None:
        super().__init__(connector)
        self._replica = replica
        self._clock = clock
        self._is_stopping = is_stopping
        self._tell: NotificationCallback | None = None
        self.tenure: Tenure | None = None

    async def register_worker(self) -> int:
        """A registration, and the tenure that begins with it."""
        began_at = self._replica.timer()
        number = await super().register_worker()
        self.tenure = Tenure(self._replica, number, began_at)
        return number

    async def update_heartbeat(self, worker_id: int) -> None:
        """Renew the tenure, or end it, where others may have taken over before this heartbeat arrived.

        A fault is not raised: that would end procrastinate's heartbeat for good, and nobody would hear of it.
        """
        tenure = self.tenure
        sent_at = self._replica.timer()
        try:
            rows = await self.connector.execute_query_all_async(
                _HEARTBEAT, worker_id=worker_id, stall_limit_s=self._replica.stall_limit_s
            )
        except ConnectorException as fault:
            log.warning("heartbeat.failed", fault=type(fault.__cause__ or fault).__name__)
            return
        if tenure is not None and rows:
            tenure.renew(sent_at)
        elif tenure is not None:
            tenure.end()

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> jobs.Job | None:
        """The next job; none for a worker that is about to stop, or does not know whether it is still one."""
        if self._is_stopping() or self.tenure is None or not self.tenure.is_held():
            return None
        return await super().fetch_job(queues, worker_id)

    async def finish_job(self, job: jobs.Job, status: jobs.Status, delete_job: bool) -> None:
        """The end of a job, if this run of it is still the one."""
        await self._fenced(_FINISH, job, status=status.value, delete_job=delete_job)
        await self.poke()

    async def retry_job(
        self,
        job: jobs.Job,
        retry_at: datetime.datetime | None = None,
        priority: int | None = None,  # noqa: ARG002
        queue: str | None = None,  # noqa: ARG002
        lock: str | None = None,  # noqa: ARG002
    ) -> None:
        """Set a job free, at once or until later, if this run of it is still the one.

        `retry_at` is of this replica's clock. The server compares with its own, which may be set otherwise: it is told
        how long, not when.
        """
        wait_s = 0.0 if retry_at is None else retry_at.timestamp() - self._clock()
        await self._fenced(_RETRY, job, wait_s=max(0.0, wait_s))
        await self.poke()

    async def _fenced(self, query: Any, job: jobs.Job, **arguments: Any) -> None:
        await self.connector.execute_query_all_async(
            query, job_id=job.id, worker_id=job.worker_id, attempts=job.attempts, **arguments
        )

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Listen, and keep the ear for `poke`."""
        self._tell = on_notification
        await super().listen_for_jobs(on_notification=on_notification, queues=queues)

    async def poke(self) -> None:
        """Have the worker look for jobs now: procrastinate tells of new ones, not of those whose lock came free."""
        if self._tell is not None:
            await self._tell(channel=QUEUE, notification={"type": "job_inserted", "job_id": 0})


_ORPHANS = text("""
SELECT DISTINCT lane FROM deliveries WHERE state = 'waiting' AND NOT EXISTS (
  SELECT 1 FROM procrastinate_jobs WHERE lock = deliveries.lane AND status IN ('todo', 'doing')
)
""")
_HEARTBEAT = """
UPDATE procrastinate_workers SET last_heartbeat = now()
WHERE id = %(worker_id)s AND last_heartbeat > now() - make_interval(secs => %(stall_limit_s)s)
RETURNING id
"""
_RUN = """
WITH run AS (
  SELECT id FROM procrastinate_jobs
  WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s
    AND worker_id IS NOT DISTINCT FROM %(worker_id)s
  FOR UPDATE
)
"""
_FINISH = _RUN + "SELECT procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s) FROM run"  # noqa: S608
_RETRY_AT = "now() + make_interval(secs => %(wait_s)s)"
_RETRY = _RUN + f"SELECT procrastinate_retry_job_v2(id, {_RETRY_AT}, NULL, NULL, NULL) FROM run"  # noqa: S608
