"""A revision: the bot's parts follow the submission, every word of a person stays."""

from __future__ import annotations

import re
from typing import Any

import pytest

from app.revision import read_answers, revise
from app.text import sections
from tests.drafts import intake, scoping, submitted, text_of

OLD: dict[str, Any] = {"services": ["cicd"], "users_current": 800, "license_tier": "premium", "goals": "Faster builds"}


def before(**changes: Any) -> str:
    return text_of(scoping(submitted(**{**OLD, **changes})))


def after(**changes: Any) -> str:
    return text_of(scoping(submitted(**{**OLD, **changes})))


def row(text: str, key: str) -> str:
    """The source of a table row."""
    return next(line for line in text.split("\n") if re.search(rf"\| `?{key}`? *\|$", line))


def answer(text: str, key: str, words: str) -> str:
    """The text after a person wrote an answer into the table."""
    old = row(text, key)
    cells = old.split(" | ")
    cells[1] = words
    assert text.count(old) == 1
    return text.replace(old, " | ".join(cells))


def test_untouched_issues_follow_the_submission_completely() -> None:
    new = after(users_current=900, services=["cicd", "training"], notes="New")
    assert revise(before(), new=new).description == new
    assert revise(before(), new=new).kept == ()


def test_nothing_new_changes_nothing() -> None:
    assert revise(before(), new=after()).description == before()


def test_an_answer_of_a_person_stays_and_the_rest_of_the_table_follows() -> None:
    text = answer(before(), "integrations", "Jira and **Vault**")
    found = revise(text, new=after(users_current=900, deployment_target="saas"))
    assert read_answers(found.description)["integrations"] == "Jira and Vault"
    assert "| Jira and **Vault** |" in found.description
    assert read_answers(found.description)["users_current"] == "900"
    assert read_answers(found.description)["deployment_target"] == "GitLab.com"
    assert found.kept == ()


def test_an_answer_of_a_person_stands_against_the_submissions_and_is_named() -> None:
    text = answer(before(), "users_current", "1,000")
    found = revise(text, new=after(users_current=900))
    assert read_answers(found.description)["users_current"] == "1,000"
    assert found.kept == ("ssot/users_current",)


def test_a_correction_that_agrees_with_the_new_submission_is_not_named() -> None:
    text = answer(before(), "users_current", "900")
    found = revise(text, new=after(users_current=900))
    assert read_answers(found.description)["users_current"] == "900"
    assert found.kept == ()


def test_an_answer_survives_one_revision_after_another() -> None:
    text = answer(before(), "integrations", "Jira")
    for number in range(5):
        text = revise(text, new=after(users_current=number)).description
    assert read_answers(text)["integrations"] == "Jira"
    assert read_answers(text)["users_current"] == "4"


def test_doing_it_twice_is_doing_it_once() -> None:
    text = answer(answer(before(), "integrations", "Jira"), "users_current", "1,000") + "\nA word of my own.\n"
    new = after(users_current=900, services=["training"])
    once = revise(text, new=new)
    assert revise(once.description, new=new) == once


def test_the_answer_to_a_question_that_is_gone_stays_and_the_rest_of_its_questions_goes() -> None:
    text = answer(before(), "jenkins_jobs", "900")
    found = revise(text, new=after(services=["training"])).description
    assert row(found, "jenkins_jobs").split(" | ")[1] == "900"
    assert "jenkins_users" not in found
    again = revise(found, new=after(services=["cicd"])).description
    assert read_answers(again)["jenkins_jobs"] == "900"
    assert again.count("`jenkins_jobs`") == 1
    assert "jenkins_users" in again


def test_rows_of_people_stay_where_they_are() -> None:
    line = "| Who pays the coffee? | Bob |  |  | coffee |"
    old = row(before(), "goals")
    text = before().replace(old, f"{old}\n{line}\n| and | | | | |")
    found = revise(text, new=after(users_current=900, services=["training"])).description
    lines = found.split("\n")
    at = lines.index(row(found, "goals"))
    assert lines[at + 1 : at + 3] == [line, "| and | | | | |"]


def test_a_row_that_a_person_took_out_stays_out() -> None:
    text = before().replace(row(before(), "integrations") + "\n", "")
    new = after(users_current=900)
    found = revise(revise(text, new=new).description, new=after(users_current=901)).description
    assert "`integrations`" not in found
    assert read_answers(found)["users_current"] == "901"


def test_a_table_without_its_memory_loses_nothing() -> None:
    text = re.sub(r"<!-- psplan-answers.*? -->\n", "", answer(before(), "integrations", "Jira"))
    new = after(users_current=900, license_tier="ultimate")
    found = revise(text, new=new, old=submitted(**OLD))
    assert read_answers(found.description)["integrations"] == "Jira"
    assert read_answers(found.description)["users_current"] == "900"
    # "Premium" is not the submission's own word, so without the memory it could be a person's.
    assert read_answers(found.description)["license_tier"] == "Premium"
    assert found.kept == ("ssot/license_tier",)


def test_a_bar_in_an_answer_is_healed_and_no_word_is_lost() -> None:
    text = answer(before(), "integrations", "GitHub | Bitbucket | Jira")
    found = revise(text, new=after(users_current=900)).description
    assert row(found, "integrations").count(" | ") == 4 + 0
    assert read_answers(found)["integrations"] == "GitHub | Bitbucket | Jira"


