"""The two issues of a submission, as people read them."""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import pytest

from app.answer_table import AnswerTable, tables
from app.issue_text import IssueRef
from app.text import Marker, find_markers, sections
from tests.drafts import EVERYBODY, intake, playbook, scoping, submitted, text_of

MIGRATION: dict[str, Any] = {
    "services": ["migration_scm", "training"],
    "deployment_target": "saas",
    "migration": {"sources": ["gitlab_sm"], "users": 775, "versions": {"source": "17.1", "dest": "17.2"}},
    "training": [{"course": "ci-cd", "mode": "remote", "attendees": 12}],
    "sales_territory": "EMEA DACH",
}


def table_of(text: str) -> AnswerTable:
    [found] = tables(text)
    return found


def answers_of(text: str) -> dict[str, str]:
    table = table_of(text)
    return {table.key_of(row): table.answer_of(row) for row in table.rows}


def keys_of(*sets: str) -> set[str]:
    """All questions of the sets that have no condition of their own."""
    questions = playbook().methodology.questions
    return {key for key, question in questions.items() if set(sets) & set(question.sets) and not question.when}


def test_titles_name_the_customer() -> None:
    assert scoping(submitted()).title == "Acme GmbH - Scope Engagement and Write SOW"
    assert intake(submitted()).title == "Acme GmbH - Project Scheduling Intake"


def test_a_long_customer_name_is_cut_and_never_what_the_issue_is_for() -> None:
    title = scoping(submitted(customer_name="@" * 200)).title
    assert len(title) <= 255
    assert title.endswith(" - Scope Engagement and Write SOW")


def test_each_issue_begins_with_its_marker() -> None:
    ident = str(submitted().submission_id)
    for kind, draft in (("scoping", scoping(submitted())), ("intake", intake(submitted()))):
        assert text_of(draft).startswith(f"<!-- psplan:{kind}:{ident} -->\n")
        assert find_markers(text_of(draft)) == [Marker(kind, ident)]


def test_the_bots_parts_are_found_again_untouched() -> None:
    for draft in (scoping(submitted(**MIGRATION)), intake(submitted(**MIGRATION))):
        found = sections(text_of(draft))
        assert found
        assert all(part.is_untouched for part in found.values())


@pytest.mark.parametrize(
    ("given", "sets"),
    [
        ({}, ()),
        ({"services": ["integration", "dedicated_engineer", "other"]}, ()),
        ({"services": ["implementation"]}, ("implementation",)),
        ({"services": ["migration_scm"]}, ("migration_scm",)),
        ({"services": ["migration_scm"], "migration": {"sources": ["svn", "ghe"]}}, ("migration_scm", "svn")),
        ({"services": ["migration_scm"], "migration": {"sources": ["tfs"]}}, ("migration_scm", "migration_ado")),
        ({"services": ["migration_scm"], "migration": {"sources": ["gitlab_sm"]}}, ("migration_scm",)),
        ({"services": ["migration_ado"]}, ("migration_ado",)),
        ({"services": ["migration_ci"]}, ("cicd",)),
        ({"services": ["migration_artifactory"]}, ("artifactory",)),
        ({"services": ["readiness"]}, ("readiness",)),
        ({"services": ["cicd"]}, ("cicd",)),
        ({"services": ["security"]}, ("transformation",)),
        ({"services": ["transformation", "security"]}, ("transformation",)),
        ({"services": ["cicd", "training"]}, ("cicd", "training")),
        ({"services": ["training"], "implementation": {"geo": True}}, ("training",)),
    ],
    ids=lambda value: str(value)[:60],
)
def test_the_table_asks_exactly_what_the_services_need(given: dict[str, Any], sets: tuple[str, ...]) -> None:
    table = table_of(text_of(scoping(submitted(**given))))
    keys = [table.key_of(row) for row in table.rows]
    assert set(keys) == keys_of("general", *sets)
    assert len(keys) == len(set(keys))


