"""Commands that make documents out of answers, and take them back: the straw-man, the estimate in a workbook, the SOW.

What is attached is a draft. It goes on record when somebody says so, with the very file that they looked at.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from app.answer_table import with_answers
from app.blocks.case import service_titles
from app.blocks.words import joined, lines, table, together
from app.catalogue.equations import EquationFault, Value
from app.catalogue.model import Catalogue
from app.documents.cogs import as_cost_sheet
from app.documents.comparison import Change, changes_between
from app.documents.estimate import Estimate, Missing, NoPrice, Rough, draft, missing_most, rough_of
from app.documents.facts import read_facts
from app.documents.reading import NotThis, Read, read_workbook
from app.documents.sow import FILE_TYPE as WORD
from app.documents.sow import HEADINGS, Part, SowFault, SowWords, as_sow, digest_of, number_in_words, parts_of
from app.documents.workbook import FILE_TYPE as EXCEL
from app.documents.workbook import Sheets, as_workbook, rough_in_words
from app.engagement import Engagement
from app.errors import UserError
from app.hearing import Attachment, Hearing
from app.machine.standing import Paper
from app.methodology.parts import IssueKind
from app.methodology.process import Document
from app.questions import answer_to
from app.registry import registry
from app.revision import read_answers
from app.submission.choices import EstimateType
from app.submission.fields import content_of
from app.text import Safe, cell, code_span, own, upload_link
from app.uploads import MOST_BYTES, beside_uploads, uploads_in
from handlers.answers import written

DRAFT: Final = "draft:"
ESTIMATE_DRAFT: Final = f"{DRAFT}estimate"
SOW_DRAFT: Final = f"{DRAFT}sow"
COGS_DRAFT: Final = f"{DRAFT}cogs"
DRAFTS: Final = (ESTIMATE_DRAFT, SOW_DRAFT, COGS_DRAFT)
FORMS: Final = {
    "tm": EstimateType.TM,
    "t&m": EstimateType.TM,
    "ff": EstimateType.FF,
    "fixed": EstimateType.FF,
    "mixed": EstimateType.MIXED,
}
"""How people write what an estimate is billed by."""
MOST_ROWS: Final = 40
HOURS_FIELD: Final = "hours_per_role"


def takes_file(words: str) -> bool:
    """Whether `/ps estimate` is said of a workbook: with a link to one, or with nothing behind it."""
    return not words.strip() or bool(uploads_in(words))


@registry.command(
    "estimate draft",
    usage="[CURRENCY] [tm|ff|mixed]",
    says="Work out a straw-man from the answers and attach it as a workbook; says which answers are missing most.",
    who=("em",),
    examples=("", "EUR", "USD ff"),
)
def estimate_draft(hearing: Hearing) -> None:
    """Nothing goes on record by it."""
    engagement, catalogue = engagement_of(hearing), hearing.playbook.catalogue
    currency, form = _currency_and_form(hearing, engagement, catalogue)
    facts = read_facts(_answers(hearing, engagement), catalogue)
    services = engagement.submission.services
    try:
        estimate = draft(facts, services, catalogue, currency=currency, form=form)
        missing, rough = missing_most(estimate, services, catalogue), rough_of(facts, services, catalogue)
    except EquationFault as fault:
        raise UserError(
            together(own("The catalogue cannot work that out: "), code_span(str(fault)), own("."))
        ) from fault
    except NoPrice as fault:
        known = joined((code_span(each) for each in fault.currencies), own(", "))
        raise UserError(
            together(own("The catalogue has no prices in "), code_span(currency), own(". It has: "), known, own("."))
        ) from fault
    if not estimate.lines:
        raise UserError(
            own("The catalogue has no activity for the services of this engagement. The EM prices it by hand.")
        )
    paper = hearing.standing.papers.get(Document.ESTIMATE)
    titles = {key: fact.title for key, fact in catalogue.facts.items()}
    sheets = Sheets(
        customer=engagement.submission.customer_name,
        engagement=engagement.id,
        billing=_form_in_words(form, hearing),
        version=1 if paper is None else paper.version + 1,
        rough=rough,
        missing=[(titles[each.key], each) for each in missing],
        facts=[(titles[key], _value(known.value), known.answer or "assumed") for key, known in facts.items()],
        wordings=_wordings(estimate, catalogue),
    )
    content = as_workbook(estimate, sheets)
    words = list(_told_of_draft(hearing, estimate, rough, [(titles[each.key], each) for each in missing]))
    _hang(hearing, _attachment(ESTIMATE_DRAFT, "estimate.xlsx", EXCEL, content, joined(words, own("\n\n"))))
    hearing.course.because("a straw-man was worked out")


def _told_of_draft(
    hearing: Hearing, estimate: Estimate, rough: Rough | None, missing: Sequence[tuple[str, Missing]]
) -> Iterator[Safe]:
    total = code_span(f"{estimate.total:,.2f} {estimate.currency}")
    yield together(own("**Estimate, a straw-man**: "), total, _hours(estimate))
    if rough is not None:
        yield own(f"Rough order of magnitude ({rough.title}): {rough_in_words(rough)}.")
    if missing:
        yield own("Not answered yet, and what the total might be then:")
        yield lines(*(own(f"- {title}: {m.least:,.0f} to {m.most:,.0f} {estimate.currency}") for title, m in missing))
    change = own("Change what you like in the yellow cells and upload the file in a comment with ")
    yield together(change, hearing.form("estimate"), own("; said without a file, this draft goes on record as it is."))


def take_workbook(hearing: Hearing) -> Paper:
    """The workbook that was uploaded with the comment, or the last draft, as what goes on record. Raises UserError."""
    engagement = engagement_of(hearing)
    path = _path(hearing)
    read = _read(hearing, path)
    if read.engagement != engagement.id:
        raise UserError(own("That workbook was made for another engagement. Please begin with a draft of this one."))
    estimate = read.estimate
    if estimate.currency not in hearing.methodology.money.rates:
        raise UserError(together(own("I have no rate for "), code_span(estimate.currency), own(".")))
    if read.shown is not None and read.shown != estimate.total:
        shown, counted = f"{read.shown:,.2f}", f"{estimate.total:,.2f} {estimate.currency}"
        hearing.say(own(f"The file shows a total of {shown}; counted again it is {counted}, and that counts."))
    _tell_changes(hearing, estimate)
    _fill_hours(hearing, estimate)
    return Paper(
        version=0,
        by=hearing.by,
        at=hearing.at,
        amount=estimate.total,
        currency=estimate.currency,
        form=estimate.form.value,
        file=path,
        is_internal=hearing.is_internal,
    )


@registry.command(
    "sow draft",
    says="Make the SOW as a Word file from the workbook that is on record as the estimate, and attach it.",
    who=("em",),
    sees_files=lambda _: True,
)
def sow_draft(hearing: Hearing) -> None:
    """Two of them, where an estimate is billed both ways."""
    hearing.words.end()
    engagement, catalogue = engagement_of(hearing), hearing.playbook.catalogue
    paper, estimate = on_record(hearing)
    known = hearing.standing.papers.get(Document.SOW)
    told = SowWords(
        customer=engagement.submission.customer_name,
        services=service_titles(engagement.submission, hearing.methodology),
        billing=_form_in_words(estimate.form, hearing),
        made_on=hearing.today,
        version=1 if known is None else known.version + 1,
        estimate_version=paper.version,
    )
    parts = parts_of(estimate)
    for part in parts:
        _hang(hearing, _sow(hearing, estimate, told, catalogue, part), of=paper)
    if parts != (Part.WHOLE,):  # an earlier whole one is no draft of this estimate
        files = {name: path for name, path in hearing.standing.files.items() if name != SOW_DRAFT}
        hearing.course.standing = hearing.standing.but(files=files)
    hearing.course.because(f"a SOW was drafted from version {paper.version} of the estimate")


@registry.command(
    "cogs draft",
    says="Make the cost sheet from the workbook that is on record as the estimate, and attach it.",
    who=("em",),
    sees_files=lambda _: True,
)
def cogs_draft(hearing: Hearing) -> None:
    """Costs and margin by role."""
    hearing.words.end()
    engagement, catalogue = engagement_of(hearing), hearing.playbook.catalogue
    paper, estimate = on_record(hearing)
    content = as_cost_sheet(
        estimate,
        customer=engagement.submission.customer_name,
        version=paper.version,
        target=catalogue.target_margin,
    )
    made = own(f"**Cost sheet (COGS)**, from version {paper.version} of the estimate. It is for us alone.")
    says = together(hearing.form("cogs"), own(" puts it on record as it is."))
    sheet = _attachment(COGS_DRAFT, "cogs.xlsx", EXCEL, content, joined([made, says], own("\n\n")))
    _hang(hearing, replace(sheet, is_internal=True), of=paper)
    hearing.course.because(f"a cost sheet was drawn up from version {paper.version} of the estimate")


def the_file(hearing: Hearing, draft_name: str, kinds: tuple[str, ...]) -> str | None:
    """The upload that a command is about, which says no address: of its words, of its comment, else the last draft.

    Raises UserError where it is none of these kinds, cannot be had, or is a draft of an estimate that is none any more.
    """
    words = hearing.words.text
    named = uploads_in(words)
    if words.strip() and not named:
        return None
    if left := beside_uploads(words):
        raise UserError(together(own("I do not know what to make of "), code_span(left), own(".")))
    hearing.words.rest()
    found = _of_kind(named or hearing.uploads, kinds)
    path = found if found is not None else _draft(hearing, draft_name)
    if path is not None and hearing.snapshot.files.get(path) is None:
        raise _not_there(path)
    return path


def _of_kind(paths: Sequence[str], kinds: tuple[str, ...]) -> str | None:
    fit = [path for path in paths if path.lower().endswith(kinds)]
    if paths and not fit:
        raise UserError(own(f"What is uploaded here is no file of this kind: {', '.join(kinds)}."))
    if len(fit) > 1:
        raise UserError(
            own("There is more than one such file in this comment. Please upload only the one that counts.")
        )
    return fit[0] if fit else None


def _draft(hearing: Hearing, name: str) -> str | None:
    """The last draft of this name, if it still goes with the estimate that is on record."""
    if any(each.document.startswith(name) for each in hearing.ledger.attachments):
        raise UserError(own("That draft is only being attached: please say this in a comment of its own."))
    made_from, estimate = hearing.standing.made_from.get(name), hearing.standing.papers.get(Document.ESTIMATE)
    if made_from is not None and estimate is not None and made_from != estimate.version:
        again = hearing.form(f"{name.removeprefix(DRAFT)} draft")
        old = own(
            f"The last draft was made from version {made_from} of the estimate; it is at {estimate.version} now. "
        )
        raise UserError(together(old, again, own(" makes a new one.")))
    return hearing.standing.files.get(name)


def _not_there(path: str) -> UserError:
    why = own(f" cannot be read: it is gone, or larger than {MOST_BYTES // 1024 // 1024} MiB, or not of this project.")
    return UserError(together(upload_link(path, "That file"), why))


def on_record(hearing: Hearing) -> tuple[Paper, Estimate]:
    """The workbook that is on record as the estimate. Raises UserError."""
    paper = hearing.standing.papers.get(Document.ESTIMATE)
    if paper is None or paper.file is None:
        first = joined((hearing.form("estimate draft"), hearing.form("estimate")), own(", then "))
        none = own("There is no workbook on record that this could be made from. First: ")
        raise UserError(together(none, first, own(".")))
    return paper, _read(hearing, paper.file).estimate


_ON_RECORD: Final = {
    True: " puts it on record; without an address, this very file.",
    False: " puts it on record, or the file that is uploaded with it: the one that is to be approved.",
}


def _sow(hearing: Hearing, estimate: Estimate, told: SowWords, catalogue: Catalogue, part: Part) -> Attachment:
    try:
        content = as_sow(estimate, told, catalogue, hearing.playbook.sow_template, part=part)
    except SowFault as fault:
        raise UserError(
            together(own("The template of SOWs cannot be filled: "), code_span(str(fault)), own("."))
        ) from fault
    name = {Part.WHOLE: "sow.docx", Part.HOURS: "sow-consulting.docx", Part.PIECES: "sow-fixed.docx"}[part]
    digest = digest_of(estimate, told, catalogue, part=part)
    made = own(f"**SOW, draft {told.version}**, from version {told.estimate_version} of the estimate ({digest}).")
    says = together(
        own("When it is where you keep it, "),
        hearing.form("sow URL"),
        own(_ON_RECORD[part is Part.WHOLE]),
    )
    document = SOW_DRAFT if part is Part.WHOLE else f"{SOW_DRAFT}:{part.value}"
    return replace(_attachment(document, name, WORD, content, joined([made, says], own("\n\n"))), has_pdf=True)


# -- parts


def engagement_of(hearing: Hearing) -> Engagement:
    """Raises UserError where the issue is none."""
    hearing.demand_engagement()
    if hearing.engagement is None:
        raise UserError(hearing.not_yet_adopted())
    return hearing.engagement


def _currency_and_form(hearing: Hearing, engagement: Engagement, catalogue: Catalogue) -> tuple[str, EstimateType]:
    words, given = hearing.words, engagement.submission.estimate
    form = words.take(FORMS)
    word = words.peek()
    currency = None
    if word is not None and len(word) == 3 and word.isalpha() and word.isascii():
        currency = (words.word() or "").upper()
    form = form or words.take(FORMS)
    words.end()
    wished = currency or (given.currency if given is not None else None) or catalogue.currency
    usual = given.type if given is not None and given.type is not None else EstimateType.TM
    return wished, FORMS[form] if form is not None else usual


def _answers(hearing: Hearing, engagement: Engagement) -> Mapping[str, str]:
    """By question: as the tables of both issues say now; what they do not ask is as it was submitted."""
    methodology, content = hearing.methodology, content_of(engagement.submission)
    found = {key: text for key in methodology.questions if (text := answer_to(key, methodology, content)) is not None}
    for kind in (IssueKind.INTAKE, IssueKind.SCOPING):
        issue = hearing.ledger.issues.get(kind)
        found |= {} if issue is None else read_answers(issue.description)
    return found


def _path(hearing: Hearing) -> str:
    """Of the one workbook that is meant."""
    path = the_file(hearing, ESTIMATE_DRAFT, (".xlsx",))
    if path is not None:
        return path
    first = together(hearing.form("estimate draft"), own(" makes one, and "), hearing.form("estimate 62000 USD"))
    raise UserError(together(own("There is no workbook yet. "), first, own(" says an amount without one.")))


def _read(hearing: Hearing, path: str) -> Read:
    content = hearing.snapshot.files.get(path)
    if content is None:
        raise _not_there(path)
    try:
        return read_workbook(content)
    except NotThis as fault:
        raise UserError(own(f"I do not take that file. {fault}")) from fault


def _tell_changes(hearing: Hearing, estimate: Estimate) -> None:
    """Against the version that is on record, where that is a workbook too."""
    known = hearing.standing.papers.get(Document.ESTIMATE)
    content = None if known is None or known.file is None else hearing.snapshot.files.get(known.file)
    if known is None or content is None:
        return
    try:
        before = read_workbook(content).estimate
    except NotThis:
        return
    changes = changes_between(before, estimate)
    if not changes:
        return
    rows = [_row(each) for each in changes[:MOST_ROWS]]
    rows.append(
        (
            own("**Total**"),
            code_span(f"{before.total:,.2f}"),
            code_span(f"{estimate.total:,.2f}"),
            own(estimate.currency),
        )
    )
    told = lines(*table(("What", f"Version {known.version}", "Now", ""), rows))
    more = own(f"\n\nAnd {len(changes) - MOST_ROWS} more.") if len(changes) > MOST_ROWS else own("")
    hearing.say(together(own("What changed:\n\n"), told, more))


def _row(change: Change) -> tuple[Safe, ...]:
    before, after = (
        own("–") if each is None else code_span(number_in_words(each)) for each in (change.before, change.after)
    )
    return code_span(change.what), before, after, own(change.unit)


def _fill_hours(hearing: Hearing, estimate: Estimate) -> None:
    """Into the intake, where nobody has written anything else there."""
    if IssueKind.INTAKE not in hearing.ledger.issues:
        return
    present = written(hearing, IssueKind.INTAKE).get(HOURS_FIELD)
    text = _hours_text(estimate)
    if present is None or present == text or (present and not present.startswith(_OURS)):
        return
    fresh, issue = cell(text), hearing.ledger.issues[IssueKind.INTAKE]
    hearing.put(
        IssueKind.INTAKE, HOURS_FIELD, fresh, was=present, text=with_answers(issue.description, {HOURS_FIELD: fresh})
    )


_OURS: Final = "From the estimate: "


def _hours_text(estimate: Estimate) -> str:
    parts = [
        f"{rate.title} {number_in_words(hours)}"
        for role, rate in estimate.rates.items()
        if (hours := estimate.hours_of(role))
    ]
    total = sum((line.total_hours for line in estimate.lines), Decimal(0))
    return f"{_OURS}{', '.join(parts)}; {number_in_words(total)} hours in total"


def _hours(estimate: Estimate) -> Safe:
    total = sum((line.total_hours for line in estimate.lines), Decimal(0))
    return own(f", {number_in_words(total)} hours, from version {estimate.catalogue} of the catalogue.")


def _form_in_words(form: EstimateType, hearing: Hearing) -> str:
    return hearing.methodology.in_words("estimate.type", form.value)


def _value(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return number_in_words(value) if isinstance(value, Decimal) else value


def _wordings(estimate: Estimate, catalogue: Catalogue) -> dict[str, list[str]]:
    chosen = [catalogue.activities[line.key] for line in estimate.lines if line.key is not None]
    return {head: list(dict.fromkeys(s for a in chosen for s in getattr(a, name))) for head, name in HEADINGS.items()}


def _hang(hearing: Hearing, attachment: Attachment, *, of: Paper | None = None) -> None:
    """On the issue; what was ordered internally stays internal. `of`: the estimate that it was made from."""
    hearing.attach(replace(attachment, is_internal=attachment.is_internal or hearing.is_internal))
    if of is not None:
        made_from = {**hearing.standing.made_from, attachment.document: of.version}
        hearing.course.standing = hearing.standing.but(made_from=made_from)


def _attachment(document: str, name: str, kind: str, content: bytes, words: Safe) -> Attachment:
    return Attachment(document, hashlib.sha256(content).hexdigest()[:16], name, kind, content, words)
