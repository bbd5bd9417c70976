"""`psplan methodology check`: every option of every switch is tried, warnings are no faults, nothing else comes out."""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.cli import main
from app.failure import Failure
from app.layers import FileFaults
from app.methodology import Methodology, dump_methodology, load_methodology
from app.methodology.load import DEFAULT, check_methodology
from app.methodology.process import Document

OPTIONS = [
    (name, option)
    for name, switch in load_methodology().switches.items()
    for option in switch.options
    if option != switch.chosen
]


def written(folder: Path, text: str) -> Path:
    path = folder / "own.yaml"
    path.write_text(f"extends: default\n{text}", encoding="utf-8")
    return path


def chosen(folder: Path, name: str, option: str, more: str = "") -> Methodology:
    return load_methodology(written(folder, f"switches: {{{name}: {{is: {option}}}}}\n{more}"))


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_every_other_reading_is_a_methodology_of_its_own(name: str, option: str, tmp_path: Path) -> None:
    found, shipped = chosen(tmp_path, name, option), load_methodology()
    assert found.switches[name].chosen == option
    without_switches = {"switches"}
    assert found.model_dump(exclude=without_switches) != shipped.model_dump(exclude=without_switches)


def test_what_the_own_file_says_beats_what_an_option_changes(tmp_path: Path) -> None:
    found = chosen(tmp_path, "ta_gate", "every_sow", "gates: {ta: {above: 7}}")
    assert found.gates["ta"].above == 7
    assert found.gates["ta"].document is Document.SOW


@pytest.mark.parametrize(("name", "option"), OPTIONS)
def test_what_show_prints_is_the_same_process_again(name: str, option: str, tmp_path: Path) -> None:
    found = chosen(tmp_path, name, option, "gates: {ta: {above: 7}}")
    path = tmp_path / "shown.yaml"
    path.write_text(dump_methodology(found), encoding="utf-8")
    assert load_methodology(path).model_dump(exclude={"switches"}) == found.model_dump(exclude={"switches"})


def test_an_option_may_take_away_what_another_one_changes(tmp_path: Path) -> None:
    own = """\
switches:
  ta_gate: {is: every_sow}
  own: {about: x, is: a, options: {a: {about: x, changes: {gates: {ta: null}}}, b: {about: y}}}
"""
    assert "ta" not in load_methodology(written(tmp_path, own)).gates


OPTION = """\
switches:
  own:
    about: x
    is: a
    options:
      a: {about: x}
      b: {about: y, changes: {%s}}
"""
BAD_OPTIONS = [
    ("a gate that the file does not know", "gates: {tb: {above: 5}}", "gates.tb.title: is missing"),
    ("a part that the model does not know", "gate: {}", "gate: is not known here; did you mean 'gates'? "),
    ("a name that leads nowhere", "gates: {ta: {role: boss}}", "gates.ta.role: no role is called 'boss'; allowed: "),
    ("a gate that nobody can pass", "gates: {ta: {labels: {passed: null}}}", "gates.ta: nobody could ever pass it: "),
]


@pytest.mark.parametrize(("changes", "says"), [case[1:] for case in BAD_OPTIONS], ids=[case[0] for case in BAD_OPTIONS])
def test_an_option_that_would_fail_is_told_before_anybody_chooses_it(changes: str, says: str, tmp_path: Path) -> None:
    path = written(tmp_path, OPTION % changes)
    load_methodology(path)
    with pytest.raises(FileFaults) as caught:
        check_methodology(path)
    assert all(fault.startswith(f"{path}:8: with switches.own.is: b: ") for fault in caught.value.faults)
    assert any(f"is: b: {says}" in fault for fault in caught.value.faults)


@pytest.mark.parametrize("changes", [case[1] for case in BAD_OPTIONS], ids=[case[0] for case in BAD_OPTIONS])
def test_and_it_does_fail_when_chosen(changes: str, tmp_path: Path) -> None:
    with pytest.raises(FileFaults):
        load_methodology(written(tmp_path, (OPTION % changes).replace("is: a", "is: b")))


