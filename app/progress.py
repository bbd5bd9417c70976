"""How far a submission is, in the words of the status endpoint."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from app.engagement import Engagement, IssueRole
from app.store import inbox, opportunities, outbox
from app.store.schema import DeliveryState


def progress(connection: Connection, *, ident: str) -> dict[str, Any] | None:
    """The answer of `GET /submissions/{id}`, or None where nothing is known of it."""
    delivery, engagement = inbox.submission_of(connection, ident), outbox.engagement(connection, ident)
    if delivery is None and engagement is None:
        # looked for last: a submission that went elsewhere has joined it by then
        other = opportunities.joined_to(connection, ident)
        if other is None:
            return None
        delivery, engagement = inbox.submission_of(connection, other), outbox.engagement(connection, other)
    if delivery is not None and delivery.state == DeliveryState.DEAD.value:
        state, message = "failed", f"It could not be carried out: {delivery.reason}. An operator can run it again."
    elif delivery is not None and delivery.state == DeliveryState.WAITING.value:
        state, message = _waiting(delivery.reason, has_begun=engagement is not None or delivery.attempts > 0)
    elif engagement is None or IssueRole.INTAKE not in engagement.issues:
        state, message = "failed", "Its issues could not all be made. An operator can see why, and run it again."
    else:
        state, message = "done", _done(engagement)
    return {
        "submission_id": ident,
        "state": state,
        "scoping_issue": _issue(engagement, IssueRole.SCOPING),
        "intake_issue": _issue(engagement, IssueRole.INTAKE),
        "message": message,
    }


def _waiting(reason: str | None, *, has_begun: bool) -> tuple[str, str]:
    if reason:
        return "working", f"It is being tried again: {reason}."
    return ("working", "The issues are being made.") if has_begun else ("accepted", "It waits for its turn.")


def _done(engagement: Engagement | None) -> str:
    if engagement is not None and IssueRole.SCOPING not in engagement.issues:
        return "Done: the Project Scheduling Intake issue is there; this order needs no scoping issue."
    return "Done: the scoping issue and the Project Scheduling Intake issue are there."


def _issue(engagement: Engagement | None, role: IssueRole) -> dict[str, Any] | None:
    link = None if engagement is None else engagement.issues.get(role)
    return None if link is None else link.to_record()
