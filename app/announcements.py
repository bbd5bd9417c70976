"""What of a decision is told outside of GitLab: the occasions in it, handed over to lanes of their own.

An engagement before and after, and the comments that are about to be written, say it all; so no handler has to know
that there is a chat. Handed over last: what is told has been done by then, and a failure of the chat holds up nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.actions import Action, HandOver, Remember, Say
from app.chat_events import ANNOUNCEMENT
from app.engagement import Engagement
from app.events import Source
from app.issue_text import Playbook
from app.machine.standing import Verdict
from app.methodology.model import Methodology
from app.methodology.telling import BEGUN, PUBSEC
from app.registry import Decision


def with_announcements(decision: Decision, before: Engagement | None, playbook: Playbook) -> Decision:
    """The decision, and what is to be told of it as its last actions; itself where there is nothing to tell.

    An engagement that is brought back from GitLab's own records has happened long ago, so nobody is told.
    """
    after = decision.engagement
    if not playbook.chat.is_on or after is None or decision.lane is not None:
        return decision
    occasions = tuple(occasions_of(decision, before, playbook.methodology))
    if not occasions and not (before is not None and _looks_otherwise(before, decision)):
        return decision
    return replace(decision, actions=(*decision.actions, *announce(after, occasions, playbook, _revised(decision))))


def announce(
    engagement: Engagement, occasions: tuple[str, ...], playbook: Playbook, revised: Remember | None = None
) -> Iterator[HandOver]:
    """One announcement for each channel that may have to say something else now: what fails in one stops no other.

    `occasions`: names of them (`Occasion.name`). A clock that has run out announces here as well. `revised`: the
    submission that is known by the time that it is told.
    """
    was = engagement.submission.pubsec_us
    will_be = was if revised is None else bool(revised.submission.get("pubsec_us"))
    methodology = playbook.methodology
    channels = channels_of(methodology, *dict.fromkeys((will_be, was)))
    if BEGUN in occasions:  # nothing was said anywhere yet, so there is nothing to bring up to date
        concerned = {
            methodology.notifications[key].channel for each in occasions for key in methodology.notifications_of[each]
        }
        channels = tuple(each for each in channels if each in concerned | {PUBSEC})
    for channel in channels:
        number = engagement.standing.serial
        sign = "+".join(occasions)
        yield HandOver(
            key=f"{engagement.id}:announce:{channel}:{number}:{sign}",
            source=Source.SLACK.value,
            lane=chat_lane(engagement.id),
            what=ANNOUNCEMENT,
            body={
                "object_kind": ANNOUNCEMENT,
                "engagement": engagement.id,
                "channel": channel,
                "occasions": list(occasions),
                "number": number,
            },
        )


def chat_lane(engagement: str) -> str:
    """Where everything is done that is told of an engagement, in order."""
    return f"chat:{engagement}"


def channels_of(methodology: Methodology, *pubsec: bool) -> tuple[str, ...]:
    """The channels that may be told anything of engagements that are US public sector, or are not (or were)."""
    named = [rules.channel for rules in methodology.notifications.values() if rules.channel != PUBSEC]
    wanted = dict.fromkeys(name for is_pubsec in pubsec for name in ([PUBSEC] if is_pubsec else named))
    return tuple(name for name in wanted if methodology.slack.channels.get(name) is not None)


def occasions_of(decision: Decision, before: Engagement | None, methodology: Methodology) -> Iterator[str]:
    """The names of what happened, of which the methodology has a notification."""
    known = methodology.notifications_of
    return (name for name in dict.fromkeys(_happened(decision, before)) if name in known)


def _happened(decision: Decision, before: Engagement | None) -> Iterator[str]:
    after = decision.engagement
    if after is None:
        return
    now, was = after.standing, before.standing if before is not None else None
    if was is None:
        yield BEGUN
    for name, paper in now.papers.items():
        if was is None or name not in was.papers or was.papers[name].version != paper.version:
            yield f"document:{name}"
    for gate, approval in now.approvals.items():
        if approval.verdict is Verdict.FAILED and (was is None or was.approvals.get(gate) != approval):
            yield f"sent_back:{gate}"
    for move in now.moves if was is not None else ():
        if was is not None and move not in was.moves and move.came_from is not None:
            yield f"state:{move.track}.{move.to}"
    for action in decision.actions:
        yield from _said(action, after.id)


def _said(action: Action, engagement: str) -> Iterator[str]:
    """What people are called for in GitLab, once for each time: a yes at a gate, and the time that a clock gives."""
    start = f"{engagement}:notice:"
    if not isinstance(action, Say) or not action.key.startswith(start):
        return
    kind, *words = action.key.removeprefix(start).split(":")
    if kind == "review":
        yield f"asked:{words[0]}"
    elif kind == "clock":
        yield f"clock_{words[1]}:{words[0]}"


def _revised(decision: Decision) -> Remember | None:
    return next((action for action in decision.actions if isinstance(action, Remember)), None)


def _looks_otherwise(before: Engagement, decision: Decision) -> bool:
    """Whether what stands at the head of a thread, or is asked for in it, may read otherwise now."""
    after = decision.engagement or before
    one, other = before.standing, after.standing
    return (
        _revised(decision) is not None
        or any(getattr(one, name) != getattr(other, name) for name in ("approvals", "papers", "asked", "reopened"))
        or _states(before) != _states(after)
        or one.outlook.leads != other.outlook.leads
        or one.is_confidential != other.is_confidential
        or before.issues != after.issues
    )


def _states(engagement: Engagement) -> dict[str, str]:
    return {name: place.state for name, place in engagement.standing.places.items()}
