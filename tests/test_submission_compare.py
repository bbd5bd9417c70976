"""Two submissions side by side: the same, or what changed."""

from __future__ import annotations

from typing import Any

import pytest

from app.submission import Change, changes, content_digest, flatten, parse_submission
from app.submission.fields import content_of, has_field, values_at
from tests.drafts import TODAY, raw, submitted

OTHER_ID = "00000000-0000-4000-8000-000000000000"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({}, {"submission_id": OTHER_ID}),
        ({}, {"pubsec_us": False, "source": "calculator", "services": []}),
        ({"estimate": "62000 USD"}, {"estimate": {"currency": "USD", "amount": "62000.0"}}),
        ({"odd": {"a": 1, "b": 2}}, {"odd": {"b": 2, "a": 1}}),
        ({"segment": None}, {"segment": ""}),
    ],
    ids=["another id", "defaults written out", "one amount", "another order of keys", "two ways to say nothing"],
)
def test_the_digest_does_not_tell_them_apart(one: dict[str, Any], other: dict[str, Any]) -> None:
    assert content_digest(submitted(**one)) == content_digest(submitted(**other))
    assert [change for change in changes(submitted(**one), submitted(**other)) if change.field != "submission_id"] == []


@pytest.mark.parametrize(
    "other",
    [{"customer_name": "Acme AG"}, {"odd": 1}, {"services": ["cicd"]}, {"pubsec_us": True}, {"users_current": 0}],
    ids=repr,
)
def test_the_digest_tells_any_difference(other: dict[str, Any]) -> None:
    assert content_digest(submitted()) != content_digest(submitted(**other))
    assert changes(submitted(), submitted(**other))


def test_the_digest_is_the_same_whatever_order_the_keys_come_in() -> None:
    given = raw(services=["cicd"], migration={"users": 1, "repos": 2}, odd={"x": [1, {"y": 2}]})
    backwards = dict(reversed(given.items()))
    assert content_digest(parse_submission(given, today=TODAY)) == content_digest(
        parse_submission(backwards, today=TODAY)
    )


def test_a_stored_submission_differs_in_nothing_from_the_one_that_came_in() -> None:
    first = submitted(services=["training"], training=[{"course": "ci-cd"}], odd=None)
    stored = parse_submission(first.model_dump(mode="json", exclude_none=True), today=TODAY)
    assert changes(first, stored) == ()
    assert content_digest(first) == content_digest(stored)


def test_flat_fields_read_well() -> None:
    given = submitted(
        services=["migration_scm", "training"],
        pubsec_us=True,
        migration={"versions": {"source": "16.11"}, "users": 775},
        training=[{"course": "ci-cd", "preferred_dates": ["May", "June"]}, {"course": "admin"}],
        estimate="62000.50 EUR",
        odd={"deep": [{"er": 1.0}, 2], "empty": [], "blank": ""},
    )
    shown = {name: text for name, text in flatten(given).items() if name not in raw()}
    assert shown == {
        "services": "migration_scm, training",
        "pubsec_us": "yes",
        "migration.versions.source": "16.11",
        "migration.users": "775",
        "training.0.course": "ci-cd",
        "training.0.preferred_dates": "May, June",
        "training.1.course": "admin",
        "estimate.amount": "62000.5",
        "estimate.currency": "EUR",
        "odd.deep.0.er": "1",
        "odd.deep.1": "2",
    }


def test_changes_say_what_was_and_what_is() -> None:
    old = submitted(users_current=800, goals="One", odd=1)
    new = submitted(users_current=900, goals="One", segment="SMB")
    assert set(changes(old, new)) == {
        Change("users_current", "800", "900"),
        Change("segment", None, "SMB"),
        Change("odd", "1", None),
    }


@pytest.mark.parametrize(
    ("path", "known"),
    [
        ("users_current", True),
        ("migration.users", True),
        ("migration.versions.source", True),
        ("training.*.course", True),
        ("training", True),
        ("implementation.anything", True),
        ("account_team.*.role", True),
        ("estimate.type", True),
        ("user_current", False),
        ("migration.user", False),
        ("training.course", False),
        ("users_current.x", False),
    ],
)
def test_names_of_fields_are_known_or_not(path: str, known: bool) -> None:
    assert has_field(path) is known


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("customer_name", ("Acme GmbH",)),
        ("services", ("cicd", "training")),
        ("training.*.course", ("a", "b")),
        ("training.*.attendees", ("5",)),
        ("training", ("course: a, attendees: 5, preferred dates: May, June", "course: b")),
        ("cicd.jenkins", ("yes",)),
        ("cicd.nothing", ()),
        ("goals", ()),
        ("customer_name.x", ()),
    ],
)
def test_values_are_found_by_name(path: str, values: tuple[str, ...]) -> None:
    given = submitted(
        services=["cicd", "training"],
        training=[{"course": "a", "attendees": 5, "preferred_dates": ["May", "June"]}, {"course": "b"}],
        cicd={"jenkins": True},
    )
    assert values_at(content_of(given), path) == values
