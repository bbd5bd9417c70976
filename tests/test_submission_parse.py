"""What a submission may hold, and how each fault is named."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from app.submission import SubmissionFaults, parse_submission, submission_json_schema
from tests.drafts import TODAY, raw

LONG = "x" * 10_001


def faults_of(given: object, **options: Any) -> dict[str, str]:
    with pytest.raises(SubmissionFaults) as caught:
        parse_submission(given, today=TODAY, **options)
    return {fault.field: fault.problem for fault in caught.value.faults}


WRONG_TEXT = [("number", 7), ("list", ["x"]), ("object", {"a": 1}), ("true", True)]
ENUMS = {
    "source": "web",
    "requester_role": "CEO",
    "sfdc_stage": "Proposal",
    "segment": "Ent_MARS",
    "commercial_form": "free",
    "license_tier": "gold",
    "deployment_target": "moon",
    "hosting": "basement",
}
LINES = ("customer_name", "sales_territory")
TEXTS = ("pain_points", "constraints", "goals", "notes")
OBJECTS = ("implementation", "migration", "cicd", "readiness", "transformation")
LISTS = ("account_team", "sku_items", "training", "services")
DATES = ("close_date", "desired_start", "deadline")
COUNTS = (
    *("users_current", "users_planned", "migration.users", "migration.repos", "migration.repos_over_5gb"),
    *("migration.portfolios", "migration.ci_jobs"),
)
WRONG_COUNTS: tuple[object, ...] = (-1, 1.5, "1,000", True, [], 10**7, "9" * 30)
WRONG_DATES: tuple[object, ...] = ("soon", "2026-02-30", "30.11.2026", 20261130, True, ["2026-11-30"])

BAD: list[tuple[str, object]] = [
    ("submission_id", "abc"),
    ("submission_id", 7),
    ("submission_id", None),
    ("customer_name", ""),
    ("customer_name", " \t "),
    ("customer_name", "x" * 201),
    ("customer_name", "Acme\nGmbH"),
    ("customer_name", "Acme\u2028GmbH"),
    ("customer_name", "Acme\x00"),
    ("customer_name", "\u200b\u2060"),
    ("customer_name", "\ud800"),
    ("customer_name", None),
    ("requester_gitlab_username", "jane doe"),
    ("requester_gitlab_username", "jane@example.com"),
    ("requester_gitlab_username", "x\n/close"),
    ("requester_gitlab_username", "jane."),
    ("requester_gitlab_username", "jane.git"),
    ("requester_gitlab_username", "j" * 256),
    ("requester_gitlab_username", ""),
    ("requester_email", "jane"),
    ("requester_email", "jane@"),
    ("requester_email", "jane@corp"),
    ("requester_email", "a@example.com, b@example.com"),
    ("requester_email", ""),
    ("requester_email", None),
    ("pubsec_us", "maybe"),
    ("pubsec_us", 7),
    ("pubsec_us", []),
    ("sfdc_opportunity_url", "https://evil.example/006Aa00000AbCdE"),
    ("sfdc_opportunity_url", "https://salesforce.com.evil.example/006Aa00000AbCdE"),
    ("sfdc_opportunity_url", "https://x@a.my.salesforce.com/006Aa00000AbCdE"),
    ("sfdc_opportunity_url", "http://a.my.salesforce.com/006Aa00000AbCdE"),
    ("sfdc_opportunity_url", "https://a.my.salesforce.com/home"),
    ("sfdc_opportunity_url", "006"),
    ("sfdc_opportunity_url", "https://[/006Aa00000AbCdE"),
    ("sfdc_parent_opportunity_url", "opportunity"),
    ("customer_folder_url", "http://drive.google.com/x"),
    ("customer_folder_url", "https://user:secret@drive.google.com/x"),
    ("customer_folder_url", "https://drive.google.com/a b"),
    ("customer_folder_url", "javascript:alert(1)"),
    ("customer_folder_url", "https://"),
    ("customer_folder_url", "https://drive.google.com:port/"),
    ("customer_folder_url", "https://drive.google.com/" + "x" * 2_000),
    ("close_date", "2026-03-01"),
    ("services.0", ["everything"]),
    ("services.1", ["training", 7]),
    ("services", {"training": True}),
    ("services", ["training"] * 51),
    ("gitlab_version", "seventeen"),
    ("gitlab_version", 17.4),
    ("gitlab_version", "17"),
    ("migration.sources.0", {"sources": ["paper"]}),
    ("migration.versions", {"versions": "16.11"}),
    ("migration.versions.source", {"versions": {"source": 16.11}}),
    ("migration.versions.dest", {"versions": {"dest": "new"}}),
    ("account_team.0", ["bob"]),
    ("account_team.0.role", [{"username": "bob"}]),
    ("account_team.0.username", [{"role": "AE"}]),
    ("account_team.1.username", [{"role": "AE", "username": "bob"}, {"role": "SA", "username": "b b"}]),
    ("account_team", [{"role": "AE", "username": "bob"}] * 51),
    ("sku_items.0.sku", [{"qty": 1}]),
    ("sku_items.0.qty", [{"sku": "X", "qty": 0}]),
    ("sku_items.0.qty", [{"sku": "X", "qty": "many"}]),
    ("training.0.course", [{"mode": "remote"}]),
    ("training.0.mode", [{"course": "ci-cd", "mode": "moon"}]),
    ("training.0.attendees", [{"course": "ci-cd", "attendees": 0}]),
    ("training.0.attendees", [{"course": "ci-cd", "attendees": "a dozen"}]),
    ("training.1.attendees", [{"course": "a"}, {"course": "b", "attendees": True}]),
    ("training.0.preferred_dates", [{"course": "ci-cd", "preferred_dates": 5}]),
    ("training.0.preferred_dates.0", [{"course": "ci-cd", "preferred_dates": ["\n\n"]}]),
    ("estimate", 62000),
    ("estimate.amount", {"amount": -1, "currency": "USD"}),
    ("estimate.amount", {"amount": "a lot", "currency": "USD"}),
    ("estimate.amount", {"amount": True, "currency": "USD"}),
    ("estimate.amount", {"amount": float("nan"), "currency": "USD"}),
    ("estimate.amount", {"amount": float("inf"), "currency": "USD"}),
    ("estimate.amount", {"amount": 10**16, "currency": "USD"}),
    ("estimate.amount", {"amount": "1.23456", "currency": "USD"}),
    ("estimate.currency", {"amount": 1, "currency": "ZZZ"}),
    ("estimate.currency", {"amount": 1, "currency": "dollars"}),
    ("estimate.currency", {"amount": 1}),
    ("estimate.type", {"amount": 1, "currency": "USD", "type": "barter"}),
    ("budget_known.currency", {"amount": 1}),
    ("budget_known.amount", {"amount": [], "currency": "EUR"}),
]
BAD += list(ENUMS.items())
BAD += [(field, 7) for field in ENUMS]
BAD += [(field, value) for field in (*LINES, *TEXTS) for _, value in WRONG_TEXT]
BAD += [(field, LONG) for field in (*LINES, *TEXTS)]
WRONG_OBJECTS: tuple[object, ...] = ("text", 7, ["x"])
BAD += [(field, value) for field in OBJECTS for value in WRONG_OBJECTS]
WRONG_LISTS: tuple[object, ...] = (7, {"0": "x"})
BAD += [(field, value) for field in LISTS for value in WRONG_LISTS]
BAD += [(field, value) for field in DATES for value in WRONG_DATES]
BAD += [(field, value) for field in COUNTS for value in WRONG_COUNTS]


def put(field: str, value: object) -> dict[str, Any]:
    """The smallest submission with a wrong value; a nested field may be given as a whole object or by its leaf."""
    top, *inner = field.split(".")
    if inner and not isinstance(value, (dict, list)):
        return raw(**{top: {inner[0]: value}})
    if inner and top == "migration" and isinstance(value, list):
        return raw(migration={inner[0]: value})
    return raw(**{top: value})


@pytest.mark.parametrize(("field", "value"), BAD, ids=[f"{field}={str(value)[:30]!r}" for field, value in BAD])
def test_a_wrong_value_is_named_by_its_field(field: str, value: object) -> None:
    found = faults_of(put(field, value))
    assert list(found) == [field]
    assert found[field]
    assert "Input should" not in found[field]


@pytest.mark.parametrize("given", [None, [], "x", 7, True], ids=repr)
def test_what_is_no_object_is_refused_as_a_whole(given: object) -> None:
    assert faults_of(given) == {"submission": "must be a JSON object with named fields"}


def test_an_empty_object_names_the_four_required_fields() -> None:
    required = {"submission_id", "customer_name", "requester_gitlab_username", "requester_email"}
    assert faults_of({}) == dict.fromkeys(required, "is required")


def test_all_faults_are_told_at_once_also_those_that_concern_two_fields() -> None:
    found = faults_of(raw(source="sfdc", close_date="2020-01-01", users_current=-1, estimate={"amount": 5}))
    assert set(found) == {"sfdc_opportunity_url", "close_date", "users_current", "estimate.currency"}


def test_at_most_a_hundred_faults_are_told() -> None:
    assert len(faults_of(raw(**{f"x{n}": {7: n} for n in range(500)}))) == 100


@pytest.mark.parametrize(
    ("extra", "field"),
    [
        ({"odd": {7: "x"}}, "odd.7"),
        ({"odd": [{"x": b"bytes"}]}, "odd.0.x"),
        ({"odd": "\udc00"}, "odd"),
        ({"odd": {"x": object()}}, "odd.x"),
    ],
    ids=["a name that is a number", "bytes", "half a surrogate", "an object"],
)
def test_unknown_fields_have_to_be_json_too(extra: dict[str, Any], field: str) -> None:
    assert list(faults_of(raw(**extra))) == [field]


def test_nesting_without_end_is_refused_and_exhausts_nothing() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    assert list(faults_of(raw(odd=deep))) == ["odd.0.0.0"]


def test_the_name_of_a_fault_is_cut_and_printable() -> None:
    [field] = faults_of(raw(**{"x\n" * 500: object()}))
    assert len(field) == 200
    assert field.isprintable()


GOOD: list[tuple[dict[str, Any], str, object]] = [
    ({"customer_name": "  Acme  "}, "customer_name", "Acme"),
    ({"requester_gitlab_username": "@sa.jane"}, "requester_gitlab_username", "sa.jane"),
    ({"requester_email": " jane@acme.test "}, "requester_email", "jane@acme.test"),
    ({"pubsec_us": None}, "pubsec_us", False),
    ({"pubsec_us": "yes"}, "pubsec_us", True),
    ({"source": ""}, "source", "calculator"),
    ({"close_date": "2026-03-02"}, "close_date", date(2026, 3, 2)),
    ({"desired_start": "2020-01-01"}, "desired_start", date(2020, 1, 1)),
    ({"close_date": ""}, "close_date", None),
    ({"segment": None}, "segment", None),
    ({"services": "training"}, "services", ("training",)),
    ({"services": ["training", "cicd", "training"]}, "services", ("training", "cicd")),
    ({"services": None}, "services", ()),
    ({"users_current": "800"}, "users_current", 800),
    ({"users_current": 800.0}, "users_current", 800),
    ({"users_current": 0}, "users_current", 0),
    ({"users_current": 1_000_000}, "users_current", 1_000_000),
    ({"gitlab_version": "17.4.1-ee.0"}, "gitlab_version", "17.4.1-ee.0"),
    ({"sfdc_opportunity_url": "006Aa00000AbCdE"}, "sfdc_opportunity_url", "006Aa00000AbCdE"),
    ({"sfdc_opportunity_url": "006Aa00000AbCdEFG1"}, "sfdc_opportunity_url", "006Aa00000AbCdEFG1"),
]


@pytest.mark.parametrize(("extra", "field", "value"), GOOD, ids=[str(case[0])[:50] for case in GOOD])
def test_what_forms_really_send_is_understood(extra: dict[str, Any], field: str, value: object) -> None:
    assert getattr(parse_submission(raw(**extra), today=TODAY), field) == value


@pytest.mark.parametrize(
    "url",
    [
        "https://acme.my.salesforce.com/006Aa00000AbCdE",
        "https://acme.lightning.force.com/lightning/r/Opportunity/006Aa00000AbCdEFG1/view",
        "https://acme.my.salesforce.com/?id=006Aa00000AbCdE",
    ],
)
def test_addresses_of_salesforce_are_accepted_in_their_usual_forms(url: str) -> None:
    assert parse_submission(raw(sfdc_opportunity_url=url), today=TODAY).sfdc_opportunity_url == url


@pytest.mark.parametrize(
    "money", [{"amount": 62000, "currency": "USD"}, {"amount": "62000.00", "currency": "usd"}, "62,000 USD"]
)
def test_an_amount_may_be_written_in_several_ways_and_is_the_same(money: object) -> None:
    estimate = parse_submission(raw(estimate=money), today=TODAY).estimate
    assert estimate is not None
    assert (str(estimate.amount), estimate.currency) == ("62000", "USD")


def test_unknown_fields_are_kept_at_every_level() -> None:
    given = parse_submission(raw(colour="red", migration={"ci_system": "Jenkins"}), today=TODAY)
    assert given.model_extra == {"colour": "red"}
    assert given.migration is not None
    assert given.migration.model_extra == {"ci_system": "Jenkins"}


def test_defaults_stand_in_for_what_is_missing_null_or_blank() -> None:
    defaults = {"requester_gitlab_username": "author", "source": "manual", "requester_email": None}
    given = {"submission_id": raw()["submission_id"], "customer_name": "Acme", "requester_gitlab_username": " "}
    found = parse_submission(given, defaults=defaults, today=TODAY)
    assert (found.requester_gitlab_username, found.source, found.requester_email) == ("author", "manual", None)


def test_an_email_may_be_missing_only_where_the_defaults_say_so() -> None:
    assert faults_of(raw(requester_email=None)) == {"requester_email": "is required"}
    assert parse_submission(raw(requester_email=None), defaults={"requester_email": None}, today=TODAY)


def test_what_was_stored_reads_back_as_the_same_submission() -> None:
    first = parse_submission(raw(services=["training"], estimate="5 EUR", odd={"a": [1]}), today=TODAY)
    again = parse_submission(first.model_dump(mode="json", exclude_none=True), today=TODAY)
    assert again == first


def test_a_submission_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="frozen"):
        parse_submission(raw(), today=TODAY).customer_name = "Other"  # type: ignore[misc]


def test_the_published_schema_is_valid_and_fits_what_is_accepted() -> None:
    schema = submission_json_schema()
    Draft202012Validator.check_schema(schema)
    assert set(schema["required"]) == {
        "submission_id",
        "customer_name",
        "requester_gitlab_username",
        "requester_email",
    }
    checker = Draft202012Validator(schema)
    full = raw(
        services=["migration_scm"],
        migration={"sources": ["ghe"], "users": 5},
        training=[{"course": "x", "preferred_dates": ["May"]}],
        estimate={"amount": 5, "currency": "USD", "type": "ff"},
        close_date="2026-11-30",
        anything={"goes": True},
    )
    assert checker.is_valid(raw())
    assert checker.is_valid(full)
    assert not checker.is_valid(raw(requester_email=None))
    assert not checker.is_valid(raw(hosting="moon"))
