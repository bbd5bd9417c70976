"""The bot's marks: found where they are live, nowhere else, and a section knows whether a person edited it."""

import pytest

from app import text
from app.text import Marker, Safe

UUID = "6f2c1c9e-58a5-4a6e-9c58-0d9a9d2f7c11"


def test_a_marker_is_an_invisible_line() -> None:
    assert text.marker("scoping", UUID) == f"<!-- psplan:scoping:{UUID} -->"


@pytest.mark.parametrize(
    ("kind", "ident"),
    [
        ("", "1"),
        ("Scoping", "1"),
        ("a b", "1"),
        ("x", ""),
        ("x", "a b"),
        ("x", "a--b"),
        ("x", "1 -->"),
        ("x", "1\n"),
        ("x", "-"),
    ],
)
def test_a_marker_takes_plain_names_only(kind: str, ident: str) -> None:
    with pytest.raises(ValueError, match="plain names"):
        text.marker(kind, ident)


LIVE = "<!-- psplan:note:a/1:b -->"


@pytest.mark.parametrize(
    "written",
    [
        LIVE,
        f"{LIVE}\nwords",
        f"words\n{LIVE}",
        f"words\n\n{LIVE}  \n\nwords",
        f"- item\n\n{LIVE}",
        f"```\ncode\n```\n{LIVE}\n",
        f"words\r\n{LIVE}\r\nwords",
        f"<div>\n\n{LIVE}\n\n</div>",
    ],
)
def test_a_marker_alone_on_a_line_is_found(written: str) -> None:
    assert text.find_markers(written) == [Marker("note", "a/1:b")]


@pytest.mark.parametrize(
    "written",
    [
        f"words {LIVE}",
        f"{LIVE} words",
        f" {LIVE}",
        f"`{LIVE}`",
        f"`\n{LIVE}\n`x\n".replace("\n", " "),
        f"```\n{LIVE}\n```",
        f"~~~\n{LIVE}",
        f"    {LIVE}",
        f"> {LIVE}",
        f"- {LIVE}",
        f"- item\n\n  {LIVE}",
        f"<!--\n{LIVE}\n-->",
        f"<div>\n{LIVE}\n</div>",
        f"<pre>\n\n{LIVE}\n\n</pre>",
        "<!-- psplan:note: -->",
        "<!-- psplan:note:a\n-->",
        "<!--psplan:note:a-->",
        "\\" + LIVE,
        text.code_span(LIVE),
        text.fenced(LIVE),
        text.fenced(f"```\n\n{LIVE}\n\n```"),
        text.title(LIVE),
        "",
    ],
)
def test_a_marker_anywhere_else_is_just_text(written: str) -> None:
    assert text.find_markers(written) == []


def test_markers_are_found_in_order() -> None:
    assert text.find_markers("<!-- psplan:a:1 -->\n<!-- psplan:b:2 -->\nx\n<!-- psplan:a:1 -->") == [
        Marker("a", "1"),
        Marker("b", "2"),
        Marker("a", "1"),
    ]


BODY = Safe("| a |\n|---|\n| `b` |\n\nwords  \nmore")


def test_a_section_stands_between_its_marks() -> None:
    first, *lines, last = text.section("ssot", Safe(f"\n\n{BODY}\n\n")).split("\n\n")
    assert first.startswith("<!-- psplan:begin ssot ")
    assert "\n\n".join(lines) == BODY
    assert last == "<!-- psplan:end ssot -->\n"


def test_a_section_is_read_back_with_its_place() -> None:
    description = f"Above\n\n{text.section('ssot', BODY)}\nBelow"
    part = text.sections(description)["ssot"]
    assert part.body == BODY
    assert part.is_untouched
    assert description[: part.start] == "Above\n\n"
    assert description[part.end :] == "\n\nBelow"


@pytest.mark.parametrize(
    ("old", "new", "is_untouched"),
    [
        ("\n", "\r\n", True),
        ("words  \n", "words\n", True),
        ("| `b` |", "| `b` |   ", True),
        ("| `b` |", "| `c` |", False),
        ("more", "more!", False),
        ("words", "  words", False),
        ("| a |\n", "", False),
    ],
    ids=["CRs come", "trailing spaces go", "trailing spaces come", "a cell", "a word", "an indentation", "a line goes"],
)
def test_only_a_persons_edit_touches_a_section(old: str, new: str, is_untouched: bool) -> None:
    description = f"Above\n\n{text.section('ssot', BODY)}\nBelow".replace(old, new, 100)
    part = text.sections(description)["ssot"]
    assert part.is_untouched is is_untouched
    assert description[part.end :].lstrip() == "Below"


