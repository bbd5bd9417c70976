"""The bot's part behind a person's text is live, whatever the person left open."""

from __future__ import annotations

import pytest
from markdown_it import MarkdownIt

from app.revision import append_own_part
from app.text import find_markers, sections
from tests.drafts import scoping, submitted, text_of

PERSON: dict[str, tuple[str, str]] = {
    "plain words": ("Hello", "Hello"),
    "closed block": ("```psplan-submission\na: 1\n```", "```psplan-submission\na: 1\n```"),
    "open fence": ("```psplan-submission\na: 1", "```psplan-submission\na: 1\n```"),
    "open long fence": ("````\n```\nx", "````\n```\nx\n````"),
    "open tilde fence": ("~~~\n```\nx", "~~~\n```\nx\n~~~"),
    "open comment": ("a\n\n<!-- b", "a\n\n<!-- b\n-->"),
    "open details": ("<details>\n\nfoo", "<details>\n\nfoo\n\n</details>"),
    "open details around an open fence": ("<details>\n\n```\nfoo", "<details>\n\n```\nfoo\n```\n\n</details>"),
    "closed details": ("<details>\n\nfoo\n\n</details>", "<details>\n\nfoo\n\n</details>"),
    "open quotation": (">>>\nfoo", ">>>\nfoo\n\n>>>"),
    "closed quotation": (">>>\nfoo\n>>>", ">>>\nfoo\n>>>"),
    "quotation marks in code": ("```\n>>>\n```", "```\n>>>\n```"),
    "open pre": ("<pre>\n\nfoo", "<pre>\n\nfoo\n</pre>"),
    "open script": ("<script>\nfoo", "<script>\nfoo\n</script>"),
    "open style": ("<style>\nfoo", "<style>\nfoo\n</style>"),
    "open CDATA": ("<![CDATA[ x", "<![CDATA[ x\n]]>"),
    "open instruction": ("<?php", "<?php\n?>"),
    "open bold": ("<b>foo", "<b>foo\n\n</b>"),
    "open table": ("<table>\n<tr>\n<td>\n\nfoo", "<table>\n<tr>\n<td>\n\nfoo\n\n</td></tr></table>"),
    "open link": ('<a href="https://e.example">foo', '<a href="https://e.example">foo\n\n</a>'),
    "void element": ("foo<br>", "foo<br>"),
    "list": ("- a\n  - b", "- a\n  - b"),
    "list with an open fence": ("- a\n\n  ```\n  b", "- a\n\n  ```\n  b"),
    "table": ("| a |\n|---|\n| b |", "| a |\n|---|\n| b |"),
    "open backtick": ("a `b", "a `b"),
    "open bracket": ("[a](", "[a]("),
    "half a tag": ("a <b", "a <b"),
    "trailing backslash": ("a\\", "a\\"),
    "windows line ends": ("a\r\n\r\n```\r\nb\r\n", "a\n\n```\nb\n```"),
}


@pytest.mark.parametrize(("text", "closed"), PERSON.values(), ids=PERSON)
def test_what_is_open_is_closed_and_nothing_else_is_added(text: str, closed: str) -> None:
    own = scoping(submitted()).description[0]
    assert isinstance(own, str)
    whole = append_own_part(text, own)
    person, _, rest = whole.partition("<!-- psplan:scoping")
    assert person.rstrip("\n") == closed
    assert f"<!-- psplan:scoping{rest}" == own
    assert find_markers(whole) == find_markers(own)
    assert list(sections(whole)) == list(sections(own))
    assert "psplan:begin ssot" not in MarkdownIt("commonmark").render(whole).replace("<!-- psplan:begin ssot", "", 1)


@pytest.mark.parametrize("text", ["", " \n\t\n"], ids=repr)
def test_without_words_of_a_person_there_is_only_our_part(text: str) -> None:
    own = scoping(submitted()).description[0]
    assert isinstance(own, str)
    assert append_own_part(text, own) == own
    assert text_of(scoping(submitted())) == own
