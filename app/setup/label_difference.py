"""Labels: which are missing, which look otherwise, and which are an old or wrong spelling of one of ours (pure)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from app.methodology.model import Methodology
from app.project import ProjectLabel
from app.setup.changes import Change, ChangeLabel, CreateLabel, Difference, Part, Remark, RenameLabel, RetireLabel
from app.setup.desired import WantedLabel
from app.setup.meaning import Meant, meant_by

MIGRATE = "psplan setup --migrate-labels"


def label_difference(
    wanted: Sequence[WantedLabel], found: Sequence[ProjectLabel], methodology: Methodology, *, migrates: bool
) -> Difference:
    """`migrates`: other spellings become the right one on every issue; else they are only told."""
    by_name = {label.name: label for label in found}
    strays = [(label, meant) for label in found if (meant := meant_by(label.name, methodology)) is not None]
    movable = [(label, meant) for label, meant in strays if migrates and meant.is_sure and label.is_of_project]
    renamed = dict(_renamed(movable, by_name))
    by_wanted = {label.name: label for label in wanted}
    changes: list[Change] = []
    remarks: list[Remark] = []
    for label in wanted:
        held = by_name.get(label.name)
        if held is not None and not held.is_of_project:
            remarks += _of_group(label, held)
        elif held is not None:
            changes += _looks(label, held)
        elif label.name not in renamed.values():
            changes.append(CreateLabel(label.name, label.colour, label.description))
    for stray, meant in strays:
        if stray.name in renamed:
            changes.append(RenameLabel(stray.id, stray.name, renamed[stray.name]))
            if (right := by_wanted.get(renamed[stray.name])) is not None:
                changes += _looks(right, stray)
        elif (stray, meant) in movable:
            changes.append(RetireLabel(stray.id, stray.name, meant.name))
        else:
            remarks.append(_told(stray, meant))
    as_it_should_be = f"{len(wanted)} labels, with colour and description"
    return Difference(tuple(changes), tuple(remarks), as_it_should_be)


def _renamed(
    movable: Sequence[tuple[ProjectLabel, Meant]], by_name: dict[str, ProjectLabel]
) -> Iterator[tuple[str, str]]:
    """Where the right label is not there yet, the first wrong one becomes it; others are taken off issue by issue."""
    taken = set(by_name)
    for label, meant in movable:
        if meant.name is not None and meant.name not in taken:
            taken.add(meant.name)
            yield label.name, meant.name


def _looks(label: WantedLabel, held: ProjectLabel) -> Iterator[ChangeLabel]:
    colour = None if held.colour.lower() == label.colour.lower() else label.colour
    description = None if held.description == label.description else label.description
    if colour is not None or description is not None:
        yield ChangeLabel(held.id, label.name, held.colour, colour, description)


def _of_group(label: WantedLabel, held: ProjectLabel) -> Iterator[Remark]:
    if any(_looks(label, held)):
        yield Remark(
            Part.LABELS, f"{label.name} is a label of a group and looks otherwise there", "change it in the group"
        )


def _told(label: ProjectLabel, meant: Meant) -> Remark:
    becomes = "no label" if meant.name is None else meant.name
    words = f"{label.name} stands for {becomes} ({meant.why})"
    if not label.is_of_project:
        return Remark(Part.LABELS, f"{words}; it is a label of a group", "rename or delete it in the group")
    if not meant.is_sure:
        words = f"{label.name} is like {becomes}"
        return Remark(Part.LABELS, words, "rename it by hand if it is meant, or give it another name")
    return Remark(Part.LABELS, words, MIGRATE)
