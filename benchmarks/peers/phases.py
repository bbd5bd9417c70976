"""What is measured of a contestant: how fast it answers, when its reply arrives, and what a kill costs.

Each phase has a forge and a start of its own, on an empty store. The comments of the forge are told of once each, in
their order.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import httpx
import uvloop

from benchmarks.contestants import Contestant
from benchmarks.faults.kills import LONGEST_LIFE_S, SHORTEST_LIFE_S
from benchmarks.load import closed_loop, connect, open_loop
from benchmarks.peers.forge import REPLIES
from benchmarks.peers.lineup import SILENCE_S, Ground, Peer
from benchmarks.peers.telling import Telling

CONNECTIONS = 16
WARM_UP_S = 0.5
WARM_UP_EVENTS = 30
MOST_WARM_UP, MOST_IN_LOOP = 4_000, 16_000
BURST = 300
RATE = 15.0
"""Events a second, where the way to the reply is timed: on a rested machine everybody keeps up with it."""
MOST_EVENTS_A_LIFE = 300
QUIET_S = 3.0 * SILENCE_S
"""So long without a reply, and nothing more will come."""
PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class Trial:
    """One contestant's turn: where it plays, the comments that are left, and what its database has cost so far."""

    peer: Peer
    ground: Ground
    comments: Iterator[int]
    database_cpu_s: Callable[[], float]

    def replies(self) -> list[tuple[int, float]]:
        """What has arrived at the forge: comment and moment."""
        return [(comment, at) for comment, at in httpx.get(self.ground.forge + REPLIES, timeout=30).json()]

    def wait_for(self, comments: Iterable[int]) -> dict[int, float]:
        """When each was answered first."""
        deadline, missing = time.monotonic() + PATIENCE_S, set(comments)
        while True:
            found = {comment: at for comment, at in reversed(self.replies()) if comment in missing}
            if len(found) == len(missing):
                return found
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.peer.name}: {len(missing) - len(found)} of {len(missing)} never answered")
            time.sleep(0.3)


@dataclass(frozen=True, slots=True)
class Answers:
    """How many 2xx a second, and how many others in all."""

    per_second: float
    refused: int


@dataclass(frozen=True, slots=True)
class Way:
    """From the webhook's sending to the reply's arrival, and the CPU of an event, its database's included, in ms.

    `burst_per_second`: so many were worked off when many came at once.
    """

    p50_ms: float
    p99_ms: float
    cpu_ms: float
    burst_per_second: float


@dataclass(frozen=True, slots=True)
class Killed:
    """What came of `acknowledged` events. `repeated`: told again, since a kill had left them without an answer."""

    acknowledged: int
    repeated: int
    lost: int
    doubled: int
    doubled_by_repeating: int


def answers(trial: Trial, seconds: float) -> Answers:
    """In a closed loop. What is left to do then is not waited for."""
    with trial.peer.start(trial.ground) as who:
        make = _maker(trial.peer.tell, trial.comments)
        closed_loop(who.port, make, connections=CONNECTIONS, seconds=WARM_UP_S, most=MOST_WARM_UP)
        load = closed_loop(who.port, make, connections=CONNECTIONS, seconds=seconds, most=MOST_IN_LOOP)
        os.kill(who.pid, signal.SIGKILL)
    return Answers(load.per_second * (load.answered - load.refused) / load.answered, load.refused)


def way(trial: Trial, seconds: float, seed: int) -> Way:
    """At a rate that leaves everybody time to rest, and then in a burst."""
    with trial.peer.start(trial.ground) as who:
        _burst(trial, who, WARM_UP_EVENTS)
        sent: dict[int, float] = {}
        cpu = who.cpu_s() + trial.database_cpu_s()
        make = _maker(trial.peer.tell, trial.comments, sent)
        open_loop(who.port, make, rate=RATE, seconds=seconds, seed=seed, connections=CONNECTIONS)
        arrived = trial.wait_for(sent)
        cpu = who.cpu_s() + trial.database_cpu_s() - cpu
        cuts = statistics.quantiles([(arrived[each] - sent[each]) * 1000 for each in sent], n=100)
        return Way(cuts[49], cuts[98], cpu / len(sent) * 1000, BURST / _burst(trial, who, BURST))


