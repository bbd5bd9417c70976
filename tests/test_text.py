"""The door for untrusted text, case by case; tests/properties holds what must be true of any input."""

import re
import time
from collections.abc import Callable
from html import unescape

import pytest
from markdown_it import MarkdownIt

from app import text

HOSTS = ("salesforce.com", "*.force.com")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("Acme GmbH", "`Acme GmbH`"),
        ("two\r\n  lines", "`two lines`"),
        ("a`b", "`a`&#96;`b`"),
        ("```", "&#96;&#96;&#96;"),
        ("a|b", "`a`&#124;`b`"),
        ("a\\|b", "`a\\`&#124;`b`"),
        ("@all #1", "`@all #1`"),
        ("  padded  ", "`padded`"),
        ("", "—"),
        (" \n\t\0", "—"),
        ("invoice\u202efdp.exe", "`invoicefdp.exe`"),
        ("a\u2066b\u2069c", "`abc`"),
        ("bell\x07 \x1b[31m", "`bell [31m`"),
        ("half \ud83d", "`half \ufffd`"),
        ("two halves \ud83d\ude00", "`two halves 😀`"),
        ("שלום\u200f", "`שלום\u200f`"),
    ],
)
def test_a_short_value_becomes_code(value: str, written: str) -> None:
    assert text.code_span(value) == written
    assert text.cell(value) == written


@pytest.mark.parametrize(
    ("value", "limit_chars", "written"),
    [
        ("abcdef", 6, "`abcdef`"),
        ("abcdefg", 6, "`abcde…`"),
        ("abcd efg", 6, "`abcd…`"),
        ("abcde\u0301fg", 6, "`abcd…`"),
        ("abc👩\u200d👩\u200d👧", 6, "`abc…`"),
        ("e" + "\u0301" * 40, 20, "`e" + "\u0301" * 3 + "…`"),
        ("abc", 1, "`…`"),
        ("abc", 0, "`…`"),
    ],
)
def test_a_long_value_is_cut_between_whole_characters(value: str, limit_chars: int, written: str) -> None:
    assert text.code_span(value, limit_chars=limit_chars) == written


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("one\ntwo", "\n\n```text\none\ntwo\n```\n\n"),
        ("one\r\ntwo\rthree\u2028four", "\n\n```text\none\ntwo\nthree\nfour\n```\n\n"),
        ("\n \n  indented\n\n", "\n\n```text\n  indented\n```\n\n"),
        ("a ``` b", "\n\n````text\na ``` b\n````\n\n"),
        ("``````", "\n\n```````text\n``````\n```````\n\n"),
        ("tab\there", "\n\n```text\ntab\there\n```\n\n"),
        (" \n ", "\n\n—\n\n"),
        ("x" * 32, "\n\n```text\n" + "x" * 29 + "…\n(3 more characters are not shown)\n```\n\n"),
    ],
)
def test_long_text_becomes_a_fence_that_it_cannot_close(value: str, written: str) -> None:
    assert text.fenced(value, limit_chars=30) == written


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("Acme / Q3 – 50 % off & more # of users", "Acme / Q3 – 50 % off & more # of users"),
        ("two\r\nlines", "two lines"),
        ("@all", "@·all"),
        ("group/project#12", "group/project#·12"),
        ('~"a b" %9.10 !1 &2 $3 ^alert#4', '~·"a b" %·9.10 !·1 &·2 $·3 ^·alert#·4'),
        ("https://gitlab.example/a/-/issues/1", "https:·//gitlab.example/a/-/issues/1"),
        ("www.example.com", "www.·example.com"),
        ("commit deadbeef, account 1234567", "commit deadbe·ef, account 123456·7"),
        ("0123456789abcdef", "012345·6789ab·cdef"),
        ("ABC-12 and self-managed", "ABC-·12 and self-managed"),
        ("T12 CU-a1 GL-7", "T·12 CU-·a1 GL-·7"),
        ("meet at 10:30 :tada:", "meet at 10:30 :·tada:"),
        ("<b>bold</b>", "<·b>bold<·/b>"),
        ("[x](https://evil.example)", "[·x]·(https:·//evil.example)"),
        ("*iteration:1", "*·iteration:1"),
        ("&#64;all", "&·#·64;all"),
        ("a\u202eb", "ab"),
        ("@\u200ball", "@·all"),
        ("", "(no title)"),
        ("   ", "(no title)"),
        ("\u200b\u200d", "(no title)"),
    ],
)
def test_a_title_is_one_line_in_which_nothing_refers(value: str, shown: str) -> None:
    assert text.title(value) == shown.replace("·", "\u200b")


