"""A dead letter is said where it hurts: under the comment that was not carried out, or on the issue of the engagement.

It holds up nothing else. When it is run again and ends well, what was said of it is taken back.
"""

from __future__ import annotations

from datetime import datetime

from app.actions import Action, React, Retract, Say
from app.blocks.words import joined, together
from app.engagement import Engagement, IssueRole
from app.events import CommentPosted, IssueChanged, NotAsked, Parked, Undelivered
from app.issue_text import Playbook
from app.ports import Person
from app.registry import Decision, ignore, registry
from app.snapshot import Needs, Snapshot
from app.status_words import person
from app.text import Safe, code_span, marker, own
from handlers.orders import lines_meant


def _needs(event: Parked, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    return Needs(note=event.of.note_id) if isinstance(event.of, CommentPosted) else Needs()


@registry.on(Parked, needs=_needs)
def on_parked(event: Parked, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:  # noqa: ARG001
    """Say it, or take it back."""
    if isinstance(event.of, CommentPosted):
        return _of_comment(event, event.of, snapshot, playbook)
    if isinstance(event.of, Undelivered):
        return _of_mail(event, event.of, snapshot)
    if isinstance(event.of, NotAsked):
        return _of_salesforce(event, event.of, snapshot)
    iid = _where(event, snapshot.engagement)
    if iid is None:
        return ignore("there is no issue to say it on")
    mark = marker("parked", f"issue-{iid}")
    if event.is_over:
        return _said(event, Retract(key=_key(event, "back"), iid=iid, note_id=None, name=None, reply=mark))
    what = (
        "a change of this issue" if isinstance(event.of, IssueChanged) else "the latest submission of this engagement"
    )
    words = together(own(f"I could not work through {what}. "), _why(event))
    return _said(event, _say(event, iid, mark, words))


def _of_comment(event: Parked, comment: CommentPosted, snapshot: Snapshot, playbook: Playbook) -> Decision:
    """Under the comment, where it has commands: who only talked has asked for nothing.

    Whether one that the process died of has any is not known, because nobody looks at its words again.
    """
    reactions = playbook.methodology.commands.reactions
    lines = lines_meant(comment.body, playbook, snapshot.bot_name)
    is_for_us = bool(lines) or event.is_deadly or event.is_over
    if comment.is_system or not is_for_us or not comment.is_by_author:
        return ignore("nothing was asked for in it")
    iid, note_id, mark = comment.iid, comment.note_id, marker("parked", f"comment-{comment.note_id}")
    if event.is_over:
        is_refused = bool(snapshot.heard.refused & {line.digest for line in lines})
        name = None if is_refused else reactions.refused
        return _said(event, Retract(key=_key(event, "back"), iid=iid, note_id=note_id, name=name, reply=mark))
    what = code_span(lines[0].source, limit_chars=100) if lines else own("your comment")
    called = together(person(comment.author), own(", I could not carry this out: "), what, own(". "))
    words = together(called, _why(event))
    react = React(key=_key(event, "emoji"), iid=iid, note_id=note_id, name=reactions.refused)
    return _said(event, react, _say(event, iid, mark, words, internal=comment.is_internal))


def _of_mail(event: Parked, mail: Undelivered, snapshot: Snapshot) -> Decision:
    """On the issue of the meeting: who invited somebody has to know that they were not told."""
    if snapshot.lane != mail.engagement:
        return Decision(reasons=("it is about this engagement",), lane=mail.engagement)
    links = {} if snapshot.engagement is None else snapshot.engagement.issues
    link = next((link for role, link in links.items() if role.value == mail.issue), None)
    if link is None:
        return ignore("there is no issue to say it on")
    mark = marker("parked", f"mail-{event.delivery}")
    if event.is_over:
        return _said(event, Retract(key=_key(event, "back"), iid=link.iid, note_id=None, name=None, reply=mark))
    words = together(
        own("I could not mail an invitation to "), code_span(mail.name, limit_chars=100), own(". "), _why(event)
    )
    return _said(event, _say(event, link.iid, mark, words))


def _of_salesforce(event: Parked, wish: NotAsked, snapshot: Snapshot) -> Decision:
    """On the scoping issue: whoever leads it waits for an answer that will not come."""
    if snapshot.lane != wish.engagement:
        return Decision(reasons=("it is about this engagement",), lane=wish.engagement)
    iid = _where(event, snapshot.engagement)
    if iid is None:
        return ignore("there is no issue to say it on")
    mark = marker("parked", f"salesforce-{event.delivery}")
    if event.is_over:
        return _said(event, Retract(key=_key(event, "back"), iid=iid, note_id=None, name=None, reply=mark))
    words = together(own("Salesforce did not take "), code_span(wish.what, limit_chars=100), own(". "), _why(event))
    return _said(event, _say(event, iid, mark, words))


def _where(event: Parked, engagement: Engagement | None) -> int | None:
    """The issue to say it on: the one that it is about, where that is the engagement's, else the scoping issue."""
    links = {} if engagement is None else engagement.issues
    if isinstance(event.of, IssueChanged):
        return event.of.iid if event.of.iid in {link.iid for link in links.values()} else None
    link = links.get(IssueRole.SCOPING) or links.get(IssueRole.INTAKE)
    return None if link is None else link.iid


def _why(event: Parked) -> Safe:
    reason = together(own("The reason: "), code_span(event.reason, limit_chars=300), own(". "))
    kept = own(
        f"It is kept as delivery {event.delivery}, and whoever runs the bot can run it again. "
        "What happens here meanwhile is worked on all the same."
    )
    return together(reason, kept)


def _say(event: Parked, iid: int, mark: Safe, words: Safe, *, internal: bool = False) -> Say:
    body = joined([mark, words], own("\n\n"))
    return Say(key=_key(event, "say"), target=iid, marker=mark, body=(body,), internal=internal, replaces=True)


def _said(event: Parked, *actions: Action) -> Decision:
    what = "is none any more" if event.is_over else "is told"
    return Decision(reasons=(f"dead letter {event.delivery} {what}",), actions=actions)


def _key(event: Parked, what: str) -> str:
    return f"parked:{event.delivery}:{event.at}:{what}"
