"""procrastinate: a FastAPI door defers a job to PostgreSQL; the worker runs inside the same application.

After its documentation ("Launch a worker … inside an application", "Retry stalled jobs"), with the times of the latter
shortened, so that a kill's work comes back within seconds instead of minutes, and as many jobs at once as PS Plan Bot
has workers. The delivery's key is the queueing lock: told again while its job waits, a comment makes no second job.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import httpx
from fastapi import FastAPI, HTTPException, Request
from procrastinate import App, JobContext, PsycopgConnector
from procrastinate.exceptions import AlreadyEnqueued

from benchmarks.peers.bots.door import FORGE, HEADERS, TIMEOUT_S, Comment, read

SILENCE_S = int(os.environ["PEER_SILENCE_S"])
JOBS_AT_ONCE = 8
POOL = 16

queue = App(connector=PsycopgConnector(conninfo=os.environ["PEER_DATABASE"], max_size=POOL))
client = httpx.AsyncClient(base_url=FORGE, headers=HEADERS, timeout=TIMEOUT_S)


@queue.task
async def reply(project: int, issue: int, note: int) -> None:
    path, body = Comment(project, issue, note).reply()
    (await client.post(path, json=body)).raise_for_status()


@queue.periodic(cron=f"* * * * * */{SILENCE_S}")
@queue.task(queueing_lock="retry_stalled_jobs", pass_context=True)
async def retry_stalled_jobs(context: JobContext, timestamp: int) -> None:  # noqa: ARG001
    for job in await queue.job_manager.get_stalled_jobs(seconds_since_heartbeat=SILENCE_S):
        await queue.job_manager.retry_job(job)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    async with queue.open_async():
        if not await queue.check_connection_async():
            await queue.schema_manager.apply_schema_async()
        worker = asyncio.create_task(
            queue.run_worker_async(
                install_signal_handlers=False,
                concurrency=JOBS_AT_ONCE,
                update_heartbeat_interval=1.0,
                stalled_worker_timeout=SILENCE_S,
            )
        )
        yield
        worker.cancel()
        with suppress(asyncio.CancelledError, TimeoutError):
            await asyncio.wait_for(worker, timeout=10)


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> str:
    return "ok"


@app.post("/webhooks", status_code=202)
async def hook(request: Request) -> None:
    comment = read(request.headers, await request.body())
    if comment is None:
        raise HTTPException(401)
    job = reply.configure(queueing_lock=request.headers["idempotency-key"])
    with suppress(AlreadyEnqueued):
        await job.defer_async(**comment._asdict())
