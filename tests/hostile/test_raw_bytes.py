"""What strangers can send over a socket: never a 5xx, never much memory, and honest senders hear 202 promptly."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from tests.harness import submission, until
from tests.hostile import corpus
from tests.hostile.corpus import (
    AS_JSON,
    CALCULATOR,
    CHUNKED,
    GITLAB,
    HOSTILE,
    MOST_GROWTH_MB,
    STRANGER,
    Target,
    hear,
    sized,
    statuses,
)
from tests.hostile.impatient import HEAD_S, MOST_CONNECTIONS


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with corpus.target(tmp_path_factory.mktemp("hostile")) as running:
        yield running
        assert running.growth_mb() < MOST_GROWTH_MB
        assert running.process.running is not None
        assert running.process.running.poll() is None


def honest_sender_waits(target: Target) -> float:
    """Seconds until an honest delivery is acknowledged."""
    answers, seconds = target.deliver()
    assert answers == [202]
    return seconds


@pytest.mark.parametrize("case", HOSTILE)
def test_it_is_refused_or_taken_in_and_nothing_breaks(case: str, target: Target) -> None:
    pieces, expected = HOSTILE[case]
    assert target.ask(*pieces) == expected


def test_a_body_without_end_is_cut_off(target: Target) -> None:
    for head, most, status in ((GITLAB, 26, 413), (CALCULATOR, 2, 413), (STRANGER, 2, 401)):
        chunk = b"100000\r\n" + b"x" * 2**20 + b"\r\n"
        with target.connect() as raw:
            raw.sendall((head + CHUNKED).encode())
            sent = 0
            with suppress(ConnectionError):
                while sent < 2 * most:
                    raw.sendall(chunk)
                    sent += 1
            assert statuses(hear(raw)) in ([status], []), "a reset may overtake the answer"
    assert target.growth_mb() < MOST_GROWTH_MB


def test_who_does_not_finish_the_head_is_cut_off_and_who_drips_too(target: Target) -> None:
    began = time.monotonic()
    for drips in (b"", b"\r\n", b"X: y\r\n"):
        with target.connect() as raw:
            raw.sendall(b"POST /webhooks/gitlab HTTP/1.1\r\nHost: x\r\n" if drips != b"\r\n" else drips)
            with suppress(ConnectionError):
                for _ in range(40):
                    raw.settimeout(0.1)
                    with suppress(TimeoutError):
                        assert raw.recv(1) == b""
                        break
                    raw.sendall(drips)
                else:
                    pytest.fail("it was never cut off")
    assert time.monotonic() - began < 3 * (HEAD_S + 1.5)


def test_who_asked_before_and_then_drips_is_cut_off_too(target: Target) -> None:
    with target.connect() as raw:
        raw.sendall(sized(GITLAB, b"{}").replace(b"Connection: close\r\n", b""))
        assert statuses(raw.recv(1000)) == [202]
        raw.sendall(b"\r\n")
        assert hear(raw, 5.0) == b""
        raw.settimeout(0.1)
        assert raw.recv(1) == b""


@pytest.mark.parametrize("crowd", [200, 2 * MOST_CONNECTIONS])
def test_a_crowd_that_only_holds_connections_keeps_no_honest_sender_waiting(crowd: int, target: Target) -> None:
    with ExitStack() as held:
        for _ in range(crowd):
            raw = held.enter_context(target.connect())
            with suppress(ConnectionError):
                raw.sendall(b"POST /webhooks/gitlab HTTP/1.1\r\nX: ")
        waits = sorted(honest_sender_waits(target) for _ in range(20))
    assert waits[-1] < 1.0


SIGNED = f"POST /webhooks/calculator HTTP/1.1\r\nHost: x\r\n{AS_JSON}webhook-signature: v1,x\r\n"


def test_a_crowd_that_never_ends_its_bodies_keeps_no_honest_sender_waiting(target: Target) -> None:
    with ExitStack() as held:
        for _ in range(2 * MOST_CONNECTIONS):
            raw = held.enter_context(target.connect())
            with suppress(ConnectionError):
                raw.sendall(f"{SIGNED}Content-Length: 100\r\n\r\n{{".encode())
        waits = sorted(honest_sender_waits(target) for _ in range(20))
    assert waits[-1] < 1.0


def test_large_bodies_of_strangers_do_not_fill_the_memory(target: Target) -> None:
    with ExitStack() as held:
        for _ in range(100):
            raw = held.enter_context(target.connect())
            with suppress(ConnectionError, TimeoutError):
                raw.settimeout(0.5)
                raw.sendall(f"{SIGNED}Content-Length: {2**20}\r\n\r\n".encode() + b"x" * (2**20 - 1))
        assert honest_sender_waits(target) < 1.0
    assert target.growth_mb() < MOST_GROWTH_MB


def test_every_answer_to_the_hostile_is_counted_and_an_honest_submission_still_comes_in(target: Target) -> None:
    body = json.dumps(submission()).encode()
    assert until(lambda: target.ask(sized(CALCULATOR, body)) == [202])
