"""What lies between the project as it is and as it should be, part by part: looked at, then compared.

Looking is reading through the port; comparing is pure, in a file for each part.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

from app.errors import Permanent, Retry
from app.ports import ProjectKeeper
from app.setup.board_difference import board_difference
from app.setup.changes import Difference, Part, Remark
from app.setup.desired import Desired
from app.setup.form_difference import SeenForms, form_difference
from app.setup.hook_difference import SeenHooks, hook_difference, is_ours
from app.setup.label_difference import label_difference


@dataclass(frozen=True, slots=True)
class Options:
    """What is done only when somebody asks for it, because it touches what people made."""

    migrates_labels: bool = False
    overwrites_forms: bool = False
    renews_secret: bool = False


def _labels(keeper: ProjectKeeper, wanted: Desired, options: Options) -> Difference:
    found = keeper.labels()
    return label_difference(wanted.labels, found, wanted.methodology, migrates=options.migrates_labels)


def _boards(keeper: ProjectKeeper, wanted: Desired, _: Options) -> Difference:
    return board_difference(wanted.boards, keeper.boards())


def _webhook(keeper: ProjectKeeper, wanted: Desired, options: Options) -> Difference:
    hooks, answers, unread = keeper.hooks(), dict[int, str | None](), list[Remark]()
    for hook in hooks:
        if is_ours(hook, wanted.hook):
            try:
                answers[hook.id] = keeper.last_answer(hook.id)
            except (Retry, Permanent) as fault:  # GitLab's log of deliveries is large, and fails by itself
                words = f"how its last delivery was answered is not known: {fault.reason}"
                unread.append(Remark(Part.WEBHOOK, words, "try again"))
    seen = SeenHooks(hooks, keeper.instance().release, answers)
    found = hook_difference(wanted.hook, seen, renews_secret=options.renews_secret)
    return replace(found, remarks=(*found.remarks, *unread))


def _forms(keeper: ProjectKeeper, wanted: Desired, options: Options) -> Difference:
    facts = keeper.facts()
    branch = facts.branch if facts.has_repository else None
    files = {} if branch is None else {form.path: keeper.read_file(form.path, branch=branch) for form in wanted.forms}
    return form_difference(wanted.forms, SeenForms(branch, files), overwrites=options.overwrites_forms)


Compare = Callable[[ProjectKeeper, Desired, Options], Difference]
COMPARED: Mapping[Part, Compare] = MappingProxyType(
    {Part.LABELS: _labels, Part.BOARDS: _boards, Part.WEBHOOK: _webhook, Part.FORMS: _forms}
)
"""How each part is looked at and compared. May raise Retry or Permanent as the port does."""
