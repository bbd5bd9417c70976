"""An order that is found late changes nothing that was said or done after it was written.

GitLab promises no order of deliveries, and what it did not deliver is found by the sweep. Where several people do the
same thing, the latest of all counts: of two comments the later one, and a label or an assignee set by hand counts
against a comment before it.
"""

from __future__ import annotations

from typing import Final

from app.blocks.words import together
from app.errors import NotAllowed
from app.hearing import Hearing
from app.machine.standing import label_key
from app.methodology.parts import IssueKind
from app.methodology.spelling import scope_of
from app.text import Safe, own

PAUSE: Final = "order:pause"
MANAGER: Final = "order:em"
"""Keys of `Standing.answered` that can be no key of a table."""


def claim(hearing: Hearing, key: str) -> bool:
    """Be the latest word on something; False where a later one was heard before."""
    if hearing.place < hearing.standing.answered.get(key, (0, 0)):
        return False
    hearing.course.standing = hearing.standing.but(answered={**hearing.standing.answered, key: hearing.place})
    return True


def claim_label(hearing: Hearing, kind: IssueKind, label: str) -> bool:
    """The same for a label that replaces others of its scope; False also where another one was set by hand since."""
    scope = scope_of(label) or label
    key = label_key(kind, scope)
    latest = hearing.standing.set_at.get(key, 0), hearing.standing.newest.get(key)
    issue = hearing.ledger.issues.get(kind)
    for event in () if issue is None else hearing.snapshot.labels.get(issue.iid, ()):
        by_hand = event.is_added and (event.by is None or event.by.id != hearing.snapshot.bot_id)
        if by_hand and event.label is not None and scope_of(event.label) == scope:
            latest = int(event.at.timestamp()), event.label
    second, name = latest
    return (second <= int(hearing.at) or name == label) and claim(hearing, key)


def claim_assignee(hearing: Hearing, kind: IssueKind) -> bool:
    """The same for an assignee; False also where somebody was assigned by hand since."""
    given = hearing.snapshot.assignments.get(hearing.ledger.issues[kind].iid, ())
    by_hand = (each for each in given if each.by.id != hearing.snapshot.bot_id)
    return not any(int(each.at.timestamp()) > int(hearing.at) for each in by_hand) and claim(hearing, MANAGER)


def overtaken(what: Safe) -> NotAllowed:
    """What to raise then; `what` was said or done."""
    words = together(what, own(" after you had written that, so I left it as it is."))
    return NotAllowed(words, reason="something later was said or done")
