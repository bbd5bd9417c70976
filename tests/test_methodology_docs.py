"""The pictures and tables of the process: fresh, drawable, and the same for a team's own file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app import cli_methodology
from app.methodology import Methodology, load_methodology, tables
from app.methodology.diagram import diagram, diagrams
from app.methodology.load import DEFAULT, check_methodology
from app.reference import TABLES, renewed
from app.settings import MethodologySettings

ROOT = Path(__file__).parents[1]
ELSEWHERE = {"settings", "commands", "said", "metrics", "managers", "fields", "catalogue"}
"""Tables of other pages."""
EXAMPLES = sorted((DEFAULT.parent / "examples").glob("*.yaml"))
LINE = re.compile(
    r"""\s*(?:
        stateDiagram-v2
      | state\ "[^":;\#%]+"\ as\ \w+(?:\ \{)?
      | \}
      | (?:\[\*\]|\w+)\ -->\ (?:\[\*\]|\w+)(?:\ :\ [^":;\#%{}<>]+)?
      | note\ right\ of\ \w+
      | Warned\ about\ when\ missing
      | •\ [^":;\#%{}<>]+
      | end\ note
    )""",
    re.VERBOSE,
)


def own(folder: Path, text: str) -> Methodology:
    path = folder / "own.yaml"
    path.write_text(f"extends: default\n{text}", encoding="utf-8")
    return load_methodology(path)


def test_the_page_of_the_process_is_what_the_file_says() -> None:
    page = (ROOT / "docs" / "methodology.md").read_text(encoding="utf-8")
    assert renewed(page) == page, "run `make docs`"
    assert set(re.findall(r"<!-- generated: ([a-z]+) -->", page)) == set(TABLES) - ELSEWHERE


@pytest.mark.parametrize("path", [DEFAULT, *EXAMPLES], ids=lambda path: path.stem)
def test_every_line_of_a_diagram_is_one_that_mermaid_draws(path: Path) -> None:
    methodology = load_methodology(path)
    for name in methodology.tracks:
        assert [line for line in diagram(name, methodology).splitlines() if not LINE.fullmatch(line)] == []


@pytest.mark.parametrize("path", [DEFAULT, *EXAMPLES], ids=lambda path: path.stem)
def test_a_diagram_declares_each_state_once_and_draws_no_other(path: Path) -> None:
    methodology = load_methodology(path)
    for name, track in methodology.tracks.items():
        drawn = diagram(name, methodology)
        declared = re.findall(r'state ".+" as (\w+)', drawn)
        assert sorted(declared) == sorted([name, *(f"{name}__{state}" for state in track.states)])
        assert set(re.findall(r"^ *(\w+) -->|--> (\w+)", drawn, re.MULTILINE)) <= {
            pair for one in declared for pair in ((one, ""), ("", one))
        }


def test_gates_holds_and_moves_by_themselves_stand_on_the_arrows() -> None:
    lines = [line.strip() for line in diagram("proposal", load_methodology()).splitlines()]
    assert "proposal__estimate_feedback --> proposal__sow_wip : needs TA review" in lines
    assert "proposal__sow_wip --> proposal__estimate_feedback : back" in lines
    assert "proposal --> proposal__on_hold : hold" in lines
    assert "proposal__on_hold --> proposal : resume where it was" in lines
    assert "proposal --> proposal__closed_won : by itself, Salesforce says closed-won" in lines


HOSTILE = ["a; b", "a : b", "A --> B", "100% # sure", 'quoted \\"word\\"', "Legend note", "???", "{x}"]


@pytest.mark.parametrize("title", HOSTILE)
def test_no_title_breaks_a_diagram(title: str, tmp_path: Path) -> None:
    text = f'gates: {{po: {{title: "{title}"}}, ta: {{title: "{title}"}}}}\n'
    text += f'tracks: {{proposal: {{title: "{title}", states: {{open: {{title: "{title}"}}}}}}}}\n'
    drawn = diagram("proposal", own(tmp_path, text))
    assert [line for line in drawn.splitlines() if not LINE.fullmatch(line)] == []
    assert drawn.lower().count("end note") == drawn.count("note right of")


def test_a_label_with_a_bar_or_a_backtick_stays_in_its_cell(tmp_path: Path) -> None:
    text = 'labels: {"a|b`c": {colour: "#123456", description: "x | y", on: [scoping]}}\n'
    rows = [row for row in tables.labels(own(tmp_path, text)).splitlines() if "123456" in row]
    assert rows == ["| `` a\\|b`c `` | `#123456` | x \\| y | scoping | yes |"]


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_is_in_order_with_every_option_of_its_switches_and_can_be_drawn(path: Path) -> None:
    methodology, _ = check_methodology(path)
    assert diagrams(methodology).count("```mermaid") == len(methodology.tracks)
    for table in TABLES:
        if hasattr(tables, table):
            assert getattr(tables, table)(methodology)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_an_example_says_at_its_top_what_it_shows(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# What it shows: ")


def test_two_examples_ship() -> None:
    assert [path.stem for path in EXAMPLES] == ["renamed", "three-stages"]


def test_the_small_example_has_three_stages_and_three_states_on_each_way() -> None:
    found = load_methodology(DEFAULT.parent / "examples" / "three-stages.yaml")
    assert len(found.stages) == 3
    assert {name: len(track.path) for name, track in found.tracks.items()} == {"proposal": 3, "intake": 3}
    assert [name for name, gate in found.gates.items() if gate.weight == "block"] == ["leadership"]


def test_the_renamed_example_keeps_no_label_of_the_old_scope_but_corrects_each() -> None:
    found, shipped = load_methodology(DEFAULT.parent / "examples" / "renamed.yaml"), load_methodology()
    old = {label for label in shipped.labels if label.startswith("proposal::")}
    assert not old & set(found.labels)
    assert old <= set(found.spellings)
    assert set(found.tracks["proposal"].states) == set(shipped.tracks["proposal"].states)
    assert set(found.gates) - set(shipped.gates) == {"security"}


def test_show_prints_the_file_or_its_pictures(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = DEFAULT.parent / "examples" / "renamed.yaml"
    monkeypatch.setattr(cli_methodology, "load_part", lambda _: MethodologySettings(methodology=path))
    assert cli_methodology.show(diagram=True) == 0
    assert capsys.readouterr().out == diagrams(load_methodology(path))
    assert cli_methodology.show() == 0
    assert capsys.readouterr().out.startswith("time_zone: UTC\n")
