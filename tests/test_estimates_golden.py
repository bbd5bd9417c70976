"""Five engagements whose numbers were worked out by hand; LibreOffice counts their workbooks to the same totals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from io import BytesIO
from pathlib import Path

import pytest
from openpyxl import load_workbook

from app.catalogue import load_catalogue
from app.documents.cogs import as_cost_sheet
from app.documents.estimate import Estimate, draft, rough_of
from app.documents.facts import read_facts
from app.documents.layout import Sheet
from app.documents.reading import read_workbook
from app.documents.sow import Part, SowWords, as_sow
from app.documents.workbook import Sheets, as_workbook
from app.sow_template import load_sow_template
from app.submission.choices import EstimateType, Service
from app.templates import default_template_folder
from tests.office import converted, text_of_pages

CATALOGUE = load_catalogue()


@dataclass(frozen=True)
class Golden:
    """Answers, and what was worked out from them by hand (in USD, 330 an hour)."""

    services: tuple[Service, ...]
    answers: Mapping[str, str]
    form: EstimateType
    hours: Mapping[str, int]
    consulting: str
    on_top: str
    education: str
    cost: str
    rough: tuple[int, int] | None = None


GOLDEN = {
    # Kick-off 6 PM + 4 PSE + 2 TA. Project management 8 + 4 (500 repositories are assumed: one wave) + 7 (3250 / 500),
    # so 19 PM. Closing 2 PM + 6 PSE. Design 12 + 8 (HA) = 20 TA + 8 PSE. HA installation 80 + 8 * ceil(3.25) = 112 PSE
    # (on AWS nothing on top) + 16 TA. No Geo, no air gap.
    # PSE 4 + 6 + 8 + 112 = 130, TA 2 + 20 + 16 = 38, PM 6 + 19 + 2 = 27: 195 hours * 330 = 64,350.
    # Fixed fee: 10 % on top = 6,435. Cost 130 * 150 + 38 * 185 + 27 * 140 = 19,500 + 7,030 + 3,780 = 30,310.
    "a highly available implementation on AWS": Golden(
        (Service.IMPLEMENTATION,),
        {
            "deployment_target": "Self-managed with high availability",
            "hosting": "AWS",
            "users_planned": "3250",
            "airgap": "No",
            "geo": "No, not needed",
            "install_kind": "New installation",
        },
        EstimateType.FF,
        {"pse": 130, "ta": 38, "pm": 27},
        "64350.00",
        "6435.00",
        "0",
        "30310.00",
    ),
    # Kick-off 6 PM + 4 PSE + 2 TA. Project management 8 + 4 * 8 waves of 500 + ceil(3000 / 500) = 6: 46 PM. Closing
    # 2 PM + 6 PSE. Discovery 8 + 2 * 4 = 16 PSE, 4 TA, 2 * 4 = 8 PM. Set-up 24 PSE. From GitHub Enterprise to
    # self-managed one wave holds 7,000: 5 + 4000 / 50 = 85 PSE, 1 PM. Jobs 4 + 25 = 29 PSE.
    # PSE 4 + 6 + 16 + 24 + 85 + 29 = 164, TA 6, PM 6 + 46 + 2 + 8 + 1 = 63: 233 * 330 = 76,890. T&M: nothing on top.
    # Cost 164 * 150 + 6 * 185 + 63 * 140 = 24,600 + 1,110 + 8,820 = 34,530.
    "a source code migration of 4,000 repositories": Golden(
        (Service.MIGRATION_SCM,),
        {
            "migration_sources": "GitHub Enterprise",
            "deployment_target": "Self-managed with high availability",
            "migration_repos": "4,000",
            "portfolios": "four",
            "ci_jobs": "250",
            "users_planned": "3000",
        },
        EstimateType.TM,
        {"pse": 164, "ta": 6, "pm": 63},
        "76890.00",
        "0.00",
        "0",
        "34530.00",
    ),
    # Kick-off 6 PM + 4 PSE + 2 TA. Project management 8 + 4 * 4 + ceil(900 / 500) = 2: 26 PM. Closing 2 PM + 6 PSE.
    # Discovery 8 + 2 * 1 = 10 PSE, 4 TA, 2 PM. Set-up 24 PSE. Waves of 200: 9, so 5 * 9 + 36 = 81 PSE, 9 PM.
    # Three large ones 12 PSE. GitLab.com: discovery 8 PSE + 4 TA, single sign-on 8 PSE, security 6 PSE + 2 TA.
    # PSE 4 + 6 + 10 + 24 + 81 + 12 + 8 + 8 + 6 = 159, TA 2 + 4 + 4 + 2 = 12, PM 6 + 26 + 2 + 2 + 9 = 45.
    # 216 * 330 = 71,280.
    # Cost 159 * 150 + 12 * 185 + 45 * 140 = 23,850 + 2,220 + 6,300 = 32,370.
    # The published table: up to 1,000 people, 1,000 to 2,000 projects: 55 to 65; 12 for up to ten large ones: 67 to 77.
    "self-managed to GitLab.com with large repositories": Golden(
        (Service.MIGRATION_SCM,),
        {
            "migration_sources": "GitLab self-managed",
            "deployment_target": "GitLab.com",
            "migration_repos": "1,800",
            "migration_users": "900",
            "users_planned": "900",
            "repos_over_5gb": "3",
        },
        EstimateType.TM,
        {"pse": 159, "ta": 12, "pm": 45},
        "71280.00",
        "0.00",
        "0",
        "32370.00",
        rough=(67_000, 77_000),
    ),
    # Kick-off 6 PM + 4 PSE + 2 TA. Project management 8 + 4 + ceil(250 / 500) = 13 PM. Closing 2 PM + 6 PSE. Assessment
    # 12 + 4 * 3 = 24 PSE, 6 TA. Templates 40 PSE, 8 TA. Runners 12 + 12 = 24 PSE. Jobs 1.5 * 40 + 0.5 * 860 = 490 PSE.
    # Pilot teams 32 PSE, 8 TA.
    # PSE 4 + 6 + 24 + 40 + 24 + 490 + 32 = 620, TA 2 + 6 + 8 + 8 = 24, PM 21: 665 * 330 = 219,450.
    # Mixed: 5 % = 10,972.50.
    # Cost 620 * 150 + 24 * 185 + 21 * 140 = 93,000 + 4,440 + 2,940 = 100,380.
    "a CI/CD transformation": Golden(
        (Service.CICD, Service.MIGRATION_CI),
        {
            "jenkins_instances": "Three, one for each business unit",
            "jenkins_jobs": "900, of which 300 ran this year",
            "users_current": "250",
        },
        EstimateType.MIXED,
        {"pse": 620, "ta": 24, "pm": 21},
        "219450.00",
        "10972.50",
        "0",
        "100380.00",
    ),
    # Two courses, 20 + 60 = 80 people in classes of 12: 7 classes. Remote: 7 * 5,000 = 35,000, and nothing on top.
    # The trainer 7 * 10 = 70 hours, which cost 70 * 130 = 9,100.
    "training only": Golden(
        (Service.TRAINING,),
        {
            "training_courses": "GitLab CI/CD, GitLab for administrators",
            "training_attendees": "20, 60",
            "training_mode": "remote",
        },
        EstimateType.FF,
        {"trainer": 70},
        "0",
        "0.00",
        "35000.00",
        "9100.00",
    ),
}

each_one = pytest.mark.parametrize("golden", GOLDEN.values(), ids=GOLDEN)


def drafted(golden: Golden) -> Estimate:
    facts = read_facts(golden.answers, CATALOGUE)
    return draft(facts, golden.services, CATALOGUE, currency="USD", form=golden.form)


def workbook(golden: Golden) -> bytes:
    told = Sheets(customer="Acme GmbH", engagement="an-engagement", billing=golden.form.value, wordings={})
    return as_workbook(drafted(golden), told)


@each_one
def test_it_comes_to_what_was_worked_out_by_hand(golden: Golden) -> None:
    estimate = drafted(golden)
    assert {role: hours for role in estimate.rates if (hours := estimate.hours_of(role))} == golden.hours
    assert estimate.consulting == Decimal(golden.consulting)
    assert estimate.on_top == Decimal(golden.on_top)
    assert estimate.education == Decimal(golden.education)
    assert estimate.total == sum(map(Decimal, (golden.consulting, golden.on_top, golden.education)))
    assert estimate.cost == Decimal(golden.cost)
    rough = rough_of(read_facts(golden.answers, CATALOGUE), golden.services, CATALOGUE)
    assert (None if rough is None else (rough.least, rough.most)) == golden.rough


@each_one
def test_a_spreadsheet_program_counts_the_same(golden: Golden, tmp_path: Path) -> None:
    estimate = drafted(golden)
    counted = converted(workbook(golden), "estimate.xlsx", "xlsx", tmp_path)
    summary = load_workbook(BytesIO(counted), data_only=True)[Sheet.SUMMARY]
    told = {str(row[0]): row[1] for row in summary.iter_rows(min_row=1, max_row=16, values_only=True) if row[0]}
    expected = {
        "Consulting": estimate.consulting,
        "For what cannot be foreseen": estimate.on_top,
        "Education": estimate.education,
        "Total": estimate.total,
    }
    assert {name: Decimal(str(told[name])).quantize(Decimal("0.01")) for name in expected} == expected
    read = read_workbook(counted)
    assert (read.shown, read.estimate.total, read.estimate.cost) == (estimate.total, estimate.total, estimate.cost)
    assert [line.hours for line in read.estimate.lines] == [line.hours for line in estimate.lines]


@each_one
def test_the_cost_sheet_has_the_same_costs(golden: Golden, tmp_path: Path) -> None:
    estimate = drafted(golden)
    sheet = as_cost_sheet(estimate, customer="Acme GmbH", version=1, target=CATALOGUE.target_margin)
    counted = load_workbook(BytesIO(converted(sheet, "cogs.xlsx", "xlsx", tmp_path)), data_only=True)["COGS"]
    told = {row[0]: row[3] for row in counted.iter_rows(values_only=True) if row[0]}
    assert Decimal(str(told["Cost"])) == estimate.cost
    assert Decimal(str(told["Price"])) == estimate.total
    assert Decimal(str(told["Margin"])).quantize(Decimal("0.0001")) == estimate.margin


@each_one
def test_the_sow_can_be_laid_out_and_says_all_of_it(golden: Golden, tmp_path: Path) -> None:
    estimate = drafted(golden)
    told = SowWords(
        customer="Acme <b>GmbH</b> {{ 7 * 7 }}",
        services="Whatever",
        billing=golden.form.value,
        made_on=date(2026, 12, 2),
        version=1,
        estimate_version=1,
    )
    template = load_sow_template(default_template_folder())
    content = as_sow(estimate, told, CATALOGUE, template, part=Part.WHOLE)
    assert content == as_sow(estimate, told, CATALOGUE, template, part=Part.WHOLE)
    pages = text_of_pages(converted(content, "sow.docx", "pdf", tmp_path), tmp_path)
    words = " ".join(" ".join(pages).split())
    assert "Acme <b>GmbH</b> {{ 7 * 7 }}" in words, "text stays text"
    assert f"{estimate.total:,.2f} USD" in words
    for line in estimate.lines:
        assert line.title.split()[0] in words
        assert f"{estimate.price_of(line):,.2f} USD" in words
    assert ("Education services" in words) is bool(estimate.education)
    assert "{%" not in words
    assert all("SOW draft 1, estimate 1," in page for page in pages if page.strip()), "each page bears the digest"
