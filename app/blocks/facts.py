"""What was submitted: at a glance, as written, and every field that is shown nowhere else."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from app import text
from app.blocks.case import Case, service_titles
from app.blocks.words import joined, lines, table, together
from app.submission import Submission, flatten, warnings
from app.text import Safe, own

MAX_MORE_FIELDS: Final = 60
MAX_MEMBERS: Final = 10
_BACKGROUND: Final = {
    "pain_points": "What hurts today",
    "constraints": "Limits",
    "goals": "Goals",
    "notes": "Notes",
}
_IN_SUMMARY: Final = (
    *("submission_id", "source", "customer_name", "requester_gitlab_username", "requester_email", "requester_role"),
    *("pubsec_us", "sfdc_opportunity_url", "sfdc_parent_opportunity_url", "sfdc_stage", "close_date"),
    *("customer_folder_url", "sales_territory", "segment", "account_team", "services", "commercial_form"),
    *("desired_start", "deadline", "budget_known.amount", "budget_known.currency"),
    *("estimate.amount", "estimate.currency", "estimate.type"),
)


def summary(case: Case) -> Safe:
    """The request at a glance."""
    return lines(*(together(own(f"- **{label}:** "), value) for label, value in _facts(case)))


def _facts(case: Case) -> Iterator[tuple[str, Safe]]:
    given, words = case.submission, case.methodology.in_words
    hosts = case.methodology.link_hosts
    yield "Customer", text.code_span(given.customer_name)
    yield "Requested by", joined(_requester(given), own(", "))
    yield "Services", own(service_titles(given, case.methodology))
    if given.commercial_form is not None:
        yield "Commercial form", own(words("commercial_form", given.commercial_form.value))
    if given.pubsec_us:
        yield "Public sector", own("US public sector")
    yield from _region(case)
    if given.account_team:
        team = [
            together(text.code_span(member.username), own(" ("), text.code_span(member.role), own(")"))
            for member in given.account_team[:MAX_MEMBERS]
        ]
        more = (
            [own(f"and {len(given.account_team) - MAX_MEMBERS} more")] if len(given.account_team) > MAX_MEMBERS else []
        )
        yield "Account team", joined([*team, *more], own(", "))
    if given.sfdc_opportunity_url is not None:
        yield (
            "Salesforce opportunity",
            text.link(given.sfdc_opportunity_url, "services opportunity", allowed_hosts=hosts),
        )
    if given.sfdc_parent_opportunity_url is not None:
        url = given.sfdc_parent_opportunity_url
        yield "Salesforce parent", text.link(url, "parent opportunity", allowed_hosts=hosts)
    if given.sfdc_stage is not None:
        yield "Salesforce stage", own(given.sfdc_stage.value)
    if given.customer_folder_url is not None:
        yield "Customer folder", text.link(given.customer_folder_url, "open the folder", allowed_hosts=hosts)
    for label, day in (
        ("Close date", given.close_date),
        ("Desired start", given.desired_start),
        ("Deadline", given.deadline),
    ):
        if day is not None:
            yield label, own(day.isoformat())
    if given.estimate is not None:
        kind = given.estimate.type
        yield "First estimate", _money(given.estimate, words("estimate.type", kind.value) if kind else None)
    if given.budget_known is not None:
        yield "Known budget", _money(given.budget_known, None)
    yield (
        "Came in by",
        together(own(words("source", given.source.value) + ", submission "), text.code_span(str(given.submission_id))),
    )


def _requester(given: Submission) -> Iterator[Safe]:
    yield text.code_span(given.requester_gitlab_username)
    if given.requester_role is not None:
        yield own(given.requester_role.value)
    if given.requester_email is not None:
        yield text.code_span(given.requester_email)


def _region(case: Case) -> Iterator[tuple[str, Safe]]:
    if case.routing.segment is not None:
        yield "Segment", own(case.routing.segment)
    if case.submission.sales_territory is not None:
        yield "Sales territory", text.code_span(case.submission.sales_territory)


def _money(money: Any, kind: str | None) -> Safe:
    amount = f"{money.amount:,f} {money.currency or ''}".strip() if money.amount is not None else "amount not known yet"
    return own(f"{amount} ({kind})" if kind else amount)


def remarks(case: Case) -> Safe:
    """What looks odd; empty when nothing does."""
    found = warnings(case.submission, today=case.today)
    if not found:
        return own("")
    return lines(own("### Please check"), own(""), *(own(f"- {each.text}") for each in found))


def background(case: Case) -> Safe:
    """The longer texts, as they were written."""
    parts = [
        together(own(f"### {heading}"), text.fenced(words))
        for field, heading in _BACKGROUND.items()
        if (words := getattr(case.submission, field)) is not None
    ]
    return lines(own("## In their own words"), own(""), *parts) if parts else own("")


def classes(case: Case) -> Safe:
    """The training classes asked for; empty when there are none."""
    if not case.submission.training:
        return own("")
    rows = [
        (
            text.cell(course.course),
            own(case.methodology.in_words("training.*.mode", course.mode.value) if course.mode else "not given"),
            own(str(course.attendees) if course.attendees else "not given"),
            text.cell(", ".join(course.preferred_dates)) if course.preferred_dates else own("not given"),
        )
        for course in case.submission.training
    ]
    return lines(own("### Classes"), own(""), *table(("Course", "Mode", "People", "Preferred dates"), rows))


def order(case: Case) -> Safe:
    """The catalogue items ordered; empty when there are none."""
    if not case.submission.sku_items:
        return own("")
    rows = [(text.cell(item.sku), own(str(item.qty))) for item in case.submission.sku_items]
    return lines(own("### Order"), own(""), *table(("Catalogue item", "Quantity"), rows))


def also_submitted(case: Case, *, has_questions: bool) -> Safe:
    """Every field that is shown nowhere else, unknown ones included; the first of very many."""
    shown = {*_IN_SUMMARY, *_BACKGROUND, "training", "sku_items"}
    if has_questions:
        shown |= {path for each in case.questions for path in case.methodology.sources_of_questions[each.key]}
    else:
        shown |= {path for field in case.methodology.intake_fields.values() for path in field.answered_by}
    rest = {name: value for name, value in flatten(case.submission).items() if not _is_within(name, shown)}
    if not rest:
        return own("")
    rows = [
        (text.cell(name, limit_chars=100), text.cell(value, limit_chars=300))
        for name, value in list(rest.items())[:MAX_MORE_FIELDS]
    ]
    more = len(rest) - len(rows)
    behind = [own(""), own(f"and {more:,} more, not shown.")] if more else []
    return lines(own("## Also submitted"), own(""), *table(("Field", "Value"), rows), *behind)


def _is_within(name: str, shown: Iterable[str]) -> bool:
    """True when the field is one of those shown, or a part of one."""
    parts = ["*" if part.isdigit() else part for part in name.split(".")]
    return any(".".join(parts[:length]) in shown for length in range(1, len(parts) + 1))
