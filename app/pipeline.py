"""An engagement as lists and reports see it: the part of its record that is looked for, sorted by and counted.

Pure. Nothing is decided by it, and all of it follows from the record: it can be thrown away and made again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from app.engagement import Engagement
from app.machine.standing import Approval, Move, Standing
from app.methodology.parts import IssueKind
from app.methodology.process import Document


@dataclass(frozen=True, slots=True)
class Entry:
    """One engagement. `leads` are user names; `amount` is exact, as text; days are ISO; moments seconds since 1970."""

    engagement_id: str
    customer: str
    requester: str
    segment: str | None
    leads: str
    is_confidential: bool
    amount: str | None
    currency: str | None
    expected_close: str | None
    due: str | None
    begun_at: float | None
    scoping_url: str | None
    intake_url: str | None
    stands: tuple[Stand, ...] = ()


@dataclass(frozen=True, slots=True)
class Stand:
    """Its place on one track, and whom it waits for there: roles, for what, since when; and the next clock."""

    track: str
    state: str
    since: float
    came_from: str | None
    roles: str
    what: str
    waits_since: float | None
    clock: str | None
    clock_due_at: float | None


@dataclass(frozen=True, slots=True)
class Review:
    """A verdict at a gate; `asked_at` is when there was something to judge."""

    gate: str
    verdict: str
    by: str
    asked_at: float | None
    at: float


@dataclass(frozen=True, slots=True)
class Listed:
    """An engagement at its place on one track."""

    engagement_id: str
    customer: str
    segment: str | None
    leads: str
    is_confidential: bool
    amount: str | None
    currency: str | None
    expected_close: str | None
    due: str | None
    begun_at: float | None
    scoping_url: str | None
    intake_url: str | None
    state: str
    since: float
    roles: str
    what: str
    waits_since: float | None
    clock: str | None = None
    clock_due_at: float | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """A state that an engagement came into, and whether that was a step back."""

    engagement_id: str
    came_from: str | None
    to: str
    at: float
    is_back: bool


@dataclass(frozen=True, slots=True)
class Judged:
    """A verdict at a gate."""

    engagement_id: str
    gate: str
    verdict: str
    by: str
    asked_at: float | None
    at: float


SEPARATOR = "\n"
"""Between names that are kept in one field."""


def entry_of(engagement: Engagement) -> Entry:
    """What lists tell of an engagement."""
    submission, standing = engagement.submission, engagement.standing
    estimate = standing.papers.get(Document.ESTIMATE)
    has_amount = estimate is not None and estimate.amount is not None
    return Entry(
        engagement_id=engagement.id,
        customer=submission.customer_name,
        requester=submission.requester_gitlab_username,
        segment=standing.outlook.segment,
        leads=SEPARATOR.join(standing.outlook.leads),
        is_confidential=standing.is_confidential or submission.pubsec_us,
        amount=str(estimate.amount) if estimate is not None and has_amount else None,
        currency=estimate.currency if estimate is not None and has_amount else None,
        expected_close=None if submission.close_date is None else submission.close_date.isoformat(),
        due=standing.outlook.due,
        begun_at=standing.begun_at,
        scoping_url=_url(engagement, IssueKind.SCOPING),
        intake_url=_url(engagement, IssueKind.INTAKE),
        stands=tuple(_stands(standing)),
    )


def moves_since(before: Standing | None, after: Standing) -> tuple[Move, ...]:
    """The moves that a record has more than an earlier one.

    Of a track whose moves were not kept yet, as in a record of an earlier version, at least where it stands is known.
    """
    known = set() if before is None else set(before.moves)
    fresh = tuple(move for move in after.moves if move not in known)
    if before is not None:
        return fresh
    moved = {move.track for move in fresh}
    begun = (Move(track, None, place.state, place.since) for track, place in after.places.items() if track not in moved)
    return (*fresh, *begun)


def reviews_since(before: Standing | None, after: Standing) -> tuple[Review, ...]:
    """The verdicts that a record has more than an earlier one."""
    known = {} if before is None else before.approvals
    fresh = [(gate, said) for gate, said in after.approvals.items() if known.get(gate) != said]
    return tuple(Review(gate, said.verdict.value, said.by, _asked_at(said), said.at) for gate, said in fresh)


def _asked_at(approval: Approval) -> float | None:
    """A review can begin when the last document that it is about is there."""
    written = [paper.at for paper in approval.papers.values() if paper.at <= approval.at]
    return max(written, default=None)


def _stands(standing: Standing) -> Iterator[Stand]:
    for track, place in standing.places.items():
        waiting = standing.outlook.waits.get(track)
        clock, clock_due_at = standing.outlook.clocks.get(track, (None, None))
        yield Stand(
            track=track,
            state=place.state,
            since=place.since,
            came_from=place.left,
            roles="" if waiting is None else SEPARATOR.join(waiting.roles),
            what="" if waiting is None else SEPARATOR.join(waiting.what),
            waits_since=None if waiting is None else waiting.since,
            clock=clock,
            clock_due_at=clock_due_at,
        )


def _url(engagement: Engagement, kind: IssueKind) -> str | None:
    link = engagement.issues.get(kind)
    return None if link is None else link.web_url
