"""Markdown of issues and comments as HTML, close to how GitLab shows it, and with nothing live that must not be.

* The HTML is written token by token. What the Markdown parser made is trusted; raw HTML of the author goes through a
  list of harmless tags, everything else is left out, and so are comments.
* Tags are balanced by force: the author's HTML can neither close what is around it nor leave anything open.
* References are looked for in text outside of code and links, a backslash before the sign keeps it plain; an entity
  does not (GitLab decodes first).
* Images become links, so that looking at an issue calls nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup, escape

from app.sandbox.clockwork import words
from app.sandbox.page_foreign import ForeignReader
from app.sandbox.page_references import Known, issue_of, linked
from app.sandbox.state import PROJECT_ID

TASKS_FORM: Final = "tasks"
"""The id of the form that the check boxes of a description belong to."""

UPLOADS_PATH: Final = f"/-/project/{PROJECT_ID}/uploads"

_MARKDOWN: Final = MarkdownIt("commonmark").enable(["table", "strikethrough"]).disable("text_join")

_ALLOWED: Final = frozenset(
    words("""
    a abbr b blockquote br code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre q rp rt ruby
    s samp small span strike strong sub summary sup table tbody td tfoot th thead tr tt u ul var
""")
)
_VOID: Final = frozenset({"br", "hr"})
_PLAIN_INSIDE: Final = frozenset({"a", "code", "pre"})
_SAFE_ADDRESS: Final = re.compile(r"(?:https?://|mailto:)[^\s]+|/(?![/\\])[^\s]*|#[^\s]*", re.IGNORECASE)
_TASK: Final = re.compile(r"\[([ xX])\](?:\s+|\Z)")
_TASK_IN_SOURCE: Final = re.compile(r"((?:[-*+]|\d{1,9}[.)])[ \t]+)\[([ xX])\](?=\s)")
_LONG_CODE: Final = 24
"""Code of more characters may be broken anywhere, so that an address does not push a table off the page."""
_NO_REFERENCE: Final = frozenset("$%#&@!~^:")


def render_markdown(text: str, known: Known, *, live_path: str | None = None) -> Markup:
    """The text as harmless HTML.

    In the description of an issue that the reader may edit, `live_path` is the address of the issue: check boxes are
    buttons of the form `TASKS_FORM` then, and table cells that hold `to-do` lead to the page of open questions.
    """
    writer = _Writer(known, live_path=live_path)
    writer.write(parse(text))
    return Markup(writer.html())  # noqa: S704 - every part was escaped where it was written


def parse(text: str) -> list[Token]:
    """The block tokens of a text."""
    return _MARKDOWN.parse(text.replace("\0", "\ufffd"))


def is_open_answer(cell: str) -> bool:
    """Whether a table cell says no more than `to-do`."""
    return cell.strip(" *_`").lower() == "to-do"


def toggled_task(text: str, line: int) -> str | None:
    """The text with the check box in this line (from 0) ticked or cleared; None if there is no box."""
    lines = text.split("\n")
    if not 0 <= line < len(lines) or not _TASK_IN_SOURCE.search(lines[line]):
        return None
    lines[line] = _TASK_IN_SOURCE.sub(lambda m: f"{m[1]}[{' ' if m[2] in 'xX' else 'x'}]", lines[line], count=1)
    return "\n".join(lines)


class _Writer:
    """Writes tokens as HTML and keeps account of the tags that are open."""

    def __init__(self, known: Known, *, live_path: str | None) -> None:
        self._known = known
        self._live_path = live_path
        self._table_line = 0
        self._parts: list[str] = []
        # Name, and whether the author wrote it as raw HTML.
        self._open: list[tuple[str, bool]] = []
        self._text: list[str] = []

    def html(self) -> str:
        """All that was written, every tag closed."""
        self._flush()
        while self._open:
            self._pop()
        return "".join(self._parts)

    # Tokens

    def write(self, tokens: Sequence[Token]) -> None:
        """Write block tokens."""
        for place, token in enumerate(tokens):
            if token.type == "inline" and tokens[place - 1].tag == "td" and is_open_answer(token.content):
                self._write_open_answer(token)
            elif token.type == "inline":
                self._write_inline(token.children or [], task=_task_line(tokens, place))
            elif token.type == "html_block":
                self._write_foreign(token.content)
            elif token.type in {"fence", "code_block"}:
                self._write_code(token)
            elif not token.hidden:
                self._write_tag(token)
            else:
                self._flush()

    def _write_tag(self, token: Token) -> None:
        if token.nesting < 0:
            self._end(token.tag, is_foreign=False)
            if token.tag == "table":
                self._raw("</div>")
            return
        if token.tag == "table":
            self._raw('<div class="wide" tabindex="0" role="group" aria-label="Table">')
        elif token.tag == "tbody" and token.map:
            # Rows carry no line number; each is one line.
            self._table_line = token.map[0] - 1
        elif token.tag == "tr":
            self._table_line += 1
        self._begin(token.tag, _own_attributes(token))

    def _write_open_answer(self, token: Token) -> None:
        if self._live_path is None:
            self._write_inline(token.children or [], task=None)
            return
        address = f"{self._live_path}/answers#line-{self._table_line}"
        strength = "todo needed" if "**" in token.content else "todo"
        self._raw(f'<a class="{strength}" href="{escape(address)}" title="Write an answer">to-do</a>')

    def _write_code(self, token: Token) -> None:
        language = re.match(r"[\w+#.-]+", token.info or "")
        kind = f' class="language-{escape(language[0])}"' if language else ""
        self._raw(f'<pre tabindex="0"><code{kind}>{escape(token.content)}</code></pre>\n')

    def _write_inline(self, children: Sequence[Token], *, task: int | None) -> None:
        reader = ForeignReader(self)
        if task is not None and children:
            self._write_task_box(children[0].content, task)
        for place, child in enumerate(children):
            if reader.is_swallowing and child.type != "html_inline":
                continue
            content = _TASK.sub("", child.content, count=1) if task is not None and not place else child.content
            self._write_child(child, content, reader)
        self._flush()

    def _write_child(self, child: Token, content: str, reader: ForeignReader) -> None:
        is_escape = child.type == "text_special" and child.info == "escape"
        if child.type in {"text", "text_special"} and not (is_escape and content in _NO_REFERENCE):
            self.text(content)
        elif child.type == "text_special":
            self._raw(str(escape(content)))
        elif child.type == "softbreak":
            self.text("\n")
        elif child.type == "code_inline":
            kind = ' class="long"' if len(content) > _LONG_CODE else ""
            self._raw(f"<code{kind}>{escape(content)}</code>")
        elif child.type == "html_inline":
            reader.read(content)
        elif child.type == "image":
            self._write_image(child)
        elif child.type == "link_open":
            self._begin_link(str(child.attrs.get("href", "")), str(child.attrs.get("title", "")), is_foreign=False)
        elif child.nesting < 0:
            self._end(child.tag, is_foreign=False)
        else:
            self._begin(child.tag, "")

    def _write_image(self, token: Token) -> None:
        name = token.content or "image"
        address = str(token.attrs.get("src", ""))
        if "a" in self._names() or not _SAFE_ADDRESS.fullmatch(address):
            self._raw(f'<span class="image">{escape(name)}</span>')
            return
        self._begin_link(address, "Images are not loaded in the sandbox", is_foreign=False, kind="image")
        self._raw(str(escape(name)))
        self._end("a", is_foreign=False)

    def _write_task_box(self, content: str, line: int) -> None:
        match = _TASK.match(content)
        is_done = match is not None and match[1] in "xX"
        if self._live_path is None:
            told = "done" if is_done else "not done"
            self._raw(f'<span class="box{" done" * is_done}" role="img" aria-label="{told}"></span> ')
            return
        words_behind = escape(_TASK.sub("", content, count=1)[:80])
        self._raw(
            f'<button class="box{" done" * is_done}" form="{TASKS_FORM}" name="line" value="{line}" role="checkbox" '
            f'aria-checked="{"true" if is_done else "false"}" aria-label="{words_behind or "task"}"></button> '
        )

    # Raw HTML of the author

    def _write_foreign(self, content: str) -> None:
        ForeignReader(self).read(content)
        self._flush()

    def begin_foreign(self, tag: str, attributes: Mapping[str, str | None]) -> None:
        """Open a tag of the author's, if it is harmless, with what is harmless of its attributes."""
        if tag not in _ALLOWED:
            return
        if tag == "a":
            self._begin_link(attributes.get("href") or "", attributes.get("title") or "", is_foreign=True)
            return
        shown = ""
        if tag == "details" and "open" in attributes:
            shown = " open"
        elif tag == "abbr":
            shown = f' title="{escape(attributes.get("title") or "")}"'
        elif tag in {"td", "th"}:
            spans = ((name, attributes.get(name) or "") for name in ("colspan", "rowspan"))
            shown = "".join(f' {name}="{value}"' for name, value in spans if re.fullmatch(r"[1-9]\d?", value, re.ASCII))
        self._begin(tag, shown, is_foreign=True)

    def end_foreign(self, tag: str) -> None:
        """Close a tag of the author's; one that he did not open is ignored."""
        self._end(tag, is_foreign=True)

    # Text and tags

    def text(self, text: str) -> None:
        """Text in which references are live, unless it stands in code or a link."""
        self._text.append(text)

    def _flush(self) -> None:
        text = "".join(self._text)
        self._text.clear()
        if text:
            is_plain = not _PLAIN_INSIDE.isdisjoint(self._names())
            self._parts.append(str(escape(text)) if is_plain else linked(text, self._known))

    def _raw(self, html: str) -> None:
        self._flush()
        self._parts.append(html)

    def _names(self) -> Iterator[str]:
        return (name for name, _ in self._open)

    def _begin(self, tag: str, attributes: str, *, is_foreign: bool = False) -> None:
        self._raw(f"<{tag}{attributes}>")
        if tag not in _VOID:
            self._open.append((tag, is_foreign))

    def _begin_link(self, address: str, title: str, *, is_foreign: bool, kind: str = "") -> None:
        attributes = f' class="{kind}"' if kind else ""
        if address.startswith("/uploads/"):
            address = f"{UPLOADS_PATH}{address.removeprefix('/uploads')}"
        if _SAFE_ADDRESS.fullmatch(address):
            iid = issue_of(address, self._known)
            attributes += f' href="{escape(address)}"' + (' rel="nofollow noreferrer noopener"' if iid is None else "")
        if title:
            attributes += f' title="{escape(title)}"'
        self._begin("a", attributes, is_foreign=is_foreign)

    def _end(self, tag: str, *, is_foreign: bool) -> None:
        self._flush()
        for name, is_theirs in reversed(self._open):
            if is_foreign and not is_theirs:
                return
            if (name, is_theirs) == (tag, is_foreign):
                break
        else:
            return
        while self._pop() != (tag, is_foreign):
            pass

    def _pop(self) -> tuple[str, bool]:
        last = self._open.pop()
        self._parts.append(f"</{last[0]}>")
        return last


def _own_attributes(token: Token) -> str:
    if token.tag in {"td", "th"} and token.attrs:
        side = str(token.attrs.get("style", "")).removeprefix("text-align:")
        return f' class="{side}"' if side in {"left", "center", "right"} else ""
    if token.tag == "ol" and "start" in token.attrs:
        return f' start="{int(token.attrs["start"])}"'
    return ""


def _task_line(tokens: Sequence[Token], place: int) -> int | None:
    """The source line of the check box that an inline token begins with, if it stands first in a list item."""
    if place < 2 or tokens[place - 2].type != "list_item_open" or not tokens[place].children:
        return None
    first, item = (tokens[place].children or [])[0], tokens[place - 2]
    is_task = first.type == "text" and _TASK.match(tokens[place].content)
    return item.map[0] if is_task and item.map else None
