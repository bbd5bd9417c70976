"""`psplan methodology check` and `show`."""

from __future__ import annotations

import sys
from pathlib import Path

import handlers  # noqa: F401  (importing it registers every command)
from app.failure import Failure
from app.layers import FileFaults
from app.methodology import dump_methodology, load_methodology
from app.methodology.diagram import diagrams
from app.methodology.load import check_methodology
from app.registry import registry
from app.settings import MethodologySettings, load_part


def check(file: Path | None) -> int:
    """Validate a file and say so, with a warning for what its team still has to fill in. Raises Failure with every
    fault on its line."""
    path = file or load_part(MethodologySettings).methodology
    try:
        found, warnings = check_methodology(path, look=registry.unknown_commands)
    except FileFaults as faults:
        raise Failure(str(faults)) from faults
    name = "the methodology that ships" if path is None else str(path)
    # the one that ships names nobody, on purpose
    for warning in warnings if path is not None else ():
        sys.stdout.write(f"warning: {warning}\n")
    sys.stdout.write(
        f"{name}: in order ({len(found.labels)} labels, {len(found.services)} services, "
        f"{len(found.questions)} questions)\n"
    )
    return 0


def show(*, diagram: bool = False) -> int:
    """Print the methodology in force, complete, with what it extends; or its tracks as Mermaid state diagrams."""
    try:
        methodology = load_methodology(load_part(MethodologySettings).methodology)
    except FileFaults as faults:
        raise Failure(str(faults)) from faults
    sys.stdout.write(diagrams(methodology) if diagram else dump_methodology(methodology))
    return 0
