"""One connection of a stranger, within bounds: every phase has its time, the head its size, and the crowd its limit.

uvicorn limits how long a connection may be idle, and nothing else: one byte a minute keeps a connection for ever, the
head of a request may grow without end, and whoever holds all connections locks everybody out.
"""

from __future__ import annotations

import asyncio
from typing import cast

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_TIMEOUT_S = 10.0
"""From the first byte, or the connection, to the end of the headers."""
ANSWER_TIMEOUT_S = 60.0
"""From there until the answer has left: far above what body and store may take, but a reader may never read."""
LINGER_S = 2.0
"""A refused body that still comes is thrown away for so long: closed at once, the sender would not hear why."""
MOST_HEAD_BYTES = 64 * 1024


class HeadTooLarge(Exception):
    """The parser turns it into its own error, and uvicorn that into a 400."""


class Connection(HttpToolsProtocol):
    """uvicorn's own protocol, with one deadline that each phase of a request sets anew."""

    _deadline: asyncio.TimerHandle | None = None
    _head_size = 0
    _told_size = 0
    _waits_since = 0.0
    _is_in_head = True

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Make room for the newcomer if need be, and wait for its request."""
        if self.limit_concurrency is not None and len(self.connections) >= self.limit_concurrency - 1:
            self._make_room()
        super().connection_made(transport)
        self._waits_since = self.loop.time()
        self._allow(HEAD_TIMEOUT_S)

    def connection_lost(self, exc: Exception | None) -> None:
        """Nothing is due any more."""
        self._cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Whatever comes while nothing is asked is the beginning of a head; even blank lines."""
        if self._is_in_head:
            self._head_size += len(data)  # of a header's value nothing is told before its end
            if self._deadline is None:
                self._allow(HEAD_TIMEOUT_S)
            if self._head_size - len(data) > MOST_HEAD_BYTES:
                self.send_400_response("The head of the request is too large.")
                return
        super().data_received(data)

    def on_message_begin(self) -> None:
        """The pipelined second request has a head of its own."""
        self._told_size = 0
        super().on_message_begin()

    def on_url(self, url: bytes) -> None:
        """Count it."""
        self._count(len(url))
        super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count it."""
        self._count(len(name) + len(value))
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """From now on the service is at work."""
        super().on_headers_complete()
        self._is_in_head = False
        self._head_size = 0
        self._waits_since = self.loop.time()
        self._allow(ANSWER_TIMEOUT_S)

    def on_message_complete(self) -> None:
        """A body that was refused before it ended has ended: the next request may come."""
        super().on_message_complete()
        if self.cycle.response_complete:
            self._is_in_head = True
            self._waits_since = self.loop.time()
            self._allow(HEAD_TIMEOUT_S)

    def on_response_complete(self) -> None:
        """Idle again, unless the request has not come to its end or the next one is here already."""
        is_unread, has_next = self.cycle.more_body, bool(self.pipeline)
        super().on_response_complete()
        if has_next:
            self._allow(ANSWER_TIMEOUT_S)
        elif is_unread:
            self._allow(LINGER_S)
        else:
            self._is_in_head = True
            self._waits_since = self.loop.time()
            self._cancel()

    def _count(self, size: int) -> None:
        self._told_size += size
        if self._told_size > MOST_HEAD_BYTES:
            raise HeadTooLarge

    def _allow(self, seconds: float) -> None:
        self._cancel()
        self._deadline = self.loop.call_later(seconds, self._end)

    def _cancel(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _end(self) -> None:
        """At once: a polite end would wait until the peer has read what is still to be sent."""
        self.transport.abort()

    def _make_room(self) -> None:
        """End the connection that has waited longest: for a request, idle or not, or else for the rest of a body."""
        others = cast("set[Connection]", self.connections)
        waiting = [each for each in others if each._is_in_head] or [each for each in others if each.cycle.more_body]
        if waiting:
            longest = min(waiting, key=lambda each: each._waits_since)
            self.connections.discard(longest)
            longest._end()
