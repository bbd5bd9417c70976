"""Which EM, segment and labels a submission gets, and whether there is anything to scope."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from app.methodology import Methodology, load_methodology
from app.routing import intake_only, labels_for, route
from tests.drafts import submitted

OWN = """\
extends: default
routing:
  pubsec_em: percy
  default_em: dora
  account_team: {alice: amy, Bob: ben}
  segments: {Ent_EMEA: erin, MM_EMEA: mia, SMB: sue}
  territories: {"*": SMB, "EMEA DACH": MM_EMEA}
"""


@pytest.fixture(scope="module")
def staffed(tmp_path_factory: pytest.TempPathFactory) -> Methodology:
    path: Path = tmp_path_factory.mktemp("methodology") / "own.yaml"
    path.write_text(OWN)
    return load_methodology(path)


def nobody(**changes: Any) -> dict[str, Any]:
    return {"requester_gitlab_username": "zoe", **changes}


CASES: list[tuple[str, dict[str, Any], str | None, str | None]] = [
    ("the public sector patch comes first", {"pubsec_us": True, "segment": "Ent_EMEA"}, "percy", "Ent_EMEA"),
    ("then the requester's own EM", {"segment": "Ent_EMEA"}, "amy", "Ent_EMEA"),
    ("user names have no case", {"requester_gitlab_username": "ALICE"}, "amy", None),
    (
        "then the account team",
        nobody(account_team=[{"role": "AE", "username": "x"}, {"role": "SA", "username": "bob"}]),
        "ben",
        None,
    ),
    ("then the given segment", nobody(segment="Ent_EMEA", sales_territory="EMEA DACH"), "erin", "Ent_EMEA"),
    ("then the territory", nobody(sales_territory="EMEA UKI"), "erin", "Ent_EMEA"),
    ("the more exact pattern wins", nobody(sales_territory="EMEA DACH"), "mia", "MM_EMEA"),
    ("territories have no case", nobody(sales_territory="emea dach"), "mia", "MM_EMEA"),
    ("a star alone catches the rest", nobody(sales_territory="Atlantis"), "sue", "SMB"),
    ("a segment without an EM falls to the default", nobody(segment="Ent_WEST"), "dora", "Ent_WEST"),
    ("nothing known falls to the default", nobody(), "dora", None),
]


@pytest.mark.parametrize(("given", "em", "segment"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_the_em_is_found(given: dict[str, Any], em: str, segment: str | None, staffed: Methodology) -> None:
    found = route(submitted(**given), staffed)
    assert (found.em, found.segment, found.triage) == (em, segment, None)
    assert found.why


@pytest.mark.parametrize(
    ("given", "segment", "why"),
    [
        ({}, None, "neither account team, segment nor territory"),
        ({"segment": "MM_East"}, "MM_East", "segment MM_East has no EM"),
        ({"sales_territory": "EMEA DACH"}, "Ent_EMEA", "segment Ent_EMEA has no EM"),
        ({"sales_territory": "Atlantis"}, None, "neither account team, segment nor territory"),
        ({"pubsec_us": True}, None, "public sector patch has no EM"),
    ],
    ids=["nothing", "a segment nobody covers", "a territory nobody covers", "an unknown territory", "public sector"],
)
def test_without_an_em_the_triage_role_is_asked(given: dict[str, Any], segment: str | None, why: str) -> None:
    found = route(submitted(**given), load_methodology(None))
    assert (found.em, found.segment, found.triage) == (None, segment, "em")
    assert why in found.why


def test_the_public_sector_never_goes_to_the_em_of_a_region(staffed: Methodology) -> None:
    rules = staffed.routing.model_copy(update={"pubsec_em": None})
    open_patch = staffed.model_copy(update={"routing": rules})
    assert route(submitted(pubsec_us=True, segment="Ent_EMEA"), open_patch).em == "dora"


@pytest.mark.parametrize("territory", ["a(b", "[x", "x\\", "*", "." * 200], ids=repr)
def test_a_territory_is_no_pattern(territory: str, staffed: Methodology) -> None:
    assert route(submitted(**nobody(sales_territory=territory)), staffed).segment == "SMB"


def labels(**given: Any) -> Any:
    methodology = load_methodology(None)
    submission = submitted(**given)
    return labels_for(submission, methodology, route(submission, methodology))


@pytest.mark.parametrize(
    ("given", "scoping"),
    [
        ({}, ("Services Calculator",)),
        (
            {"services": ["migration_scm", "migration_ci", "training", "other"], "sales_territory": "EMEA DACH"},
            ("Services Calculator", "Segment::Ent_EMEA", "Service: Migration", "Service: Training"),
        ),
        ({"pubsec_us": True}, ("Services Calculator", "Public Sector US")),
        ({"segment": "MM_East"}, ("Services Calculator", "Segment::MM_East")),
    ],
    ids=["nothing known", "two migrations are one label", "public sector", "a segment given"],
)
def test_the_scoping_issue_is_labelled(given: dict[str, Any], scoping: tuple[str, ...]) -> None:
    assert labels(**given).scoping == scoping


def test_the_intake_issue_is_labelled() -> None:
    given = {"services": ["training"], "segment": "SMB", "pubsec_us": True}
    found = labels(**given)
    assert found.intake == ("Project Scheduling Intake", "Intake::Draft", "Public Sector US")
    assert found.intake_only == (*found.intake[:2], "Segment::SMB", "Service: Training", "Public Sector US")


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"commercial_form": "sku"}, "catalogue order"),
        ({"commercial_form": "sku", "services": ["migration_scm"]}, "catalogue order"),
        ({"services": ["training"]}, "only training"),
        ({"services": ["training"], "commercial_form": "unsure"}, "only training"),
        ({"services": ["training"], "commercial_form": "custom"}, None),
        ({"services": ["training", "cicd"]}, None),
        ({"services": []}, None),
        ({"services": ["cicd"], "commercial_form": "custom", "segment": "SMB"}, None),
        ({"license_tier": "free", "services": ["cicd"]}, None),
    ],
    ids=[
        *("an order", "an order of a migration", "only training", "only training, undecided", "custom training"),
        *("training and more", "nothing chosen", "SMB wants custom work", "Community Edition"),
    ],
)
def test_what_needs_no_scoping_says_why(given: dict[str, Any], reason: str | None) -> None:
    found = intake_only(submitted(**given))
    assert found is None if reason is None else reason in (found or "")