def test_a_gate_that_waits_for_a_role_nobody_holds_is_a_warning(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(
        tmp_path, "roles:\n  ta: {users: [tess]}\n  rdm: {access_level: maintainer}\n  revenue: {groups: [fin]}\n"
    )
    assert main(["methodology", "check", str(path)]) == 0
    first, last = capsys.readouterr().out.splitlines()
    says = "roles.leadership: is held by nobody, so nobody can pass: Approval of PS leadership"
    assert re.fullmatch(rf"warning: default\.yaml:\d+: {re.escape(says)}", first)
    assert "in order" in last


def test_the_account_team_and_gates_with_a_proof_need_no_named_holder(tmp_path: Path) -> None:
    held = ", ".join(f"{role}: {{users: [x]}}" for role in ("ta", "rdm", "revenue", "leadership"))
    own = f"roles: {{{held}}}\ngates: {{customer_signature: {{proof: null, labels: {{passed: TA::Approved}}}}}}\n"
    assert check_methodology(written(tmp_path, own))[1] == ()


def test_the_one_that_ships_is_in_order_without_a_word_about_people(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PSPLAN_METHODOLOGY", raising=False)
    assert main(["methodology", "check"]) == 0
    assert capsys.readouterr().out.startswith("the methodology that ships: in order (")


def test_faults_of_a_file_end_the_check(tmp_path: Path) -> None:
    from app.cli_methodology import check

    with pytest.raises(Failure, match=r"own\.yaml:2: gates\.ta\.role: no role is called 'x'"):
        check(written(tmp_path, "gates: {ta: {role: x}}"))


# ----------------------------------------------------------------------------------------------------------------------

SHIPPED: dict[str, Any] = yaml.safe_load(DEFAULT.read_text(encoding="utf-8"))
PROCESS = ["roles", "stages", "readiness", "switches", "money", "criteria", "gates", "asks", "tracks"]
PROCESS += ["automatic", "starts", "spellings", "labels", "fiscal"]


def _places(content: Any, where: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    for name, inner in content.items() if isinstance(content, dict) else enumerate(content):
        yield (*where, name)
        if isinstance(inner, dict | list):
            yield from _places(inner, (*where, name))


PLACES = [(part, *where) for part in PROCESS for where in _places(SHIPPED[part])]
WORDS = ["ta", "sow_wip", "on_hold", "open", "intake", "won", "proposal::SOW_WIP", "readiness", "x", ""]
OTHERS: list[Any] = [*WORDS, None, 0, [], {}]
EDITS = st.tuples(st.sampled_from(PLACES), st.sampled_from(["drop", "rename", "replace"]), st.sampled_from(OTHERS))


def _edit(content: Any, where: tuple[Any, ...], how: str, other: Any) -> None:
    """One edit; nothing, where an earlier one has taken the place away."""
    *way, last = where
    try:
        for part in way:
            content = content[part]
        held = content[last]
        if how == "replace":
            content[last] = copy.deepcopy(other)
        else:
            del content[last]
            if how == "rename" and isinstance(content, dict):
                content[f"{last}x"] = held
    except (KeyError, IndexError, TypeError):
        return


def _faults(path: Path) -> tuple[str, ...]:
    try:
        load_methodology(path)
    except FileFaults as found:
        return found.faults or ("refused without a word",)
    return ()


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.lists(EDITS, min_size=1, max_size=3))
def test_a_spoiled_file_loads_or_is_refused_by_line_and_nothing_else_happens(
    edits: list[tuple[tuple[str | int, ...], str, Any]], tmp_path: Path
) -> None:
    content = copy.deepcopy(SHIPPED)
    for where, how, other in edits:
        _edit(content, where, how, other)
    path = tmp_path / "own.yaml"
    path.write_text(yaml.dump(content, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False))
    assert [fault for fault in _faults(path) if not re.match(re.escape(str(path)) + r":\d+: \S", fault)] == []
