"""An event, a snapshot, the playbook and the time → a decision.

Pure: it can be printed, stored, compared and replayed.
"""

from __future__ import annotations

from datetime import datetime

from app.announcements import with_announcements
from app.engagement import Engagement
from app.events import CommentPosted, Event, IssueChanged, Unknown
from app.issue_text import Playbook
from app.ports import Person
from app.registry import Decision, Registry, ignore
from app.salesforce_out import with_writings
from app.snapshot import Needs, Snapshot


def needs(event: Event, engagement: Engagement | None, playbook: Playbook, registry: Registry, *, bot: Person) -> Needs:
    """What the event's handler has to see; of the bot's own doing nothing."""
    handler = registry.handlers.get(type(event))
    if handler is None or _actor(event) == bot.id:
        return Needs()
    return handler.needs(event, engagement, playbook, bot)


def decide(event: Event, snapshot: Snapshot, playbook: Playbook, now: datetime, registry: Registry) -> Decision:
    """What the event brings about, and why."""
    if _actor(event) == snapshot.bot_id:
        # matched by id: names can change, and an own write that comes back must never be an order
        return ignore("the bot's own doing")
    if isinstance(event, Unknown):
        return ignore(f"nothing listens to {event.kind!r} events")
    handler = registry.handlers.get(type(event))
    if handler is None:
        return ignore(f"no rule for a {event.noun}")
    decision = with_writings(handler.decide(event, snapshot, playbook, now), playbook)
    return with_announcements(decision, snapshot.engagement, playbook)


def _actor(event: Event) -> int | None:
    if isinstance(event, IssueChanged):
        return event.actor_id
    if isinstance(event, CommentPosted):
        return event.author_id
    return None
