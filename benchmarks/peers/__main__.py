"""`python -m benchmarks.peers`: PS Plan Bot beside its peers, one row each, in one run.

The same for everybody: somebody comments on one of fifty issues, the webhook that tells of it is verified in the
contestant's own way, and one reply is written to a forge on loopback that takes 20 ms for each call. Each contestant is
one process, set up as its own documentation shows it, with what makes it wait on purpose switched off. Contestants take
turns within each phase of each round, in another order each time. What a kill left without an answer is told once more
after the restart, under the same key, as a person can order in GitLab and GitHub; neither does it by itself.

Who cannot be installed here is shown with the reason.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.contestants import free_port, running
from benchmarks.peers.forge import REPLIES
from benchmarks.peers.lineup import Ground, Peer, lineup
from benchmarks.peers.phases import MOST_EVENTS_A_LIFE, MOST_IN_LOOP, MOST_WARM_UP, RATE, Trial, answers, kills, way
from benchmarks.peers.table import HEAD, Found
from benchmarks.replicas import FAST_CALL_S
from tests import postgres

FOOT = """
*Stored*: answers when the event is on disk. *The work itself*: answers when the reply is written, so that nothing
acknowledged can be lost; what a kill cuts off is gone unless somebody tells it again, and done twice if its reply was
written already. *Nothing*: answers, and keeps the work in memory. PS Plan Bot does more for each event than the others:
it sends three writes where they send one (a reaction before the reply, another one after it, 20 ms each), and keeps a
journal. While many wait at its door, its work stands back for them. Its sweep, which finds what nobody told it, is off;
so are its own budget of calls, the second that gidgetlab and bedevere wait before they work, and Probot's throttling of
writes. The CPU of PostgreSQL is counted for those who use it.
"""


def main() -> None:
    """Run all and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.peers")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each closed loop")
    parser.add_argument("--open-seconds", type=float, default=8.0, help="of each open loop")
    parser.add_argument("--kills", type=int, default=3, help="of each contestant in each round")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", action="append", help="contestants whose name begins so")
    wishes = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is ended on every way out
    peers = [each for each in lineup() if wishes.only is None or each.name.startswith(tuple(wishes.only))]
    found = {each.name: Found(each.name, each.answers, each.lack()) for each in peers}
    able = [each for each in peers if found[each.name].lack is None]
    print(f"{platform.python_version()}, {os.cpu_count()} CPUs, load average before: {os.getloadavg()[0]:.2f}\n")
    began = time.monotonic()
    with ExitStack() as held:
        server = held.enter_context(_postgres()) if any(each.is_on_postgres for each in able) else None
        for number in range(wishes.rounds):
            _round(able, found, server, wishes, number)
    print(f"Medians of {wishes.rounds} rounds; {wishes.kills * wishes.rounds} kills for each\n\n{HEAD}")
    for each in found.values():
        print(each.line())
    print(f"{FOOT}\nThis took {(time.monotonic() - began) / 60:.0f} minutes.")


def _round(
    able: list[Peer], found: dict[str, Found], server: postgres.Cluster | None, wishes: argparse.Namespace, number: int
) -> None:
    """Phase by phase, so that what stands in one column was measured within the same minutes."""
    turned = able if number % 2 == 0 else able[::-1]  # everybody comes early once and late once
    seed = wishes.seed + number
    for peer in turned:
        with _trial(peer, server, number, "answers", MOST_WARM_UP + MOST_IN_LOOP) as trial:
            found[peer.name].answered.append(answers(trial, wishes.seconds))
    for peer in turned:
        with _trial(peer, server, number, "effects", 1_000 + int(2 * RATE * wishes.open_seconds)) as trial:
            found[peer.name].ways.append(way(trial, wishes.open_seconds, seed))
    for peer in turned:
        with _trial(peer, server, number, "kills", wishes.kills * MOST_EVENTS_A_LIFE) as trial:
            found[peer.name].killed.append(kills(trial, wishes.kills, random.Random(seed)))


@contextmanager
def _trial(peer: Peer, server: postgres.Cluster | None, number: int, phase: str, comments: int) -> Iterator[Trial]:
    """A forge with so many comments, and a place for the contestant."""
    print(f"round {number + 1}, {phase}: {peer.name}", file=sys.stderr, flush=True)
    database = server if peer.is_on_postgres else None
    port = free_port()
    words = ["--port", str(port), "--comments", str(comments), "--call-s", str(FAST_CALL_S)]
    with (
        running([sys.executable, "-m", "benchmarks.peers.forge", *words], port, REPLIES, {}),
        TemporaryDirectory() as folder,
    ):
        forge = f"http://127.0.0.1:{port}"
        ground = Ground(forge, Path(folder), None if database is None else database.new_database())
        yield Trial(peer, ground, iter(range(1, comments + 1)), partial(_cpu_s, database))


@contextmanager
def _postgres() -> Iterator[postgres.Cluster]:
    postgres.SETTINGS.update(fsync="on", full_page_writes="on")
    with postgres.cluster() as server:
        yield server


def _cpu_s(server: postgres.Cluster | None) -> float:
    """CPU seconds of the database server, of those of its processes that have ended too."""
    if server is None or server.running is None:
        return 0.0
    ticks = 0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            process, fields = int(stat.parent.name), stat.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue  # it ended meanwhile
        if process == server.running.pid:
            ticks += sum(map(int, fields[11:15]))
        elif int(fields[1]) == server.running.pid:
            ticks += sum(map(int, fields[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


if __name__ == "__main__":
    main()
