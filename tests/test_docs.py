"""What the documents say is so: links lead on, commands can be said, settings exist, generated parts are fresh."""

from __future__ import annotations

import re
import shlex
from functools import cache
from pathlib import Path

import pytest
import yaml

from app.cli import parser
from app.cli_methodology import check
from app.failure import Failure
from app.methodology import load_methodology
from app.metrics import Metrics
from app.reference import TABLES, renewed
from app.settings import PREFIX, Settings, secret_names

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = sorted(
    [
        *ROOT.glob("*.md"),
        *(page for folder in ("app", "benchmarks", "docs") for page in (ROOT / folder).rglob("*.md")),
    ]
)
TEXTS = [*PAGES, *sorted((DOCS / "operating").iterdir())]
FENCE = re.compile(r"^(?P<fence>`{3,})(?P<kind>\w*)\n(?P<text>.*?)^(?P=fence)$", re.DOTALL | re.MULTILINE)
COMMAND = re.compile(
    r"""(?:^(?:\$\ )?(?:[A-Z_]+=\S+\ +)*(?:as_psplan\ )?(?:(?:/opt/psplan|\.venv)/bin/)?
        | --\ | exec\ (?:--env\ \S+\ )?psplan\ )
        psplan\ (?P<words>.+)$""",
    re.VERBOSE,
)
WORDS_FOR = {"ID": "1", "…": "x"}
"""What stands for a value in a document, and a value."""


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


@cache
def text_of(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def prose_of(path: Path) -> str:
    return FENCE.sub("", text_of(path))


def anchors_of(path: Path) -> set[str]:
    """As GitLab makes them: lower case, blanks to hyphens, all but letters, digits, `-` and `_` left out."""
    found: set[str] = set()
    for title in re.findall(r"^#+ (.+)$", prose_of(path), re.MULTILINE):
        words = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", title).strip().lower()
        slug = re.sub(r"[^\w\- ]", "", words).replace(" ", "-")
        number = sum(each == slug or re.fullmatch(re.escape(slug) + r"-\d+", each) is not None for each in found)
        found.add(f"{slug}-{number}" if number else slug)
    return found


def commands_in(path: Path) -> list[str]:
    """Every `psplan …` that somebody could copy: from blocks, and from prose where it is no form with brackets."""
    lines = [line.strip() for block in FENCE.finditer(text_of(path)) for line in block["text"].splitlines()]
    lines += re.findall(r"`(psplan [^`\[]+)`", prose_of(path))
    found = (COMMAND.search(line) for line in lines)
    return [match["words"] for match in found if match is not None]


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_to_a_file_and_a_heading_that_are_there(page: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", prose_of(page)):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, anchor = target.partition("#")
        there = (page.parent / file).resolve() if file else page
        assert there.exists(), target
        assert not anchor or anchor in anchors_of(there), target


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_command_of_psplan_can_be_said(page: Path) -> None:
    for words in commands_in(page):
        said = [WORDS_FOR.get(word, word) for word in shlex.split(words, comments=True)]
        if said[:1] in (["--version"], ["--help"]):
            continue
        try:
            parser().parse_args(said)
        except SystemExit:
            pytest.fail(f"psplan {words}")


def test_commands_are_found_at_all() -> None:
    assert len(commands_in(DOCS / "operating.md")) > 20
    assert "demo --exit" not in commands_in(DOCS / "operating.md")


@pytest.mark.parametrize("path", TEXTS, ids=name_of)
def test_every_setting_that_is_named_exists(path: Path) -> None:
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    known |= {f"{PREFIX}{name.upper()}_FILE" for name in secret_names(Settings)}
    assert set(re.findall(PREFIX + r"[A-Z][A-Z0-9_]*", text_of(path))) <= known


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_is_generated_is_fresh(page: Path) -> None:
    assert renewed(text_of(page)) == text_of(page), "run `make docs`"


def test_every_table_stands_somewhere() -> None:
    held = {name for page in PAGES for name in re.findall(r"<!-- generated: ([a-z-]+) -->", text_of(page))}
    assert held == set(TABLES)


def test_every_metric_that_is_named_exists() -> None:
    text = Metrics().exposition().decode()
    named = {name for page in PAGES for name in re.findall(r"`(psplan_[a-z_]+)`", text_of(page))}
    assert {name for name in named if name not in text} == set()


# -- the guide to the methodology

GUIDE = DOCS / "methodology-guide.md"


def files_of_the_guide() -> list[str]:
    return [block["text"] for block in FENCE.finditer(text_of(GUIDE)) if block["kind"] == "yaml"]


def consoles_of_the_guide() -> list[str]:
    return [
        block["text"].partition("\n")[2]
        for block in FENCE.finditer(text_of(GUIDE))
        if block["kind"] == "console" and block["text"].startswith("$ psplan methodology check methodology.yaml\n")
    ]


@pytest.mark.parametrize("number", [0, 1])
def test_a_file_of_the_guide_is_in_order_and_warned_about_nothing(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("methodology.yaml").write_text(files_of_the_guide()[number], encoding="utf-8")
    assert check(Path("methodology.yaml")) == 0
    told = capsys.readouterr().out
    assert "warning" not in told
    if number == 0:
        assert told == consoles_of_the_guide()[0]


def test_the_mistake_of_the_guide_is_told_as_it_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = files_of_the_guide()[1]
    wrong = file.replace("role: security\n", "role: securty\n")
    wrong = wrong.replace("before: ready_for_approval", "before: ready_for_aproval")
    Path("methodology.yaml").write_text(wrong, encoding="utf-8")
    with pytest.raises(Failure) as caught:
        check(Path("methodology.yaml"))
    assert f"psplan: {caught.value}\n" == consoles_of_the_guide()[1]


def test_the_new_state_of_the_guide_stands_where_it_says(tmp_path: Path) -> None:
    path = tmp_path / "methodology.yaml"
    path.write_text(files_of_the_guide()[1], encoding="utf-8")
    found = load_methodology(path)
    assert found.tracks["proposal"].path[-3:] == ("approved", "negotiation", "closed_won")
    assert "security" in found.verbs_of_gates
    assert list(yaml.safe_load(files_of_the_guide()[0])) == ["extends", "roles", "routing"]


# -- the picture


def test_the_picture_draws_the_states_of_the_process_in_their_order() -> None:
    picture = text_of(DOCS / "picture.svg")
    words = " ".join(re.findall(r"<text[^>]*>([^<]+)</text>", picture))
    place = 0
    for track in load_methodology().tracks.values():
        place = words.index(track.title, place)
        for state in track.path:
            title = track.states[state].title.removeprefix("Closed ")
            place = words.index(title, place)
    for each in ("prefers-color-scheme: dark", "<title", "<desc"):
        assert each in picture, each