@pytest.mark.parametrize(
    "value", ["x" * 300, "@a " * 200, "#" * 400, "deadbeef" * 60, "é" * 256, "👩\u200d👩\u200d👧" * 99]
)
def test_a_long_title_is_cut_with_an_ellipsis(value: str) -> None:
    title = text.title(value)
    assert len(title) <= 255
    assert len(title) > 230
    assert title.endswith("…")
    assert text.title(title) == title


def test_a_short_room_for_a_title_is_respected() -> None:
    assert [len(text.title("@@@@@@", limit_chars=limit)) for limit in (1, 2, 3, 4, 5)] == [1, 1, 3, 3, 5]


@pytest.mark.parametrize(
    ("url", "destination"),
    [
        ("https://acme.my.salesforce.com/006/view", "https://acme.my.salesforce.com/006/view"),
        ("https://salesforce.com", "https://salesforce.com"),
        ("https://ACME.Force.com:443/a?b=1&c=2#d", "https://acme.force.com/a?b=1&amp;c=2#d"),
        ("https://a.force.com/x(y)[z]", "https://a.force.com/x%28y%29%5Bz%5D"),
        ("https://a.force.com/ü|`<>$*", "https://a.force.com/%C3%BC%7C%60%3C%3E%24%2A"),
        ("https://a.force.com/100%/%41", "https://a.force.com/100%25/%41"),
    ],
)
def test_an_allowed_address_becomes_a_link(url: str, destination: str) -> None:
    assert text.link(url, "Opportunity ](x)", allowed_hosts=HOSTS) == f"\u200b[`Opportunity ](x)`]({destination})"


@pytest.mark.parametrize(
    "url",
    [
        "http://salesforce.com/x",
        "HTTPS://salesforce.com/x",
        "https://salesforce.com.evil.example/x",
        "https://evilsalesforce.com/x",
        "https://user@salesforce.com/x",
        "https://user:word@salesforce.com/x",
        "https://evil.example\\@salesforce.com/x",
        "https://evil.example/@salesforce.com",
        "https://evil.example#.salesforce.com",
        "https://salesforce.com:8443/x",
        "https://salesforce.com./x",
        "https://ſalesforce.com/x",
        "https://salesforce。com/x",
        "https:/salesforce.com/x",
        "//salesforce.com/x",
        "javascript:alert(1)//salesforce.com",
        "https://salesforce.com/a b",
        "https://salesforce.com/a\nb",
        "https://salesforce.com/\u202eb",
        "https://salesforce.com/\ud800",
        "https://salesforce.com/a\\b",
        "https://salesforce.com/" + "a" * 2_000,
        " https://salesforce.com/",
        "",
    ],
)
def test_any_other_address_is_shown_as_code(url: str) -> None:
    assert text.link(url, "Opportunity", allowed_hosts=HOSTS) == text.code_span(url)


def test_without_allowed_hosts_nothing_is_a_link() -> None:
    assert text.link("https://salesforce.com/", "x", allowed_hosts=()) == "`https://salesforce.com/`"
    assert text.link("https://salesforce.com/", "x", allowed_hosts=("", ".", "*")) == "`https://salesforce.com/`"


