"""Wires what only a database for several replicas needs. Imported late: it needs the extra `postgres`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

from app.clock import Clock, steady_clock
from app.engine.distributed import Scheduler
from app.engine.jobs import LaneJobs
from app.engine.process import Engine
from app.engine.tenure import Replica
from app.settings import Settings
from app.store.postgres import conninfo, open_shared_store
from app.store.store import Store


@dataclass(frozen=True, slots=True)
class SharedDatabase:
    """An open store and the queue in the same database."""

    store: Store
    lane_jobs: LaneJobs

    def schedule(self, engine: Engine, settings: Settings, clock: Clock) -> Scheduler:
        """Take part in the work; to be called on the event loop."""
        return Scheduler(
            engine.turn,
            store=self.store,
            lane_jobs=self.lane_jobs,
            conninfo=conninfo(settings.database_url),
            replica=Replica(secrets.token_hex(8), settings.stall_limit_s, steady_clock),
            workers=settings.workers,
            clock=clock,
            is_stopping=engine.stopping.is_set,
        )


def open_shared(settings: Settings) -> SharedDatabase:
    """Open PostgreSQL. Raises DatabaseFault."""
    lane_jobs = LaneJobs()
    return SharedDatabase(open_shared_store(settings.database_url, lane_jobs, readers=settings.workers), lane_jobs)
