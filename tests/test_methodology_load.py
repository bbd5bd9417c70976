"""A team's own methodology file: laid over the one that ships, and refused by file and line where it is wrong."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.layers import FileFaults
from app.methodology import Methodology, dump_methodology, load_methodology

EXTENDS = "extends: default\n"


def load(folder: Path, text: str) -> Methodology:
    path = folder / "own.yaml"
    path.write_text(text, encoding="utf-8")
    return load_methodology(path)


def faults_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(FileFaults) as caught:
        load(folder, text)
    return [fault.removeprefix(f"{folder}/") for fault in caught.value.faults]


def test_a_file_that_only_extends_is_the_default(tmp_path: Path) -> None:
    assert load(tmp_path, EXTENDS) == load_methodology(None)


def test_the_pinned_layout_of_roles_and_routing_is_read(tmp_path: Path) -> None:
    own = """\
extends: default
roles:
  em: {users: [jane], groups: [ps/engagement-managers], access_level: null}
routing:
  default_em: jane
"""
    found = load(tmp_path, own)
    assert (found.roles["em"].users, found.roles["em"].groups) == (("jane",), ("ps/engagement-managers",))
    assert found.roles["em"].title == "Engagement Manager"
    assert found.routing.default_em == "jane"
    assert found.routing.triage_role == "em"


def test_named_entries_are_merged_lists_are_replaced_and_null_takes_away(tmp_path: Path) -> None:
    own = """\
extends: default
issues: {scoping: {labels: [Services Calculator, "EM_Status::ToDo"]}}
questions:
  geo: {required: true}
  proxy: null
  coffee: {sets: [general], text: Is there coffee?, example: "Yes", why: Meetings are long.}
routing: {territories: {"Mars*": SMB}}
"""
    found, shipped = load(tmp_path, own), load_methodology(None)
    assert found.issues.scoping.labels == ("Services Calculator", "EM_Status::ToDo")
    assert found.issues.scoping.title == shipped.issues.scoping.title
    assert found.questions["geo"].required
    assert found.questions["geo"].text == shipped.questions["geo"].text
    assert "proxy" not in found.questions
    names = list(found.questions)
    assert names.index("coffee") == names.index("geo") + 1
    assert len(found.routing.territories) == len(shipped.routing.territories) + 1


NEGOTIATION = """\
extends: default
tracks:
  proposal:
    states:
      {before}negotiation: {{title: Talks, label: "proposal::Talks", stage: scoping, step: Talk, dri: em}}
