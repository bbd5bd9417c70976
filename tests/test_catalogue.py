"""The catalogue: full, in order, and every fault of a team's own file is told with its line."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from app.catalogue import load_catalogue
from app.cli_catalogue import check
from app.documents.estimate import draft
from app.documents.facts import read_facts
from app.failure import Failure
from app.layers import FileFaults
from app.methodology import load_methodology
from app.submission.choices import EstimateType, Service

GUIDE = Path(__file__).parents[1] / "docs" / "catalogue-guide.md"


@pytest.mark.parametrize("service", list(Service))
def test_every_service_has_a_price(service: Service) -> None:
    catalogue = load_catalogue(questions=load_methodology().questions)
    estimate = draft(read_facts({}, catalogue), [service], catalogue, currency="USD", form=EstimateType.TM)
    assert estimate.total > 0


def test_the_file_of_the_guide_is_in_order_and_does_what_it_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (text,) = re.findall(r"```yaml\n(.*?)```", GUIDE.read_text(), re.DOTALL)
    Path("acme.yaml").write_text(text)
    assert check(Path("acme.yaml")) == 0
    assert "acme.yaml: in order (version acme-2027.1, 43 activities" in capsys.readouterr().out
    found = load_catalogue(Path("acme.yaml"))
    assert (found.roles["pse"].price["USD"], found.roles["pse"].price["EUR"]) == (345, 300)
    assert "implementation_airgap_remote" not in found.activities
    assert list(found.activities).index("executive_briefing") == list(found.activities).index("scm_waves_remote") + 1


@pytest.mark.parametrize(
    ("own", "fault"),
    [
        ("activities:\n  kickoff: {hours: {pmm: '1'}}", ":3: activities.kickoff.hours.pmm: no such role; did you mean"),
        ("activities:\n  kickoff: {hours: {pm: 'userz'}}", ":3: activities.kickoff.hours.pm: no such fact: userz"),
        ("activities:\n  kickoff: {hours: {pm: '1 +'}}", "'1 +' is no equation"),
        ("activities:\n  kickoff: {hours: {pm: '500 - users'}}", "gives a negative number"),
        ("activities:\n  kickoff: {hours: {pm: '1 / large_repos'}}", "cannot be worked out: DivisionByZero"),
        ("activities:\n  kickoff: {when: 'users'}", "is neither true nor false"),
        ("activities:\n  kickoff: {hours: {pm: '__import__(1)'}}", "calls what is not there"),
        ("activities:\n  kickoff: {sku: NOPE}", "no such catalogue item"),
        ("activities:\n  kickoff: {quantity: '1'}", "a quantity is of a catalogue item"),
        ("activities:\n  kickoff: {deliverables: [half a sentence]}", "does not have the right form"),
        ("activities:\n  kickoff: {deliverables: ['Ask @all.']}", "would be live in an issue"),
        ("facts:\n  users: {answered_by: [usrs_planned]}", "no such question; did you mean 'users_planned'?"),
        ("facts:\n  users: {assume: many}", "must be a number"),
        ("facts:\n  geo: {assume: 1}", "must be true or false"),
        ("roles:\n  pse: {price: {USD: null}}", "USD"),
        ("rough:\n  saas: {up_to: [1, 1, 2, 3]}", "must grow"),
        ("rough:\n  saas: {ranges: [[[1, 2]]]}", "must have a row for each"),
        ("currency: CHF", "has no price in CHF"),
    ],
)
def test_a_fault_is_told_with_its_line(own: str, fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("c.yaml").write_text(f"extends: default\n{own}\n")
    with pytest.raises(Failure) as told:
        check(Path("c.yaml"))
    assert fault in str(told.value)
    assert all(re.match(r"(c|default)\.yaml:\d+: ", line) for line in str(told.value).splitlines())


def test_what_is_no_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(FileFaults, match="cannot be read"):
        load_catalogue(tmp_path / "nowhere.yaml")
