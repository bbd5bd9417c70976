"""The agendas of meetings as files: what is wrong in one is told by file and line before anybody proposes a meeting."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.agendas import NOT_KNOWN, fill_agenda, load_agendas
from app.methodology import load_methodology
from app.templates import TemplateFaults, default_template_folder

METHODOLOGY = load_methodology(None)
SHIPPED = default_template_folder()


def test_the_agendas_that_ship_load_and_hold_no_help_for_editors() -> None:
    found = load_agendas(SHIPPED, METHODOLOGY)
    assert set(found) == {rules.agenda for rules in METHODOLOGY.meetings.values()}
    assert not any("<!--" in text for text in found.values())


def test_a_team_has_those_of_its_own_and_the_others_ship(tmp_path: Path) -> None:
    (tmp_path / "meeting_prep.md").write_text("One thing: {{ customer }}\r\n", newline="")
    found = load_agendas(tmp_path, METHODOLOGY)
    assert found["meeting_prep.md"] == "One thing: {{ customer }}\n"
    assert found["meeting_pm_intro.md"] == load_agendas(SHIPPED, METHODOLOGY)["meeting_pm_intro.md"]


@pytest.mark.parametrize(
    ("raw", "problem"),
    {
        b"a\n{{ custmer }}\n": "meeting_prep.md:2: no placeholder is called 'custmer'",
        b"{{ customer\n": "meeting_prep.md:1: a placeholder looks like {{ customer }}",
        b"<!-- template:\nhelp\n-->\n{{ x }}\n": "meeting_prep.md:4: no placeholder is called 'x'",
        b"\xff\xfe": "meeting_prep.md: is not UTF-8 text",
        b"x" * 2_000_000: "meeting_prep.md: is larger than",
    }.items(),
    ids=["unknown", "half", "line", "bytes", "size"],
)
def test_a_wrong_agenda_is_refused_by_file_and_line(raw: bytes, problem: str, tmp_path: Path) -> None:
    (tmp_path / "meeting_prep.md").write_bytes(raw)
    with pytest.raises(TemplateFaults) as caught:
        load_agendas(tmp_path, METHODOLOGY)
    (fault,) = caught.value.faults
    assert problem in fault


def test_what_is_not_known_is_to_do_and_a_value_stays_on_its_line() -> None:
    agenda = "1. {{ customer }} by {{ deadline }}\n"
    assert fill_agenda(agenda, {"customer": "Acme\nGmbH"}) == f"1. Acme GmbH by {NOT_KNOWN}\n"


def test_a_value_that_looks_like_a_placeholder_is_not_filled() -> None:
    assert fill_agenda("{{ customer }}", {"customer": "{{ issue }}", "issue": "x"}) == "{{ issue }}"
