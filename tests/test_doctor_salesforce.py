"""What `psplan doctor` says of Salesforce, as it should be and with one thing wrong."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app.background import BackgroundServer
from app.sandbox.salesforce import SalesforceWorld
from app.sandbox.salesforce_kinds import Kind
from app.sandbox.salesforce_login import CLIENT_ID, CLIENT_SECRET, ConnectedApp
from app.sandbox.salesforce_routes import create_salesforce_app
from tests.harness import own_methodology
from tests.operating import Desk, desk, furnish
from tests.salesforce_stage import HOOK_TOKEN, new_world


@dataclass
class Office:
    """An operator's desk, with Salesforce."""

    desk: Desk
    world: SalesforceWorld


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Office]:
    world = new_world()
    with (
        desk(tmp_path, monkeypatch, capsys) as made,
        BackgroundServer(create_salesforce_app(world, ConnectedApp())) as server,
    ):
        furnish(made)
        made.env |= {
            "PSPLAN_SALESFORCE_WEBHOOK_TOKENS": HOOK_TOKEN,
            "PSPLAN_SALESFORCE_ORGANIZATION_ID": world.organization,
            "PSPLAN_SALESFORCE_URL": server.url,
            "PSPLAN_SALESFORCE_CLIENT_ID": CLIENT_ID,
            "PSPLAN_SALESFORCE_CLIENT_SECRET": CLIENT_SECRET,
        }
        yield Office(made, world)


def of_salesforce(office: Office) -> tuple[list[str], int]:
    ran = office.desk.psplan("doctor", "--json")
    return [f"{each['state']}: {each['reason']}" for each in ran.json if each["subject"] == "Salesforce"], ran.code


def test_salesforce_as_it_should_be_is_one_line_and_nothing_is_written(office: Office) -> None:
    lines, code = of_salesforce(office)
    assert lines == [f"ok: organisation {office.world.organization}; 14,999 of 15,000 calls of this day are left"]
    assert code == 0
    assert not {"update", "upsert", "create", "submit"} & set(office.world.calls)


def setting(name: str, value: str) -> Callable[[Office], None]:
    return lambda office: office.desk.env.update({f"PSPLAN_SALESFORCE_{name}": value})


def without(*names: str) -> Callable[[Office], None]:
    def change(office: Office) -> None:
        for name in names:
            del office.desk.env[f"PSPLAN_SALESFORCE_{name}"]

    return change


def lacking(kind: str, name: str) -> Callable[[Office], None]:
    def change(office: Office) -> None:
        known = office.world.kinds[kind]
        fields = tuple(each for each in known.fields if each.name != name)
        office.world.kinds[kind] = Kind(known.name, known.prefix, fields)

    return change


def process(own: str) -> Callable[[Office], None]:
    return lambda office: office.desk.env.update(PSPLAN_METHODOLOGY=str(own_methodology(office.desk.folder, own)))


def used_up(office: Office) -> None:
    office.world.calls_used = 14_500


API = ("URL", "CLIENT_ID", "CLIENT_SECRET")
TABLE: dict[str, tuple[Callable[[Office], None], str, int]] = {
    "nothing is configured": (
        without(*API, "WEBHOOK_TOKENS", "ORGANIZATION_ID"),
        "not configured: stages come from SFDC labels, which people set",
        0,
    ),
    "messages alone": (
        without(*API),
        "warning: PSPLAN_SALESFORCE_URL is not set: what messages tell is believed, and nothing is written there",
        0,
    ),
    "the connection alone": (
        without("WEBHOOK_TOKENS"),
        "warning: PSPLAN_SALESFORCE_WEBHOOK_TOKENS is not set: changes are seen by the sweep alone, minutes later",
        0,
    ),
    "any organisation is heard": (
        without("ORGANIZATION_ID"),
        "warning: PSPLAN_SALESFORCE_ORGANIZATION_ID is not set: any organisation that has the token is heard",
        0,
    ),
    "a secret that is not taken": (
        setting("CLIENT_SECRET", "old"),
        "broken: Salesforce does not take the login (invalid_client)",
        1,
    ),
    "nothing answers": (
        setting("URL", "http://127.0.0.1:9"),
        "broken: Salesforce cannot be reached (ConnectError)",
        1,
    ),
    "another organisation": (
        setting("ORGANIZATION_ID", "00D000000000001AAA"),
        "broken: the login is for organisation {organization}, and messages of 00D000000000001AAA are heard",
        1,
    ),
    "few calls are left": (used_up, "warning: 499 of 15,000 calls of this day are left", 0),
    "a field of opportunities that is not there": (
        lacking("Opportunity", "EM_Confidence_Rationale__c"),
        "broken: Opportunity.EM_Confidence_Rationale__c (salesforce.writes.confidence) cannot be read: "
        "Salesforce answered INVALID_FIELD to query",
        1,
    ),
    "a field of cases that is not there": (
        lacking("Case", "PS_Plan_Id__c"),
        "broken: Case.PS_Plan_Id__c (salesforce.legal_case.external_id) cannot be read: "
        "Salesforce answered INVALID_FIELD to query",
        1,
    ),
    "an object that is not there": (
        process("salesforce: {legal_case: {object: Legal_Case__c}}"),
        "broken: Legal_Case__c.Status (salesforce.legal_case.status) cannot be read: "
        "Salesforce answered INVALID_TYPE to query",
        1,
    ),
    "no methodology": (
        process("tracks: 7"),
        "not checked: its fields: the methodology has to be mended first",
        1,
    ),
}


@pytest.mark.parametrize(("spoil", "told", "code"), TABLE.values(), ids=TABLE)
def test_one_thing_wrong_is_said_in_one_line(
    office: Office, spoil: Callable[[Office], None], told: str, code: int
) -> None:
    spoil(office)
    lines, ended = of_salesforce(office)
    assert told.format(organization=office.world.organization) in lines
    assert ended == code
