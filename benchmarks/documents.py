"""How long the documents of a large engagement take, of sixty activities: `python -m benchmarks.documents`."""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from app.catalogue import Catalogue, load_catalogue
from app.documents.cogs import as_cost_sheet
from app.documents.estimate import Estimate, Line, draft
from app.documents.facts import read_facts
from app.documents.reading import read_workbook
from app.documents.sow import Part, SowWords, as_sow
from app.documents.workbook import Sheets, as_workbook
from app.sow_template import load_sow_template
from app.submission.choices import EstimateType, Service
from app.templates import default_template_folder

ACTIVITIES = 60


def main() -> None:
    """Render, read, print."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("--times", type=int, default=20)
    times = words.parse_args().times
    catalogue = load_catalogue()
    estimate = _large(catalogue)
    sheets = Sheets(customer="Acme GmbH", engagement="an-engagement", billing="fixed fee", wordings={})
    told = SowWords(
        customer="Acme GmbH",
        services="All of them",
        billing="fixed fee",
        made_on=date(2026, 12, 2),
        version=1,
        estimate_version=1,
    )
    template, book = load_sow_template(default_template_folder()), as_workbook(estimate, sheets)
    work: dict[str, Callable[[], object]] = {
        "the workbook": lambda: as_workbook(estimate, sheets),
        "the SOW": lambda: as_sow(estimate, told, catalogue, template, part=Part.WHOLE),
        "the cost sheet": lambda: as_cost_sheet(estimate, customer="Acme GmbH", version=1, target=Decimal("0.4")),
        "a workbook that is read back": lambda: read_workbook(book),
    }
    print("| of sixty activities | ms, median | ms, worst |\n| --- | --- | --- |")
    for name, do in work.items():
        took = [_took(do) for _ in range(times)]
        print(f"| {name} | {statistics.median(took) * 1000:.0f} | {max(took) * 1000:.0f} |")


def _large(catalogue: Catalogue) -> Estimate:
    """Everything that there is, and some more of it."""
    facts = read_facts({}, catalogue)
    estimate = draft(facts, list(Service), catalogue, currency="USD", form=EstimateType.FF)
    more = [Line(None, f"Another activity {n}", {"pse": Decimal(8)}) for n in range(ACTIVITIES - len(estimate.lines))]
    return Estimate(
        catalogue=estimate.catalogue,
        currency=estimate.currency,
        form=estimate.form,
        rates=estimate.rates,
        lines=(*estimate.lines, *more),
        contingency=estimate.contingency,
        facts=facts,
    )


def _took(do: Callable[[], object]) -> float:
    began = time.perf_counter()
    do()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
