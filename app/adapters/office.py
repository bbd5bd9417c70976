"""Documents as PDF by LibreOffice, where it is installed: a program of its own, with a profile of its own."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

PROGRAM: Final = "soffice"
TIMEOUT_S: Final = 30.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class LibreOffice:
    """Implements ports.Office. `program`: where it is."""

    program: str

    def pdf(self, content: bytes, file_name: str) -> bytes | None:
        """As `soffice --convert-to pdf` lays it out."""
        with tempfile.TemporaryDirectory(prefix="psplan-office-") as folder:
            here = Path(folder)
            given = here / Path(file_name).name
            given.write_bytes(content)
            words = [self.program, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--norestore"]
            words += ["--convert-to", "pdf", "--outdir", folder, str(given)]
            try:
                subprocess.run(words, check=True, capture_output=True, timeout=TIMEOUT_S, cwd=folder)  # noqa: S603
                return given.with_suffix(".pdf").read_bytes()
            except (OSError, subprocess.SubprocessError) as fault:
                log.warning("office.no_pdf", file=given.name, fault=type(fault).__name__)
                return None


def open_office() -> LibreOffice | None:
    """None where it is not installed."""
    found = shutil.which(PROGRAM)
    return None if found is None else LibreOffice(found)
