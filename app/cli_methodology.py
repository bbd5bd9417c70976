"""`psplan methodology check` and `show`."""

from __future__ import annotations

import sys
from pathlib import Path

from app.failure import Failure
from app.methodology import MethodologyFaults, dump_methodology, load_methodology
from app.settings import MethodologySettings, load_part


def check(file: Path | None) -> int:
    """Validate a file and say so. Raises Failure with every fault on its line."""
    path = file or load_part(MethodologySettings).methodology
    try:
        found = load_methodology(path)
    except MethodologyFaults as faults:
        raise Failure(str(faults)) from faults
    name = "the methodology that ships" if path is None else str(path)
    sys.stdout.write(
        f"{name}: in order ({len(found.labels)} labels, {len(found.services)} services, "
        f"{len(found.questions)} questions)\n"
    )
    return 0


def show() -> int:
    """Print the methodology in force, complete, with what it extends."""
    try:
        sys.stdout.write(dump_methodology(load_methodology(load_part(MethodologySettings).methodology)))
    except MethodologyFaults as faults:
        raise Failure(str(faults)) from faults
    return 0