def test_a_move_to_gitlab_com_brings_its_own_questions() -> None:
    keys = set(answers_of(text_of(scoping(submitted(**MIGRATION)))))
    assert keys == keys_of("general", "migration_scm", "migration_saas", "training") | {"evaluate_report"}


def test_on_site_training_asks_for_the_address() -> None:
    on_site = submitted(services=["training"], training=[{"course": "a", "mode": "onsite"}])
    assert "training_address" in answers_of(text_of(scoping(on_site)))


def test_known_answers_are_filled_in_words() -> None:
    answers = answers_of(text_of(scoping(submitted(**MIGRATION, cicd={"x": 1}))))
    known = {key: answer for key, answer in answers.items() if answer != "to-do"}
    assert known == {
        "deployment_target": "GitLab.com",
        "migration_sources": "GitLab self-managed",
        "migration_users": "775",
        "migration_versions": "source: 17.1, dest: 17.2",
        "training_courses": "ci-cd",
        "training_mode": "remote",
        "training_attendees": "12",
    }


@pytest.mark.parametrize(
    ("given", "key", "answer"),
    [
        ({"services": ["implementation"], "implementation": {"geo": True, "airgap": False}}, "airgap", "no"),
        ({"services": ["cicd"], "cicd": {"jenkins_jobs": 900}}, "jenkins_jobs", "900"),
        ({"services": ["migration_scm"], "migration": {"ci_system": "Jenkins"}}, "ci_system", "Jenkins"),
        ({"integrations": ["Jira", "Vault"]}, "integrations", "Jira, Vault"),
        ({"goals": "One|two `three`"}, "goals", "One|two `three`"),
        ({"services": ["training"], "training": [{"course": "a, b"}, {"course": "c"}]}, "training_courses", "a, b; c"),
        (
            {
                "services": ["training"],
                "training": [{"course": "a", "mode": "remote"}, {"course": "b", "mode": "remote"}],
            },
            "training_mode",
            "remote",
        ),
    ],
)
def test_answers_are_found_wherever_the_calculator_puts_them(given: dict[str, Any], key: str, answer: str) -> None:
    assert answers_of(text_of(scoping(submitted(**given))))[key] == answer


def test_required_questions_are_bold_and_what_is_missing_too() -> None:
    text = text_of(scoping(submitted(users_current=5)))
    assert "| **How many people use GitLab, or the tool it replaces, today?** | `5` |" in text
    assert "| **Which licence tier does the customer have or buy?** | **to-do** |" in text
    assert "| Which GitLab version is in use? | to-do |" in text


def test_every_row_has_five_columns_whatever_is_written_in_it() -> None:
    table = table_of(text_of(scoping(submitted(goals="a | b || c", pain_points="`|`\n| x |"))))
    assert all(row.line.count(" | ") == 4 for row in table.rows)


def test_requester_and_em_are_mentioned_once_in_the_scoping_issue_and_nowhere_else() -> None:
    given = submitted(**MIGRATION, account_team=[{"role": "AE", "username": "alice"}])
    assert [text_of(scoping(given)).count(f"@{name}") for name in ("alice,", "erin,")] == [1, 1]
    assert "@alice" not in text_of(scoping(given)).replace("@alice,", "", 1).replace("alice@example.com", "")
    assert "@" not in text_of(intake(given))


def test_without_a_scoping_issue_the_intake_issue_mentions_them() -> None:
    text = text_of(intake(submitted(services=["training"], segment="MM_EMEA"), beside_scoping=False))
    assert [text.count(f"@{name},") for name in ("alice", "erin")] == [1, 1]


@pytest.mark.parametrize(
    ("people", "sentence"),
    [
        ({"erin": True, "alice": False}, "No GitLab user is called `alice`"),
        ({"erin": True}, "GitLab could not say whether a user `alice` exists"),
    ],
    ids=["unknown to GitLab", "not looked up"],
)
def test_a_requester_who_is_not_there_is_named_but_not_mentioned(people: dict[str, bool], sentence: str) -> None:
    text = text_of(scoping(submitted(), people=people))
    assert "@alice," not in text
    assert sentence in text


