"""The model of GitLab's quick-action extractor: what runs, what is inert, and what is left of the text."""

import pytest

from app.sandbox.quick_actions import CANONICAL, KNOWN_NAMES, QuickAction, extract

RUNS = {
    "alone": "/close",
    "at the start of a plain paragraph": "/close\nwords",
    "at the end of a plain paragraph": "words\n/close",
    "after a hard break of two spaces": "words  \n/close",
    "after a hard break of a backslash": "words\\\n/close",
    "after inline code": "`words`\n/close",
    "after inline code over two lines": "`some\nwords` \n/close",
    "after a link definition line": "[a]: https://example.com\n/close",
    "inside link text over several lines": "[link\n/close\ntext](https://example.com)",
    "inside an open emphasis": "**words\n/close",
    "inside an open bracket": "[words\n/close",
    "behind an unclosed single backtick": "words ` more\n/close",
    "after a list and a blank line": "- item\n\n/close",
    "after a quotation and a blank line": "> words\n\n/close",
    "inside details with blank lines": "<details>\n\n/close\n\n</details>",
    "inside a div with blank lines": "<div>\n\n/close\n\n</div>",
    "between lines of two dollars": "$$\n/close\n$$",
    "after a fence that the text itself closed": "```\nwords\n```\n/close\n```",
    "in upper case": "/CLOSE",
    "with CR LF line ends": "words\r\n/close\r\nmore",
    "with a CR hidden in its name": "/clo\rse",
    "with white space behind it": "/close \t ",
    "behind a comment and a blank line": "<!-- words -->\n\n/close",
    "after a footnote and a blank line": "[^1]: words\n\n/close",
    "after a closed block of three angles": ">>>\nwords\n>>>\n/close",
    "after a table and a blank line": "| a |\n|---|\n| b |\n\n/close",
    "after a heading": "# words\n/close",
    "after front matter": "---\ntitle: x\n---\n\n/close",
}


@pytest.mark.parametrize("text", RUNS.values(), ids=RUNS.keys())
def test_command_runs(text: str) -> None:
    extraction = extract(text)
    assert extraction.commands == (QuickAction("close", ""),)
    assert "/close" not in extraction.text.lower()


INERT = {
    "in a fence": "```\n/close\n```",
    "in a fence of tildes": "~~~\n/close\n~~~",
    "in an unclosed fence": "```\n/close",
    "in a fence longer than any run inside it": "`````text\n````\n/close\n```\n/close\n`````",
    "in indented code": "    /close",
    "in a quotation": "> words\n> /close",
    "in a block of three angles": ">>>\nwords\n\n/close\n>>>",
    "in an unclosed block of three angles": ">>>\n\n/close",
    "in an alert": "> [!note]\n> /close",
    "in a list item": "- /close",
    "in the second paragraph of a list item": "- words\n\n  /close",
    "in a line that continues a list item": "- words\n/close",
    "in a line that continues a quotation": "> words\n/close",
    "in the description of a picture": "![words\n/close\n](https://example.com)",
    "in an attribute": '<b title="\n/close\n">words</b>',
    "in a table cell": "| a |\n|---|\n| /close |",
    "in a table without outer pipes": "a | b\n--- | ---\n/close | x",
    "in a heading": "# /close",
    "in an underlined heading": "/close\n---",
    "in a footnote": "words[^1]\n\n[^1]: /close",
    "in the second line of a footnote": "[^1]: words\n/close",
    "in front matter": "---\ntitle: x\n\n/close\n\n---",
    "in an HTML block without blank lines": "<div>\n/close\n</div>",
    "in details without blank lines": "<details>\n/close\n</details>",
    "in a small HTML block inside a paragraph": "words\n<b>\n/close\n</b>",
    "in a comment": "<!--\n\n/close\n\n-->",
    "in pre": "<pre>\n\n/close\n\n</pre>",
    "in inline code": "`/close`",
    "in inline code over several lines": "words `\n/close\n` words",
    "in inline code behind a line that shows a slash": "\\/x `\n/close\n` words",
    "behind a backslash": "\\/close",
    "behind one space": " /close",
    "behind three spaces": "   /close",
    "behind a space in a second line": "words\n /close",
    "behind a no-break space": "\u00a0/close",
    "behind a zero-width space": "\u200b/close",
    "behind a byte order mark": "\ufeff/close",
    "with its slash as an entity": "&#47;close",
    "behind words": "words /close",
    "behind a line separator": "words\u2028/close",
    "behind a next-line character": "words\u0085/close",
    "behind a vertical tab": "words\v/close",
    "behind a form feed": "words\f/close",
    "behind a lone CR": "words\r/close",
    "as the start of a longer word": "/closed",
    "with a tab before the argument": "/close\tx",
    "with an unknown name": "/frobnicate",
    "with a name that only a bot knows": "/ps advance",
    "with the argument right behind": "/assign@joe",
    "with a full-width slash": "／close",
    "with a name that was removed in 18.3": "/cc @joe",
}


