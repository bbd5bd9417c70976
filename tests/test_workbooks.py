"""From answers to a workbook, back from it, and to a SOW: end to end, over the uploads of GitLab."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from docx import Document
from openpyxl import load_workbook

from app.adapters.office import LibreOffice, open_office
from app.documents.layout import FIRST_ROW, ROLES_FROM, Sheet
from app.sandbox.records import Upload
from app.sandbox.world import World
from app.templates import default_template_folder
from tests.harness import KEY, Stage, errand, issues, spoken, stage, status_of, submission
from tests.office import REASON
from tests.properties.gfm_model import read

ID = "7f1c0a52-9d0e-4a3b-8a67-2f0f3f6f8f11"
MIGRATION = {
    "submission_id": ID,
    "services": ["migration_scm"],
    "deployment_target": "saas",
    "migration": {"sources": ["gitlab_sm"], "users": 775, "repos": 4000, "repos_over_5gb": 12},
}


@pytest.fixture
def on(tmp_path: Path) -> Iterator[Stage]:
    with stage(tmp_path) as running:
        assert running.submit(submission(**MIGRATION))["state"] == "done"
        assert running.quiet()
        yield running


def say(on: Stage, text: str, by: str = "erin") -> None:
    on.world.add_note(by, 1, text)
    assert on.quiet()


def answer(on: Stage) -> str:
    """The last reply."""
    return [note for note in spoken(on.world, 1) if "psplan:reply" in note][-1]


def attached(on: Stage, name: str) -> Upload:
    """The file that the one comment about it links to."""
    found = [
        match
        for note in spoken(on.world, 1)
        for match in re.findall(rf"\(/uploads/([0-9a-f]+)/({re.escape(name)})\)", note)
    ]
    assert found
    return on.world.uploaded(found[-1][0], name)


def upload(on: Stage, content: bytes, name: str = "estimate.xlsx", by: str = "erin") -> str:
    """As somebody drops it into a comment: the link."""
    kept = on.world.upload(by, name, content)
    return f"[{name}](/uploads/{kept.secret}/{kept.filename})"


def changed(content: bytes, change: Callable[[Any], None]) -> bytes:
    """As a spreadsheet program saves it after somebody changed something."""
    book = load_workbook(BytesIO(content))
    change(book)
    held = BytesIO()
    book.save(held)
    return held.getvalue()


def with_hours(row: int, hours: float) -> Callable[[Any], None]:
    def change(book: Any) -> None:
        book[Sheet.ACTIVITIES].cell(FIRST_ROW + row, ROLES_FROM, hours)

    return change


def draft(on: Stage, words: str = "") -> bytes:
    say(on, f"/ps estimate draft {words}")
    return attached(on, "estimate.xlsx").content


def test_a_straw_man_is_attached_and_nothing_is_on_record(on: Stage) -> None:
    draft(on)
    (told,) = [note for note in spoken(on.world, 1) if "a straw-man" in note]
    assert "Rough order of magnitude (Self-managed to GitLab.com): 114,000 to 124,000 USD." in told
    assert re.search(r"- CI jobs that are repointed: [\d,]+ to [\d,]+ USD", told)
    assert "- Estimate: version" not in status_of(on.world, 1)
    summary = load_workbook(BytesIO(attached(on, "estimate.xlsx").content))[Sheet.SUMMARY]
    assert re.fullmatch(r"of version 1, [0-9a-f]{12}", str(summary["B7"].value))


def test_an_answer_in_the_table_counts_and_a_repeated_draft_takes_the_same_comment(on: Stage) -> None:
    first = draft(on)
    say(on, "/ps answer ci_jobs 250")
    second = draft(on)
    assert first != second
    assert len([note for note in spoken(on.world, 1) if "a straw-man" in note]) == 1
    assert draft(on) == second, "from the same answers the same bytes"


def test_said_without_a_file_the_draft_goes_on_record(on: Stage) -> None:
    draft(on, "ff")
    say(on, "/ps estimate")
    status = status_of(on.world, 1)
    assert re.search(r"- Estimate: version 1, `[\d,.]+ USD` \(fixed fee\), \[the file\]\(/uploads/", status)
    hours = next(line for line in issues(on.world)[1][3].splitlines() if "hours_per_role" in line)
    assert "From the estimate: Professional Services Engineer" in hours


def test_a_changed_workbook_is_the_next_version_with_a_table_of_what_changed(on: Stage) -> None:
    book = draft(on)
    say(on, "/ps estimate")
    say(on, "/ps request-review ta")
    say(on, "/ps ta approve", by="tara")
    say(on, f"/ps estimate\n\n{upload(on, changed(book, with_hours(0, 40)))}")
    status = status_of(on.world, 1)
    assert "- Estimate: version 2" in status
    assert re.search(r"\| `Kick-off and project plan` \| `12` \| `48` \| .?hours.? \|", answer(on))
    assert "With this the following is void: **TA review** (`tara`)" in answer(on)


def test_the_same_workbook_again_is_no_new_version(on: Stage) -> None:
    draft(on)
    say(on, "/ps estimate")
    say(on, "/ps estimate")
    assert "That is on record already, as version 1" in answer(on)


def other_engagement(book: Any) -> None:
    book[Sheet.ABOUT].cell(3, 2, "another")


def no_activities(book: Any) -> None:
    del book[Sheet.ACTIVITIES]


def negative(book: Any) -> None:
    book[Sheet.ACTIVITIES].cell(FIRST_ROW, ROLES_FROM, -4)


def words_for_hours(book: Any) -> None:
    book[Sheet.ACTIVITIES].cell(FIRST_ROW, ROLES_FROM, "many @everyone")


def a_formula(book: Any) -> None:
    book[Sheet.ACTIVITIES].cell(FIRST_ROW, ROLES_FROM, "=4+4")


def another_template(book: Any) -> None:
    book[Sheet.ABOUT].cell(1, 2, "99")


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (other_engagement, "was made for another engagement"),
        (no_activities, "Its sheet Activities is missing"),
        (negative, "A number between 0 and 100,000 is expected here: row 6"),
        (words_for_hours, "A number is expected here: row 6"),
        (a_formula, "a formula without its result"),
        (another_template, "another template than I know"),
    ],
)
def test_a_workbook_that_says_nothing_sound_is_refused_in_words(
    change: Callable[[Any], None], says: str, on: Stage
) -> None:
    book = draft(on)
    say(on, f"/ps estimate {upload(on, changed(book, change))}")
    assert says in answer(on)
    assert "- Estimate: version" not in status_of(on.world, 1)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("", "There is no workbook yet."),
        ("/uploads/" + "0" * 32 + "/estimate.xlsx", "cannot be read: it is gone"),
        ("FILE", "no file of this kind: .xlsx"),
        ("TEXT", "It is no .xlsx workbook"),
    ],
)
def test_what_is_no_workbook_is_refused_in_words(words: str, says: str, on: Stage) -> None:
    links = {"FILE": ("notes.txt", b"x"), "TEXT": ("estimate.xlsx", b"not a zip")}
    if words in links:
        name, content = links[words]
        words = upload(on, content, name)
    say(on, f"/ps estimate {words}")
    assert says in answer(on)


def test_only_an_em_draws_up_or_takes_an_estimate(on: Stage) -> None:
    say(on, "/ps estimate draft", by="alice")
    assert "That is for:" in answer(on)
    assert not on.world.uploads


def test_a_currency_without_prices_is_told_with_those_that_have_some(on: Stage) -> None:
    say(on, "/ps estimate draft JPY")
    assert "The catalogue has no prices in `JPY`. It has: `USD`, `EUR`, `GBP`." in answer(on)


def test_a_sow_is_made_from_the_workbook_on_record_and_from_no_other(on: Stage) -> None:
    say(on, "/ps sow draft")
    assert "There is no workbook on record that this could be made from" in answer(on)
    book = draft(on)
    say(on, f"/ps estimate {upload(on, changed(book, with_hours(0, 40)))}")
    say(on, "/ps sow draft")
    content = attached(on, "sow.docx").content
    document = Document(BytesIO(content))
    cells = [[cell.text for cell in row.cells] for table in document.tables for row in table.rows]
    assert ["Customer", "Acme GmbH"] in cells
    assert ["Services", "Source code migration"] in cells
    (kickoff,) = [row for row in cells if row[0] == "Kick-off and project plan"]
    assert kickoff[1:] == ["48 hours", f"{Decimal(48) * 330:,.2f} USD"]
    footer = document.sections[0].footer.paragraphs[0].text
    assert re.fullmatch(r"SOW draft 1, estimate 1, [0-9a-f]{12}", footer)
    say(on, "/ps sow draft")
    assert attached(on, "sow.docx").content == content, "drawn up again on the same day it is the same file"


def test_an_estimate_billed_both_ways_makes_two_sows(tmp_path: Path) -> None:
    with stage(tmp_path) as on:
        services = {"services": ["migration_scm", "training"], "training": [{"course": "ci-cd", "attendees": 12}]}
        assert on.submit(submission(**{**MIGRATION, **services}))["state"] == "done"
        assert on.quiet()
        draft(on, "mixed")
        say(on, "/ps estimate")
        say(on, "/ps sow draft")
        texts = []
        for name in ("sow-consulting.docx", "sow-fixed.docx"):
            document = Document(BytesIO(attached(on, name).content))
            texts.append("\n".join(cell.text for t in document.tables for row in t.rows for cell in row.cells))
        assert "Classes, remote" not in texts[0]
        assert "Kick-off and project plan" in texts[0]
        assert "Classes, remote" in texts[1]
        assert "Kick-off" not in texts[1]


def test_the_drafts_go_on_record_as_they_are_and_a_changed_estimate_makes_them_stale(on: Stage) -> None:
    book = draft(on)
    say(on, "/ps estimate")
    say(on, "/ps sow draft\n/ps cogs draft")
    sheet = load_workbook(BytesIO(attached(on, "cogs.xlsx").content))["COGS"]
    assert sheet["A2"].value == "INTERNAL. From version 1 of the estimate; catalogue 2026.1."
    say(on, "/ps sow\n/ps cogs")
    status = status_of(on.world, 1)
    assert re.search(r"- SOW: version 1, \[the file\]\(/uploads/[0-9a-f]+/sow\.docx\)", status)
    assert "- Cost sheet (COGS): version 1, a file in an internal comment" in status
    assert not any("cogs.xlsx" in note.body for note in on.world.notes.values() if not note.internal)
    assert "stale" not in status
    say(on, f"/ps estimate {upload(on, changed(book, with_hours(0, 40)))}")
    assert status_of(on.world, 1).count("**stale**: it goes with version 1 of the estimate") == 2
    say(on, f"/ps sow {upload(on, b'edited in Word', 'sow.docx')}")
    assert "- SOW: version 2" in status_of(on.world, 1)
    assert status_of(on.world, 1).count("**stale**") == 1


def test_a_sow_without_file_draft_or_address_is_asked_for(on: Stage) -> None:
    say(on, "/ps sow")
    assert "The address is missing" in answer(on)


def test_after_a_lost_database_the_workbook_on_record_is_still_known(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path / "first", world, record_keys=[KEY]) as on:
        assert on.submit(submission(**MIGRATION))["state"] == "done"
        assert on.quiet()
        draft(on)
        say(on, "/ps estimate")
    world.hooks = {}
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        assert errand(tmp_path / "second", "sweep", rebuild=True)["done"]["rebuilt"] == 1
        assert on.quiet()
        say(on, "/ps sow draft")
        assert attached(on, "sow.docx")


def test_the_hand_over_says_what_was_sold_and_nothing_of_costs(on: Stage) -> None:
    draft(on)
    say(on, "/ps estimate")
    say(on, "/ps handover")
    told = answer(on)
    assert "**Hand-over**: Source code migration, from version 1 of the estimate." in told
    assert re.search(r"\| \*\*All\*\* \| 294 \| 12 \| 72 \| 378 \|", told)
    assert "at 32 hours a week one `Professional Services Engineer` is at work for 9.2 weeks." in told
    assert "- A trial migration with its report." in told
    assert re.search(r"- Estimate: version 1, `[\d,.]+ USD` \(time and materials\), \[the file\]", told)
    assert "Cost" not in told


def test_beside_the_word_file_hangs_a_pdf_where_it_can_be_made(tmp_path: Path) -> None:
    class Office:
        def pdf(self, content: bytes, file_name: str) -> bytes | None:
            assert (content[:2], file_name) == (b"PK", "sow.docx")
            return b"%PDF-1.7"

    with stage(tmp_path, office=Office) as on:
        assert on.submit(submission(**MIGRATION))["state"] == "done"
        assert on.quiet()
        draft(on)
        say(on, "/ps estimate\n/ps sow draft")
        assert attached(on, "sow.pdf").content == b"%PDF-1.7"
        say(on, "/ps sow")
        assert "/sow.docx)" in status_of(on.world, 1), "what goes on record is the file that it was made from"


def test_a_document_is_laid_out_as_pages(tmp_path: Path) -> None:
    office = open_office()
    if office is None:
        assert os.environ.get("TEST_OFFICE") != "required", REASON
        pytest.skip(REASON)
    template = (default_template_folder() / "sow.docx").read_bytes()
    pages = office.pdf(template, "sow.docx")
    assert pages is not None
    assert pages.startswith(b"%PDF")
    assert LibreOffice(str(tmp_path / "nowhere")).pdf(template, "sow.docx") is None


# -- what would go wrong


def evil_role(book: Any) -> None:
    book[Sheet.ACTIVITIES].cell(4, ROLES_FROM, "Engineer\n/close\n/title owned\n@all `<!-- ")


def evil_activity(book: Any) -> None:
    book[Sheet.ACTIVITIES].cell(FIRST_ROW, 2, "Kick-off\n/close\n@all | {{ 7 * 7 }} =1+1 <w:p>")


@pytest.mark.parametrize("change", [evil_role, evil_activity])
def test_what_stands_in_an_uploaded_file_does_nothing_in_gitlab(change: Callable[[Any], None], on: Stage) -> None:
    book = draft(on)
    say(on, "/ps estimate")
    say(on, f"/ps estimate {upload(on, changed(book, change))}")
    say(on, "/ps handover")
    say(on, "/ps sow draft")
    assert on.world.issue(1).closed_at is None
    assert on.world.issue(1).title == "Acme GmbH - Scope Engagement and Write SOW"
    assert "**Hand-over**" in answer(on)
    assert not any("@all" in each for note in spoken(on.world, 1) for each in read(note).live)
    assert attached(on, "sow.docx")


def test_a_draft_of_an_earlier_estimate_goes_on_record_no_more(on: Stage) -> None:
    book = draft(on)
    say(on, "/ps estimate")
    say(on, "/ps sow draft\n/ps cogs draft")
    say(on, f"/ps estimate {upload(on, changed(book, with_hours(0, 400)))}")
    for command in ("sow", "cogs"):
        say(on, f"/ps {command}")
        assert "The last draft was made from version 1 of the estimate; it is at 2 now." in answer(on)
    assert "- SOW: version" not in status_of(on.world, 1)


def internal_by_file(on: Stage) -> dict[str, list[bool]]:
    """Of the files, whether the comments that they hang on are internal."""
    found: dict[str, list[bool]] = {}
    for note in on.world.notes.values():
        for name in re.findall(r"\[([a-z]+\.xlsx)\]", note.body):
            found.setdefault(name, []).append(note.internal)
    return found


def test_the_cost_sheet_hangs_on_an_internal_comment(on: Stage) -> None:
    draft(on)
    say(on, "/ps estimate")
    say(on, "/ps cogs draft")
    assert internal_by_file(on) == {"cogs.xlsx": [True], "estimate.xlsx": [False]}


def test_what_was_ordered_internally_is_attached_internally(on: Stage) -> None:
    on.world.add_note("erin", 1, "/ps estimate draft", internal=True)
    assert on.quiet()
    assert internal_by_file(on) == {"estimate.xlsx": [True]}
    draft(on)
    assert internal_by_file(on) == {"estimate.xlsx": [True, False]}


def test_an_address_elsewhere_is_an_address(on: Stage) -> None:
    draft(on)
    path = f"/uploads/{'0' * 32}/estimate.xlsx"
    say(on, f"/ps estimate 62000 USD https://docs.google.com{path}")
    assert "- Estimate: version 1, `62,000 USD`" in status_of(on.world, 1)
    say(on, f"/ps sow https://docs.google.com{path}")
    assert re.search(r"- SOW: version 1, \S*\[`?open it", status_of(on.world, 1))


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("sow {png}", "no file of this kind: .docx, .pdf"),
        ("cogs {png}", "no file of this kind: .xlsx"),
        ("sow (/uploads/00000000000000000000000000000000/sow.docx)", "is no address"),
        ("sow /uploads/00000000000000000000000000000000/sow.docx", "cannot be read: it is gone"),
        ("sow {docx} and more", "I do not know what to make of `and more`"),
        ("estimate draft\n/ps estimate", "That draft is only being attached"),
    ],
)
def test_what_cannot_go_on_record_is_refused_in_words(words: str, says: str, on: Stage) -> None:
    links = {"png": upload(on, b"x", "screenshot.png"), "docx": upload(on, b"x", "sow.docx")}
    say(on, f"/ps {words.format(**links)}")
    assert says in answer(on)
    assert "version 1" not in status_of(on.world, 1)


def test_after_a_lost_database_the_newest_draft_counts(tmp_path: Path) -> None:
    world = World(hook_delay_s=0.0)
    with stage(tmp_path / "first", world, record_keys=[KEY]) as on:
        assert on.submit(submission(**MIGRATION))["state"] == "done"
        assert on.quiet()
        draft(on)
        draft(on, "EUR")
    world.hooks = {}
    with stage(tmp_path / "second", world, record_keys=[KEY]) as on:
        assert errand(tmp_path / "second", "sweep", rebuild=True)["done"]["rebuilt"] == 1
        assert on.quiet()
        say(on, "/ps estimate")
        assert re.search(r"- Estimate: version 1, `[\d,.]+ EUR`", status_of(on.world, 1))


def test_a_number_beyond_all_measure_is_no_reason_to_say_nothing(on: Stage) -> None:
    say(on, "/ps answer repos_over_5gb 9999999999999")
    draft(on)
    assert any("a straw-man" in note for note in spoken(on.world, 1))
