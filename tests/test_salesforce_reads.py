"""What is read in Salesforce: of many messages about one record that wait, one costs a call."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from app.errors import Absent
from app.methodology import load_methodology
from app.ports import Record
from app.salesforce import CLOCKS_APART_S, MOST_HELD, LastRead, SalesforceReads
from tests.harness import METHODOLOGY

ID = "006Aa00000000001"


class Counted:
    """A Salesforce whose records say how often it was asked."""

    def __init__(self) -> None:
        self.calls = 0
        self.is_there = True

    def read(self, _kind: str, ident: str, _fields: Sequence[str]) -> Record:
        self.calls += 1
        if not self.is_there:
            raise Absent("gone")
        return Record(ident, 0.0, {"StageName": str(self.calls)})

    def find(self, _kind: str, _field: str, value: str, _fields: Sequence[str]) -> Record:
        self.calls += 1
        return Record(value, 0.0, {"Status": str(self.calls)})


@pytest.fixture
def moment() -> list[float]:
    return [1_000.0]


@pytest.fixture
def salesforce() -> Counted:
    return Counted()


@pytest.fixture
def reads(salesforce: Counted, moment: list[float]) -> SalesforceReads:
    rules = load_methodology(Path(METHODOLOGY)).salesforce
    return SalesforceReads(salesforce, rules, LastRead(lambda: moment[0]))  # type: ignore[arg-type]


def test_messages_that_came_before_it_was_read_are_answered_by_what_was_read(
    reads: SalesforceReads, salesforce: Counted
) -> None:
    for told_at in (990.0, 991.0, 1_000.0 - CLOCKS_APART_S - 0.1):
        found = reads.opportunity(ID, after=told_at)
        assert found is not None
        assert found.fields["StageName"] == "1"
        case = reads.legal_case("an-engagement", after=told_at)
        assert case is not None
        assert case.fields["Status"] == "2"
    assert salesforce.calls == 2


@pytest.mark.parametrize("told_at", [1_000.0, 1_000.0 - CLOCKS_APART_S, 1_100.0, None])
def test_what_came_later_or_says_now_is_read_anew(
    told_at: float | None, reads: SalesforceReads, salesforce: Counted
) -> None:
    reads.opportunity(ID, after=990.0)
    reads.opportunity(ID, after=told_at)
    assert salesforce.calls == 2


def test_that_a_record_is_gone_is_remembered_as_well(reads: SalesforceReads, salesforce: Counted) -> None:
    salesforce.is_there = False
    assert reads.opportunity(ID, after=990.0) is None
    assert reads.opportunity(ID, after=990.0) is None
    assert salesforce.calls == 1


def test_only_so_many_are_held(reads: SalesforceReads, salesforce: Counted) -> None:
    for number in range(MOST_HELD + 1):
        reads.opportunity(f"006Aa{number:010}", after=990.0)
    reads.opportunity(f"006Aa{MOST_HELD:010}", after=990.0)
    assert salesforce.calls == MOST_HELD + 1
    reads.opportunity(f"006Aa{0:010}", after=990.0)
    assert salesforce.calls == MOST_HELD + 2, "the one that was read first is forgotten"
