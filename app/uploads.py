"""Files that hang on comments: how GitLab's Markdown links to them, and by what path they are asked for.

An upload has a secret of 32 hexadecimal digits in its address and is never changed: another version is another upload
(GitLab, "Project Markdown uploads API").
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

MOST_BYTES: Final = 5 * 1024 * 1024
"""Of a file that is looked into."""
MOST_LINKS: Final = 5

_PATH: Final = re.compile(
    r"(?P<path>/uploads/(?P<secret>[0-9a-f]{32})/(?P<name>(?:[A-Za-z0-9._+-]|%[0-9A-Fa-f]{2}){1,200}))(?=[\s)\"'>]|$)"
)


@dataclass(frozen=True, slots=True)
class Upload:
    """The two parts of an upload's path."""

    secret: str
    name: str


def uploads_in(text: str) -> tuple[str, ...]:
    """The paths of the first few uploads that a text links to, each once."""
    return tuple(dict.fromkeys(found["path"] for found in _PATH.finditer(text)))[:MOST_LINKS]


def upload_at(path: str) -> Upload | None:
    """What is asked for by a path; None where it is none."""
    found = _PATH.fullmatch(path)
    return None if found is None else Upload(found["secret"], unquote(found["name"]))
