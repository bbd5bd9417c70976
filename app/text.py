"""The one door for untrusted text: whatever a stranger wrote goes into GitLab only through a function of this file.

GitLab runs `/commands`, notifies everybody who is mentioned, links references, loads images and lays out HTML, all with
the bot's rights. Code is the only form in which none of that happens, so foreign words become code, always:

* A short value becomes single-backtick code spans. A backtick or `|` of its own stands between two spans as an entity.
  So a value may stand in a table, and two values may touch, without one closing the other's code.
* A long one becomes a fence that is longer than any run of backticks inside.
* In titles, an invisible U+200B behind each sign that starts a reference keeps GitLab from seeing one.
* Control characters go, also those that turn the direction of writing (U+202A to U+202E, U+2066 to U+2069): with them a
  name can be made to look like another one. What is left shows in its true order. Lone surrogates become U+FFFD.
* Spans, cells, links and mentions stand inside a line of ours; fences, markers and sections on lines of their own.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache
from typing import Final
from urllib.parse import quote

from markdown_it import MarkdownIt

from app.markers import (
    Marker,
    Safe,
    Section,
    find_markers,
    marker,
    replace_section,
    section,
    sections,
    without_outer_blanks,
)
from app.uploads import upload_at

__all__ = [
    "Marker",
    "Safe",
    "Section",
    "cell",
    "code_span",
    "fenced",
    "find_markers",
    "link",
    "marker",
    "mention",
    "one_line",
    "own",
    "plain",
    "plain_lines",
    "replace_section",
    "section",
    "sections",
    "title",
    "upload_link",
]

_NOTHING: Final = Safe("—")
_ZERO_WIDTH_SPACE: Final = "\u200b"


def code_span(text: str, *, limit_chars: int = 200) -> Safe:
    """A short foreign value inside a line of ours; a dash for a blank one, an ellipsis where it was cut."""
    words = one_line(text, limit_chars)
    if not words:
        return _NOTHING
    if "`" not in words and "|" not in words:  # most values, and an issue holds more than a hundred
        return Safe(_span(words))
    parts = re.split(r"([`|])", words)
    return Safe("".join(_ENTITIES.get(part, _span(part)) for part in parts if part))


def _span(words: str) -> str:
    """Words without a backtick. Where both ends are blank Markdown takes one blank off each, so they get another."""
    is_cut = words.startswith(" ") and words.endswith(" ") and words.strip()
    return f"` {words} `" if is_cut else f"`{words}`"


# As entities they can neither end a code span nor a table cell. A backslash will not do: parsers disagree on `\\|`.
_ENTITIES: Final = {"`": "&#96;", "|": "&#124;"}


def cell(text: str, *, limit_chars: int = 500) -> Safe:
    """A foreign value inside a table cell."""
    return code_span(text, limit_chars=limit_chars)


def fenced(text: str, *, limit_chars: int = 10_000) -> Safe:
    """Long foreign text as a block of its own in column 1, blank lines around it; a note says how much was cut."""
    words = without_outer_blanks(_clean(text))
    if not words:
        return Safe(f"\n\n{_NOTHING}\n\n")
    shown = _cut(words, limit_chars)
    if shown != words:
        shown += f"\n({len(words) - len(shown) + 1:,} more characters are not shown)"
    longest = max(map(len, re.findall("`+", shown)), default=0)
    fence = "`" * max(3, longest + 1)
    return Safe(f"\n\n{fence}text\n{shown}\n{fence}\n\n")


def title(text: str, *, limit_chars: int = 255) -> str:
    """Foreign words as (part of) an issue title: one line that is never blank and refers to nothing."""
    words = one_line(text.replace(_ZERO_WIDTH_SPACE, ""), limit_chars)
    if not any(character.isprintable() and not character.isspace() for character in words):
        words = "(no title)"
    room = limit_chars
    while len(inert := _without_references(_cut(words, room))) > limit_chars and room > 1:
        room -= (len(inert) - limit_chars + 1) // 2  # a character and its invisible companion go together
    return inert


def plain(text: str, *, limit_chars: int = 500) -> str:
    """Foreign words as one line without control characters, for what is no Markdown: a calendar, the head of a mail."""
    return one_line(text, limit_chars)


def plain_lines(text: str, *, limit_chars: int = 10_000) -> str:
    """The same of several lines, parted by LF."""
    return _cut(_clean(text).strip("\n"), limit_chars)


def _without_references(line: str) -> str:
    return _REFERENCE_START.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", line)


_REFERENCE_START: Final = re.compile(
    r"[@#!~&%$^\[<](?!\s|\Z)"  # @user, #1, !1, ~label, &1, %milestone, $1, ^alert#1, [vulnerability:1], <html>
    r"|\*(?=iteration:)"
    r"|\](?=[(\[])"  # a Markdown link
    r"|:(?=//)|(?i:mailto:|www\.)"  # addresses, and with them full GitLab URLs
    r"|:(?=[\w+-]+:)"  # emoji
    r"|[0-9A-Fa-f]{6}(?=[0-9A-Fa-f])"  # a commit: seven or more hexadecimal digits
    r"|(?<=[A-Za-z0-9_])-(?=[0-9])|CU-(?=\w)|(?<![A-Za-z0-9])T(?=[0-9])"  # outside trackers: ABC-12, CU-x1, T12
)


def link(url: str, label: str, *, allowed_hosts: Iterable[str]) -> Safe:
    """A clickable link if the address is plain https and its host an allowed one or below it, else the address as code.

    Never allow the host of the GitLab instance itself: it turns links to its own issues into references.
    """
    parts = _address(url, allowed_hosts)
    if parts is None:
        return code_span(url)
    host = parts["host"].lower()
    rest = quote(re.sub(r"%(?![0-9A-Fa-f]{2})", "%25", parts["rest"]), safe="-._~:/?#@!,;=%+&").replace("&", "&amp;")
    words = code_span(label)
    # The space of no width keeps a `!` or `]` of ours in front of it from making an image or another link of it.
    return Safe(f"{_ZERO_WIDTH_SPACE}[{code_span(host) if words == _NOTHING else words}](https://{host}{rest})")


def upload_link(path: str, label: str) -> Safe:
    """A link to an upload of the same project, from our own words; what is no such path stands there as code."""
    return code_span(path) if upload_at(path) is None else Safe(f"[{own(label)}]({path})")


def is_link(url: str, *, allowed_hosts: Iterable[str]) -> bool:
    """Whether `link` would make the address clickable."""
    return _address(url, allowed_hosts) is not None


def _address(url: str, allowed_hosts: Iterable[str]) -> re.Match[str] | None:
    parts = _ADDRESS.fullmatch(url) if len(url) <= 2_000 and url.isprintable() else None
    allowed = [host.lower().removeprefix("*").strip(".") for host in allowed_hosts]
    host = parts["host"].lower() if parts else ""
    return parts if any(host == name or host.endswith(f".{name}") for name in allowed if name) else None


_LABEL: Final = r"[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_ADDRESS: Final = re.compile(rf"https://(?P<host>(?:{_LABEL}\.)+{_LABEL})(?::443)?(?P<rest>(?:[/?#][^\s\\]*)?)")


def mention(username: str) -> Safe:
    """A live mention of a user whom the directory has confirmed; ValueError for what is no GitLab user name."""
    if not _USERNAME.fullmatch(username) or username.lower() == "all" or username.lower().endswith((".git", ".atom")):
        raise ValueError(f"not a GitLab user name: {username!r}")
    # An underscore at the edge of a word could begin emphasis and tear the name apart.
    return Safe("@" + re.sub(r"(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])", r"\\_", username))


_USERNAME: Final = re.compile(r"[A-Za-z0-9_.](?:[A-Za-z0-9_.-]{0,253}[A-Za-z0-9_-])?(?<!\.)")


@lru_cache(maxsize=4096)
def own(text: str) -> Safe:
    """The bot's own words, never foreign ones; kept, except that a bare `$`, which begins maths in GitLab, is escaped.

    ValueError where they leave something open that would swallow a value behind them: a backtick, a fence, a tag, a
    comment, the address of a link, a backslash at the end. Words that end in an HTML block or a fence get a blank line.
    """
    words = _BARE_DOLLAR.sub(lambda match: r"\$" if match[0] == "$" else match[0], text.replace("\r", ""))
    if not _MAY_OPEN.search(words):
        return Safe(words)
    if not re.search(r"\[\[[^\]]*\Z", words):
        for candidate in (words, words.rstrip("\n") + "\n\n"):
            if _keeps_values_inert(candidate) and (candidate == words or _ends_in_raw_block(words)):
                return Safe(candidate)
    raise ValueError(f"our own words leave something open that would swallow the text behind them: {text[-80:]!r}")


_BARE_DOLLAR: Final = re.compile(r"(?P<run>`+)(?!`)(?s:.+?)(?<!`)(?P=run)(?!`)|\\.|\$")
_MAY_OPEN: Final = re.compile(r"[`<\\\[]|~~~")
_PROBES: Final = [f"`{end} psplan-probe`" for end in (")", ">)", '")', "')", ">", '">', "'>", "-->", "?>", "]]>")]
_PROBE_BLOCK: Final = "\n\n```text\npsplan-probe </pre>\n```\n"


def _keeps_values_inert(words: str) -> bool:
    """Try it: write hostile values behind the words, as a span and as a fence, and see whether both are still code."""
    # Behind one backtick of ours a span only gets longer; behind two or more it would not begin.
    # Only a tag or the address of a link can be open in such a way that it takes a certain sign to close it.
    probes = _PROBES if "<" in words or "](" in words else _PROBES[:1]
    return not words.endswith("``") and all(_is_inert_behind(words, probe) for probe in probes)


def _is_inert_behind(words: str, probe: str) -> bool:
    *tokens, last = _parser().parse(words + probe + _PROBE_BLOCK)
    leaves = [leaf for token in tokens for leaf in (token.children or [token])]
    carriers = [leaf for leaf in leaves if "psplan-probe" in leaf.content or "psplan-probe" in str(leaf.attrs)]
    is_fence_inert = last.type == "fence" and last.content == "psplan-probe </pre>\n"
    return is_fence_inert and len(carriers) == 1 and carriers[0].type in {"code_inline", "code_block"}


def _ends_in_raw_block(words: str) -> bool:
    tokens = _parser().parse(words)
    return bool(tokens) and tokens[-1].type in {"html_block", "fence"}


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark").enable(["table", "strikethrough"])


_LINE_ENDS: Final = re.compile(r"\r\n|[\r\v\f\x1c-\x1e\x85\u2028\u2029]")
_UNWANTED: Final = re.compile(
    r"[\x00-\x08\x0e-\x1b\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb\ufffe\uffff\U000e0000-\U000e007f]"
)
_UNENCODABLE: Final = re.compile(r"[\ud800-\udfff]")


def _clean(text: str) -> str:
    """The characters that may be stored and shown, with every kind of line end as LF."""
    if _UNENCODABLE.search(text):
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return _UNWANTED.sub("", _LINE_ENDS.sub("\n", text))


def one_line(text: str, limit_chars: int) -> str:
    """Foreign words on one line, without characters that may not be shown, and bounded; not yet inert anywhere."""
    if text.isascii() and text.isprintable():  # most values: nothing to clean away, and this path is walked often
        return _cut(" ".join(text.split()), limit_chars)
    return _cut(re.sub(r"[ \t\n]+", " ", _clean(text)).strip(), limit_chars)


def _cut(text: str, limit_chars: int) -> str:
    """At most `limit_chars` characters, the last an ellipsis if something is missing; accents and emoji stay whole."""
    if len(text) <= max(1, limit_chars):
        return text
    end = max(1, limit_chars) - 1
    while end > max(0, limit_chars - 16) and (_joins(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return text[:end].rstrip() + "…"


def _joins(character: str) -> bool:
    return character == "\u200d" or unicodedata.category(character).startswith("M")
