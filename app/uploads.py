"""Files that hang on comments: how GitLab's Markdown links to them, and by what path they are asked for.

An upload has a secret of 32 hexadecimal digits in its address and is never changed: another version is another upload
(GitLab, "Project Markdown uploads API"). Only paths without a host are of this project; an address is an address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote

MOST_BYTES: Final = 5 * 1024 * 1024
"""Of a file that is looked into."""
MOST_LINKS: Final = 5

_NAME: Final = r"(?:[A-Za-z0-9._+-]|%[0-9A-Fa-f]{2}){1,200}"
_PATH: Final = re.compile(rf"(?P<path>/uploads/(?P<secret>[0-9a-f]{{32}})/(?P<name>{_NAME}))")
_BARE: Final = _PATH.pattern.replace("?P<", "?P<bare_")
_LINK: Final = re.compile(rf"!?\[[^\[\]\n]{{0,300}}\]\({_PATH.pattern}\)|(?<!\S){_BARE}(?!\S)")


@dataclass(frozen=True, slots=True)
class Upload:
    """The two parts of an upload's path."""

    secret: str
    name: str


def uploads_in(text: str) -> tuple[str, ...]:
    """The paths of the first few uploads that a text links to, each once."""
    found = (link["path"] or link["bare_path"] for link in _LINK.finditer(text))
    return tuple(dict.fromkeys(path for path in found if upload_at(path) is not None))[:MOST_LINKS]


def beside_uploads(text: str) -> str:
    """What else a text says."""
    return " ".join(_LINK.sub(" ", text).split())


def upload_at(path: str) -> Upload | None:
    """What is asked for by a path; None where it is none."""
    found = _PATH.fullmatch(path)
    name = "" if found is None else unquote(found["name"])
    if found is None or name in {".", ".."} or not name.isprintable() or "/" in name or "\\" in name:
        return None
    return Upload(found["secret"], name)
