"""FastAPI as its tutorial has it: answer, and leave the work to BackgroundTasks in the memory of the process.

The work is a plain function, as in the tutorial, which FastAPI runs in a thread. (As a coroutine with httpx's pool of
connections it kept the event loop so busy that a tenth was answered.)
"""

from __future__ import annotations

import httpx
from fastapi import BackgroundTasks, FastAPI, HTTPException, Request

from benchmarks.peers.bots.door import FORGE, HEADERS, TIMEOUT_S, Comment, read

app = FastAPI()
client = httpx.Client(base_url=FORGE, headers=HEADERS, timeout=TIMEOUT_S)


def reply(comment: Comment) -> None:
    path, body = comment.reply()
    client.post(path, json=body).raise_for_status()


@app.get("/health")
async def health() -> str:
    return "ok"


@app.post("/webhooks", status_code=202)
async def hook(request: Request, background_tasks: BackgroundTasks) -> None:
    comment = read(request.headers, await request.body())
    if comment is None:
        raise HTTPException(401)
    background_tasks.add_task(reply, comment)
