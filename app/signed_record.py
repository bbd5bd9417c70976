"""The engagement's record as one invisible line of its status note: it outlives the database, and nobody can forge it.

Three rules surprise:

* It is signed, not secret: whoever may read the issue may read it.
* The signature is held against the text as it stands, before anything is unpacked. The base64 has `.` and `_` in place
  of `-` and `/`: `--` would end the comment.
* An older line of the same issue is as genuine as the newest. Whoever rebuilds from one has to look in GitLab for what
  happened since.
"""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

from app.keys import RecordKeys
from app.markdown_blocks import top_blocks
from app.markers import Safe

MAX_BYTES: Final = 1 << 20
"""The largest record, as JSON."""
MOST_CHARS: Final = 200_000
"""The longest line that `seal_what_fits` makes."""

_BEGIN: Final = "<!-- psplan-record "
_LINE: Final = re.compile(r"<!-- psplan-record v1 ([A-Za-z0-9._]+) ([A-Za-z0-9._]+) -->")
_ALTCHARS: Final = b"._"


@dataclass(frozen=True, slots=True)
class Sealed:
    """A genuine record, and whose it is."""

    engagement: str
    record: dict[str, Any]


def seal(record: Mapping[str, Any], keys: RecordKeys, *, engagement: str, on: str) -> Safe:
    """A record of JSON values as a line of its own, for the status note of one issue (`on`) of one engagement.

    ValueError for a record of more than MAX_BYTES.
    """
    whole = {"engagement": engagement, "record": record}
    text = json.dumps(whole, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)
    plain = text.encode("utf-8", "surrogatepass")
    if len(plain) > MAX_BYTES:
        raise ValueError(f"a record of {len(plain):,} bytes is too large for a note")
    payload = base64.b64encode(zlib.compress(plain, 9), _ALTCHARS).decode().rstrip("=")
    return Safe(f"{_BEGIN}v1 {payload} {keys.seal_of(_signed(payload, on))} -->")


def seal_what_fits(records: Iterable[Mapping[str, Any]], keys: RecordKeys, *, engagement: str, on: str) -> Safe:
    """The first of these records whose line has MOST_CHARS at most; nothing where none has.

    GitLab refuses a comment of more than a million characters, and a note without a record is better than none.
    """
    for record in records:
        with suppress(ValueError):
            line = seal(record, keys, engagement=engagement, on=on)
            if len(line) <= MOST_CHARS:
                return line
    return Safe("")


def unseal(text: str, keys: RecordKeys, *, engagement: str | None = None, on: str) -> dict[str, Any] | None:
    """The genuine record in a note's text, of one engagement or of any; None when there is none, or two that differ."""
    found = find_sealed(text, keys, on=on)
    return None if found is None or engagement not in (None, found.engagement) else found.record


def find_sealed(text: str, keys: RecordKeys, *, on: str) -> Sealed | None:
    """The same with the engagement it names: for when nothing but the note is left."""
    lines = _lone_lines(text)
    match = _LINE.fullmatch(lines.pop()) if len(lines) == 1 else None
    if match is None or not keys.is_seal_of(_signed(match[1], on), match[2]):
        return None
    return _unpacked(match[1])


def read_unsigned(text: str) -> Sealed | None:
    """What a record says whose signature does not hold: not to be believed in anything that matters."""
    lines = _lone_lines(text)
    match = _LINE.fullmatch(lines.pop()) if len(lines) == 1 else None
    return None if match is None else _unpacked(match[1])


def _signed(payload: str, on: str) -> bytes:
    """What the signature is over; the engagement is inside the payload."""
    return f"v1 {on} {payload}".encode()


def _lone_lines(text: str) -> set[str]:
    """Every text that a record's comment has where Markdown makes it a block of its own, as with markers."""
    if _BEGIN not in text:
        return set()
    return {
        block.content.rstrip()
        for block in top_blocks(text.replace("\r", ""))
        if block.kind == "html_block" and block.content.startswith(_BEGIN)
    }


def _unpacked(payload: str) -> Sealed | None:
    """What a signed payload says; None where it says nothing, which only another program with our key could make."""
    unzip = zlib.decompressobj()
    try:
        packed = base64.b64decode(payload + "=" * (-len(payload) % 4), _ALTCHARS, validate=True)
        plain = unzip.decompress(packed, MAX_BYTES)
        whole = json.loads(plain) if unzip.eof else None
    except (ValueError, zlib.error, RecursionError):
        return None
    match whole:
        case {"engagement": str() as engagement, "record": dict() as record}:
            return Sealed(engagement, record)
    return None