def test_an_em_who_is_not_there_is_neither_mentioned_nor_assigned() -> None:
    draft = scoping(submitted(), people={"alice": True, "erin": False})
    assert "@erin" not in text_of(draft)
    assert "No GitLab user is called `erin`" in text_of(draft)
    assert draft.assignee is None


def test_without_an_em_the_triage_role_is_asked() -> None:
    methodology = playbook().methodology
    rules = methodology.routing.model_copy(update={"default_em": None})
    from app.issue_text import Playbook, open_case, scoping_draft
    from app.routing import route
    from tests.drafts import NOW

    nobody = Playbook(methodology.model_copy(update={"routing": rules}), playbook().templates)
    given = submitted()
    case = open_case(given, nobody, routing=route(given, nobody.methodology), people=EVERYBODY, now=NOW)
    draft = scoping_draft(case, nobody)
    assert "**No Engagement Manager yet:**" in text_of(draft)
    assert draft.assignee is None


def test_an_em_who_asks_for_services_is_mentioned_once() -> None:
    text = text_of(scoping(submitted(requester_gitlab_username="Erin"), people={"Erin": True, "erin": True}))
    assert text.lower().count("@erin") == 1


def test_open_required_questions_are_listed_for_the_requester() -> None:
    text = text_of(scoping(submitted(users_current=5)))
    assert "these 2 required questions" in text
    assert "   - Which licence tier does the customer have or buy?" in text
    assert "   - How many people use GitLab" not in text


def test_a_long_list_of_open_questions_is_cut() -> None:
    text = text_of(scoping(submitted(services=["implementation", "readiness", "cicd", "security"])))
    assert text.count("\n   - ") == 11
    assert re.search(r"\n   - and \d more: every \*\*to-do\*\* in bold\.\n", text)


def test_what_people_answered_is_not_asked_for_again() -> None:
    answers = {"license_tier": "Premium", "deployment_target": "Dedicated"}
    assert "Nothing is missing" in text_of(scoping(submitted(users_current=5), answers=answers))


def test_what_people_answered_fills_the_intake_issue() -> None:
    given = submitted(**MIGRATION)
    assert answers_of(text_of(intake(given)))["deadline"] == "to-do"
    assert answers_of(text_of(intake(given, answers={"deadline": "Easter"})))["deadline"] == "Easter"


def test_the_intake_issue_is_filled_from_the_submission() -> None:
    answers = answers_of(text_of(intake(submitted(**MIGRATION, desired_start="2026-10-01", close_date="2026-09-01"))))
    known = {key: answer for key, answer in answers.items() if answer != "to-do"}
    assert known == {
        "customer": "Acme GmbH",
        "engagement_manager": "erin",
        "services": "Source code migration, Training",
        "desired_start": "2026-10-01",
        "close_date": "2026-09-01",
        "training": "course: ci-cd, mode: remote, attendees: 12",
    }


def test_the_intake_issue_refers_to_the_scoping_issue_by_a_value_of_its_own() -> None:
    parts = intake(submitted(notes="IssueRef.SCOPING {scoping_issue} {{ scoping_issue }}")).description
    assert [part for part in parts if isinstance(part, IssueRef)] == [IssueRef.SCOPING]
    assert IssueRef.SCOPING not in intake(submitted(), beside_scoping=False).description


@pytest.mark.parametrize(
    ("given", "reason"),
    [
        ({"commercial_form": "sku", "sku_items": [{"sku": "GL-1", "qty": 2}]}, "this is a catalogue order"),
        ({"services": ["training"]}, "only training was asked for"),
    ],
    ids=["an order", "training"],
)
def test_an_intake_issue_alone_says_why(given: dict[str, Any], reason: str) -> None:
    draft = intake(submitted(**given), beside_scoping=False)
    assert f"There is no scoping issue, because {reason}" in text_of(draft)
    assert (draft.assignee, draft.due_date) == ("erin", date(2026, 3, 3))


