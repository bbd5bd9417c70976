"""A change of an issue: a submission block is read; for the issues of an engagement, the process goes on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from app.engagement import Engagement
from app.events import IssueChanged
from app.issue_text import Playbook
from app.ports import Person
from app.registry import Decision, ignore, registry
from app.snapshot import Needs, Snapshot
from handlers.adoption import needs_of_block, read_block
from handlers.progress import progress
from handlers.scene import what_to_see


def _needs(event: IssueChanged, engagement: Engagement | None, playbook: Playbook, bot: Person) -> Needs:  # noqa: ARG001
    block = needs_of_block(event, engagement, playbook)
    if engagement is None or not (_has(engagement, event.iid) or block.issues):
        return block
    seen = what_to_see(engagement, playbook.methodology)
    return replace(
        seen,
        issues=seen.issues | block.issues,
        people=seen.people | block.people,
        labels_since={**block.labels_since, **seen.labels_since},
        states_since={**block.states_since, **seen.states_since},
    )


@registry.on(IssueChanged, needs=_needs)
def on_issue(event: IssueChanged, snapshot: Snapshot, playbook: Playbook, now: datetime) -> Decision:
    """First what the block in it says, where there is one; then what people did to labels, boxes and answers."""
    read = read_block(event, snapshot, playbook, now)
    engagement = snapshot.engagement
    if engagement is None or not _has(engagement, event.iid) or read.engagement is not None or read.lane is not None:
        return read
    made = progress(engagement, snapshot, playbook, now)
    if made.engagement == engagement and not made.actions:
        return ignore("nothing follows from this change") if read.changes_nothing else read
    reasons = made.reasons or ("something was changed that the process does not decide on",)
    said = () if read.changes_nothing else read.reasons  # what a block that cannot be used is told
    return Decision(reasons=(*said, *reasons), actions=(*made.actions, *read.actions), engagement=made.engagement)


def _has(engagement: Engagement, iid: int) -> bool:
    return iid in {link.iid for link in engagement.issues.values()}
