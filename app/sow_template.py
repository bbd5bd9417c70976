"""The Word file that SOWs are made from: in the folder of templates; where it is not there, the one that ships."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from app.templates import TemplateFaults, default_template_folder

NAME: Final = "sow.docx"
MOST_BYTES: Final = 5 * 1024 * 1024


def load_sow_template(folder: Path) -> bytes:
    """Raises TemplateFaults."""
    path = folder / NAME
    if not path.exists():
        path = default_template_folder() / NAME
    try:
        content = path.read_bytes()
    except OSError as fault:
        raise TemplateFaults((f"{path}: cannot be read: {fault.strerror}",)) from None
    if len(content) > MOST_BYTES:
        raise TemplateFaults((f"{path}: is larger than {MOST_BYTES // 1024 // 1024} MiB",))
    return content
