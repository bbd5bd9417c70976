"""Rows as values: what the store hands out."""

from __future__ import annotations

from dataclasses import dataclass

from app.events import Source


@dataclass(frozen=True, slots=True)
class Delivery:
    """A delivery that waits to be worked on."""

    id: int
    source: Source
    kind: str
    body: bytes
    received_at: float
    is_decided: bool
    attempts: int
    deaths: int
    due_at: float
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
    source: str
    kind: str
    lane: str
    state: str
    received_at: float
    attempts: int
    reason: str | None
