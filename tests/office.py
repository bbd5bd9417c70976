"""LibreOffice for tests: it counts a workbook anew, and lays a document out as pages.

`TEST_OFFICE=required`: a machine without it fails instead of skipping.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

REASON = "LibreOffice is not installed: .ci/libreoffice puts it there"


def converted(content: bytes, name: str, to: str, folder: Path) -> bytes:
    """A file in another format, or counted anew in its own."""
    office = shutil.which("soffice")
    if office is None:
        assert os.environ.get("TEST_OFFICE") != "required", REASON
        pytest.skip(REASON)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    out = folder / "out"
    words = [office, f"-env:UserInstallation=file://{folder}/profile", "--headless", "--convert-to", to]
    subprocess.run([*words, "--outdir", str(out), str(folder / name)], check=True, capture_output=True, timeout=110)
    return (out / f"{Path(name).stem}.{to}").read_bytes()


def text_of_pages(pdf: bytes, folder: Path) -> list[str]:
    """The words of each page, as laid out."""
    tool = shutil.which("pdftotext")
    if tool is None:
        assert os.environ.get("TEST_OFFICE") != "required", REASON
        pytest.skip(REASON)
    (folder / "pages.pdf").write_bytes(pdf)
    told = subprocess.run(
        [tool, "-layout", str(folder / "pages.pdf"), "-"], check=True, capture_output=True, timeout=60
    )
    return told.stdout.decode().split("\f")