def test_an_empty_section_can_be_filled() -> None:
    description = text.section("notes", Safe(""))
    assert text.sections(description)["notes"].is_untouched
    assert text.sections(text.replace_section(description, "notes", BODY))["notes"].body == BODY


BEGIN, END = "<!-- psplan:begin a 0123456789ab -->", "<!-- psplan:end a -->"


@pytest.mark.parametrize(
    "description",
    [
        f"{BEGIN}\n\nx",
        f"x\n\n{END}",
        f"{END}\n\n{BEGIN}",
        f"{BEGIN}\n\n{BEGIN}\n\n{END}",
        f"{BEGIN}\n\n{END}\n\n{END}",
        f"{BEGIN}\n\n{END}\n\n{BEGIN}\n\n{END}",
        f"{BEGIN}\n\n<!-- psplan:end b -->\n\n{END}",
        f"{BEGIN}\n\n<!-- psplan:begin b 0123456789ab -->\n\n{END}",
        f"```\n{BEGIN}\n\nx\n\n{END}\n```",
        f"{BEGIN}\n\n```\n\n{END}",
        f"> {BEGIN}\n>\n> {END}",
        f"<!--\n\n{BEGIN}\n\n{END}\n\n-->",
        "<!-- psplan:begin a -->\n\nx\n\n<!-- psplan:end a -->",
        "<!-- psplan:begin a XYZ -->\n\nx\n\n<!-- psplan:end a -->",
        f"words {BEGIN}\n\n{END}",
        text.fenced(f"{BEGIN}\n\nx\n\n{END}"),
        text.code_span(f"{BEGIN}\n\nx\n\n{END}"),
    ],
)
def test_marks_that_do_not_fit_make_no_section(description: str) -> None:
    assert text.sections(description) == {}


def test_a_section_with_doubled_marks_leaves_its_neighbours_alone() -> None:
    good = text.section("good", BODY)
    assert list(text.sections(f"{BEGIN}\n\n{END}\n\n{good}\n{BEGIN}\n\n{END}")) == ["good"]


@pytest.mark.parametrize("name", ["", "A", "a b", "a-->", "1"])
def test_a_section_takes_a_plain_name_only(name: str) -> None:
    with pytest.raises(ValueError, match="plain name"):
        text.section(name, BODY)


@pytest.mark.parametrize(
    "body", ["```\nopen", "<!-- open", "<pre>\nopen", text.section("inner", BODY), "\n".join((BEGIN, END))]
)
def test_a_section_refuses_a_body_that_would_swallow_its_end(body: str) -> None:
    with pytest.raises(ValueError, match="leaves something open"):
        text.section("outer", Safe(body))


def test_replacing_a_section_changes_nothing_else() -> None:
    above, below = "Above  \r\n\n", "\n\n```\n<!-- psplan:end ssot -->\n```\n \n"
    description = above + text.section("ssot", BODY).rstrip("\n") + below
    replaced = text.replace_section(description, "ssot", Safe("new"))
    assert replaced == above + text.section("ssot", Safe("new")).rstrip("\n") + below
    assert text.replace_section(replaced, "ssot", BODY) == description
    assert text.replace_section(replaced, "ssot", Safe("new")) == replaced


def test_replacing_a_section_that_is_not_there_is_an_error() -> None:
    with pytest.raises(KeyError):
        text.replace_section("words", "ssot", BODY)


def test_foreign_text_in_a_section_cannot_end_it() -> None:
    hostile = f"x\n```\n\n{END}\n\n<!-- psplan:end ssot -->"
    description = text.section("ssot", Safe(text.fenced(hostile) + text.code_span(hostile)))
    assert list(text.sections(description)) == ["ssot"]
    assert hostile in text.sections(description)["ssot"].body


@pytest.mark.parametrize(
    "words", ["\ud800", "\0<!-- psplan:a:1 -->\0", "<!-- psplan:" * 50_000, "> " * 50_000 + "<!-- psplan:"]
)
def test_any_text_can_be_searched_for_marks(words: str) -> None:
    assert text.find_markers(words) == []
    assert text.sections(words) == {}
