"""Nasty values, and documents composed of them as the bot composes its issues; for hypothesis and for seeded runs."""

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from hypothesis import strategies as st

from app import text

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ALLOWED_HOSTS = ("salesforce.com", "*.force.com")
LONGEST = 150  # no form cuts a value of this length, so every one of its characters has to show

FRAGMENTS = (
    # commands
    "/close", "\n/close\n", "\n\n/close\n\n", "\r/close", "\r\n/assign @root\r\n", "\u2028/close\u2028",
    "\v/close", "\f/label ~x", "\x85/close", "\\\n/close", "  \n/close", "\n/CLOSE", "/merge the two accounts",
    "/shrug", "/clo\rse", "\n /close", "\ufeff/close",
    # fences, code and maths
    "```", "\n```\n", "\n```text\n", "````", "\n`````\n", "~~~", "\n~~~\n", "`", "``", "`x`", "` `",
    "```sh\nrm\n```", "    code", "\n\n    code\n", "\t", "$$", "\n$$\n", "$`", "`$", "$x$", "$",
    "```mermaid\ngraph TD\n```", "\n---\n", "\n===\n",
    # mentions, references and addresses
    "@all", "@root", "@group/sub", "x@y.example", "#1", "!1", "~bug", '~"a b"', "%9.10", '%"m s"', "&1", "$1",
    "^alert#1", "ABC-12", "CU-a1", "T12", "GL-7", "deadbeef12", "0123456789abcdef0123456789abcdef01234567",
    "12345678...87654321", "group/project#1", "[vulnerability:1]", "[issue:1/designs[a.png]]", "*iteration:1",
    "[[wiki]]", "[[a|b]]", ":tada:", ":100:", "%{project_name}", "https://gitlab.example/a/b/-/issues/1",
    "http://x.example/#note_1", "www.example.com", "<https://x.example>", "mailto:a@b.example", "&#64;all",
    "&commat;all", "&#35;1", "&lt;b&gt;", "&#47;close", "\\@all", "@\u200ball", "@\u00adall",
    # images, links, HTML
    "![x](https://track.example/p.png)", "!", "![", "[", "]", "](", ")", "[x](https://evil.example)",
    "[x]: https://evil.example\n", "\n[x]: /url '\n", "[x][x]", "[^1]", "\n[^1]: note\n", "<", ">", "<b>",
    "</b>", "<img src=x onerror=y>", "<!--", "-->", "<!-- x -->", "<details>", "\n<details>\n\n", "</details>",
    "\n</details>\n", "<pre>", "</pre>", "\n<pre>\n", "</code>", "<script>", "</script>", '<a href="',
    "<a title='", '">', "'>", "<?", "<![CDATA[", "]]>", "]]", "<svg/onload=x>", "::include{file=x}", "<table>",
    "{+ +}",
    # blocks
    "> ", "\n> ", "\n>>>\n", ">>>", "\n> [!note]\n", "- ", "\n- ", "\n1. ", "# ", "\n# ", "\n***\n", "- [ ] ",
    "* ", "\n\n", "\n", "\r", "\r\n", "|", "||", "\\|", "\\\\|", "\n|---|\n", "| a | b |\n|---|---|\n", "a|b",
    " | ", "|`|`|", "\\", "\\\\", "\\`", "**", "_", "__", "~~", "*",
    # marks of our own
    "<!-- psplan:scoping:00000000-0000-0000-0000-000000000000 -->", "\n<!-- psplan:intake:1 -->\n",
    "\n\n<!-- psplan:end ssot -->\n\n", "\n\n<!-- psplan:begin ssot 0123456789ab -->\n\n", "<!-- psplan:",
    "`\n<!-- psplan:x:y -->\n`", "```\n<!-- psplan:end notes -->\n```",
    # characters
    "\0", "\x01", "\x1b[31m", "\x7f", "\x9f", "\ud800", "\udc00", "\ud83d\ude00", "\u200b", "\u200d", "\u00a0",
    "\u2029", "\x1c", "\ufffe", *BIDI, "\u200f", "e\u0301", "\u0301", "👩‍👩‍👧",
    "🏴\U000e0067\U000e0062\U000e007f", "العربية", "日本語", "＠all", "／close", "ﬁ", "\ue000", "ẞ",
    # plain words
    "Acme GmbH", "Q3 2026", "a", " ", "  ", "it's", "1,200 users", "C:\\temp\\", "50 %", "R&D", "10:30",
    "x < y > z",
)  # fmt: skip


def nasty(rng: random.Random) -> str:
    """One value as a stranger might send it: fragments of grammar run together, now and then any characters at all."""
    pieces = rng.choices(FRAGMENTS, k=rng.choice((1, 1, 2, 2, 3, 4, 6, 9)))
    if rng.random() < 0.05:
        pieces.insert(0, "".join(chr(rng.randrange(0x11_0000)) for _ in range(3)))
    return rng.choice(("", "", "", " ")).join(pieces)[:LONGEST]


def nasty_texts() -> st.SearchStrategy[str]:
    """The same for hypothesis, which can shrink it."""
    anything = st.text(st.characters(exclude_categories=()), max_size=8)
    return st.lists(st.one_of(st.sampled_from(FRAGMENTS), anything), max_size=12).map(
        lambda pieces: "".join(pieces)[:LONGEST]
    )


