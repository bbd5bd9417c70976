"""How people bring about what is missing: the command, the box, the field or the label that says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from app.blocks.words import joined, together
from app.methodology.model import Methodology
from app.methodology.process import Criterion, Document, Fact, Saying
from app.text import Safe, code_span, own

PUT_BY: Final = {
    Document.ESTIMATE: "estimate AMOUNT CURRENCY",
    Document.SOW: "sow URL",
    Document.COGS: "cogs URL",
    Document.LEGAL_CASE: "legal URL",
}
"""The command that puts a document on record."""
SAID_BY: Final = {
    Saying.CUSTOMER_AGREES: "agree customer",
    Saying.ACCOUNT_TEAM_AGREES: "agree account-team",
    Saying.FINANCE_APPROVED: "finance approved",
    Saying.LEGAL_STAMPED: "legal stamped",
    Saying.CUSTOMER_SIGNED: "signed customer",
    Saying.GITLAB_SIGNED: "signed gitlab",
}
"""The command that says so."""
FACT_BY: Final = {
    Fact.ASSIGNEE: "assign-em @USER",
    Fact.SEGMENT: "segment SEGMENT",
    Fact.QUESTIONS: "answer KEY VALUE",
    Fact.INTAKE_FIELDS: "intake KEY VALUE",
    **{Fact(document.value): form for document, form in PUT_BY.items()},
}
"""The command that makes it so; `readiness` has none."""
BEHIND: Final = {"staff": " @USER", "meeting": " held", "schedule": " DATE"}
"""What stands behind a command that fills a field, and the word for the field."""
MOST_WAYS: Final = 1


def way_in_words(key: str, methodology: Methodology) -> Safe | None:
    """How a criterion or readiness item is met, in few words; None where nobody can say it as such."""
    item = methodology.readiness.get(key.removeprefix("readiness.")) if key.startswith("readiness.") else None
    if item is not None:
        return joined([own("tick its box"), *_labels(item)][:MOST_WAYS], own(" or "))
    criterion = methodology.criteria.get(key)
    ways = [] if criterion is None else list(_ways(criterion, methodology))[:MOST_WAYS]
    return joined(ways, own(" or ")) if ways else None


def box_title(ref: str, methodology: Methodology) -> str | None:
    """What stands beside a box: `stage.step` or `readiness.item`."""
    stage, _, step = ref.partition(".")
    if stage == "readiness":
        return None if step not in methodology.readiness else methodology.readiness[step].title
    return methodology.stages[stage].steps.get(step) if stage in methodology.stages else None


def _ways(criterion: Criterion, methodology: Methodology) -> Iterator[Safe]:
    """The commands first, then what can be done without any."""
    if criterion.fact in FACT_BY:
        yield _command(FACT_BY[criterion.fact], methodology)
    if criterion.said:
        said = [SAID_BY[each] for each in criterion.said]
        yield _command(said[0] if len(said) == 1 else said[0].partition(" ")[0], methodology)
    if criterion.field is not None and criterion.field in methodology.intake_fields:
        written_by = methodology.commands_of_fields.get(criterion.field)
        ends = "" if written_by is None else BEHIND.get(written_by.partition(" ")[0], "")
        yield _command(f"{written_by}{ends}" if written_by else f"intake {criterion.field} VALUE", methodology)
    titles = (title for ref in criterion.ticked if (title := box_title(ref, methodology)) is not None)
    if (title := next(titles, None)) is not None:
        yield own(f"tick “{title}”")
    yield from _labels(criterion)


def _labels(criterion: Criterion) -> Iterator[Safe]:
    if criterion.labels:
        yield together(own("the label "), code_span(criterion.labels[0]))


def _command(form: str, methodology: Methodology) -> Safe:
    return code_span(f"{methodology.commands.prefix} {form}")
