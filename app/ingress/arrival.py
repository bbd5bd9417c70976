"""A delivery of GitLab's as a row of the inbox: its key, its lane, and whether anybody has to look at it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from hashlib import sha256

import structlog

from app.clock import Clock
from app.directory import Directory
from app.events import ISSUE_LANE, Source, actor_id, is_of_project, subject_iid
from app.store.records import Acceptance
from app.store.schema import DeliveryState
from app.store.store import Accepted

_WAITING, _IGNORED = DeliveryState.WAITING.value, DeliveryState.IGNORED.value

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What a row is made with. `lane_of`: the engagement of an issue, as far as memory knows: it asks no database."""

    project: str
    directory: Directory
    lane_of: Callable[[int], str | None]
    clock: Clock

    def row(
        self, headers: Mapping[str, str], body: bytes, payload: Mapping[str, object], *, unwanted: str | None = None
    ) -> Acceptance:
        """The row: keyed by GitLab's own key, in the lane of its engagement where that is known.

        `unwanted`: why nobody has to look at it, where that is known before.
        """
        kind = headers.get("x-gitlab-event", "")[:100] or str(payload.get("object_kind", "unknown"))[:100]
        # Idempotency-Key survives a resend (webhook-id equals it); the two UUID headers are new for every send
        key = headers.get("idempotency-key") or headers.get("webhook-id") or f"{kind}:{sha256(body).hexdigest()}"
        iid = subject_iid(payload)
        lane = "gitlab" if iid is None else self.lane_of(iid) or f"{ISSUE_LANE}{iid}"
        unwanted = unwanted or self._why_unwanted(payload)
        now = self.clock()
        return Acceptance(
            source=Source.GITLAB.value,
            key=key[:255],
            lane=lane,
            kind=kind,
            body=body if unwanted is None else None,
            digest="",
            received_at=now,
            due_at=now,
            state=_WAITING if unwanted is None else _IGNORED,
            reason=unwanted,
            settled_at=None if unwanted is None else now,
        )

    def _why_unwanted(self, payload: Mapping[str, object]) -> str | None:
        """Why nobody has to look at it; None where somebody has."""
        if not is_of_project(payload, self.project):
            return "another project's event"
        actor = actor_id(payload)
        return "the bot's own doing" if actor is not None and actor == self.directory.known_bot_id else None


def received(acceptance: Acceptance, accepted: Accepted) -> None:
    """The first line of the log about a delivery; the echo of every deed of the bot's own is worth none."""
    tell = log.debug if acceptance.state == _IGNORED else log.info
    tell(
        "delivery.received",
        source=acceptance.source,
        kind=acceptance.kind,
        lane=acceptance.lane,
        accepted=accepted.value,
        state=acceptance.state,
    )