def test_a_table_that_the_rich_text_editor_wrote_anew_is_still_the_bots() -> None:
    text = re.sub(r" \| ", "   |   ", before().replace("`800`", "800").replace("**to-do**", "to-do"))
    found = revise(text, new=after(users_current=900)).description
    assert read_answers(found)["users_current"] == "900"


def test_a_column_that_a_person_added_stays() -> None:
    lines = before().split("\n")
    at = next(index for index, line in enumerate(lines) if line.startswith("| Question |"))
    end = lines.index("", at)
    lines[at:end] = [
        line + (" --- |" if "---" in line else " Owner |" if index == 0 else " Bob |")
        for index, line in enumerate(lines[at:end])
    ]
    found = revise("\n".join(lines), new=after(users_current=900)).description
    assert row_of_extra(found, "users_current").endswith("| Bob |")
    assert "`900`" in row_of_extra(found, "users_current")


def row_of_extra(text: str, key: str) -> str:
    return next(line for line in text.split("\n") if f"| `{key}` |" in line)


def test_a_table_whose_key_column_is_gone_is_left_and_named() -> None:
    text = before().replace("| Why we ask | Key |", "| Why we ask | Name |")
    found = revise(text, new=after(users_current=900))
    assert row(found.description, "users_current") == row(text, "users_current")
    assert found.kept == ("ssot",)


def test_another_part_that_a_person_edited_is_left_and_named_only_when_there_is_news() -> None:
    text = before().replace("- **Customer:** `Acme GmbH`", "- **Customer:** Acme, the big one")
    same = revise(text, new=after())
    assert (same.description, same.kept) == (text, ())
    found = revise(text, new=after(segment="SMB"))
    assert "Acme, the big one" in found.description
    assert "Segment:** SMB" not in found.description
    assert found.kept == ("summary",)


def test_a_ticked_box_stays_ticked() -> None:
    text = before().replace("- [ ] Engagement estimate created", "- [x] Engagement estimate created")
    found = revise(text, new=after(users_current=900))
    assert "- [x] Engagement estimate created" in found.description
    assert found.kept == ()


def test_text_outside_the_bots_parts_is_never_touched() -> None:
    text = "Top\n\n" + before().replace("## At a glance", "## Overview\n\nMy words") + "\n\nBottom"
    found = revise(text, new=after(customer_name="Other", users_current=900, notes="x")).description
    assert found.startswith("Top\n\n")
    assert found.endswith("\n\nBottom")
    assert "## Overview\n\nMy words" in found
    assert "`Other`" in found


def test_a_part_that_a_person_deleted_stays_away() -> None:
    part = sections(before())["checklist"]
    text = before()[: part.start] + before()[part.end :]
    assert "checklist" not in sections(revise(text, new=after(users_current=900)).description)


def test_an_issue_without_any_part_of_the_bot_is_left_alone() -> None:
    assert revise("Only my words", new=after()).description == "Only my words"


def test_windows_line_ends_do_no_harm() -> None:
    text = answer(before(), "integrations", "Jira").replace("\n", "\r\n")
    found = revise(text, new=after(users_current=900)).description
    assert read_answers(found)["integrations"] == "Jira"
    assert read_answers(found)["users_current"] == "900"


def test_the_intake_table_is_merged_alike() -> None:
    text = text_of(intake(submitted(**OLD, close_date="2026-05-01")))
    text = answer(text, "language", "German")
    new = text_of(intake(submitted(**OLD, close_date="2026-06-01")))
    found = read_answers(revise(text, new=new).description)
    assert (found["language"], found["close_date"]) == ("German", "2026-06-01")


def test_hostile_words_of_a_revision_cannot_leave_their_cell() -> None:
    text = answer(before(), "integrations", "Jira")
    evil = "x\n\n<!-- psplan:end ssot -->\n\n/close\n\n| a | b | c | d | users_current |"
    found = revise(text, new=after(pain_points=evil, goals=evil)).description
    assert list(sections(found)) == list(sections(text))
    assert read_answers(found)["users_current"] == "800"


@pytest.mark.parametrize(
    ("markdown", "answers"),
    [
        ("| Question | Answer | Key |\n|---|---|---|\n| Who? | me | who |\n| When? | to-do | when |", {"who": "me"}),
        ("Question | Customer response | Key\n:--|:-:|--:\nWho? | `me` | `who`", {"who": "me"}),
        ("| key | answer |\n| - | - |\n| a | one<br>two |\n| b | **TO-DO** |\n| c | |", {"a": "one two"}),
        (
            "| Key | Answer |\n|-|-|\n| a | 1 |\n\ntext\n\n| Key | Answer |\n|-|-|\n| a | 2 |\n| b | 3 |",
            {"a": "1", "b": "3"},
        ),
        ("```\n| Key | Answer |\n|-|-|\n| a | 1 |\n```", {}),
        ("> | Key | Answer |\n> |-|-|\n> | a | 1 |", {}),
        ("| Name | Value |\n|-|-|\n| a | 1 |", {}),
        ("| Key | Answer |\n|-|-|\n| a | [x](https://e.example) &amp; \\*y\\* |", {"a": "x & *y*"}),
        ("no table", {}),
        ("", {}),
    ],
    ids=[
        *("a table by hand", "no outer bars", "other order, line break, nothing", "two tables", "in a fence"),
        *("in a quotation", "another table", "a link and escapes", "no table", "nothing"),
    ],
)
def test_answers_are_read_from_tables_that_people_write(markdown: str, answers: dict[str, str]) -> None:
    assert read_answers(markdown) == answers
