"""A browser for the pages of a sandbox, an ear for its webhooks, and the addresses they meet at."""

from __future__ import annotations

import asyncio
import html
import re

import httpx

from app.sandbox import World, create_sandbox_app
from app.sandbox.pages import page_routes
from tests.contract.receiver import Receiver

ORIGIN = "http://127.0.0.1:8929"
ISSUES = "/ps/ps-plan/-/issues"
ISSUE = f"{ISSUES}/1"
BOARDS = "/ps/ps-plan/-/boards"
HOOKS = "/ps/ps-plan/-/hooks"


class Browser:
    """Asks the pages for things as a browser does: with cookies, and following redirects."""

    def __init__(self, world: World) -> None:
        self._app = create_sandbox_app(world, extra_routes=page_routes(world))
        self._cookies = httpx.Cookies()

    def get(self, path: str, **headers: str) -> httpx.Response:
        return self._ask("GET", path, headers)

    def post(self, path: str, fields: dict[str, str] | None = None, **headers: str) -> httpx.Response:
        return self._ask("POST", path, headers, fields)

    def be(self, username: str) -> Browser:
        assert self.post("/-/people/switch", {"person": username, "back": "/"}).status_code == 200
        return self

    def _ask(
        self, method: str, path: str, headers: dict[str, str], fields: dict[str, str] | None = None
    ) -> httpx.Response:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}

        async def ask() -> httpx.Response:
            # An error in a page is to fail the test.
            transport = httpx.ASGITransport(self._app)
            async with httpx.AsyncClient(
                transport=transport, base_url=ORIGIN, cookies=self._cookies, follow_redirects=True
            ) as client:
                answer = await client.request(method, path, headers=sent, data=fields)
                self._cookies = client.cookies
                return answer

        return asyncio.run(ask())


def words_of(page: httpx.Response) -> str:
    """What a reader sees, blanks made one."""
    body = page.text.partition("<main")[2].partition(">")[2].partition("</main>")[0]
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", body)).split())


def flash_of(page: httpx.Response) -> tuple[str, str] | None:
    """Mood and words of the message on top of a page."""
    found = re.search(r'<div class="flash (\w+)" role="status">.*?<span>(.*?)</span>', page.text, re.DOTALL)
    return (found[1], html.unescape(found[2])) if found else None


class Ear:
    """What the hooks of a world were told: event, acting user and action, in no order of their own."""

    def __init__(self, world: World, receiver: Receiver) -> None:
        self._world = world
        self._receiver = receiver

    def told(self) -> list[tuple[str, str, str]]:
        assert self._world.deliveries_idle(5)
        return sorted((each.event, each.body["user"]["username"], each.action) for each in self._receiver.deliveries)

    def forget(self) -> None:
        assert self._world.deliveries_idle(5)
        self._receiver.deliveries.clear()
