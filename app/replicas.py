"""Wires what only a database for several replicas needs. Imported late: it needs the extra `postgres`."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from functools import partial

from app.clock import Clock, steady_clock
from app.engine.common_clock import CommonClock
from app.engine.distributed import Scheduler
from app.engine.jobs import LaneJobs
from app.engine.process import Engine
from app.engine.tenure import Replica
from app.settings import Settings
from app.store.postgres import conninfo, open_shared_store, servers_time
from app.store.store import Store


@dataclass(frozen=True, slots=True)
class SharedDatabase:
    """An open store and the queue in the same database."""

    store: Store
    lane_jobs: LaneJobs
    clock: CommonClock

    def schedule(self, engine: Engine, settings: Settings) -> Scheduler:
        """Take part in the work; to be called on the event loop."""
        return Scheduler(
            engine.turn,
            store=self.store,
            lane_jobs=self.lane_jobs,
            conninfo=conninfo(settings.database_url),
            replica=Replica(secrets.token_hex(8), settings.stall_limit_s, steady_clock),
            workers=settings.workers,
            clock=self.clock,
            is_stopping=engine.stopping.is_set,
        )


def open_shared(settings: Settings, own_clock: Clock) -> SharedDatabase:
    """Open PostgreSQL. Raises DatabaseFault."""
    lane_jobs = LaneJobs()
    store = open_shared_store(settings.database_url, lane_jobs, readers=settings.workers)
    clock = CommonClock(own_clock, partial(store.read, servers_time))
    clock.compare()
    return SharedDatabase(store, lane_jobs, clock)
