"""An issue that a person opened with a `psplan-submission` block becomes the scoping issue of its engagement.

A prefilled issue form is how a page without a server can submit. Title and text of the person stay as they are.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import replace
from datetime import date, datetime

from app.actions import AdoptIssue, Remember, Say
from app.blocks.words import together
from app.commands import Words
from app.engagement import Engagement, EngagementId, IssueRole, submission_record
from app.errors import UserError
from app.events import IssueChanged
from app.hearing import About, Hearing, When
from app.issue_text import Playbook
from app.ports import Issue
from app.registry import Decision, ignore, registry
from app.snapshot import Needs, Snapshot
from app.submission import Submission, SubmissionFaults, content_digest, parse_block, parse_submission, submission_block
from app.text import Safe, code_span, marker, own
from handlers.pair import Adopt, adopted, drafts
from handlers.progress import progress
from handlers.scene import roles_to_see
from handlers.submissions import as_made, people_of, revision, text_of

NOBODYS_ID = str(uuid.UUID(int=0))
"""Stands in where only the people of a submission are asked for."""


ADOPT = "adopt"


@registry.command(
    ADOPT,
    usage="[CUSTOMER]",
    says="Make this issue the scoping issue of an engagement, for the customer in its title or the one you name.",
    who=(),
    when=When.ALWAYS,
    about=About.HERE,
    examples=("", "Acme GmbH"),
    is_free=True,
    is_only_free=True,
)
def adopted_already(hearing: Hearing) -> None:
    """Where there is an engagement, there is nothing to adopt; `comments` hears it where there is none."""
    if hearing.engagement is not None:
        raise UserError(own("This issue belongs to an engagement already."))


def needs_of_adoption(iid: int, engagement: Engagement | None, playbook: Playbook) -> Needs:
    """What has to be seen before an issue can be adopted by command."""
    unnamed = _read({"customer_name": "?"}, author="somebody", ident=NOBODYS_ID, on=date.min)
    people = people_of(unnamed, playbook) - {"somebody"}
    return _all_of(iid, engagement, people, playbook)


def _all_of(iid: int, engagement: Engagement | None, people: frozenset[str], playbook: Playbook) -> Needs:
    """The issue, what was done to it until now, and who may have done that."""
    issues = {iid, *(link.iid for link in engagement.issues.values())} if engagement else {iid}
    return Needs(
        issues=frozenset(issues),
        people=people,
        labels_since={iid: 0},
        states_since={iid: 0},
        roles=dict(roles_to_see(playbook.methodology.deciding_roles, playbook.methodology)),
    )


def adopt_by_command(
    iid: int, words: str, snapshot: Snapshot, playbook: Playbook, now: datetime
) -> tuple[Decision, tuple[Safe, ...]]:
    """Adopt an issue, with the block in it where there is one; and what to say about it. Raises UserError."""
    issue = snapshot.issues.get(iid)
    if issue is None:
        raise UserError(own("I cannot see this issue."))
    if issue.author.id == snapshot.bot_id:
        raise UserError(own("I have opened this issue myself."))
    if not issue.is_open:
        raise UserError(own("This issue is closed: please open it first."))
    block = submission_block(issue.description)
    customer = (Words(words).rest(limit_chars=200) or _customer_of(issue.title)) if block is None else None
    try:
        content = {"customer_name": customer} if block is None else parse_block(block)
        submission = _read(content, author=issue.author.username, ident=_ident(issue, snapshot), on=now.date())
    except SubmissionFaults as faults:
        fault = faults.faults[0]
        problem = together(code_span(fault.field), own(": "), code_span(fault.problem, limit_chars=300))
        raise UserError(together(own("I cannot use what this issue says. "), problem)) from faults
    ident = str(submission.submission_id)
    if snapshot.lane != ident:
        return Decision(reasons=(f"belongs to engagement {ident}",), lane=ident), ()
    people = {**snapshot.people, issue.author.username: True}
    decision = _join(issue, block, submission, replace(snapshot, people=people), playbook, now)
    if not any(isinstance(action, AdoptIssue) for action in decision.actions):
        return decision, ()  # it belongs to another, which is said in a comment of its own
    told = together(own("Adopted, for the customer "), code_span(submission.customer_name), own("."))
    return decision, (told,) if block is not None else (told, _how_to_name_services(playbook))


def _how_to_name_services(playbook: Playbook) -> Safe:
    """What a word cannot say stands in a block of the description, which is read again when it changes."""
    services = ", ".join(list(playbook.methodology.services)[:2])
    return own(
        "Services, account team and more are named in the description, in a block that I read whenever it changes:\n\n"
        f"```psplan-submission\ncustomer_name: Acme GmbH\nservices: [{services}]\n"
        "account_team: [{username: NAME, role: SA}]\n```\n\n"
    )


_SUFFIX = re.compile(r"\s+[-–—:|]\s+.*\Z")


def _customer_of(title: str) -> str:
    """What stands before the dash of `Acme GmbH - Scope Engagement and Write SOW`; else the whole title."""
    words = " ".join(title.replace("\u200b", "").split())
    return (_SUFFIX.sub("", words) or words)[:200]


def needs_of_block(event: IssueChanged, engagement: Engagement | None, playbook: Playbook) -> Needs:
    """What has to be seen before a submission block can be read; nothing where there is none."""
    block = submission_block(event.description)
    if block is None:
        return Needs()
    try:
        people = people_of(_read(parse_block(block), author=event.actor, ident=NOBODYS_ID, on=date.min), playbook)
    except SubmissionFaults:
        people = frozenset()
    return _all_of(event.iid, engagement, people, playbook)


def read_block(event: IssueChanged, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """Adopt an issue with a submission block; a change of the block is a revision."""
    issue = snapshot.issues.get(event.iid)
    block = None if issue is None else submission_block(issue.description)
    if issue is None or block is None:
        return ignore("an issue without a submission block")
    if issue.author.id == snapshot.bot_id:
        return ignore("the bot's own issue")
    known = snapshot.engagement
    if known is not None and known.block_digest == _digest(block):
        # before it is read again: a close date that lay ahead when the issue was adopted may have passed since
        return ignore("adopted already")
    try:
        submission = _read(
            parse_block(block), author=issue.author.username, ident=_ident(issue, snapshot), on=now.date()
        )
    except SubmissionFaults as faults:
        return _refuse(issue, block, faults)
    if known is not None and _has(known, issue):
        # whose issue it is was settled when it was adopted: another id in its block does not move it
        submission = submission.model_copy(update={"submission_id": known.submission.submission_id})
    ident = str(submission.submission_id)
    if snapshot.lane != ident:
        return Decision(reasons=(f"belongs to engagement {ident}",), lane=ident)
    people = {**snapshot.people, issue.author.username: True}
    return _join(issue, block, submission, replace(snapshot, people=people), playbook, now)


def _join(
    issue: Issue, block: str | None, submission: Submission, snapshot: Snapshot, playbook: Playbook, now: datetime
) -> Decision:
    engagement = snapshot.engagement
    if engagement is None:
        return _adopt(issue, block, submission, snapshot, playbook, now)
    scoping = engagement.issues.get(IssueRole.SCOPING)
    if scoping is not None and scoping.iid != issue.iid:
        return _already(issue, engagement, scoping.iid)
    adopt = Adopt(issue.iid) if scoping is None else None
    if adopt is None and content_digest(submission) == content_digest(engagement.submission):
        after = progress(replace(engagement, block_digest=_digest(block)), snapshot, playbook, now)
        why = ("the block was written anew, its content is the same", *after.reasons)
        return Decision(reasons=why, actions=after.actions, engagement=after.engagement)
    return revision(engagement, submission, snapshot, playbook, now, adopt=adopt, block_digest=_digest(block))


def _adopt(
    issue: Issue, block: str | None, submission: Submission, snapshot: Snapshot, playbook: Playbook, now: datetime
) -> Decision:
    engagement = Engagement(id=EngagementId(str(submission.submission_id)), submission=submission)
    wanted = {
        role: replace(draft, confidential=draft.confidential or issue.confidential)  # what is secret stays so
        for role, draft in drafts(submission, playbook, snapshot.people, now, has_scoping=True).items()
    }
    remember = Remember(
        key=f"{engagement.id}:remember:0:{_digest(block) or 'command':.12}",
        submission=submission_record(submission),
        revision=0,
        block_digest=_digest(block),
    )
    # judged with the labels that the person has given it: nothing else may come to make the process look at it
    issues = {
        role: as_made(draft, text_of(draft), issue if role is IssueRole.SCOPING else None, snapshot)
        for role, draft in wanted.items()
    }
    own_block = replace(engagement, block_digest=remember.block_digest)
    follows = progress(own_block, snapshot, playbook, now, revised=issues, adopting=issue.iid)
    why = f"#{issue.iid} was opened by hand{'' if block is None else ' with a submission block'}"
    return Decision(
        reasons=(why, *follows.reasons),
        actions=(*adopted(Adopt(issue.iid), engagement, wanted), remember, *follows.actions),
        engagement=replace(engagement, standing=follows.engagement.standing),
    )


def _has(engagement: Engagement, issue: Issue) -> bool:
    return issue.iid in {link.iid for link in engagement.issues.values()}


def _ident(issue: Issue, snapshot: Snapshot) -> str:
    """The id of a submission whose author gave it none: always the same for the same issue."""
    return str(uuid.uuid5(uuid.NAMESPACE_URL, f"{snapshot.project}#{issue.iid}"))


def _refuse(issue: Issue, block: str, faults: SubmissionFaults) -> Decision:
    sign = marker("faults", f"{issue.iid}-{_digest(block):.12}")
    lines = [own(f"{sign}\n\nI could not use the `psplan-submission` block of this issue:\n")]
    for fault in faults.faults[:20]:
        lines.append(own(f"- {code_span(fault.field)}: {code_span(fault.problem, limit_chars=300)}"))
    lines.append(own("\nEdit the description and I will read it again."))
    say = Say(key=f"issue:{issue.iid}:{sign}", target=issue.iid, marker=sign, body=(Safe("\n".join(lines)),))
    return Decision(reasons=("the submission block cannot be used",), actions=(say,))


def _already(issue: Issue, engagement: Engagement, scoping_iid: int) -> Decision:
    sign = marker("taken", f"{issue.iid}-{engagement.id}")
    body = own(
        f"{sign}\n\nThis submission already has its scoping issue: #{scoping_iid}. I leave this one as it is: "
        "close it, or give its block a `submission_id` of its own if it is a different engagement."
    )
    say = Say(key=f"issue:{issue.iid}:taken:{engagement.id}", target=issue.iid, marker=sign, body=(body,))
    return Decision(reasons=(f"the submission belongs to #{scoping_iid}",), actions=(say,))


def _read(content: object, *, author: str, ident: str, on: date) -> Submission:
    """The submission that this says; what it leaves out comes from the issue. Raises SubmissionFaults."""
    defaults = {
        "submission_id": ident,
        "source": "manual",
        "requester_gitlab_username": author,
        "requester_email": None,
    }
    return parse_submission(content, defaults=defaults, today=on)


def _digest(block: str | None) -> str | None:
    """None where there is no block: then none is a revision of another."""
    if block is None:
        return None
    return hashlib.sha256(block.encode("utf-8", "surrogatepass")).hexdigest()
