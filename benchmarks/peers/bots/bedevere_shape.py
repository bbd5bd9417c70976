"""gidgethub in the shape of python/bedevere: verify, dispatch through the router, and only then answer.

bedevere's second of waiting for GitHub's consistency is left out.
"""

from __future__ import annotations

import os
import sys
import traceback

import aiohttp
from aiohttp import web
from gidgethub.aiohttp import GitHubAPI
from gidgethub.routing import Router
from gidgethub.sansio import Event

router = Router()


@router.register("issue_comment", action="created")
async def on_comment(event: Event, gh: GitHubAPI) -> None:
    path = f"/repos/{event.data['repository']['full_name']}/issues/{event.data['issue']['number']}/comments"
    await gh.post(path, data={"body": f"reply:{event.data['comment']['id']}"})


async def hook(request: web.Request) -> web.Response:
    try:
        event = Event.from_http(request.headers, await request.read(), secret=os.environ["PEER_SECRET"])
        async with aiohttp.ClientSession() as session:
            token, base_url = os.environ["PEER_TOKEN"], os.environ["PEER_FORGE"]
            await router.dispatch(event, GitHubAPI(session, "ps-bot", oauth_token=token, base_url=base_url))
    except Exception:  # noqa: BLE001 as bedevere does
        traceback.print_exc(file=sys.stderr)
        return web.Response(status=500)
    return web.Response(status=200)


async def health(_: web.Request) -> web.Response:
    return web.Response(text="ok")


if __name__ == "__main__":
    app = web.Application()
    app.router.add_post("/", hook)
    app.router.add_get("/health", health)
    web.run_app(app, host="127.0.0.1", port=int(os.environ["PEER_PORT"]), access_log=None)
