"""Documents as PDF by LibreOffice, where it is installed: a program of its own, with a profile of its own."""

from __future__ import annotations

import os
import shutil
import signal
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
                _run(words, folder)
                return given.with_suffix(".pdf").read_bytes()
            except (OSError, subprocess.SubprocessError) as fault:
                log.warning("office.no_pdf", file=given.name, fault=type(fault).__name__)
                return None


def _run(words: list[str], folder: str) -> None:
    """With nothing of our environment. The program is a script that waits for another: in time both are ended."""
    env = {"PATH": os.environ.get("PATH", os.defpath), "HOME": folder, "LANG": "C.UTF-8"}
    silent = subprocess.DEVNULL
    with subprocess.Popen(  # noqa: S603
        words, cwd=folder, env=env, stdin=silent, stdout=silent, stderr=silent, start_new_session=True
    ) as running:
        try:
            code = running.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            raise
    if code != 0:
        raise subprocess.CalledProcessError(code, words[0])


def open_office() -> LibreOffice | None:
    """None where it is not installed."""
    found = shutil.which(PROGRAM)
    return None if found is None else LibreOffice(found)
