"""What is odd about a submission is remarked, not refused."""

from __future__ import annotations

from typing import Any

import pytest

from app.submission import warnings
from tests.drafts import TODAY, submitted

OPPORTUNITY = {"sfdc_opportunity_url": "006Aa00000AbCdE"}
PLAIN = {**OPPORTUNITY, "services": ["cicd"], "commercial_form": "custom"}

ODD: list[tuple[str, str, dict[str, Any]]] = [
    ("fewer users planned than today", "users_planned", {"users_current": 10, "users_planned": 9}),
    ("no opportunity", "sfdc_opportunity_url", {"sfdc_opportunity_url": None}),
    ("an id that is no opportunity's", "sfdc_opportunity_url", {"sfdc_opportunity_url": "001Aa00000AbCdE"}),
    ("SMB wants custom work", "commercial_form", {"segment": "SMB"}),
    ("SMB has not decided", "commercial_form", {"segment": "SMB", "commercial_form": "unsure"}),
    ("Community Edition", "license_tier", {"license_tier": "free"}),
    ("two kinds of price", "estimate.type", {"estimate": {"amount": 1, "currency": "USD", "type": "mixed"}}),
    ("a start in the past", "desired_start", {"desired_start": "2026-03-01"}),
    ("a start before booking", "desired_start", {"desired_start": "2026-04-01", "close_date": "2026-05-01"}),
    ("a deadline in the past", "deadline", {"deadline": "2026-03-01"}),
    ("a deadline before the start", "deadline", {"deadline": "2026-04-01", "desired_start": "2026-04-02"}),
    ("more users than the price table", "migration.users", {"migration": {"sources": ["ghe"], "users": 3001}}),
    ("more projects than the price table", "migration.repos", {"migration": {"repos": 10_001}}),
    ("more large repositories than any", "migration.repos_over_5gb", {"migration": {"repos": 1, "repos_over_5gb": 2}}),
    ("versions far apart", "migration.versions", {"migration": {"versions": {"source": "16.8", "dest": "16.11"}}}),
    ("a newer source", "migration.versions", {"migration": {"versions": {"source": "17.9", "dest": "17.1"}}}),
    ("majors far apart", "migration.versions", {"migration": {"versions": {"source": "15.11", "dest": "17.0"}}}),
    (
        "a class with thirteen people",
        "training.1.attendees",
        {"training": [{"course": "a"}, {"course": "b", "attendees": 13}]},
    ),
    ("no service", "services", {"services": []}),
    ("a migration from nowhere", "migration.sources", {"services": ["migration_ci"]}),
    ("training without a course", "training", {"services": ["training"]}),
    ("an order without items", "sku_items", {"commercial_form": "sku"}),
]
FINE: list[tuple[str, dict[str, Any]]] = [
    ("nothing odd", {}),
    ("as many users planned as today", {"users_current": 10, "users_planned": 10}),
    ("SMB orders from the catalogue", {"segment": "SMB", "commercial_form": "sku", "sku_items": [{"sku": "X"}]}),
    ("exactly the price table", {"migration": {"users": 3000, "repos": 10_000}}),
    ("two minor releases apart", {"migration": {"versions": {"source": "16.9", "dest": "16.11"}}}),
    ("across a major release", {"migration": {"versions": {"source": "16.11", "dest": "17.1"}}}),
    ("one version only", {"migration": {"versions": {"source": "12.0"}}}),
    ("a full class", {"training": [{"course": "a", "attendees": 12}]}),
    ("a start today", {"desired_start": "2026-03-02"}),
]


@pytest.mark.parametrize(("field", "given"), [case[1:] for case in ODD], ids=[case[0] for case in ODD])
def test_it_is_remarked(field: str, given: dict[str, Any]) -> None:
    found = warnings(submitted(**{**PLAIN, **given}), today=TODAY)
    assert field in [each.field for each in found]
    assert all(each.text.endswith(".") for each in found)


@pytest.mark.parametrize("given", [case[1] for case in FINE], ids=[case[0] for case in FINE])
def test_it_is_not_remarked(given: dict[str, Any]) -> None:
    assert warnings(submitted(**{**PLAIN, **given}), today=TODAY) == ()
