"""Markdown as the sandbox pages show it: like GitLab, and inert whatever somebody wrote."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.sandbox.clockwork import words
from app.sandbox.page_markdown import render_markdown, toggled_task
from app.sandbox.page_questions import answered, open_answers
from app.sandbox.page_references import IssueMention, Known, chip

KNOWN = Known(
    me="alice",
    base_url="http://gitlab.sandbox",
    people={"alice": "Alice Archer, account executive", "erin": "Erin Engel, engagement manager"},
    issues={1: IssueMention("Acme - Scope", True), 2: IssueMention("Acme - <Intake>", False)},
    labels={title: chip(title, "#8e44ad") for title in ("proposal::SOW_WIP", "Services Calculator", "bug")},
)

HARMLESS_TAGS = frozenset(
    words("""
    a abbr b blockquote br button code dd del details div dl dt em h1 h2 h3 h4 h5 h6 hr i ins kbd li mark ol p pre
    q rp rt ruby s samp small span strike strong sub summary sup table tbody td tfoot th thead tr tt u ul var
""")
)
HARMLESS_ATTRIBUTES = frozenset(
    words("""
    href title class rel open start colspan rowspan tabindex role aria-label aria-checked style form name value
""")
)
STYLE = re.compile(r"--chip:#[0-9a-f]{3,6};--chip-ink:#[0-9a-f]{3}")


class Inspector(HTMLParser):
    """Reads the finished HTML as strictly as a browser would be forgiving."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in HARMLESS_TAGS, tag
        for name, value in attrs:
            assert name in HARMLESS_ATTRIBUTES, (tag, name)
            assert name != "href" or re.match(r"https?://|mailto:|/(?!/)|#", value or "", re.IGNORECASE), value
            assert name != "style" or STYLE.fullmatch(value or ""), value
        if tag not in {"br", "hr"}:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment is left: {data}")


def seen(html: str) -> str:
    """The words of harmless and balanced HTML; fails for any other."""
    inspector = Inspector()
    inspector.feed(html)
    inspector.close()
    assert not inspector.open
    return "".join(inspector.words)


def shown(text: str) -> str:
    return str(render_markdown(text, KNOWN))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        pytest.param("**a** *b* ~~c~~ `d`", "<strong>a</strong> <em>b</em> <s>c</s> <code>d</code>", id="emphasis"),
        pytest.param("| a |\n|--:|\n| 1 |", '<td class="right">1</td>', id="table"),
        pytest.param("- [x] done", 'class="box done"', id="ticked box"),
        pytest.param("- [ ] open", 'aria-label="not done"', id="empty box"),
        pytest.param("1. [ ] open", 'class="box"', id="box in a numbered list"),
        pytest.param("3. c", '<ol start="3">', id="list from three"),
        pytest.param("H<sub>2</sub>O", "H<sub>2</sub>O", id="sub"),
        pytest.param("a<br/>b", "a<br>b", id="line break"),
        pytest.param(
            "<details open><summary>more</summary>\n\n**x**\n\n</details>",
            "<details open><summary>more</summary>\n<p><strong>x</strong></p></details>",
            id="folded part",
        ),
        pytest.param("```yaml\na: <b>\n```", '<code class="language-yaml">a: &lt;b&gt;', id="fence"),
        pytest.param("@erin:", '<a class="mention" href="/#person-erin"', id="mention"),
        pytest.param("(@alice.)", 'class="mention me"', id="own mention"),
        pytest.param("see #1.", '<a class="reference" href="/ps/ps-plan/-/issues/1"', id="reference"),
        pytest.param("#2+", "Acme - &lt;Intake&gt; (#2)", id="reference with title"),
        pytest.param("http://gitlab.sandbox/ps/ps-plan/-/issues/1", ">#1</a>", id="full address of an issue"),
        pytest.param("at https://x.example/a?b=1.", 'href="https://x.example/a?b=1"', id="bare address"),
        pytest.param('~"proposal::SOW_WIP"', "<b>proposal</b><i>SOW_WIP</i>", id="scoped label"),
        pytest.param("~bug, ~proposal::SOW_WIP.", 'aria-label="proposal::SOW_WIP"', id="label without quotes"),
        pytest.param(":tada: +:eyes:", "🎉", id="emoji"),
        pytest.param("![plan](https://x.example/p.png)", '<a class="image" href="https://x.example/p.png"', id="image"),
        pytest.param("[f](/uploads/ab/f.xlsx)", 'href="/-/project/2/uploads/ab/f.xlsx"', id="upload"),
    ],
)
def test_markdown_is_shown_as_gitlab_shows_it(text: str, wanted: str) -> None:
    html = shown(text)
    seen(html)
    assert wanted.replace("\n", "") in html.replace("\n", "")


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("mail@erin.example `@erin` \\@erin @nobody", "mail@erin.example @erin @erin @nobody", id="people"),
        pytest.param("`#1` \\#1 #99 a#1 &#35;x", "#1 #1 #99 a#1 #x", id="issues"),
        pytest.param("`~bug` ~nothing :nothing: 12:30:45", "~bug ~nothing :nothing: 12:30:45", id="labels and emoji"),
        pytest.param("[@erin](https://x.example)", "@erin", id="in a link"),
        pytest.param("    @erin #1", "@erin #1\n", id="in indented code"),
    ],
)
def test_what_names_nothing_or_stands_in_code_stays_plain(text: str, plain: str) -> None:
    html = shown(text)
    assert seen(html).strip() == plain.strip()
    assert not re.search(r'class="(mention|reference|chip)', html)


