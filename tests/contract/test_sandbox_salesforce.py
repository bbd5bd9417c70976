"""The stand-in Salesforce answers as Salesforce's documentation says, and the adapter understands it, call by call."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from app.adapters import soql
from app.adapters.salesforce import SalesforceApi
from app.adapters.salesforce_login import ClientCredentials, JwtBearer, Login
from app.adapters.salesforce_restraint import SalesforceRestraint
from app.background import BackgroundServer
from app.errors import Absent, Held, Permanent, Retry, VendorDown
from app.metrics import Metrics
from app.sandbox.salesforce import API, SalesforceWorld
from app.sandbox.salesforce_kinds import Field
from app.sandbox.salesforce_login import CLIENT_ID, CLIENT_SECRET, USERNAME, ConnectedApp
from app.sandbox.salesforce_routes import create_salesforce_app
from app.sandbox.soql import parse
from tests.salesforce_stage import new_opportunity, new_world

FIELDS = ("StageName", "Account.Name", "Professional_Services_Value__c")
NOBODY = "006Aa0000000000IAA"


@dataclass
class Bench:
    """The stand-in, a plain client of it with a session, and our adapter."""

    world: SalesforceWorld
    app: ConnectedApp
    url: str
    api: SalesforceApi
    metrics: Metrics
    seconds: list[float]
    headers: dict[str, str] = field(default_factory=dict)

    def log_in(self) -> httpx.Response:
        """As any client does."""
        form = {"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET}
        answer = httpx.post(f"{self.url}/services/oauth2/token", data=form)
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        return answer

    def ask(self, method: str, path: str, **words: Any) -> httpx.Response:
        """As any client does, with its session."""
        return httpx.request(method, f"{self.url}{API}{path}", headers=self.headers, **words)

    def query(self, text: str) -> httpx.Response:
        """The first page."""
        return self.ask("GET", "/query", params={"q": text})


def error(answer: httpx.Response) -> tuple[int, str]:
    """Status and code."""
    return answer.status_code, answer.json()[0]["errorCode"]


@pytest.fixture(scope="module")
def server() -> Iterator[tuple[SalesforceWorld, ConnectedApp, str]]:
    world, app = new_world(), ConnectedApp()
    with BackgroundServer(create_salesforce_app(world, app)) as running:
        yield world, app, running.url


def opened(url: str, login: Login | None = None) -> tuple[SalesforceApi, Metrics, list[float]]:
    seconds = [0.0]
    restraint = SalesforceRestraint(lambda: seconds[0], metrics := Metrics())
    login = login or ClientCredentials(CLIENT_ID, lambda: CLIENT_SECRET)
    return SalesforceApi(url=url, login=login, restraint=restraint), metrics, seconds


@pytest.fixture
def on(server: tuple[SalesforceWorld, ConnectedApp, str]) -> Iterator[Bench]:
    world, app, url = server
    api, metrics, seconds = opened(url)
    bench = Bench(world, app, url, api, metrics, seconds)
    bench.log_in()
    world.calls_used = 0
    yield bench
    world.troubles.clear()
    world.busy_rows.clear()
    world.rules.clear()
    world.page = 2000
    app.certificate, app.instance_url = None, None


# -- the stand-in, asked as anybody would


def test_a_login_names_the_instance_and_the_organisation(on: Bench) -> None:
    answer = on.log_in()
    assert answer.status_code == 200
    assert answer.json()["token_type"] == "Bearer"
    assert answer.json()["instance_url"] == on.url
    assert answer.json()["id"] == f"{on.url}/id/{on.world.organization}/{on.world.user}"


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"grant_type": "client_credentials", "client_id": CLIENT_ID, "client_secret": "other"}, "invalid_client"),
        ({"grant_type": "client_credentials", "client_id": "other"}, "invalid_client_id"),
        ({"grant_type": "password", "username": "a", "password": "b"}, "unsupported_grant_type"),
        ({"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": "a.b.c"}, "invalid_grant"),
        ({}, "unsupported_grant_type"),
    ],
)
def test_a_login_that_is_not_taken(on: Bench, form: dict[str, str], code: str) -> None:
    answer = httpx.post(f"{on.url}/services/oauth2/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, code)


def test_without_a_session_nothing_is_answered(on: Bench) -> None:
    on.headers = {}
    assert error(on.query("SELECT Id FROM Opportunity")) == (401, "INVALID_SESSION_ID")


@pytest.mark.parametrize(
    ("query", "refused"),
    [
        ("SELECT Id FROM Opportunity WHERE", "MALFORMED_QUERY"),
        ("SELECT Id, Id FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT * FROM Opportunity", "MALFORMED_QUERY"),
        ("SELECT Id FROM Opportunity WHERE Name = 'it's'", "MALFORMED_QUERY"),
        ("SELECT Nothing__c FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Owner.Nothing FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Nobody.Name FROM Opportunity", "INVALID_FIELD"),
        ("SELECT Id FROM Opportunity WHERE CloseDate = 'soon'", "INVALID_FIELD"),
        ("SELECT Id FROM Unheard", "INVALID_TYPE"),
    ],
)
def test_a_query_that_is_none(on: Bench, query: str, refused: str) -> None:
    assert error(on.query(query)) == (400, refused)


def test_a_query_shows_parents_as_objects_and_missing_ones_as_null(on: Bench) -> None:
    ident = new_opportunity(on.world, account="Initech")
    answer = on.query(
        "SELECT Id, StageName, Account.Name, Owner.Email, Parent_Opportunity__r.Name FROM Opportunity "
        "WHERE Account.Name = 'Initech'"
    )
    (row,) = answer.json()["records"]
    assert row["attributes"]["url"] == f"{API}/sobjects/Opportunity/{ident}"
    assert row["Account"]["Name"] == "Initech"
    assert row["Owner"]["Email"] == "alice@example.com"
    assert row["Parent_Opportunity__r"] is None
    assert answer.json()["done"] is True


def test_long_answers_come_in_pages_whose_cursor_is_good_once(on: Bench) -> None:
    on.world.page = 2
    for number in range(5):
        new_opportunity(on.world, account="Pages", Name=f"Page {number}")
    first = on.query("SELECT Name FROM Opportunity WHERE Account.Name = 'Pages' ORDER BY Name").json()
    assert (first["totalSize"], first["done"], len(first["records"])) == (5, False, 2)
    path = first["nextRecordsUrl"].removeprefix(API)
    second = on.ask("GET", path).json()
    assert [row["Name"] for row in second["records"]] == ["Page 2", "Page 3"]
    assert error(on.ask("GET", path)) == (400, "INVALID_QUERY_LOCATOR")


@pytest.mark.parametrize(
    ("path", "body", "refused"),
    [
        ("Opportunity/{id}", {"Nothing__c": "x"}, (400, "INVALID_FIELD")),
        ("Opportunity/{id}", {"CreatedDate": "2026-01-01T00:00:00Z"}, (400, "INVALID_FIELD_FOR_INSERT_UPDATE")),
        ("Opportunity/{id}", {"Name": "x" * 121}, (400, "STRING_TOO_LONG")),
        ("Opportunity/{id}", {"CloseDate": "soon"}, (400, "JSON_PARSER_ERROR")),
        ("Opportunity/{id}", {"Proserve_Amount__c": "many"}, (400, "JSON_PARSER_ERROR")),
        ("Opportunity/{id}", {"OwnerId": "erin"}, (400, "MALFORMED_ID")),
        ("Opportunity/{id}", {"OwnerId": NOBODY}, (400, "INVALID_CROSS_REFERENCE_KEY")),
        (f"Opportunity/{NOBODY}", {"Name": "x"}, (404, "NOT_FOUND")),
        ("Unheard/{id}", {"Name": "x"}, (404, "NOT_FOUND")),
        ("Case/PS_Plan_Id__c/one", {"PS_Plan_Id__c": "one"}, (400, "INVALID_FIELD")),
        ("Case/Subject/one", {"Status": "New"}, (404, "NOT_FOUND")),
    ],
)
def test_a_write_that_is_refused(on: Bench, path: str, body: dict[str, str], refused: tuple[int, str]) -> None:
    ident = new_opportunity(on.world)
    assert error(on.ask("PATCH", f"/sobjects/{path.format(id=ident)}", json=body)) == refused


def test_a_write_answers_nothing_and_is_there(on: Bench) -> None:
    ident = new_opportunity(on.world)
    answer = on.ask("PATCH", f"/sobjects/Opportunity/{ident[:15]}", json={"StageName": "4-Proposal"})
    assert (answer.status_code, answer.content) == (204, b"")
    assert on.world.value(ident, "StageName") == "4-Proposal"


def test_an_upsert_is_201_for_a_new_record_200_for_an_old_one_and_300_for_several(on: Bench) -> None:
    made = on.ask("PATCH", "/sobjects/Case/PS_Plan_Id__c/up-1", json={"Status": "New"})
    assert (made.status_code, made.json()["created"]) == (201, True)
    again = on.ask("PATCH", "/sobjects/Case/PS_Plan_Id__c/up-1", json={"Status": "Working"})
    assert (again.status_code, again.json()["id"], again.json()["created"]) == (200, made.json()["id"], False)
    on.world.add_field("Case", Field("Loose__c", is_external=True, is_unique=False))
    for _ in range(2):
        on.world.add("Case", Loose__c="twice", Status="New")
    both = on.ask("PATCH", "/sobjects/Case/Loose__c/twice", json={"Status": "Working"})
    assert (both.status_code, len(both.json())) == (300, 2)


def test_what_is_submitted_is_locked_until_it_is_decided(on: Bench) -> None:
    ident = new_opportunity(on.world)
    request = {"requests": [{"actionType": "Submit", "contextId": ident, "comments": "please"}]}
    answer = on.ask("POST", "/process/approvals/", json=request)
    assert answer.json()[0]["instanceStatus"] == "Pending"
    assert error(on.ask("POST", "/process/approvals/", json=request)) == (400, "ALREADY_IN_PROCESS")
    write = {"StageName": "5-Negotiating"}
    assert error(on.ask("PATCH", f"/sobjects/Opportunity/{ident}", json=write)) == (400, "ENTITY_IS_LOCKED")
    on.world.decide(ident, Finance_Approval_Status__c="Approved")
    assert on.ask("PATCH", f"/sobjects/Opportunity/{ident}", json=write).status_code == 204


def test_each_answer_tells_how_much_of_the_day_is_used(on: Bench) -> None:
    used = [on.query("SELECT Id FROM User").headers["sforce-limit-info"] for _ in range(2)]
    assert used == ["api-usage=1/15000", "api-usage=2/15000"]
    on.world.calls_used = on.world.calls_max
    assert error(on.query("SELECT Id FROM User")) == (403, "REQUEST_LIMIT_EXCEEDED")


# -- the adapter


def test_a_record_is_read_by_its_id_in_either_form(on: Bench) -> None:
    ident = new_opportunity(on.world, account="Hooli", Professional_Services_Value__c=Decimal("62000.10"))
    for given_id in (ident, ident[:15]):
        record = on.api.read("Opportunity", given_id, FIELDS)
        assert record.id == ident
        assert record.fields == {
            "StageName": "2-Scoping",
            "Account.Name": "Hooli",
            "Professional_Services_Value__c": Decimal("62000.1"),
        }
        assert abs(record.changed_at - on.world.records[ident].changed_at) < 1.0


@pytest.mark.parametrize("ident", [NOBODY, "not an id", "' OR Name != '"])
def test_what_is_not_there_is_absent(on: Bench, ident: str) -> None:
    with pytest.raises(Absent):
        on.api.read("Opportunity", ident, FIELDS)


def test_a_deleted_record_is_absent(on: Bench) -> None:
    ident = new_opportunity(on.world)
    on.world.delete(ident)
    with pytest.raises(Absent):
        on.api.read("Opportunity", ident, FIELDS)
    with pytest.raises(Absent):
        on.api.update("Opportunity", ident, {"StageName": "4-Proposal"})


def test_the_first_of_several_is_found(on: Bench) -> None:
    first = on.world.add("Account", Name="Twice")
    on.world.add("Account", Name="Twice")
    found = on.api.find("Account", "Name", "Twice", ("Name",))
    assert found is not None
    assert found.id == first
    assert on.api.find("Account", "Name", "Never", ("Name",)) is None


def test_of_several_those_are_found_that_meet_the_rest(on: Bench) -> None:
    on.world.add("User", Name="Was Erin", Email="twice@example.com", IsActive=False)
    now = on.world.add("User", Name="Is Erin", Email="twice@example.com")
    found = on.api.find("User", "Email", "twice@example.com", (), where={"IsActive": True})
    assert found is not None
    assert found.id == now
    on.world.change(now, IsActive=False)
    assert on.api.find("User", "Email", "twice@example.com", (), where={"IsActive": True}) is None


def test_what_changed_with_nothing_in_a_field_is_left_out(on: Bench) -> None:
    held = on.world.add("Case", PS_Plan_Id__c="filled-1", Status="New")
    on.world.add("Case", Status="New")
    since = datetime.fromtimestamp(0, UTC)
    found = on.api.changed("Case", ("Status",), since=since, most=500, filled=("PS_Plan_Id__c",))
    assert held in {each.id for each in found}
    assert all(on.world.value(each.id, "PS_Plan_Id__c") for each in found)


def test_what_changed_since_comes_page_by_page_and_is_cut_at_most(on: Bench) -> None:
    on.world.page = 2
    made = [new_opportunity(on.world, account="Since") for _ in range(5)]
    where, since = {"Account.Name": "Since"}, datetime.fromtimestamp(0, UTC)
    whole = on.api.changed("Opportunity", FIELDS, since=since, where=where, most=5)
    assert ([each.id for each in whole], whole.is_cut) == (made, False)
    part = on.api.changed("Opportunity", FIELDS, since=since, where=where, most=3)
    assert ([each.id for each in part], part.is_cut) == (made[:3], True)
    later = datetime.fromtimestamp(on.world.clock() + 60, UTC)
    assert list(on.api.changed("Opportunity", FIELDS, since=later, where=where, most=5)) == []


def test_a_number_is_written_to_its_last_digit(on: Bench) -> None:
    ident = new_opportunity(on.world)
    on.api.update("Opportunity", ident, {"Professional_Services_Value__c": Decimal("123456789012.34")})
    assert on.world.value(ident, "Professional_Services_Value__c") == Decimal("123456789012.34")


def test_an_upsert_makes_one_record_however_often(on: Bench) -> None:
    key = "7f1c0a52/9d0e?4a3b"
    idents = {on.api.upsert("Case", "PS_Plan_Id__c", key, {"Subject": "SOW", "PS_Plan_Id__c": "x"}) for _ in range(3)}
    assert len(idents) == 1
    assert on.world.value(idents.pop(), "PS_Plan_Id__c") == key


def test_what_is_under_way_is_not_submitted_twice(on: Bench) -> None:
    ident, before = new_opportunity(on.world), len(on.world.approvals)
    on.api.submit(ident, comment="please")
    on.api.submit(ident, comment="please")
    assert len(on.world.approvals) == before + 1


def test_the_limit_and_the_organisation(on: Bench) -> None:
    assert on.api.whoami() == on.world.organization
    left, most = on.api.calls_left()
    assert most == 15_000
    assert left < most


def test_a_revoked_session_is_replaced_within_the_same_call(on: Bench) -> None:
    ident = new_opportunity(on.world)
    on.api.read("Opportunity", ident, FIELDS)
    on.app.revoke()
    assert on.api.read("Opportunity", ident, FIELDS).id == ident


def test_a_login_that_is_not_taken_is_tried_once_a_minute(on: Bench) -> None:
    api, _, seconds = opened(on.url, ClientCredentials(CLIENT_ID, lambda: "other"))
    before = on.world.count("login")
    with pytest.raises(Retry, match="does not take the login"):
        api.calls_left()
    with pytest.raises(Held):
        api.calls_left()
    assert on.world.count("login") == before + 1
    assert api.trouble() is not None
    seconds[0] += 61
    with pytest.raises(Retry, match="does not take the login"):
        api.calls_left()


def test_the_session_goes_to_no_foreign_host(on: Bench) -> None:
    on.app.instance_url = "https://evil.example.com"
    api, _, _ = opened(on.url)
    with pytest.raises(Permanent, match="not Salesforce's"):
        api.calls_left()


Told = tuple[dict[str, Any], type[Exception]]
TROUBLES: dict[str, Told] = {
    "out of order": ({"code": "SERVER_UNAVAILABLE", "status": 503}, VendorDown),
    "an error of its own": ({"code": "UNKNOWN_EXCEPTION", "status": 500}, VendorDown),
    "a row that another transaction holds": ({"code": "UNABLE_TO_LOCK_ROW", "status": 400}, Retry),
    "a query that took too long": ({"code": "QUERY_TIMEOUT", "status": 400}, Retry),
    "the limit of the day": ({"code": "REQUEST_LIMIT_EXCEEDED", "status": 403}, Retry),
    "no right to do it": ({"code": "INSUFFICIENT_ACCESS", "status": 403}, Permanent),
    "a validation rule": ({"code": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "status": 400}, Permanent),
    "no access by the API": ({"code": "API_DISABLED_FOR_ORG", "status": 403}, Permanent),
}


@pytest.mark.parametrize("call", ["update", "upsert", "submit"])
@pytest.mark.parametrize(("trouble", "raised"), TROUBLES.values(), ids=TROUBLES)
def test_trouble_is_what_it_is_and_no_word_of_a_customer_is_told(
    on: Bench, call: str, trouble: dict[str, Any], raised: type[Exception]
) -> None:
    ident = new_opportunity(on.world)
    on.world.trouble(call, **trouble)
    doing: dict[str, Callable[[], object]] = {
        "update": lambda: on.api.update("Opportunity", ident, {"StageName": "4-Proposal"}),
        "upsert": lambda: on.api.upsert("Case", "PS_Plan_Id__c", f"trouble-{ident}", {"Status": "New"}),
        "submit": lambda: on.api.submit(ident, comment="please"),
    }
    with pytest.raises(raised) as told:
        doing[call]()
    assert "Acme" not in str(told.value)


def test_a_write_whose_answer_is_lost_is_in_doubt_and_safe_to_repeat(on: Bench) -> None:
    on.world.trouble("upsert", after=True)
    with pytest.raises(VendorDown) as told:
        on.api.upsert("Case", "PS_Plan_Id__c", "in-doubt", {"Status": "New"})
    assert told.value.in_doubt
    on.api.upsert("Case", "PS_Plan_Id__c", "in-doubt", {"Status": "New"})
    assert sum(each.values.get("PS_Plan_Id__c") == "in-doubt" for each in on.world.of_kind("Case")) == 1


def test_a_locked_record_is_tried_again_an_hour_later(on: Bench) -> None:
    ident = new_opportunity(on.world)
    on.api.submit(ident, comment="please")
    with pytest.raises(Retry) as told:
        on.api.update("Opportunity", ident, {"StageName": "4-Proposal"})
    assert told.value.after_s == 3600.0


def test_close_to_the_limit_of_the_day_it_reads_and_writes_nothing(on: Bench) -> None:
    ident = new_opportunity(on.world)
    on.world.calls_used = int(0.96 * on.world.calls_max)
    on.api.read("Opportunity", ident, FIELDS)
    with pytest.raises(Held):
        on.api.update("Opportunity", ident, {"StageName": "4-Proposal"})
    assert on.api.read("Opportunity", ident, FIELDS).fields["StageName"] == "2-Scoping"
    on.world.calls_used = 0
    on.seconds[0] += 901
    on.api.update("Opportunity", ident, {"StageName": "4-Proposal"})


def test_a_vendor_that_is_down_is_left_alone_for_a_while(on: Bench) -> None:
    on.world.trouble("query", times=100)
    for _ in range(20):
        with pytest.raises(Retry):
            on.api.read("Opportunity", NOBODY, FIELDS)
    assert on.world.count("query") < 100
    assert on.api.trouble() is not None


# -- the login by a signed assertion


@pytest.fixture(scope="module")
def key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def pem(key: rsa.RSAPrivateKey) -> str:
    no_password = serialization.NoEncryption()
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, no_password).decode()


def test_a_signed_assertion_is_a_login(on: Bench, key: rsa.RSAPrivateKey) -> None:
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    on.app.certificate = key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()
    api, _, _ = opened(on.url, JwtBearer(CLIENT_ID, USERNAME, lambda: pem(key), on.url, on.world.clock))
    assert api.whoami() == on.world.organization


Wrong = Callable[[str, Callable[[], str]], JwtBearer]
ASSERTIONS: dict[str, Wrong] = {
    "of another user": lambda url, key: JwtBearer(CLIENT_ID, "someone@else", key, url, time.time),
    "for another app": lambda url, key: JwtBearer("other", USERNAME, key, url, time.time),
    "for another address": lambda _, key: JwtBearer(CLIENT_ID, USERNAME, key, "https://login.example", time.time),
    "that is over": lambda url, key: JwtBearer(CLIENT_ID, USERNAME, key, url, lambda: 1.0e9),
    "with no key": lambda url, _: JwtBearer(CLIENT_ID, USERNAME, lambda: "not a key", url, time.time),
}


@pytest.mark.parametrize("wrong", ASSERTIONS.values(), ids=ASSERTIONS)
def test_an_assertion_is_refused(on: Bench, key: rsa.RSAPrivateKey, wrong: Wrong) -> None:
    public = serialization.PublicFormat.SubjectPublicKeyInfo
    on.app.certificate = key.public_key().public_bytes(serialization.Encoding.PEM, public).decode()
    api, _, _ = opened(on.url, wrong(on.url, lambda: pem(key)))
    with pytest.raises(Retry) as told:
        api.calls_left()
    assert "PRIVATE KEY" not in str(told.value)


# -- queries


@given(st.text(max_size=200))
def test_any_text_is_one_literal_of_a_query(text: str) -> None:
    query = soql.select("Account", ("Name",), where=[soql.equal("Name", text)], limit=1)
    read = parse(query)
    assert [each.value for each in read.where] == [text]
    assert read.limit == 1


@given(st.text(max_size=30))
def test_no_text_is_taken_for_a_name(text: str) -> None:
    try:
        named = soql.field_path(text)
    except Permanent:
        return
    assert named in parse(soql.select("Account", (named,), where=(), limit=1)).fields or named.lower() == "id"