def test_an_order_is_listed() -> None:
    given = submitted(commercial_form="sku", sku_items=[{"sku": "GL-1", "qty": 2}])
    assert "| `GL-1` | 2 |" in text_of(intake(given, beside_scoping=False))


def test_the_first_touch_is_due_after_a_day_and_only_on_the_scoping_issue() -> None:
    assert scoping(submitted()).due_date == date(2026, 3, 3)
    assert intake(submitted()).due_date is None
    assert intake(submitted()).assignee is None


def test_the_public_sector_is_confidential_in_both_issues() -> None:
    assert [draft.confidential for draft in (scoping(submitted()), intake(submitted()))] == [False, False]
    public = submitted(pubsec_us=True)
    assert [draft.confidential for draft in (scoping(public), intake(public))] == [True, True]


def test_remarks_and_documented_limits_are_said() -> None:
    text = text_of(scoping(submitted(segment="SMB", license_tier="free", services=["cicd"])))
    assert "Custom work for them goes to a partner" in text
    assert "A discovery engagement is the most" in text


def test_links_are_clickable_only_to_hosts_that_are_allowed() -> None:
    text = text_of(
        scoping(
            submitted(
                sfdc_opportunity_url="https://acme.my.salesforce.com/006Aa00000AbCdE",
                sfdc_parent_opportunity_url="006Aa00000AbCdF",
                customer_folder_url="https://evil.example/folder",
            )
        )
    )
    assert "](https://acme.my.salesforce.com/006Aa00000AbCdE)" in text
    assert "`006Aa00000AbCdF`" in text
    assert "`https://evil.example/folder`" in text


def test_every_field_is_shown_somewhere() -> None:
    given = submitted(
        services=["cicd"],
        implementation={"geo": True},
        migration={"users": 77123, "sources": ["svn"]},
        cicd={"jenkins_jobs": 71001, "unheard_of": "zzz1"},
        training=[{"course": "zzz2"}],
        sku_items=[{"sku": "zzz3"}],
        pain_points="zzz4",
        constraints="zzz5",
        goals="zzz6",
        notes="zzz7",
        hosting="gke",
        sfdc_stage="4-Proposal",
        budget_known="70123 EUR",
        customer_folder_url="https://zzz8.example/",
        deadline="2027-01-31",
        odd={"deep": ["zzz9"]},
    )
    text = text_of(scoping(given))
    for words in ["zzz1", "zzz2", "zzz4", "zzz5", "zzz6", "zzz7", "zzz8", "zzz9", "77123", "71001", "70,123 EUR"]:
        assert words in text
    assert "| `implementation.geo` | `yes` |" in text
    assert "| `migration.sources` | `svn` |" in text
    assert "| `zzz3` | 1 |" in text
    assert "4-Proposal" in text
    assert "2027-01-31" in text
    assert "| `cicd.jenkins_jobs` |" not in text


def test_what_is_shown_in_a_table_is_not_shown_again_as_unknown() -> None:
    assert "Also submitted" not in text_of(scoping(submitted(**MIGRATION)))


def test_the_four_stages_are_a_checklist() -> None:
    text = text_of(scoping(submitted()))
    headings = [line for line in text.split("\n") if line.startswith("### ") and line[4].isdigit()]
    assert headings == [
        "### 1. Positioning",
        "### 2. Scoping",
        "### 3. Delivery Prep",
        "### 4. SOW Execution and Close",
    ]
    assert text.count("- [ ] ") == sum(len(stage.steps) for stage in playbook().methodology.stages.values())


def test_the_intake_issue_holds_the_eight_readiness_items() -> None:
    assert text_of(intake(submitted())).count("- [ ] ") == 8
