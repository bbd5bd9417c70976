"""Run the sandbox GitLab alone: `python -m app.sandbox --port 8929 [--hook-url URL --hook-token TOKEN]`."""

from __future__ import annotations

import argparse
import errno
import signal
import sys
import threading
from collections.abc import Sequence

from app.sandbox.pages import page_routes
from app.sandbox.people import CAST, token_of
from app.sandbox.server import SandboxServer
from app.sandbox.world import World


def main(words: Sequence[str] | None = None) -> int:
    """Serve until a signal comes; 1 if the port cannot be had."""
    parser = argparse.ArgumentParser(prog="python -m app.sandbox", description="A small stateful GitLab")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=8929, help="port, 0 for any (default: %(default)s)")
    parser.add_argument("--hook-url", help="tell this address of every issue and comment")
    parser.add_argument("--hook-token", help="the secret sent as X-Gitlab-Token")
    wishes = parser.parse_args(words)
    world = World()
    if wishes.hook_url:
        toggles = ("issues_events", "confidential_issues_events", "note_events", "confidential_note_events")
        on = dict.fromkeys(toggles, True)
        world.add_hook("root", wishes.hook_url, token=wishes.hook_token, push_events=False, **on)
    server = SandboxServer(world, host=wishes.host, port=wishes.port, extra_routes=page_routes(world))
    try:
        url = server.start()
    except OSError as problem:
        words = "; a demo may be running there: --port takes another one" if problem.errno == errno.EADDRINUSE else ""
        sys.stderr.write(f"cannot listen on {wishes.host}:{wishes.port}: {problem.strerror}{words}\n")
        return 1
    sys.stdout.write(f"GitLab sandbox: {url} (project ps/ps-plan)\n")
    sys.stdout.writelines(f"  {person.username:8} {token_of(person.username):24} {person.duty}\n" for person in CAST)
    sys.stdout.flush()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    ended.wait()
    server.stop()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