labels: {{"proposal::Talks": {{colour: "#123456", description: x, on: [scoping]}}}}
"""


def test_a_new_state_stands_behind_the_one_that_it_follows_in_its_own_file(tmp_path: Path) -> None:
    found = load(tmp_path, NEGOTIATION.format(before="approved: {}\n      "))
    assert found.tracks["proposal"].path[-3:] == ("approved", "negotiation", "closed_won")


def test_a_new_state_that_follows_none_would_come_after_the_end_and_is_refused(tmp_path: Path) -> None:
    (fault,) = faults_of(tmp_path, NEGOTIATION.format(before=""))
    assert fault.startswith("own.yaml:5: tracks.proposal.states.negotiation: stands behind 'closed_won'")


def test_what_is_dumped_loads_as_the_same_methodology(tmp_path: Path) -> None:
    shipped = load_methodology(None)
    assert load(tmp_path, dump_methodology(shipped)) == shipped


GREY = "colour: '#123456', description: x"
WRONG: list[tuple[str, str, str]] = [
    ("a name that does not exist", "role: {}", "2: role: is not known here; did you mean 'roles'?"),
    ("a wrong key deep inside", "questions:\n  geo:\n    requird: true", "4: questions.geo.requird: is not known"),
    ("a label nobody made", "issues:\n  scoping:\n    labels:\n    - Nope", "5: issues.scoping.labels.0: no label"),
    ("a service's label", "services: {training: {label: Nope}}", "2: services.training.label: no label"),
    ("a label of a segment", 'classification: {segment: "S::{segment}"}', "2: classification.segment: no label"),
    ("a label for the public sector", "classification: {pubsec_us: Nope}", "2: classification.pubsec_us: no label"),
    ("a service taken away", "services:\n  training: null", "2: services: lacks the service 'training'"),
    ("an unknown service", "services:\n  cleaning: {}", "services.cleaning: is not known here; allowed: "),
    ("a question set nobody made", "questions:\n  geo: {sets: [implementatio]}", "did you mean 'implementation'?"),
    ("a service's question set", "services: {other: {question_sets: {x: {}}}}", "no question set is called 'x'"),
    ("a field that does not exist", "questions: {geo: {from: [user]}}", "a submission has no field 'user'"),
    ("a condition on no field", "questions: {geo: {when: {user: [a]}}}", "a submission has no field 'user'"),
    ("a set's object", "question_sets: {svn: {answers: svn}}", "a submission has no field 'svn'"),
    ("words for no field", "words: {user: {a: b}}", "2: words.user: a submission has no field"),
    ("an intake field nobody made", "questions: {geo: {intake: geo}}", "no intake field is called 'geo'"),
    ("an intake field's source", "intake_fields: {po: {from: [routing.tm]}}", "a submission has no field 'routing.tm'"),
    ("an intake field's owner", "intake_fields: {po: {owner: boss}}", "2: intake_fields.po.owner: no role"),
    ("a stage's DRI", "stages: {scoping: {dri: boss}}", "2: stages.scoping.dri: no role"),
    ("a readiness item's owner", "readiness: {close_plan: {owner: boss}}", "2: readiness.close_plan.owner: no role"),
    ("a triage role", "routing: {triage_role: boss}", "2: routing.triage_role: no role is called 'boss'; allowed: "),
    ("a segment nobody has", "routing: {territories: {X: Mars}}", "routing.territories.X: is not known here"),
    ("an EM with a blank", "routing:\n  default_em: jane doe", "3: routing.default_em: does not have the right form"),
    ("a list that is a word", "roles: {em: {users: jane}}", "2: roles.em.users: must be a list"),
    ("an access level", "roles: {em: {access_level: king}}", "allowed: guest, planner, reporter"),
    ("a live mention", 'questions: {geo: {text: "Ask @all"}}', "'@a' would be live"),
    ("a bar in a table", 'questions: {geo: {why: "a | b"}}', "'|' would be live"),
    ("two lines", 'questions: {geo: {why: "a\\nb"}}', "must be a single line"),
    ("a number as example", "questions:\n  geo:\n    example: 5", "4: questions.geo.example: must be text; put"),
    ("a colour", "labels: {X: {colour: red, description: x, on: [scoping]}}", "2: labels.X.colour: does not have"),
    ("a label with a comma", f'labels: {{"X,Y": {{{GREY}, on: [scoping]}}}}', "no comma"),
    ("an issue that no label stands on", f"labels: {{X: {{{GREY}, on: [epic]}}}}", "allowed: scoping, intake"),
    ("a family without a star", f'label_families: {{"x::": {{{GREY}, on: [scoping], pattern: x}}}}', "one *"),
    ("a bad pattern", f'label_families: {{"x::*": {{{GREY}, on: [scoping], pattern: "("}}}}', "regular expression"),
    ("a time zone", "time_zone: Mars/North", "2: time_zone: must be a time zone"),
    ("no hours", "clocks: {first_touch: {hours: 0}}", "2: clocks.first_touch.hours:"),
    ("a host with a path", "link_hosts: [https://salesforce.com/]", "2: link_hosts.0: must be a host name"),
    ("a tick that is none", "confidential: {pubsec_us: maybe}", "2: confidential.pubsec_us: must be true or false"),
    ("a part that is a word", "roles: many", "2: roles: must hold named entries"),
    ("the same name twice", "roles: {}\nroles: {}", "3: roles: stands twice"),
    ("a day that YAML cannot read", "time_zone: 2026-13-45", "2: time_zone: "),
    ("another base", "", "1: extends: allowed: default"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG])
def test_a_fault_names_file_line_place_and_what_is_allowed(text: str, expected: str, tmp_path: Path) -> None:
    found = faults_of(tmp_path, f"{EXTENDS if text else 'extends: other'}{text}")
    assert any(expected in fault for fault in found), found
    assert all(fault.startswith("own.yaml:") for fault in found)


def test_a_role_taken_away_is_told_also_where_the_default_names_it(tmp_path: Path) -> None:
    found = faults_of(tmp_path, EXTENDS + "roles:\n  rdm: null\n")
    assert found[0].startswith("own.yaml:2: roles: lacks the role 'rdm'")
    assert any(re.match(r"default\.yaml:\d+: gates\.rdm\.role: no role is called 'rdm'", fault) for fault in found)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [", "is not YAML"),
        ("just words", "must hold named entries"),
        ("", "must hold named entries"),
        ("- a", "must hold named entries"),
        ("a: \0", "is not YAML"),
        ("time_zone: UTC", "is missing"),
        ("? [a]\n: b", "must be plain text"),
        ("a: !!python/name:os.system", "cannot be read as YAML"),
        ("a: &a [*a]", "holds itself"),
    ],
    ids=[
        *("not closed", "a word", "empty", "a list", "a control character", "one name only", "a list as name", "a tag"),
        "an alias inside itself",
    ],
)
def test_what_is_no_methodology_is_refused(text: str, expected: str, tmp_path: Path) -> None:
    assert any(expected in fault for fault in faults_of(tmp_path, text))


def test_all_faults_are_told_in_the_order_of_their_lines(tmp_path: Path) -> None:
    found = faults_of(tmp_path, EXTENDS + "time_zone: x\nrole: {}\nlink_hosts: [y]\n")
    assert [fault.split(":")[1] for fault in found] == ["2", "3", "4"]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileFaults, match=r"none\.yaml: cannot be read"):
        load_methodology(tmp_path / "none.yaml")


def test_a_file_that_is_no_text_is_told(tmp_path: Path) -> None:
    path = tmp_path / "own.yaml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FileFaults, match="is not UTF-8 text"):
        load_methodology(path)