@dataclass
class Document:
    """A text in the making, and what it ought to be."""

    parts: list[str] = field(default_factory=list)
    shown: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    markers: list[text.Marker] = field(default_factory=list)
    sections: list[str] = field(default_factory=list)
    links: int = 0
    mentions: int = 0

    @property
    def text(self) -> str:
        return "".join(self.parts)

    def words(self, words: str) -> None:
        """The bot's own plain words, which show as they are written."""
        self.parts.append(text.own(words))
        self.shown.append(words)

    def syntax(self, markdown: str, shown: str = "") -> None:
        """The bot's own Markdown, which shows as something else."""
        self.parts.append(text.own(markdown))
        self.shown.append(shown)

    def value(self, form: Callable[[str], str], value: str) -> None:
        self.parts.append(form(value))
        self.shown.append(value)


def compose(values: Iterable[str], rng: random.Random) -> Document:
    """A document of every form: blocks of the bot's own around the strangers' values."""
    document = Document()
    queue = list(values)
    document.markers.append(text.Marker("scoping", "0001"))
    document.parts.append(text.marker("scoping", "0001") + rng.choice(("\n", "\n\n")))
    while queue:
        block = rng.choice(BLOCKS)
        block(document, queue, rng)
    document.words("The end.")
    return document


def visible(text_: str) -> str:
    """What must be left of a text for a reader: its printable characters but white space and our dash for nothing."""
    paired = text_.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return "".join(character for character in paired if character.isprintable() and character not in " —\ufffd")


OWN_WORDS = ("", "Customer: ", "US$ ", "say ! ", "(", "costs $", "a < b and ", "Look!", "see ]", "$ 5 or ")
OWN_SYNTAX = (
    ("", ""),
    ("", ""),
    ("`code` ", "code"),
    ("**Label:** ", "Label:"),
    ("_and_ ", "and"),
    ("\\@", "@"),
    ("<br>", ""),
    ("\\$ ", "$"),
    ("`` a`b `` ", "a`b"),
    ("[ ] ", "[ ]"),
)


def _inline(document: Document, queue: list[str], rng: random.Random) -> None:
    kind = rng.random()
    if kind < 0.1:
        value = queue.pop()
        address = f"https://acme.my.salesforce.com/{value}"
        if text.link(address, value, allowed_hosts=ALLOWED_HOSTS).startswith("\u200b["):
            document.value(lambda label: text.link(address, label, allowed_hosts=ALLOWED_HOSTS), f"Opp {value}")
            document.links += 1
        else:
            document.value(lambda label: text.link(label, "label", allowed_hosts=ALLOWED_HOSTS), address)
    else:
        document.value(text.code_span if kind < 0.6 else text.cell, queue.pop())


def _sentence(document: Document, queue: list[str], rng: random.Random) -> None:
    for _ in range(rng.randint(1, 3)):
        if queue:
            document.words(rng.choice(OWN_WORDS))
            document.syntax(*rng.choice(OWN_SYNTAX))
            _inline(document, queue, rng)
            document.words(rng.choice((".", " and ", "$", ",", " % ", ")", "!", "-")))
            if rng.random() < 0.1:
                document.parts += [" ", text.mention("_erin_"), " "]
                document.shown.append("@_erin_")
                document.mentions += 1
            document.syntax(rng.choice(("", "", "  \n", "\n", " ")))


def _paragraph(document: Document, queue: list[str], rng: random.Random) -> None:
    document.syntax(rng.choice(("", "", "> ", "- ", "1. ", "## ")))
    _sentence(document, queue, rng)
    document.syntax("\n\n")


def _lone_value(document: Document, queue: list[str], rng: random.Random) -> None:
    _inline(document, queue, rng)
    document.syntax(rng.choice(("\n\n", "\n\n- \n\n")))


def _table(document: Document, queue: list[str], rng: random.Random) -> None:
    gap = rng.choice(("", " "))
    document.syntax("| A | B |\n|---|---|\n", "AB")
    for _ in range(rng.randint(1, 3)):
        for _ in range(2):
            document.syntax("|" + gap)
            if queue:
                _inline(document, queue, rng)
            document.syntax(gap)
        document.syntax("|\n")
    document.syntax("\n")


def _fence(document: Document, queue: list[str], rng: random.Random) -> None:
    document.words(rng.choice(("", "Notes:", "Notes:\n", "Notes ")))
    document.value(text.fenced, queue.pop())


def _two_fences(document: Document, queue: list[str], rng: random.Random) -> None:
    _fence(document, queue, rng)
    if queue:
        document.value(text.fenced, queue.pop())


def _details(document: Document, queue: list[str], rng: random.Random) -> None:
    document.syntax("<details><summary>More</summary>")
    document.html += ["<details><summary>More</summary>", "</details>"]
    rng.choice((_fence, _paragraph))(document, queue, rng)
    document.syntax("</details>")


def _part(document: Document, queue: list[str], rng: random.Random) -> None:
    inner = Document()
    for block in rng.sample((_fence, _table, _paragraph, _lone_value), k=rng.randint(0, 3)):
        if queue:
            block(inner, queue, rng)
    name = f"part-{len(document.sections)}"
    document.parts.append(text.section(name, text.Safe(inner.text)) + rng.choice(("", "\n")))
    document.sections.append(name)
    document.shown += inner.shown
    document.links += inner.links
    document.mentions += inner.mentions


BLOCKS = (_paragraph, _paragraph, _lone_value, _table, _table, _fence, _two_fences, _details, _part)