def kills(trial: Trial, lives: int, rng: random.Random) -> Killed:
    """As many lives under load, each ended by kill -9; then one in which everything can come to its end."""
    tell = trial.peer.tell
    open_events: list[int] = []
    repeated: set[int] = set()
    acknowledged: set[int] = set()
    for _ in range(lives):
        with trial.peer.start(trial.ground) as who:
            repeated.update(open_events)
            told = [*open_events, *itertools.islice(trial.comments, MOST_EVENTS_A_LIFE)]
            begun, heard = _tell_until_death(who, tell, told, rng.uniform(SHORTEST_LIFE_S, LONGEST_LIFE_S))
        acknowledged |= heard
        open_events = sorted({*open_events, *begun} - acknowledged)
    with trial.peer.start(trial.ground) as who:
        repeated.update(open_events)
        acknowledged |= _tell_all(who, tell, open_events)
        counts = Counter(comment for comment, _ in _settled(trial))
    doubled = {each for each in acknowledged if counts[each] > 1}
    lost = sum(counts[each] == 0 for each in acknowledged)
    return Killed(len(acknowledged), len(repeated), lost, len(doubled), len(doubled & repeated))


def _maker(tell: Telling, comments: Iterator[int], sent: dict[int, float] | None = None) -> Callable[[], bytes]:
    """Requests for a load generator, one comment after the other; notes in `sent` when each left."""

    def make() -> bytes:
        comment = next(comments, None)
        if comment is None:
            raise RuntimeError("the forge has too few comments for so long a load")
        request = tell(comment)
        if sent is not None:
            sent[comment] = time.time()
        return request

    return make


def _burst(trial: Trial, who: Contestant, size: int) -> float:
    """Seconds from the first webhook to the last reply."""
    comments = list(itertools.islice(trial.comments, size))
    began = time.time()
    if _tell_all(who, trial.peer.tell, comments) != set(comments):
        raise RuntimeError(f"{trial.peer.name} refused some of {size} webhooks")
    return max(trial.wait_for(comments).values()) - began


def _tell_all(who: Contestant, tell: Telling, comments: Iterable[int]) -> set[int]:
    """Those that were acknowledged."""
    _, heard = uvloop.run(_told(who, tell, comments))
    return heard


def _tell_until_death(
    who: Contestant, tell: Telling, comments: Iterable[int], life_s: float
) -> tuple[list[int], set[int]]:
    """Kill it in the midst of it, or a while after; what was begun to be told, and what was acknowledged."""

    async def run() -> tuple[list[int], set[int]]:
        telling = asyncio.create_task(_told(who, tell, comments))
        await asyncio.sleep(life_s)
        os.kill(who.pid, signal.SIGKILL)
        return await telling

    return uvloop.run(run())


async def _told(who: Contestant, tell: Telling, comments: Iterable[int]) -> tuple[list[int], set[int]]:
    begun: list[int] = []
    heard: set[int] = set()
    left = iter(comments)

    async def one() -> None:
        with suppress(OSError):  # it died
            client = await connect(who.port)
            for comment in left:
                begun.append(comment)
                if await client.ask(tell(comment)):
                    heard.add(comment)

    async with asyncio.timeout(PATIENCE_S):
        await asyncio.gather(*(one() for _ in range(CONNECTIONS)))
    return begun, heard


def _settled(trial: Trial) -> list[tuple[int, float]]:
    """The replies, when no more have come for a while."""
    deadline = time.monotonic() + PATIENCE_S
    found = trial.replies()
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < QUIET_S:
        if time.monotonic() > deadline:
            raise RuntimeError(f"{trial.peer.name} does not come to rest")
        time.sleep(0.5)
        before, found = found, trial.replies()
        if len(found) != len(before):
            quiet_since = time.monotonic()
    return found
