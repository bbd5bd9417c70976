"""`psplan catalogue check`."""

from __future__ import annotations

import sys
from pathlib import Path

import handlers  # noqa: F401  (the methodology is checked against the commands)
from app.catalogue import load_catalogue
from app.failure import Failure
from app.layers import FileFaults
from app.methodology import load_methodology
from app.registry import registry
from app.settings import CatalogueSettings, load_part


def check(file: Path | None) -> int:
    """Validate a catalogue against the methodology in force and say so. Raises Failure with every fault on its line."""
    given = load_part(CatalogueSettings)
    path = file or given.catalogue
    try:
        methodology = load_methodology(given.methodology, look=registry.unknown_commands)
        found = load_catalogue(path, questions=methodology.questions)
    except FileFaults as faults:
        raise Failure(str(faults)) from faults
    name = "the catalogue that ships" if path is None else str(path)
    examples = sum(activity.published is None for activity in found.activities.values())
    sys.stdout.write(
        f"{name}: in order (version {found.version}, {len(found.activities)} activities, {len(found.facts)} facts; "
        f"the figures of {examples} activities are examples)\n"
    )
    return 0
