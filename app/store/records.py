"""Rows as values: what the store hands out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from app.events import Source
from app.store.schema import DeliveryState


class Acceptance(NamedTuple):
    """A delivery on its way into the inbox: the columns that it fills, in the order of the writer's statement."""

    source: str
    key: str
    lane: str
    kind: str
    body: bytes | None
    digest: str
    """Of the body, where the sender may use a key twice; empty where nobody asks."""
    received_at: float
    due_at: float
    state: str
    reason: str | None = None
    settled_at: float | None = None


def waiting_now(source: Source, key: str, lane: str, kind: str, body: bytes, *, now: float) -> Acceptance:
    """Something to be worked on at once."""
    return Acceptance(source.value, key, lane, kind, body, "", now, now, DeliveryState.WAITING.value)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that waits to be worked on."""

    id: int
    key: str
    lane: str
    source: Source
    kind: str
    body: bytes
    received_at: float
    is_decided: bool
    attempts: int
    deaths: int
    due_at: float
    is_resting: bool
    """It waits for `due_at` after a try; else it waits for its turn alone."""
    was_parked: bool
    life: str | None = None
    """With several replicas: whose work on it has not come to an end."""


@dataclass(frozen=True, slots=True)
class StoredAction:
    """An action on its way; `sent_at` is set while it is not known whether the latest send took effect."""

    id: int
    key: str
    body: str
    sent_at: float | None


@dataclass(frozen=True, slots=True)
class DeliveryRow:
    """A delivery as an operator sees it."""

    id: int
    key: str
    source: str
    kind: str
    lane: str
    state: str
    received_at: float
    attempts: int
    reason: str | None
    digest: str
    """Of what a submission says; of all else empty."""
    has_body: bool
