"""The forge that every contestant writes to: the sandbox GitLab, with GitHub's way to comment on an issue on top.

Every comment that the load tells of is there before, and every call takes the same time after its work is done. A reply
names the comment it answers, so that `/_peers/replies` tells when each was answered, and what was answered twice.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import signal

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from app.sandbox.faults import Fault, FaultKind
from app.sandbox.people import token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World

ISSUES = 50
BOT = "ps-bot"
AUTHOR = "alice"
WORDS = "/ps nonsense"
"""PS Plan Bot has one reply to it, and nothing else to do."""
REPLIES = "/_peers/replies"
_REPLY = re.compile(r"reply:(\d+)")
_SIGNALS = {signal.SIGINT, signal.SIGTERM}


def issue_of(comment: int) -> int:
    """On which issue a comment is; comments are numbered from 1."""
    return 1 + (comment - 1) % ISSUES


def main() -> None:
    """Serve until a signal comes."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers.forge")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--comments", type=int, required=True)
    parser.add_argument("--call-s", type=float, required=True, help="how long each call takes")
    wishes = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)  # for the server's thread too, which inherits it
    world = World()
    for number in range(ISSUES):
        world.create_issue(AUTHOR, title=f"Issue {number + 1}")
    for number in range(wishes.comments):
        world.add_note(AUTHOR, issue_of(number + 1), WORDS)
    world.faults.add(Fault("*", ".", FaultKind.PERFORM_THEN_HANG, seconds=wishes.call_s, times=10**9))
    forge = _Forge(world, wishes.comments, wishes.call_s)
    github = Route("/repos/{owner}/{name}/issues/{issue:int}/comments", forge.comment, methods=["POST"])
    with SandboxServer(world, port=wishes.port, extra_routes=[github, Route(REPLIES, forge.replies)]):
        signal.sigwait(_SIGNALS)


class _Forge:
    def __init__(self, world: World, comments: int, call_s: float) -> None:
        self._world = world
        self._comments = comments
        self._call_s = call_s

    async def comment(self, request: Request) -> Response:
        """Comment on an issue as the bot, in GitHub's words."""
        if not request.headers.get("authorization", "").endswith(f" {token_of(BOT)}"):
            return JSONResponse({"message": "Bad credentials"}, 401)
        issue, body = request.path_params["issue"], (await request.json())["body"]
        note = self._world.add_note(BOT, issue, body).note
        await asyncio.sleep(self._call_s)
        return JSONResponse({"id": note and note.id, "body": body, "user": {"login": BOT}}, 201)

    async def replies(self, _: Request) -> Response:
        """Every reply: which comment it answers, and when it came (seconds since 1970)."""
        with self._world.lock:
            new = [note for note in self._world.notes.values() if note.id > self._comments]
        found = [(told[1], note.created_at) for note in new if (told := _REPLY.search(note.body))]
        return JSONResponse([(int(comment), at.timestamp()) for comment, at in found])


if __name__ == "__main__":
    main()
