"""The methodology that ships: complete, and without the name of anybody."""

from __future__ import annotations

from typing import get_args

import pytest

from app.methodology import Methodology, load_methodology
from app.methodology.model import IssueKind, NeededBy
from app.submission import Submission
from app.submission.choices import Segment, Service
from tests.drafts import playbook

SERVICE_LABELS = {
    Service.IMPLEMENTATION: "Service: Implementation",
    Service.MIGRATION_SCM: "Service: Migration",
    Service.MIGRATION_CI: "Service: Migration",
    Service.MIGRATION_ARTIFACTORY: "Service: Migration",
    Service.MIGRATION_ADO: "Service: Migration",
    Service.READINESS: "Service: Readiness",
    Service.CICD: "Service: CI-CD",
    Service.SECURITY: "Service: Security",
    Service.TRANSFORMATION: "Service: Advisory",
    Service.INTEGRATION: "Service: Integration",
    Service.TRAINING: "Service: Training",
    Service.DEDICATED_ENGINEER: "Service: Dedicated Engineer",
    Service.OTHER: None,
}
REAL_LABELS = [
    *("Services Calculator", "Public Sector US", "proposal::Awaiting_Discovery", "proposal::Strawman_WIP"),
    *("proposal::Estimate_Feedback", "proposal::On_hold", "proposal::SOW_WIP", "proposal::Ready For Approval"),
    *("proposal::Approved", "proposal::Closed_Won", "proposal::Closed_Lost", "TA::Needs-Review", "TA::Approved"),
    *("Scoping::Needs_TA_Assistance", "Scoping::TA_Assisted", "RDM::needs-review", "EM_Status::Waiting"),
    *("EM_Status::ToDo", "Lost::budget", "Lost::scheduling", "Lost::unknown", "Lost::NoServiceFit"),
    *("Project Scheduling Intake", "Intake::Draft", "Intake::Needs-Info", "Intake::Ready", "Intake::Staffing"),
    *("Intake::Staffed", "Intake::Scheduled", "Intake::Cancelled"),
]


def shipped() -> Methodology:
    return load_methodology(None)


def test_every_service_has_the_label_that_is_spelled_for_it() -> None:
    assert {service: rules.label for service, rules in shipped().services.items()} == SERVICE_LABELS


@pytest.mark.parametrize("label", REAL_LABELS)
def test_every_label_of_the_process_is_there_in_its_real_spelling(label: str) -> None:
    assert label in shipped().labels


@pytest.mark.parametrize("segment", Segment)
def test_every_segment_has_its_label(segment: Segment) -> None:
    assert f"Segment::{segment.value}" in shipped().labels


def test_no_person_is_named() -> None:
    rules = shipped().routing
    assert (rules.default_em, rules.pubsec_em, dict(rules.account_team)) == (None, None, {})
    assert set(rules.segments.values()) == {None}
    assert all(not role.users and not role.groups for role in shipped().roles.values())


def test_the_four_stages_stand_in_their_order_with_their_dri() -> None:
    stages = [(stage.title, stage.dri) for stage in shipped().stages.values()]
    assert stages == [
        ("Positioning", "account_team"),
        ("Scoping", "em"),
        ("Delivery Prep", "pm"),
        ("SOW Execution and Close", "em"),
    ]


def test_eight_things_make_an_engagement_ready_for_scheduling() -> None:
    assert len(shipped().readiness) == 8


@pytest.mark.parametrize("name", list(shipped().question_sets))
def test_every_question_set_is_used_and_holds_questions(name: str) -> None:
    methodology = shipped()
    used = {found for rules in methodology.services.values() for found in rules.question_sets}
    assert methodology.question_sets[name].always or name in used
    assert any(name in question.sets for question in methodology.questions.values())


def test_no_two_questions_read_the_same() -> None:
    texts = [question.text for question in shipped().questions.values()]
    assert len(texts) == len(set(texts))


def test_the_closed_lists_of_the_file_are_used() -> None:
    assert {field.needed_by for field in shipped().intake_fields.values()} == set(NeededBy)
    assert {kind for label in shipped().labels.values() for kind in label.on} == set(IssueKind)


def test_the_first_touch_has_a_day() -> None:
    assert shipped().clocks["first_touch"].hours == 24


def test_the_demo_names_people_and_routes_to_them() -> None:
    methodology = playbook().methodology
    assert methodology.roles["em"].users == ("erin", "evan")
    assert methodology.routing.segments[Segment.ENT_EMEA] == "erin"
    assert methodology.questions == shipped().questions


def test_every_choice_has_words_for_readers() -> None:
    words = shipped().words
    for field in ("source", "commercial_form", "license_tier", "deployment_target", "hosting"):
        annotation = Submission.model_fields[field].annotation
        [choices] = [choice for choice in (*get_args(annotation), annotation) if hasattr(choice, "__members__")]
        assert set(words[field]) == {member.value for member in choices}