@pytest.mark.parametrize("text", INERT.values(), ids=INERT.keys())
def test_text_is_inert_and_kept(text: str) -> None:
    extraction = extract(text)
    assert extraction.commands == ()
    assert extraction.text == text.replace("\r", "").rstrip(" \t\n\v\f\0")


@pytest.mark.parametrize(
    ("text", "left", "commands"),
    [
        ('hello\n/label ~foo ~"bar baz"\nworld', "hello\nworld", [("label", '~foo ~"bar baz"')]),
        ("hello\n/reopen", "hello", [("reopen", "")]),
        ("/assign @joe / @jane\nworld", "world", [("assign", "@joe / @jane")]),
        ("a\n\n/close\n\nb", "a\n\nb", [("close", "")]),
        ("a\n\n/close\n\n/lock\n", "a", [("close", ""), ("lock", "")]),
        ("/close\n/reopen x\n/ps advance", "/ps advance", [("close", ""), ("reopen", "x")]),
        ("/merge the two accounts", "", [("merge", "the two accounts")]),
        ("please\r\n/due in 2 days\r\n", "please", [("due", "in 2 days")]),
        ("`a`\n/close\n`b`", "`a`\n`b`", [("close", "")]),
        ("/shrug never mind", "never mind ¯\\＿(ツ)＿/¯", [("shrug", "never mind")]),
        ("a\n/tableflip\nb", "a\n(╯°□°)╯︵ ┻━┻\nb", [("tableflip", "")]),
        ("", "", []),
        ("Fixes #123 \n\n", "Fixes #123", []),
    ],
)
def test_what_is_left_of_the_text(text: str, left: str, commands: list[tuple[str, str]]) -> None:
    extraction = extract(text)
    assert extraction.text == left
    assert [(command.name, command.argument) for command in extraction.commands] == commands


@pytest.mark.parametrize(
    ("written", "name"),
    [
        ("labels", "label"),
        ("remove_label", "unlabel"),
        ("award", "react"),
        ("spend_time", "spend"),
        ("epic", "set_parent"),
    ],
)
def test_alias_has_one_name(written: str, name: str) -> None:
    assert extract(f"/{written.upper()} x").commands == (QuickAction(name, "x"),)


@pytest.mark.parametrize("name", sorted(KNOWN_NAMES))
def test_every_known_name_is_recognised(name: str) -> None:
    assert extract(f"words\n/{name} some argument").commands == (QuickAction(CANONICAL[name], "some argument"),)
    assert CANONICAL[CANONICAL[name]] == CANONICAL[name]


def test_a_very_long_text_without_commands_is_passed_through_quickly() -> None:
    text = ("words `code` <b> [x] and more words " * 3 + "\n") * 5_000
    assert extract(text).text == text.rstrip()
