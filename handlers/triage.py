"""Commands of the first look: assign-em, segment. (`adopt` is heard before there is an engagement: adoption.py.)"""

from __future__ import annotations

from dataclasses import replace

from app.blocks.words import together
from app.errors import UserError
from app.hearing import Hearing, When
from app.machine.standing import label_key
from app.methodology.parts import IssueKind
from app.registry import registry
from app.submission.choices import Segment
from app.text import code_span, own
from handlers.answers import write, written
from handlers.lateness import claim_assignee, claim_label, overtaken
from handlers.names import meant, no_such

EM_FIELD = "engagement_manager"


@registry.command(
    "assign-em",
    usage="@USER",
    says="Make somebody the Engagement Manager of this engagement.",
    who=("em", "leadership"),
    when=When.NOT_ENDED,
    examples=("@erin",),
    sees_assignments=True,
)
def assign_em(hearing: Hearing) -> None:
    """Assignee of the scoping issue, and named in the intake."""
    hearing.demand_engagement()
    username = hearing.words.user()
    hearing.words.end()
    if not hearing.snapshot.people.get(username):
        raise UserError(together(own("GitLab knows nobody called "), code_span(username), own(".")))
    kind = IssueKind.SCOPING if IssueKind.SCOPING in hearing.ledger.issues else IssueKind.INTAKE
    if not claim_assignee(hearing, kind):
        raise overtaken(own("Somebody was assigned"))
    hearing.assign(kind, username)
    if EM_FIELD in written(hearing, IssueKind.INTAKE):
        write(hearing, (IssueKind.INTAKE,), EM_FIELD, username)
        hearing.said.clear()  # who it was before is no news
    hearing.course.because(f"EM: {username}")
    holders = hearing.course.scene.holders.get("em", frozenset())
    if holders and username.lower() not in holders:
        lacks = own(" does not hold the role, so the commands of an EM are not theirs. It is held by: ")
        hearing.say(code_span(username), lacks, hearing.role("em"), own("."))


@registry.command(
    "segment",
    usage="SEGMENT",
    says="Say which sales segment it belongs to; that decides who approves where roles differ by segment.",
    who=("em",),
    when=When.NOT_ENDED,
    examples=("Ent_EMEA", "mm_west"),
)
def segment(hearing: Hearing) -> None:
    """One label on both issues, in place of any other segment."""
    hearing.demand_engagement()
    wanted = hearing.words.word()
    hearing.words.end()
    known = [each.value for each in Segment]
    found = None if wanted is None else meant(wanted, known)
    if found is None:
        raise no_such("segment", wanted, known)
    label = {value: hearing.methodology.classification.segment.replace("{segment}", value) for value in known}
    others = tuple(name for value, name in label.items() if value != found)
    for kind in hearing.ledger.issues:
        if kind in hearing.methodology.labels[label[found]].on:
            if not claim_label(hearing, kind, label[found]):
                raise overtaken(own("Another segment was set"))
            hearing.label(kind, label[found], instead_of=others)
            # the label may be there already, set by somebody who could not choose the judges: now it counts
            setters = {**hearing.standing.setters, label_key(kind, label[found]): hearing.by}
            hearing.course.standing = replace(hearing.standing, setters=setters)
    hearing.course.because(f"segment: {found}")
