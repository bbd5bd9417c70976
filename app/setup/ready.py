"""Brings a project from what it is to what it should be, and reads back whether it is so.

Each round looks anew: what was done is not lacking any more, what could not be done now is tried again, and what GitLab
took without a word of complaint but did not do comes to light.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.errors import Permanent, Retry
from app.ports import ProjectKeeper
from app.settings import Settings
from app.setup.changes import Change, Difference, Gravity, Part, Remark
from app.setup.desired import Desired
from app.setup.difference import COMPARED, Options
from app.setup.perform import Performer, Secrets
from app.tell import Tell, unheard

ROUNDS: Final = 4
WAIT_S: Final = 2.0
LONGEST_WAIT_S: Final = 60.0
IN_VAIN: Final = "GitLab took it, and it is not so"
NEEDS: Final[Mapping[Part, str]] = {
    Part.LABELS: "role Planner or higher",
    Part.BOARDS: "role Planner or higher",
    Part.WEBHOOK: "role Maintainer: PSPLAN_GITLAB_ADMIN_TOKEN",
    Part.FORMS: "role Maintainer, or the right to push to the default branch: PSPLAN_GITLAB_ADMIN_TOKEN",
}
"""What a token needs for each part, as the mend where it is refused."""


def secrets_of(settings: Settings) -> Secrets:
    """What GitLab is to send or sign with: the first of those that the service accepts."""
    tokens, keys = settings.webhook_tokens, settings.webhook_signing_keys
    return Secrets(
        tokens[0].get_secret_value() if tokens else None,
        keys[0].get_secret_value() if keys else None,
    )


@dataclass(slots=True)
class Report:
    """What came of it. `failed`: steps with the reason; `remarks`: what is for a person to do, or to know."""

    done: list[Change] = field(default_factory=list)
    failed: dict[Change, str] = field(default_factory=dict)
    remarks: tuple[Remark, ...] = ()

    @property
    def is_ready(self) -> bool:
        """Whether nothing is left that keeps the process from working."""
        return not self.failed and not any(remark.gravity is Gravity.GRAVE for remark in self.remarks)


def compare(keeper: ProjectKeeper, wanted: Desired, options: Options, *, tell: Tell = unheard) -> Difference:
    """The whole difference; a part that cannot be looked at is a remark."""
    found: list[Difference] = []
    for number, (part, look) in enumerate(COMPARED.items(), start=1):
        try:
            found.append(look(keeper, wanted, options))
        except (Retry, Permanent) as fault:
            found.append(Difference(remarks=(unseen(part, fault),)))
        tell("looking at the project", number, len(COMPARED))
    changes = tuple(change for each in found for change in each.changes)
    return Difference(changes, tuple(remark for each in found for remark in each.remarks))


def unseen(part: Part, fault: Retry | Permanent) -> Remark:
    """A part that cannot be looked at. Without templates everything works; without a repository GitLab has none."""
    if part is Part.FORMS:
        return Remark(part, f"skipped: GitLab shows no repository ({fault.reason})", gravity=Gravity.NOTE)
    mend = f"needs {NEEDS[part]}" if isinstance(fault, Permanent) else "try again"
    return Remark(part, f"cannot be looked at: {fault.reason}", mend, gravity=Gravity.GRAVE)


def make_ready(
    keeper: ProjectKeeper,
    wanted: Desired,
    options: Options,
    secrets: Secrets,
    *,
    tell: Tell = unheard,
    sleep: Callable[[float], None] = time.sleep,
) -> Report:
    """Do what is lacking, round by round, until nothing is or nothing more can be done."""
    report, late = Report(), dict[Change, str]()
    for number in range(ROUNDS):
        found = compare(keeper, wanted, options, tell=tell)
        report.remarks = found.remarks
        _see_through(found, report)
        due = [change for change in found.changes if change not in report.failed and change not in report.done]
        if not due or number == ROUNDS - 1:
            report.failed |= {change: late.get(change, "it could not be done") for change in due}
            break
        wait_s, late = _perform_all(due, Performer(keeper, secrets, tell=tell, sleep=sleep), report, tell)
        options = Options(options.migrates_labels, options.overwrites_forms)  # one secret anew is enough
        if wait_s > 0:
            sleep(min(wait_s, LONGEST_WAIT_S))
    return report


def _see_through(found: Difference, report: Report) -> None:
    """What was done and is lacking all the same was done in vain."""
    for change in found.changes:
        if change in report.done and change.is_seen_at_once:
            report.done.remove(change)
            report.failed[change] = IN_VAIN


def _perform_all(
    due: list[Change], performer: Performer, report: Report, tell: Tell
) -> tuple[float, dict[Change, str]]:
    """Do what can be done; how long to wait before the rest is tried again, and why it could not be done now."""
    wait_s, late = 0.0, dict[Change, str]()
    for number, change in enumerate(due, start=1):
        try:
            performer.perform(change)
        except Permanent as fault:
            report.failed[change] = fault.reason
        except Retry as fault:
            late[change] = fault.reason
            wait_s = max(wait_s, WAIT_S if fault.after_s is None else fault.after_s)
        else:
            report.done.append(change)
        tell("making it so", number, len(due))
    return wait_s, late
