"""Raw HTML in Markdown, taken apart: tags and text go to a writer that decides, comments and scripts go nowhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html.parser import HTMLParser
from typing import Final, Protocol

from app.sandbox.clockwork import words

# These vanish with all that is in them; of other unknown tags only the tag does.
_SWALLOWED: Final = frozenset(
    words("""
    applet button embed frame frameset head iframe math noembed noframes noscript object plaintext script select style
    svg template textarea title xmp
""")
)
_COMMENT: Final = re.compile(r"<!--(?:-?>|.*?--!?>|.*\Z)", re.DOTALL)
_DECLARATION: Final = re.compile(r"<!\[CDATA\[.*?(?:\]\]>|\Z)|<[!?][^>]*(?:>|\Z)", re.DOTALL)


class Harmless(Protocol):
    """A writer that lets only harmless HTML through."""

    def begin_foreign(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        """Open a tag of the author's."""

    def end_foreign(self, tag: str) -> None:
        """Close a tag of the author's."""

    def text(self, text: str) -> None:
        """Write text of the author's."""


class ForeignReader(HTMLParser):
    """Reads pieces of raw HTML; its memory of what is being left out lasts from one piece to the next."""

    def __init__(self, writer: Harmless) -> None:
        super().__init__(convert_charrefs=True)
        self._writer = writer
        self._swallowed: str | None = None

    @property
    def is_swallowing(self) -> bool:
        """Whether what follows stands within a tag that vanishes with its content."""
        return self._swallowed is not None

    def read(self, html: str) -> None:
        """Read one piece; unfinished tags at its end are text."""
        # The standard parser stumbles over some declarations, so they go first.
        self.feed(_DECLARATION.sub("", _COMMENT.sub("", html)))
        self.close()
        self.reset()

    def set_cdata_mode(self, *_: object, **__: object) -> None:
        """Treat all tags alike; what stands in a script is left out by us."""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Open a tag, or begin to leave out."""
        if self._swallowed is None and tag in _SWALLOWED:
            self._swallowed = tag
        elif self._swallowed is None:
            self._writer.begin_foreign(tag, dict(attrs))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """`<br/>`; other tags have no short form in HTML and are opened."""
        if tag not in _SWALLOWED:
            self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        """Close a tag, or end leaving out."""
        if self._swallowed is None:
            self._writer.end_foreign(tag)
        elif tag == self._swallowed:
            self._swallowed = None

    def handle_data(self, data: str) -> None:
        """Text between tags."""
        if self._swallowed is None:
            self._writer.text(data)