def test_an_entity_does_not_keep_a_mention_plain_because_gitlab_decodes_first() -> None:
    assert 'class="mention"' in shown("&#64;erin")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("<script>alert(1)</script>", id="script block"),
        pytest.param("a <script>alert(1)</script> b", id="script in a line"),
        pytest.param("<script>alert(1)", id="open script"),
        pytest.param("<img src=x onerror=alert(1)>", id="onerror"),
        pytest.param("<svg onload=alert(1)><a href='javascript:alert(1)'>x</a></svg>", id="svg"),
        pytest.param("<a href='javascript:alert(1)' onclick=alert(1)>x</a>", id="javascript link in HTML"),
        pytest.param("[x](javascript:alert(1))", id="javascript link"),
        pytest.param("[x](<java\tscript:alert(1)>)", id="javascript with a tab"),
        pytest.param("[x](data:text/html;base64,PHNjcmlwdD4=)", id="data link"),
        pytest.param("[x](//evil.example)", id="address without scheme"),
        pytest.param("[x](/\\evil.example)", id="backslash address"),
        pytest.param("![x](javascript:alert(1))", id="javascript image"),
        pytest.param("[x]: javascript:alert(1)\n\n[x]", id="javascript reference"),
        pytest.param('<a href="https://x.example" style="position:fixed" class="mention">x</a>', id="style and class"),
        pytest.param(
            '<form action="/-/people/switch" method="post"><button name="person">x</button></form>', id="form"
        ),
        pytest.param("<iframe srcdoc='<script>alert(1)</script>'></iframe>", id="iframe"),
        pytest.param("<style>*{display:none}</style>", id="style"),
        pytest.param("<math><mtext></table><mglyph><style><img src=x onerror=alert(1)>", id="mutation"),
        pytest.param("<details><table><tr><td></details></div></main></body>", id="unbalanced"),
        pytest.param("<![CDATA[<script>alert(1)</script>]]> <?php x ?> <!DOCTYPE x>", id="declarations"),
        pytest.param("<![endif[ x", id="broken declaration"),
        pytest.param('```"><script>alert(1)</script>\nx\n```', id="info string"),
        pytest.param('<abbr title="&quot;><script>alert(1)</script>">x</abbr>', id="title"),
        pytest.param('[x](https://x.example "\\"><script>alert(1)</script>")', id="link title"),
        pytest.param('https://x.example/"><script>alert(1)</script>', id="bare address with a quote"),
        pytest.param("<base href=https://evil.example><meta http-equiv=refresh content=0>", id="base and meta"),
    ],
)
def test_hostile_markdown_is_inert(text: str) -> None:
    html = shown(text)
    seen(html)
    assert not re.search(r"<(script|img|svg|iframe|form|style|base|meta|math)\b", html)


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        pytest.param("<!-- psplan:scoping:1 -->\n\nHello", "Hello", id="marker on top"),
        pytest.param("Hello <!-- hidden --> you", "Hello  you", id="in a line"),
        pytest.param("Hello\n\n<!-- open\n\nhidden", "Hello", id="never closed"),
        pytest.param("<!--> Hello", "Hello", id="shortest comment"),
    ],
)
def test_comments_are_invisible(text: str, plain: str) -> None:
    assert seen(shown(text)).strip() == plain


