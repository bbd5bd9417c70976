"""The files that a team writes: the methodology, and the texts of the issues."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress

from app.agendas import load_agendas
from app.catalogue import load_catalogue
from app.doctor.finding import Finding, State
from app.doctor.patient import Patient, Unchecked
from app.doctor.registry import check
from app.layers import FileFaults
from app.setup.forms import FormFault, load_forms
from app.sow_template import load_sow_template
from app.templates import TemplateFaults, TemplateKind, default_template_folder, load_templates

CHECK = "psplan methodology check"


@check("methodology", "methodology")
def methodology_can_be_used(patient: Patient) -> Iterator[Finding]:
    """Each fault by its line; roles that nobody holds though a gate needs them."""
    path = patient.settings.methodology
    try:
        found, warnings = patient.process()
    except FileFaults as faults:
        yield Finding(State.BROKEN, "methodology", _first(faults.faults), f"{CHECK} lists every fault")
        return
    for warning in warnings:
        yield Finding(State.WARNING, "methodology", warning, "name them in the file")
    name = "the one that ships" if path is None else str(path)
    yield Finding(State.OK, "methodology", f"{name}: {len(found.tracks)} tracks, {len(found.labels)} labels")


@check("catalogue", "catalogue")
def catalogue_can_be_used(patient: Patient) -> Iterator[Finding]:
    """Each fault by its line; facts are answered by questions that are asked."""
    path = patient.settings.catalogue
    try:
        found = load_catalogue(path, questions=patient.methodology().questions)
    except FileFaults as faults:
        mend = "psplan catalogue check lists every fault"
        yield Finding(State.BROKEN, "catalogue", _first(faults.faults), mend)
        return
    name = "the one that ships" if path is None else str(path)
    yield Finding(State.OK, "catalogue", f"{name}: version {found.version}, {len(found.activities)} activities")


@check("texts of issues", "templates")
def templates_can_be_used(patient: Patient) -> Iterator[Finding]:
    """Every placeholder is known and every obligatory one is there."""
    folder = patient.settings.templates or default_template_folder()
    try:
        load_templates(folder)
        with suppress(Unchecked):  # which agendas there are, the methodology says
            load_agendas(folder, patient.methodology())
        load_forms(patient.settings.templates)
        load_sow_template(folder)
    except TemplateFaults as faults:
        yield Finding(
            State.BROKEN, "texts of issues", _first(faults.faults), "mend the template, or take the shipped one"
        )
        return
    except FormFault as fault:
        yield Finding(State.BROKEN, "texts of issues", str(fault), "mend the template, or take it away")
        return
    name = "those that ship" if patient.settings.templates is None else str(folder)
    yield Finding(State.OK, "texts of issues", f"{name}: {len(TemplateKind)} templates, every placeholder known")


def _first(faults: tuple[str, ...]) -> str:
    more = f" (and {len(faults) - 1} more)" if len(faults) > 1 else ""
    return f"{faults[0]}{more}"
