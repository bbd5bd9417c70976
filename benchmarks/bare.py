"""The control: a FastAPI route that checks the token, parses the body, stores nothing and answers 202."""

import hmac
import json

from fastapi import FastAPI, Request, Response

TOKEN = "benchmark-hook-token"
app = FastAPI()


@app.post("/webhooks/gitlab", status_code=202)
async def hook(request: Request) -> Response:
    """Take a delivery and forget it."""
    body = await request.body()
    if not hmac.compare_digest(request.headers.get("x-gitlab-token", ""), TOKEN):
        return Response(status_code=401)
    json.loads(body)
    return Response(status_code=202)
