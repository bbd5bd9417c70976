"""Reading a request's body within bounds of size and time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from starlette.types import Receive, Scope

READ_TIMEOUT_S = 8.0
"""GitLab itself waits ten seconds; a sender slower than this holds a connection for nothing."""


SMALL_BYTES = 64 * 1024
"""What is smaller always has room; nearly everything that honest senders send is."""
ROOM_BYTES = 32 * 1024 * 1024
"""So much of larger bodies is held at once while nobody knows who sends them: a signature is judged at the end."""


class Room:
    """The memory for large bodies of senders who have not proved yet who they are. Used on one thread."""

    def __init__(self, size: int) -> None:
        self._free = size

    def take(self, size: int) -> None:
        """Raise BodyFault(503) where it is full: an honest sender comes again."""
        if size > self._free:
            raise BodyFault(503)
        self._free -= size

    def give_back(self, size: int) -> None:
        """Somebody's body is read, or given up."""
        self._free += size


class BodyFault(Exception):
    """The body cannot be had; `status` is the answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


def headers_of(scope: Scope) -> dict[str, str]:
    """Header names in lower case → values; of a name that comes twice, the first counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in reversed(scope["headers"])}


def is_json(headers: Mapping[str, str]) -> bool:
    """Whether the sender says that it sends JSON."""
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


async def read_body(
    receive: Receive, headers: Mapping[str, str], *, limit_bytes: int, room: Room | None = None
) -> bytes:
    """The whole body; `room` is where a large one has to find its place.

    Raises BodyFault: 413 for one that is too large (before it is read, where its length is told), 400 for one that
    does not come to its end in time, 503 for one that finds no room.
    """
    told = headers.get("content-length", "")
    if told.isascii() and told.isdigit() and int(told) > limit_bytes:
        raise BodyFault(413)
    try:
        async with asyncio.timeout(READ_TIMEOUT_S):
            return await _read(receive, limit_bytes, room or Room(limit_bytes))
    except TimeoutError:
        raise BodyFault(400) from None


async def _read(receive: Receive, limit_bytes: int, room: Room) -> bytes:
    chunks: list[bytes] = []
    size = taken = 0
    more = True
    try:
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise BodyFault(400)
            chunks.append(message.get("body", b""))
            size += len(chunks[-1])
            if size > limit_bytes:
                raise BodyFault(413)
            if size > SMALL_BYTES:
                room.take(size - taken)
                taken = size
            more = message.get("more_body", False)
        return chunks[0] if len(chunks) == 1 else b"".join(chunks)
    finally:
        room.give_back(taken)
