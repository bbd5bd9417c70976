"""DBOS: a FastAPI door starts a durable workflow of one step, under the delivery's key as the workflow's id.

After its documentation: `SetWorkflowID` for idempotency, `start_workflow` returns when the workflow is on record, and
`launch` goes on with what a dead process of the same version left undone.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
from dbos import DBOS, SetWorkflowID
from fastapi import FastAPI, HTTPException, Request

from benchmarks.peers.bots.door import FORGE, HEADERS, TIMEOUT_S, Comment, read

DBOS(config={"name": "peer", "system_database_url": os.environ["PEER_DATABASE"], "log_level": "ERROR"})
client = httpx.Client(base_url=FORGE, headers=HEADERS, timeout=TIMEOUT_S)


@DBOS.step()
def reply(comment: Comment) -> None:
    path, body = comment.reply()
    client.post(path, json=body).raise_for_status()


@DBOS.workflow()
def work(project: int, issue: int, note: int) -> None:
    reply(Comment(project, issue, note))


def begin(key: str, comment: Comment) -> None:
    with SetWorkflowID(key):
        DBOS.start_workflow(work, *comment)


@asynccontextmanager
async def lifespan(_: FastAPI) -> AsyncIterator[None]:
    DBOS.launch()
    yield
    DBOS.destroy()


app = FastAPI(lifespan=lifespan)


@app.get("/health")
async def health() -> str:
    return "ok"


@app.post("/webhooks", status_code=202)
async def hook(request: Request) -> None:
    comment = read(request.headers, await request.body())
    if comment is None:
        raise HTTPException(401)
    # it waits for the database: on the event loop's thread nobody else would be answered meanwhile
    await asyncio.to_thread(begin, request.headers["idempotency-key"], comment)