def test_a_link_without_a_label_shows_its_host() -> None:
    assert (
        text.link("https://salesforce.com/x", " \0", allowed_hosts=HOSTS)
        == "\u200b[`salesforce.com`](https://salesforce.com/x)"
    )


@pytest.mark.parametrize(
    ("username", "written"),
    [
        ("alice", "@alice"),
        ("a", "@a"),
        ("a.b-c_d", "@a.b-c_d"),
        ("_x_", "@\\_x\\_"),
        ("a__b", "@a\\_\\_b"),
        ("x-", "@x-"),
    ],
)
def test_a_confirmed_user_is_mentioned(username: str, written: str) -> None:
    assert text.mention(username) == written


@pytest.mark.parametrize(
    "username",
    [
        "",
        "all",
        "ALL",
        ".",
        "a.",
        "-a",
        "a b",
        "a/b",
        "a\n",
        "@a",
        "ä",
        "a.git",
        "a.ATOM",
        "a" * 256,
        "a:b",
        "a*b",
        "a`",
    ],
)
def test_what_is_no_user_name_is_never_mentioned(username: str) -> None:
    with pytest.raises(ValueError, match="not a GitLab user name"):
        text.mention(username)


@pytest.mark.parametrize(
    ("words", "written"),
    [
        ("", ""),
        ("Hello, world!", "Hello, world!"),
        ("| a | b |\n|---|---|\n| ", "| a | b |\n|---|---|\n| "),
        ("- [ ] ask `alice` about ", "- [ ] ask `alice` about "),
        ("[help](https://example.com) ", "[help](https://example.com) "),
        ("costs $5, or `$x`", "costs \\$5, or `$x`"),
        ("already \\$5", "already \\$5"),
        ("```sh\necho $x\n```\n", "```sh\necho $x\n```\n"),
        ("```sh\necho $x\n```", "```sh\necho $x\n```\n\n"),
        ("<details><summary>More</summary>", "<details><summary>More</summary>\n\n"),
        ("<details>\n", "<details>\n\n"),
        ("</details>", "</details>\n\n"),
        ("<!-- note -->", "<!-- note -->\n\n"),
        ("<!-- note -->\n", "<!-- note -->\n"),
        ("line\r\n", "line\n"),
    ],
)
def test_our_own_words_are_kept(words: str, written: str) -> None:
    assert text.own(words) == written


@pytest.mark.parametrize(
    "words",
    [
        "a ` b",
        "ends in two ``code``",
        "path C:\\",
        "```\nopen fence",
        "~~~\nopen fence",
        "<!-- open comment",
        "<pre>\n",
        "<script>",
        '<a href="',
        "<a title='",
        "[Salesforce](",
        "[Salesforce](<",
        '[Salesforce](/x "',
        "![picture](",
        "<?",
        "[[wiki",
    ],
)
def test_our_own_words_must_not_leave_anything_open(words: str) -> None:
    with pytest.raises(ValueError, match="leave something open"):
        text.own(words)


@pytest.mark.parametrize("form", [text.code_span, text.cell, text.fenced, text.title], ids=lambda form: form.__name__)
@pytest.mark.parametrize(
    "value",
    [
        "`" * 1_000_000,
        " " * 999_999 + "x",
        "x" + "\n " * 500_000 + "x",
        "|" * 1_000_000,
        ":a" * 500_000,
        "\u0301" * 1_000_000,
    ],
    ids=["backticks", "spaces", "lines", "pipes", "colons", "accents"],
)
def test_a_megabyte_is_dealt_with_quickly_and_bounded(form: Callable[[str], str], value: str) -> None:
    before_s = time.process_time()
    written = form(value)
    assert time.process_time() - before_s < 2
    assert len(written) < 40_000


def test_the_blanks_around_a_bar_or_backtick_stay() -> None:
    shown = MarkdownIt("commonmark").renderInline(text.code_span("One | two `three` four"))
    assert unescape(re.sub("<[^>]+>", "", shown)) == "One | two `three` four"
