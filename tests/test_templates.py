"""Templates that PS people edit: what they may hold, and what is refused by file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from app.templates import (
    BLOCKS,
    INLINE,
    OBLIGATORY,
    Block,
    Inline,
    TemplateFaults,
    TemplateKind,
    default_template_folder,
    load_templates,
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(default_template_folder(), tmp_path / "templates"))


def faults_of(folder: Path) -> list[str]:
    with pytest.raises(TemplateFaults) as caught:
        load_templates(folder)
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]


def append(folder: Path, text: str, name: str = "scoping.md") -> int:
    """Add text behind a template; returns the number of its first line."""
    path = folder / name
    before = path.read_text()
    path.write_text(before + text)
    return before.count("\n") + 1


def test_the_templates_that_ship_load() -> None:
    pieces = load_templates(default_template_folder()).pieces
    for kind in TemplateKind:
        blocks = {piece.name for piece in pieces[kind] if isinstance(piece, Block)}
        assert set(OBLIGATORY[kind]) <= blocks <= set(BLOCKS[kind])


def test_help_for_editors_does_not_reach_the_issue() -> None:
    pieces = load_templates(default_template_folder()).pieces
    assert not any("template:" in piece for parts in pieces.values() for piece in parts if isinstance(piece, str))


def test_the_obligatory_parts_are_among_the_known_ones() -> None:
    assert all(
        set(OBLIGATORY[kind]) <= set(BLOCKS[kind]) and not set(BLOCKS[kind]) & set(INLINE[kind]) for kind in BLOCKS
    )


def test_a_placeholder_inside_a_line_is_no_block(folder: Path) -> None:
    append(folder, "For {{customer}}, by {{ due_date }}.\n{{ em }}\n")
    names = [piece.name for piece in load_templates(folder).pieces[TemplateKind.SCOPING] if isinstance(piece, Inline)]
    assert names == ["customer", "due_date", "em"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("{{ custmer }}", "no placeholder is called 'custmer'; did you mean 'customer'? alone on a line: welcome"),
        ("{{ scoping_issue }}", "no placeholder is called 'scoping_issue'"),
        ("See {{ ssot }}", "must stand alone"),
        ("  {{ ssot }}", "must stand alone"),
        ("{{ ssot }}", "stands twice"),
        ("{{ customer }", "a placeholder looks like"),
        ("{{ Customer Name }}", "a placeholder looks like"),
        ("a }} b", "a placeholder looks like"),
        ("/close", "quick action"),
        ("/frobnicate", "quick action"),
        ("<!-- psplan:scoping:1 -->", "the bot's own"),
        ("```\ncode", "leaves something open"),
        ("<!-- open", "leaves something open"),
        ("an `open backtick {{ customer }}", "leaves something open"),
    ],
    ids=[
        *("a misspelled name", "a name of another template", "a block inside a line", "a block with indentation"),
        *("a block twice", "one brace missing", "two words", "braces alone", "a quick action", "any slash in front"),
        *("a mark of the bot", "an open fence", "an open comment", "an open backtick"),
    ],
)
def test_a_wrong_template_is_refused_by_file_and_line(folder: Path, text: str, problem: str) -> None:
    line = append(folder, f"{text}\n")
    found = faults_of(folder)
    assert any(fault.startswith("scoping.md:") and problem in fault for fault in found), found
    if "open" not in problem:
        assert any(fault.startswith(f"scoping.md:{line}: ") for fault in found), found


@pytest.mark.parametrize("kind", TemplateKind)
def test_an_obligatory_part_has_to_be_there(folder: Path, kind: TemplateKind) -> None:
    (folder / f"{kind.value}.md").write_text("Hello.\n")
    found = faults_of(folder)
    assert [fault.split("{{ ")[1].split(" }}")[0] for fault in found] == list(OBLIGATORY[kind])


def test_a_missing_file_is_told_with_all_other_faults(folder: Path) -> None:
    (folder / "intake.md").unlink()
    append(folder, "{{ x }}\n")
    found = faults_of(folder)
    assert any(fault.startswith("intake.md: cannot be read") for fault in found)
    assert any("no placeholder is called 'x'" in fault for fault in found)


@pytest.mark.parametrize(
    ("raw", "problem"), [(b"\xff\xfe", "not UTF-8"), (b"x" * 200_000, "larger than")], ids=["no text", "too large"]
)
def test_a_file_that_cannot_be_a_template_is_refused(folder: Path, raw: bytes, problem: str) -> None:
    (folder / "scoping.md").write_bytes(raw)
    assert any(problem in fault for fault in faults_of(folder))


def test_windows_line_ends_and_a_byte_order_mark_do_no_harm(folder: Path) -> None:
    path = folder / "scoping.md"
    expected = load_templates(folder)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert load_templates(folder) == expected


def test_the_line_is_right_behind_help_of_several_lines(folder: Path) -> None:
    line = append(folder, "<!-- template: one\ntwo\nthree -->\n{{ x }}\n")
    assert any(fault.startswith(f"scoping.md:{line + 3}: ") for fault in faults_of(folder))
