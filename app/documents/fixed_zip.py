"""Office files are archives: written again so that the same content is the same bytes, whatever the clock says."""

from __future__ import annotations

import re
from io import BytesIO
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

FIRST_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that an archive can say."""
_STAMPS: Final = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(</dcterms:(?:created|modified)>)")
_CORE: Final = "docProps/core.xml"
_FIXED: Final = rb"\g<1>2000-01-01T00:00:00Z\g<2>"


def fixed(content: bytes) -> bytes:
    """The same archive without its times."""
    written = BytesIO()
    with ZipFile(BytesIO(content)) as given, ZipFile(written, "w", ZIP_DEFLATED, compresslevel=6) as made:
        for name in given.namelist():
            held = given.read(name)
            if name == _CORE:
                held = _STAMPS.sub(_FIXED, held)
            entry = ZipInfo(name, FIRST_DATE)
            entry.compress_type = ZIP_DEFLATED
            made.writestr(entry, held)
    return written.getvalue()
