"""Issue templates in the repository: which are missing, which are old, and which are somebody's own (pure)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.project import ProjectFile
from app.setup.changes import NEW, OTHER, Change, Difference, Gravity, Part, Remark, WriteForm
from app.setup.forms import Form, is_same, is_untouched

NO_REPOSITORY = "skipped: the project has no repository"
OVERWRITE = "psplan setup --overwrite-templates"


@dataclass(frozen=True, slots=True)
class SeenForms:
    """The default branch (None: there is no repository), and what stands where a template belongs."""

    branch: str | None
    files: Mapping[str, ProjectFile | None]


def form_difference(wanted: Sequence[Form], seen: SeenForms, *, overwrites: bool) -> Difference:
    """`overwrites`: what a person changed is replaced; else it is only told."""
    if seen.branch is None:
        return Difference(remarks=(Remark(Part.FORMS, NO_REPOSITORY, gravity=Gravity.NOTE),))
    changes: list[Change] = []
    remarks: list[Remark] = []
    for form in wanted:
        held = seen.files.get(form.path)
        if held is None:
            changes.append(WriteForm(form.path, form.text, seen.branch, None, sign=NEW))
        elif is_same(held.text, form.text):
            continue
        elif overwrites or is_untouched(held.text):
            changes.append(WriteForm(form.path, form.text, seen.branch, held, sign=OTHER))
        else:
            remarks.append(Remark(Part.FORMS, f"{form.path} was changed by a person, and is left as it is", OVERWRITE))
    as_it_should_be = f"{len(wanted)} in .gitlab/issue_templates on {seen.branch}"
    return Difference(tuple(changes), tuple(remarks), as_it_should_be)