PIECES = st.sampled_from(
    [
        *words("""
    <script> </script> <details> </details> <summary> </summary> <a href="javascript:x"> </a> <table> <td> </td> <p>
    </p> <b> </b> <svg> </svg> <!-- --> <![CDATA[ ]]> <? <! > < " ' ` ``` ~~~ ** _ ~~ | |--| [ ] ( ) [x] - # @erin #1
    ~bug :eyes: https://x.example javascript: onerror= &lt; &#60; \\ / /> = & <textarea> </textarea> <pre> <code>
"""),
        *("\n", "\n\n", " ", "\n- [ ] ", "\n> ", "\n| a | b |\n|--|--|\n| ", "    ", "\t", "x", "to-do"),
    ]
)


@given(st.lists(PIECES, max_size=40).map("".join))
def test_no_mixture_of_markdown_and_html_gets_through(text: str) -> None:
    seen(str(render_markdown(text, KNOWN, live_path="/ps/ps-plan/-/issues/1")))


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=200))
def test_any_text_can_be_shown(text: str) -> None:
    seen(shown(text))


def test_a_check_box_can_be_ticked_and_cleared_in_the_source() -> None:
    text = "# Steps\n\n- [ ] one\n  1. [x] two\n\n`- [ ]` words"
    assert toggled_task(text, 2) == text.replace("[ ] one", "[x] one")
    assert toggled_task(text, 3) == text.replace("[x] two", "[ ] two")


@pytest.mark.parametrize("line", [-1, 0, 1, 5, 99])
def test_a_line_without_a_check_box_cannot_be_ticked(line: int) -> None:
    assert toggled_task("# Steps\n\n- [ ] one\n\n\n`- [ ]` words", line) is None


def test_live_check_boxes_are_buttons_that_name_their_line() -> None:
    html = str(render_markdown("x\n\n- [ ] one\n- [x] two", KNOWN, live_path="/i/1"))
    assert re.findall(r'value="(\d+)" role="checkbox" aria-checked="(\w+)" aria-label="(\w+)"', html) == [
        ("2", "false", "one"),
        ("3", "true", "two"),
    ]


TABLE = """Before `to-do`

| Question | Answer | Example | Key |
|---|---|---|---|
| **How many `users`?** | **to-do** | 800 | users |
| Which tools? | to-do | Jira \\| Nexus | tools |
| Where? | GitLab.com | to-do list | where |

| Question | Answer |
|---|---|
Which tools? | to-do
"""


def test_open_questions_are_the_cells_that_hold_nothing_but_to_do() -> None:
    found = [(answer.question, answer.is_required, answer.hints) for answer in open_answers(TABLE)]
    assert found == [
        ("How many users?", True, (("Example", "800"),)),
        ("Which tools?", False, (("Example", "Jira | Nexus"),)),
        ("Which tools?", False, ()),
    ]
    assert len({answer.key for answer in open_answers(TABLE)}) == 3


def test_an_answer_takes_the_place_of_to_do_and_nothing_else_changes() -> None:
    users, tools, again = (answer.key for answer in open_answers(TABLE))
    text = answered(TABLE, {users: "950", tools: "a | b\nc", again: "SVN", "unknown": "x"})
    assert text.split("\n") == [
        *TABLE.split("\n")[:4],
        "| **How many `users`?** | 950 | 800 | users |",
        "| Which tools? | a \\| b c | Jira \\| Nexus | tools |",
        *TABLE.split("\n")[6:10],
        "Which tools? | SVN ",
        "",
    ]
    assert open_answers(text) == []


def test_an_open_answer_in_a_live_description_leads_to_its_question() -> None:
    html = str(render_markdown(TABLE, KNOWN, live_path="/i/1"))
    assert [int(line) for line in re.findall(r'href="/i/1/answers#line-(\d+)"', html)] == [
        answer.line for answer in open_answers(TABLE)
    ]
