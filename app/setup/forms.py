"""The issue templates that GitLab offers under *New issue*, kept in the repository of the project.

They are forms for people without a calculator: each holds a block that the bot adopts. A file that a person changed in
GitLab is theirs. It is told from one of ours that is merely old by its last line, which holds a digest of the rest.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.templates import MAX_FILE_BYTES, default_template_folder

FOLDER: Final = "gitlab"
"""Within the folder of templates; where a team's own has none, the forms that ship are taken."""
PLACE: Final = ".gitlab/issue_templates/"
MOST_FORMS: Final = 50
_MARK: Final = re.compile(r"\n*<!-- template: by psplan setup, ([0-9a-f]{16})[^\n]*-->\s*\Z")


class FormFault(ValueError):
    """A form cannot be used; the text says which, and why."""


@dataclass(frozen=True, slots=True)
class Form:
    """A template as it should be: its path in the repository, and its text with our mark."""

    path: str
    text: str


def load_forms(templates: Path | None) -> tuple[Form, ...]:
    """Every form of a folder of templates (None: the one that ships), by name. Raises FormFault."""
    own = None if templates is None else templates / FOLDER
    folder = own if own is not None and own.is_dir() else default_template_folder() / FOLDER
    paths = sorted(folder.glob("*.md"))
    if len(paths) > MOST_FORMS:
        raise FormFault(f"{folder}: holds more than {MOST_FORMS} templates")
    return tuple(Form(PLACE + path.name, marked(_read(path))) for path in paths)


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
        text = raw.decode("utf-8-sig")
    except OSError as fault:
        raise FormFault(f"{path}: cannot be read: {fault.strerror}") from fault
    except UnicodeDecodeError as fault:
        raise FormFault(f"{path}: is not UTF-8 text") from fault
    if len(raw) > MAX_FILE_BYTES:
        raise FormFault(f"{path}: is larger than {MAX_FILE_BYTES:,} bytes")
    return text


def marked(text: str) -> str:
    """The text with our mark at its end."""
    bare = _bare(text)
    return f"{bare}\n\n<!-- template: by psplan setup, {_digest(bare)}; change it as you like, then it is yours -->\n"


def is_untouched(text: str) -> bool:
    """Whether it is as some `psplan setup` wrote it."""
    found = _MARK.search(_unix(text))
    return found is not None and found[1] == _digest(_bare(text))


def is_same(text: str, other: str) -> bool:
    """Whether two texts say the same; line ends and our mark do not count."""
    return _bare(text) == _bare(other)


def _bare(text: str) -> str:
    return _MARK.sub("", _unix(text)).strip("\n")


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _digest(bare: str) -> str:
    return hashlib.sha256(bare.encode("utf-8", "surrogatepass")).hexdigest()[:16]
